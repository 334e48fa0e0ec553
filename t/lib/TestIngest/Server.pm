# Copyright (C) The ngx_http_ingest_module authors

# An nginx of its own for a test that has whole configurations, laid out as an
# installed one under build/NAME:
#
#   my $nginx = TestIngest::Server->new(NAME);
#
#   $nginx->put(FILE, TEXT, MODE)   writes conf/FILE
#   $nginx->try(FILE, USER)         status and words of "nginx -t", with workers
#                                   of that user if the test runs as root; '' is
#                                   nginx's default
#   $nginx->start(FILE)             and waits until workers are there
#   $nginx->reload()                and waits until only new ones take requests
#   $nginx->stop()                  QUIT, and waits for the end
#   $nginx->log(FROM)               text of logs/error.log from a position on
#   $nginx->curl(URL, OPTION...)    one request; options as curl's configuration
#                                   has them, which is its standard input, so
#                                   that no secret of theirs is an argument
#
# A configuration says where nginx puts temporary files by $temp_paths.
#
# nginx gets SIGTERM when the test ends, however it does.

package TestIngest::Server;

use v5.36;
use Cwd qw( abs_path );
use Exporter qw( import );
use File::Basename qw( dirname );
use File::Path qw( make_path remove_tree );
use IPC::Open3 qw( open3 );
use POSIX qw( WNOHANG );
use Time::HiRes qw( sleep time );

our @EXPORT = qw( $temp_paths );

our $temp_paths = join "\n", map { "${_}_temp_path temp/$_;" }
                            qw( client_body proxy fastcgi uwsgi scgi );

my $root = abs_path(dirname(__FILE__) . '/../../..');
my $patience = 30;


sub new($class, $name) {
    my $prefix = "$root/build/$name";
    my $binary = $ENV{TEST_NGINX_BINARY} || `$root/util/nginx binary`;
    my $module = $ENV{INGEST_MODULE}
                 || "$root/build/ngx_http_ingest_module.so";
    chomp $binary;

    remove_tree($prefix);
    make_path(map { "$prefix/$_" } qw( conf logs temp modules ));
    symlink $module, "$prefix/modules/ngx_http_ingest_module.so";

    return bless { prefix => $prefix, binary => $binary }, $class;
}


sub prefix($nginx) { $nginx->{prefix} }
sub pid($nginx) { $nginx->{pid} }


sub put($nginx, $file, $text, $mode = 0644) {
    my $path = "$nginx->{prefix}/conf/$file";

    unlink $path;
    sysopen(my $out, $path, POSIX::O_WRONLY | POSIX::O_CREAT | POSIX::O_EXCL,
            $mode) or die "$path: $!";
    print $out $text;
    close $out or die "$path: $!";
}


sub command($nginx, $file) {
    return ($nginx->{binary}, '-p', "$nginx->{prefix}/", '-e',
            "$nginx->{prefix}/logs/error.log", '-c', "conf/$file");
}


# The workers of a master that runs as root must be able to read this folder.
sub directives($nginx, $directives, $user = 'root') {
    return $> == 0 && $user ne '' ? "$directives user $user;" : $directives;
}


# Returns its status and all that it said.
sub try($nginx, $file, $user = 'root') {
    my $pid = open3(my $in, my $out, undef, $nginx->command($file), '-t',
                    '-g', $nginx->directives('', $user));
    my $said = join '', <$out>;

    waitpid $pid, 0;

    return ($?, $said);
}


sub start($nginx, $file) {
    my $said = "$nginx->{prefix}/logs/start.log";
    my @command = ('setpriv', '--pdeathsig', 'TERM', $nginx->command($file),
                   '-g', $nginx->directives('daemon off;'));

    my $pid = fork // die "fork: $!";

    if ($pid == 0) {
        open STDIN, '<', '/dev/null';
        open STDOUT, '>', $said;
        open STDERR, '>&', \*STDOUT;
        exec @command or POSIX::_exit(127);
    }

    $nginx->{pid} = $pid;
    $nginx->until('nginx has workers', sub { $nginx->workers() });
}


sub until($nginx, $what, $condition, $seconds = $patience) {
    my $end = time + $seconds;

    for ( ;; ) {
        my $result = $condition->();
        return $result if $result;

        if (defined $nginx->{pid} && waitpid($nginx->{pid}, WNOHANG) != 0) {
            delete $nginx->{pid};
            die "nginx has ended: ", slurp("$nginx->{prefix}/logs/start.log"),
                "\n";
        }

        die "not in $seconds s: $what\n" if time > $end;
        sleep 0.02;
    }
}


sub workers($nginx) {
    my $master = $nginx->{pid};

    return grep {
        slurp("/proc/$_/cmdline") =~ /^nginx: worker process\0*\s*$/
    } split ' ', slurp("/proc/$master/task/$master/children");
}


sub reload($nginx) {
    my %before = map { $_ => 1 } $nginx->workers();

    kill 'HUP', $nginx->{pid};
    $nginx->until('new workers', sub {
        my @now = $nginx->workers();
        return @now && !grep { $before{$_} } @now;
    });
}


sub stop($nginx, $signal = 'QUIT') {
    my $pid = delete $nginx->{pid} // return;
    my $end = time + $patience;

    kill $signal, $pid;

    while (waitpid($pid, WNOHANG) == 0) {
        if (time > $end) {
            kill 'KILL', $pid;
            waitpid $pid, 0;
            die "nginx did not end after $signal\n";
        }

        sleep 0.02;
    }
}


sub log_size($nginx) { -s "$nginx->{prefix}/logs/error.log" // 0 }


sub log($nginx, $from = 0) {
    return substr slurp("$nginx->{prefix}/logs/error.log"), $from;
}


sub curl($nginx, $url, @options) {
    my $end = time + $patience;

    # nginx may not listen yet, or be about to close the connection.
    for ( ;; ) {
        my $answer = curl_once($url, @options);

        return $answer if $answer->{status} || time > $end
                          || $answer->{exit} !~ /^(?:7|52)$/;
        sleep 0.05;
    }
}


sub curl_once($url, @options) {
    my $pid = open3(my $in, my $out, undef, 'curl', '--config', '-');

    print $in map { "$_\n" } qq(url = "$url"), 'silent', 'show-error',
        'include', 'suppress-connect-headers', 'max-time = 20', @options;
    close $in;

    binmode $out;
    my $text = do { local $/; <$out> } // '';

    waitpid $pid, 0;

    my %answer = (exit => $? >> 8, status => 0, headers => {}, body => '',
                  text => $text);

    if ($text =~ s/\A(HTTP\/\S+) (\d+)[^\r]*\r\n(.*?)\r\n(?=\r\n)\r\n//s) {
        @answer{qw( version status )} = ($1, $2);

        for my $field (split /\r\n/, $3) {
            my ($name, $value) = split /:\s*/, $field, 2;
            $answer{headers}{lc $name} = $value;
        }

        $answer{body} = $text;
    }

    return \%answer;
}


sub slurp($file) {
    open my $in, '<', $file or return '';
    local $/;

    return <$in> // '';
}


sub DESTROY($nginx) {
    local ($@, $?);

    eval { $nginx->stop('TERM') } if defined $nginx->{pid};
}


1;
