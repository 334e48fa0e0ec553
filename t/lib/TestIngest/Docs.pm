# Copyright (C) The ngx_http_ingest_module authors

# The blocks of a Markdown document, and whether they do what they say: shell
# runs as it is written, in the root of the project, and nginx's configuration
# passes "nginx -t".
#
#   findings(NAME, TEXT)    for each block that was tried and for each fault of
#                           the text a hash with title, and error where there
#                           is one
#
# A block that cannot run here has a comment before it, which readers do not
# see: <!-- not run: REASON -->.  Indented blocks are what is shown and not
# typed: output, diagrams, syntax.

package TestIngest::Docs;

use v5.36;
use Exporter qw( import );
use File::Path qw( make_path );

our @EXPORT = qw( findings );

# Seconds for a block.
my $patience = 120;

my %shells = map { $_ => 1 } qw( sh bash shell );

# What is only shown.
my %shown = map { $_ => 1 } qw( c http ini json text yaml indented );

# What a line that belongs into a shell begins with.
my $typed = qr{(?: \$ \s | \# \s | [A-Z_]+=\S* \s+ \S
                 | (?: sudo | curl | make | git | nginx | promtool | docker
                     | kubectl | apt-get | util/[a-z]+ | \./[a-z]+ ) (?: \s | \z )
              )}x;

# The paths that are compiled into nginx may not be there.
my $paths = join '', ' access_log logs/access.log;',
                     map { " ${_}_temp_path logs;" }
                         qw( client_body proxy fastcgi uwsgi scgi );

# Where directives stand; the others are of http {}.
my %main = map { $_ => 1 } qw( load_module user pid events http error_log
                               worker_processes worker_shutdown_timeout
                               worker_rlimit_nofile );
my %server = map { $_ => 1 } qw( listen server_name location if return );
my %queue = map { $_ => 1 } qw( zone brokers topic dead_letter_topic kafka
                                max_events max_attempts drain_timeout );


sub findings($name, $text) {
    my @findings;

    for my $block (blocks($text)) {
        my $title = "$name:$block->{line}";
        my $error = fault($block);

        $title .= ': ' . ($block->{body} =~ /(\S.*)/)[0]
            if $block->{body} =~ /\S/;

        if (!defined $error && !defined $block->{reason}) {
            my $try = $shells{$block->{language}} ? \&run_shell
                      : $block->{language} eq 'nginx' ? \&test_nginx : undef;

            next if !defined $try;
            $error = $try->($block->{body});

        } elsif (!defined $error) {
            next;
        }

        push @findings, { title => $title, error => $error };
    }

    return @findings;
}


# What is wrong with a block before it is tried.
sub fault($block) {
    return $block->{fault} if defined $block->{fault};

    return 'a comment "not run" has no reason'
        if defined $block->{reason} && $block->{reason} eq '';
    return 'a block has no language' if $block->{language} eq '';
    return 'nobody knows whether this language is for a shell'
        if !$shells{$block->{language}} && !$shown{$block->{language}}
           && $block->{language} ne 'nginx';

    if ($block->{language} eq 'indented') {
        return 'what is typed into a shell belongs between ```sh and ```'
            if $block->{body} =~ /^\s*$typed/m;
        return 'a comment "not run" stands before no block of its own'
            if defined $block->{reason};
    }

    return undef;
}


# Blocks in their order; those that are not fenced have the language
# "indented".  A block with a fault stands for what is wrong between them.
sub blocks($text) {
    my (@blocks, $open, $reason, $marked);
    my ($number, $blank) = (0, 1);
    my @lines = split /\n/, $text, -1;

    my $add = sub (%block) {
        push @blocks, { body => '', language => '', reason => $reason, %block };
        $reason = undef;
        return $blocks[-1];
    };

    while (@lines) {
        my $line = shift @lines;

        $number++;

        if ($open && $open->{language} ne 'indented') {
            if ($line =~ /^\s*\Q$open->{fence}\E\s*\z/) {
                $open = undef;
                next;
            }

            $open->{body} .= $line =~ s/^ {0,$open->{indent}}//r . "\n";
            next;
        }

        if ($open && $line =~ /^(?: {4}|\s*\z)/) {
            $open->{body} .= "$line\n";
            next;
        }

        $blank = 1 if $open;
        $open = undef;

        if ($line =~ /^( *)(`{3,}|~{3,})\s*([^`\s]*)[^`]*\z/) {
            $open = $add->(line => $number, indent => length $1, fence => $2,
                           language => $3);

        } elsif ($line =~ /^\s*<!--\s*not run\b/) {
            $add->(line => $marked, fault => 'a comment "not run" stands '
                                             . 'before no block')
                if defined $reason;

            $marked = $number;

            while ($line !~ /-->/ && @lines) {
                $line .= ' ' . shift @lines;
                $number++;
            }

            ($reason) = $line =~ /not run:?\s*(.*?)\s*-->/;
            $reason //= '';

        } elsif ($blank && $line =~ /^ {4,}\S/) {
            $open = $add->(line => $number, language => 'indented',
                           body => "$line\n");

        } elsif ($line =~ /\S/ && defined $reason) {
            $add->(line => $marked, fault => 'a comment "not run" stands '
                                             . 'before no block');
        }

        $blank = $line !~ /\S/;
    }

    $add->(line => $marked,
           fault => 'a comment "not run" stands before no block')
        if defined $reason;
    $open->{fault} = 'a block has no end'
        if $open && $open->{language} ne 'indented';

    return @blocks;
}


sub root() { $ENV{INGEST_ROOT} }


sub folder() {
    my $folder = root() . '/build/docs';

    make_path("$folder/conf", "$folder/logs");

    return $folder;
}


sub write_file($file, $text) {
    open my $out, '>', $file or die "$file: $!";
    print $out $text;
    close $out or die "$file: $!";
}


# Runs a command and returns what is wrong, if anything is.
sub run(@command) {
    open my $out, '-|', 'sh', '-c', 'exec "$@" 2>&1 < /dev/null', 'sh',
                        'timeout', $patience, @command
        or die "sh: $!";

    my $text = do { local $/; <$out> } // '';

    close $out;

    return $? == 0 ? undef : sprintf "exit %d\n%s", $? >> 8, $text;
}


# As a shell does that stops at what fails.  An answer of 400 and more is a
# failure, unless the block says "# refused: STATUS".
sub run_shell($body) {
    my $script = folder() . '/block.sh';
    my $curl = $body =~ /# refused: \d{3}$/m
               ? '' : "curl() { command curl --fail \"\$@\"; }\n";

    write_file($script, 'cd ' . root() . "\n$curl$body");

    return run('bash', '-euo', 'pipefail', $script);
}


sub test_nginx($body) {
    my $folder = folder();

    symlink root() . '/build', "$folder/modules" if !-l "$folder/modules";
    write_file("$folder/conf/kafka_user.conf",
               qq(kafka sasl.username "a";\nkafka sasl.password "b";\n));
    write_file("$folder/conf/block.conf",
               whole_configuration($body) =~ s/\bhttp\s*\{\K/$paths/r);

    return run($ENV{TEST_NGINX_BINARY}, '-t', '-p', "$folder/", '-e', 'stderr',
               '-c', 'conf/block.conf');
}


# A piece of a configuration with what belongs around it.
sub whole_configuration($body) {
    my %parts = map { $_ => '' } qw( main http server location queue );

    for my $statement (statements($body)) {
        my ($word) = $statement =~ /^\s*(?:#.*\n\s*)*(\w+)/ or next;

        # What goes on with a queue's lines belongs to them.
        my $part = $main{$word} ? 'main' : $server{$word} ? 'server'
                   : $queue{$word} || $word eq 'include' && $parts{queue}
                     ? 'queue'
                   : $word =~ /\Aingest(?:_metrics|_health)?\z/ ? 'location'
                   : 'http';

        $parts{$part} .= $statement;
    }

    my $module = $parts{main} =~ /^\s*load_module\b/m ? ''
                 : "load_module modules/ngx_http_ingest_module.so;\n";
    my $events = $parts{main} =~ /^\s*events\b/m ? '' : "events {}\n";
    my $whole = "$module$parts{main}$events";

    return $whole if $parts{main} =~ /^\s*http\b/m;

    my $queue = $parts{http} =~ /^\s*ingest_queue\b/m ? ''
                : 'ingest_queue events { '
                  . ($parts{queue} =~ /^\s*zone\b/m ? '' : 'zone 64m; ')
                  . ($parts{queue} =~ /^\s*brokers\b/m ? '' : 'brokers a; ')
                  . ($parts{queue} =~ /^\s*topic\b/m ? '' : 'topic events; ')
                  . "$parts{queue} }\n";
    my $location = $parts{location} eq '' ? ''
                   : "location /block { $parts{location} }\n";

    return "${whole}http {\n$queue$parts{http}\nserver {\n$parts{server}\n"
           . "$location}\n}\n";
}


# The statements of a piece, each with the block that belongs to it.
sub statements($body) {
    my @statements = ('');
    my $depth = 0;

    while ($body =~ /\G( "(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*' | \#[^\n]*
                       | \$\{ | [{};] | [^"'#\${};]+ | . )/gsx)
    {
        my $token = $1;

        $statements[-1] .= $token;
        $depth++ if $token eq '{';
        $depth-- if $token eq '}';

        push @statements, ''
            if $depth <= 0 && ($token eq ';' || $token eq '}');
    }

    return grep { /\S/ } map { "$_\n" } @statements;
}


1;
