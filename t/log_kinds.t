# Copyright (C) The ngx_http_ingest_module authors

# Lines of ingest_log that are rare, and how few they are when much goes wrong.
# t/log.t has those of each day, t/unit/journal_lines_test.c those of damage
# and of events that kill workers.

use v5.36;
use lib 't/lib';

use TestIngest;
use TestIngest::Log;
use IO::Socket::INET;
use List::Util qw( sum0 );
use POSIX qw( _exit );

# A worker tries again each second, and librdkafka with a back-off.
$TestIngest::Client::deadline = 30;

my $events = 20_000;
my $root = root();
my $folder = "$root/build/log_kinds";
my $authority = qq($folder/a "}{\\authority.pem);

# What a broker may call itself, as far as it fits into a host's name.
my $hostile = qq(\\"}\n{"level":"alert"}\x01\x1b%s%n\xff\xc3);
my $port = free_port(21890);
my $broker;

create_topic(1, 1, 'max.message.bytes=2000');
create_topic(1, 1, 'max.message.bytes=2000');
mkdir $folder;

add_block_preprocessor(sub ($block) {
    # root's threads are not limited
    use_worker_user('daemon');

    for my $section (qw( queue http http_config )) {
        my $text = $block->$section // next;

        if ($text =~ /\$AUTHORITY/) {
            write_file($authority, certificate());
            use_worker_user('root');
        }

        $text =~ s/\$BROKERS/brokers() =~ s{,}{ }gr/ge;
        $text =~ s/\$PORT/$port/g;
        $text =~ s/\$AUTHORITY/$authority =~ s{([\\"])}{\\$1}gr/ge;
        $block->set_value($section => $text);
    }
});

# Another one may not reach a file of this folder.
sub use_worker_user($user) {
    $Test::Nginx::Util::WorkerUser = $user if $> == 0;
}


my $owner = $$;

# Not in a child of the broker's, which may die as the test ends.
END {
    local $?;

    if ($$ == $owner) {
        kill 'KILL', $broker if defined $broker;
        unlink $authority;
    }
}


sub write_file($file, $text) {
    open my $out, '>', $file or die "$file: $!";
    print $out $text;
    close $out;
}


sub certificate() {
    my $command = 'openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=a '
                  . '-keyout /dev/null 2>/dev/null';

    return scalar `$command`;
}


sub slurp($file) {
    return join '', TestIngest::lines_of($file);
}


# The one worker is killed, and another one takes its place.
sub next_worker() {
    my ($worker) = TestIngest::workers_of(nginx_pid());

    kill 'KILL', $worker;
    await(sub { has_ended($worker) });
}


sub all_kinds_are_in_the_manual($block) {
    my %said = (librdkafka => 1);

    for my $file (glob "$root/src/*/*.c") {
        my $text = slurp($file);

        # The first word of each call that is none of its levels.
        $said{$1}++ while $text =~ /\b(?:ingest_journal_write
                                    |ngx_http_ingest_log_write
                                    |ingest_line_set)\([^";]*"([^"{]+)"/gx;
    }

    my ($table) = slurp("$root/README.md")
                  =~ /^\| msg \| level .*\n\|---.*\n((?:\|.*\n)+)/m;
    my @named = map { /`([^`]+)`/g } $table =~ /^\| ([^|]+) \|/mg;

    is(join("\n", sort @named), join("\n", sort keys %said),
       'README.md names each kind, and no other');
}


# The lines as they are in src, [level, text] each; a value in it is {} or %.
# librdkafka gives its lines a level, so that there is none for them.
sub lines_of_source() {
    my $literals = qr/(?:"(?:[^"\\]|\\.)*"\s*)+/;
    my @lines;

    for my $file (glob "$root/src/*/*.c") {
        my $text = slurp($file);

        push @lines, [$1, $2]
            while $text =~ /\b(?:ingest_journal_write
                              |ngx_http_ingest_log_write
                              |ingest_line_set)
                           \((?:[^";]*INGEST_LOG_(\w+))?[^";]*
                           "[^"]+",\s*($literals)/gx;
        push @lines, [$1, $2]
            while $text =~ /\bngx_log_error\(NGX_LOG_(\w+),[^";]*($literals)/g;
    }

    # nginx's own name for the level.
    $_->[0] =~ s/^ERR$/ERROR/ for grep { defined $_->[0] } @lines;

    # An option that is taken, with a warning.
    push @lines, ['WARN', $1]
        if slurp("$root/src/kafka/ingest_options.c")
           =~ /INGEST_OPTIONS_ERROR,\s*($literals)[^;]*;\s*\}\s*
               return\ INGEST_OK;/x;

    for (@lines) {
        $_->[0] = lc($_->[0] // '');
        $_->[1] = join '', $_->[1] =~ /"((?:[^"\\]|\\.)*)"/g;
        $_->[1] =~ s/\\(.)/$1/g;
    }

    # Those of the configuration, and those that are made elsewhere.
    return grep { $_->[0] ne 'emerg' && $_->[1] !~ /^(?:queue "%V": )?%s$/ }
           @lines;
}


# A value may be anything, and of what was left out the table says it once.
sub lines_are_in_operations($block) {
    my ($table) = slurp("$root/docs/operations.md")
                  =~ /^\| level \| line .*\n\|---.*\n((?:\|.*\n)+)/m;
    my (@named, %known);

    for ($table =~ /^(.*)$/mg) {
        my ($level, $lines) = /^\| (\w+) \| ([^|]+) \|/ or next;

        push @named, map { [$level, s/^queue "NAME": //r] }
                     $lines =~ /`([^`]+)`/g;
    }

    for (lines_of_source()) {
        my ($level, $text) = @$_;
        my $pattern = join '.+', map { quotemeta }
                      split /\{\w+\}|%u?\w/,
                            $text =~ s/ \(\{folded\} more before\)$//r, -1;
        my @found = grep { $_->[1] =~ /^$pattern$/
                           && ($level eq '' || $_->[0] eq $level) } @named;

        cmp_ok(scalar @found, '>', 0, "operations.md has $level: $text");
        $known{$_->[1]} = 1 for @found;
    }

    is(join("\n", grep { !$known{$_} } map { $_->[1] } @named), '',
       'and no line that there is not');
}


# The broker is away: a reload's old worker leaves to the new one what it has.
sub left_to_others($block) {
    my ($old) = TestIngest::workers_of(nginx_pid());

    is(post_id("left-$_"), 202, 'an event') for 1 .. 3;
    is(reload(), 'reloaded', 'a reload');

    my $line = says('an old worker says what it leaves', 'events left',
                    worker => $old, events => 3, level => 'notice');

    is($line->{queue}, 'events', 'of which queue');
    says('and the new one that it has them', 'slot adopted', events => 3);
    all_lines_are_json('a reload');
}


# A user without rights may have so many threads and no more.
sub no_thread($block) {
    if ($> != 0) {
        pass('root has to give its workers another user');
        return;
    }

    my $pid = nginx_pid();
    my $before = `prlimit --pid $pid --nproc --output SOFT --noheadings --raw`;

    # Those that it forks inherit it.
    my $limit = sub ($n) { system 'prlimit', '--pid', $pid, "--nproc=$n:" };

    says('a producer is started', 'producer started');
    $limit->(1);
    next_worker();

    my $line = says('none can be started', 'no producer', level => 'crit');

    isnt($line->{error}, '', 'and why');
    is($line->{queue}, 'events', 'of which queue');
    is(post_id('x'), 503, 'its worker takes no events');

    ok(await(sub { said('no producer') >= 2 }), 'it tries again');
    cmp_ok(lines_a_second('no producer'), '<=', 2, 'once a second');

    $limit->($before =~ /(\S+)/);
    next_worker();
    ok(await(sub { post_id('x') == 202 }), 'with threads one takes them');
    all_lines_are_json('no thread');
}


sub no_handle($block) {
    says('a producer is started', 'producer started');
    unlink $authority;
    next_worker();

    my $line = says('without the file there is no handle', 'no handle',
                    level => 'warn');

    like($line->{error}, qr/ssl\.ca\.location/, 'and why');
    is(post_id('waits'), 202, 'events are taken');

    await(sub { said('no handle') >= 3 });
    cmp_ok(lines_a_second('no handle'), '<=', 2, 'once a second');
    all_lines_are_json('no handle');
}


# All that librdkafka has to say is more than there is room for: each event is a
# batch, and makes lines.
sub too_many_lines($block) {
    my $socket = connection();
    my $body = event('x');
    my $requests = join '', map {
        "POST /events HTTP/1.1\r\nHost: localhost\r\nContent-Length: "
        . length($body) . "\r\n\r\n$body"
    } 1 .. 200;

    await(sub {
        print $socket $requests;
        answer($socket) for 1 .. 200;
        return said('lines missing');
    });

    my $line = says('lines are missing', 'lines missing', level => 'warn');

    cmp_ok($line->{lines}, '>', 0, 'so many');
    ok(scalar(grep { $_->{level} eq 'debug' } said('librdkafka')),
       'what it says for its own makers is at debug');
    all_lines_are_json('kafka debug all');
    ok(!grep({ /s3cr3t/ } TestIngest::lines_of(log_file())),
       'no payload is in it');
}


# As much of a broker as tells where another one is: Metadata, version 0.
sub metadata($correlation, $topic) {
    my $text = sub ($text) { pack('n', length $text) . $text };
    my $list = sub (@items) { pack('N', scalar @items) . join '', @items };

    return pack('N', $correlation)
           . $list->(pack('N', 1) . $text->($hostile) . pack('N', 9092))
           . $list->(pack('n', 0) . $text->($topic)
                     . $list->(pack('nN', 0, 0) . pack('N', 1)
                               . $list->(pack('N', 1))
                               . $list->(pack('N', 1))));
}


sub serve_as_broker($client, $topic) {
    while (read($client, my $size, 4) == 4) {
        read $client, my $request, unpack 'N', $size;

        my ($key, $version, $correlation) = unpack 'nnN', $request;
        my $answer = metadata($correlation, $topic);

        _exit(0) if $key != 3 || $version != 0;
        print $client pack('N', length $answer) . $answer;
    }

    _exit(0);
}


sub start_broker($topic) {
    my $socket = IO::Socket::INET->new(LocalAddr => "127.0.0.1:$port",
                                       Listen => 5, ReuseAddr => 1)
        or die "port $port: $!";

    $broker = fork // die "fork: $!";
    return if $broker != 0;

    local $SIG{CHLD} = 'IGNORE';

    while (my $client = $socket->accept()) {
        $client->autoflush(1);
        serve_as_broker($client, $topic) if (fork // 1) == 0;
    }

    _exit(0);
}


sub hostile_broker($block) {
    start_broker(topic());
    is(post_id('x'), 202, 'an event');

    my $seen = quotemeta '"}' . "\n" . '{"level":"alert"}' . "\x01\x1b%s%n";
    my ($line);

    ok(await(sub {
        ($line) = grep { $_->{text} =~ $seen } said('librdkafka');
        return $line;
    }), 'what the broker calls itself is in a line, as it was');

    is($line->{level}, 'warn', 'its level') if $line;
    all_lines_are_json('a hostile broker');
    is(scalar(grep { $_->{level} eq 'alert' } objects()), 0,
       'it has made no line of its own');
    kill 'KILL', $broker;
    waitpid $broker, 0;
    $broker = undef;
}


# Far more than a line a second for each: all of them are refused, as they are
# and as dead letters.
sub flood_of_failures($block) {
    my $socket = connection();
    my $body = '{"type":"a","payload":{"x":"' . 'y' x 2100 . '"}}';
    my $taken = 0;
    my $refused = sub ($reason) {
        return scrape()->{sample('events_dropped_total',
                                 qq(queue="flood",reason="$reason"))} // 0;
    };

    for my $round (1 .. $events / 100) {
        print $socket join '', map {
            "POST /flood HTTP/1.1\r\nHost: localhost\r\nContent-Length: "
            . length($body) . "\r\n\r\n$body"
        } 1 .. 100;

        $taken += answer($socket)->{status} == 202 for 1 .. 100;
    }

    is($taken, $events, 'all events are taken');
    ok(await(sub { $refused->('dead_letter_refused') >= $events }),
       'all are refused, and as dead letters too');

    my @lines = grep { ($_->{queue} // '') eq 'flood' } objects();
    my ($first, $last) = map { $_->{time} =~ /T(\d+):(\d+):(\d+)/
                               && $1 * 3600 + $2 * 60 + $3 }
                             @lines[0, -1];
    my $seconds = ($last - $first) % 86400 + 1;

    for my $msg ('dead letter', 'event lost') {
        my @said = said($msg);

        cmp_ok(scalar @said, '>', 0, "$msg: there are lines");
        cmp_ok(scalar @said, '<=', $seconds + 1,
               "$msg: one a second, in $seconds s");
        cmp_ok(sum0(map { 1 + $_->{folded} } @said), '<=', $events,
               "$msg: the others are counted, each once");
    }

    cmp_ok(scalar @lines, '<=', 8 * ($seconds + 1),
           'and in all it is a few lines a second');
    diag(sprintf '%d failures in %d s made %d lines', 2 * $events, $seconds,
                 scalar @lines);
    all_lines_are_json('a flood');
}


run_suite();


__DATA__

=== the manual names each kind of line
--- check: all_kinds_are_in_the_manual


=== the operator's manual has each line
--- check: lines_are_in_operations


=== events that an old worker leaves to a new one
--- restart
--- http_config
    ingest_log logs/ingest.json;
    ingest_queue events { zone 1m; brokers 127.0.0.1:1; topic t;
                          drain_timeout 100ms; }
--- check: left_to_others
--- log_may: events lost: shutdown


=== no thread for a producer
--- restart
--- http: ingest_log logs/ingest.json;
--- check: no_thread
--- log_may: exited on signal 9|cannot start the producer


=== no handle of librdkafka
--- restart
--- http_config
    ingest_log logs/ingest.json;
    ingest_queue events { zone 1m; brokers 127.0.0.1:1; topic t;
                          drain_timeout 100ms;
                          kafka security.protocol ssl;
                          kafka ssl.ca.location "$AUTHORITY"; }
--- check: no_handle
--- log_may: exited on signal 9|events lost: shutdown


=== more lines than there is room for
--- restart
--- queue
    kafka debug all;
    kafka batch.num.messages 1;
--- http: ingest_log logs/ingest.json debug;
--- check: too_many_lines


=== a broker with a hostile name
--- restart
--- http_config
    ingest_log logs/ingest.json;
    ingest_queue events { zone 1m; brokers 127.0.0.1:$PORT;
                          topic $INGEST_TOPIC; drain_timeout 100ms;
                          kafka api.version.request false;
                          kafka broker.version.fallback 0.8.0; }
--- check: hostile_broker
--- log_may: events lost: shutdown


=== thousands of failures a second
--- restart
--- http
    ingest_log logs/ingest.json;
    ingest_queue flood { zone 96m; brokers $BROKERS; topic $INGEST_TOPIC-0;
                         dead_letter_topic $INGEST_TOPIC-1; }
--- server
    keepalive_requests 1000000;
    location = /flood { ingest flood; }
--- check: flood_of_failures
--- log_may: \[error\] .* lost[,:] dead_letter_refused
