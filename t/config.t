# Copyright (C) The ngx_http_ingest_module authors

# A wrong configuration is refused by "nginx -t" with its file, line and
# reason; a right one is taken, and testing it disturbs nobody.

use v5.36;
use lib 't/lib';
use TestIngest;
use TestIngest::Server;

my $nginx = $ENV{TEST_NGINX_BINARY} || 'nginx';


# Runs nginx -t; returns whether it was content, and what it said.
sub test_file($file, $dir = html_dir()) {
    mkdir "$dir/$_" for qw( logs temp );

    my $said = `$nginx -t -e stderr -p $dir/ -c $file 2>&1`;

    return ($? == 0, $said);
}


sub write_file($name, $text, $mode = 0644) {
    my $file = html_dir() . "/$name";

    open my $out, '>', $file or die "$file: $!";
    print $out $text;
    close $out;
    chmod $mode, $file;

    return $file;
}


sub test_text($text) {
    return test_file(write_file('test.conf', $text));
}


sub main_text($http, $main = '') {
    my $module = module_path();

    return <<"END";
load_module $module;
$main
pid nginx.pid;
events { worker_connections 64; }
http {
access_log off;
$temp_paths
$http
}
END
}


# A queue with its lines, and what goes into a server.
sub queue_text($lines, $server = '', $main = '') {
    return main_text("ingest_queue q {\n$lines\n}\nserver {\n"
                     . "listen 127.0.0.1:1;\n$server\n}", $main);
}


# The parts of a right queue, without those of the names.
sub without(@names) {
    my %parts = (zone => 'zone 8m;', brokers => 'brokers 127.0.0.1:9092;',
                 topic => 'topic t;');

    delete @parts{@names};

    return join '', map { "$parts{$_}\n" } sort keys %parts;
}


# Where "# here" stands is the line that nginx must name.
sub is_refused($name, $text, $reason) {
    my ($content, $said) = test_text($text);
    my ($here) = grep { (split /\n/, $text)[$_ - 1] =~ /# here/ }
                 1 .. $text =~ tr/\n//;
    my $file = html_dir() . '/test.conf';
    my $line = $here // '\d+';

    ok(!$content, "$name is refused");
    like($said, qr/\[emerg\] .*$reason/, "$name - reason");
    like($said, qr/\[emerg\] .* in \Q$file\E:$line\b/, "$name - place");
}


sub refused_queues($block) {
    my $long = 'x' x 250;

    for ([zone => 'zone 256k;', 'zone of queue "q".* is too small'],
         [zone => 'zone 31k; # here', 'zone "31k" is too small'],
         [zone => 'zone 64; # here', 'zone "64" is too small'],
         [zone => 'zone 0; # here', 'invalid zone size "0"'],
         [zone => 'zone many; # here', 'invalid zone size "many"'],
         [zone => 'zone 1t; # here', 'invalid zone size "1t"'],
         [zone => 'zone 99999999999g; # here', 'invalid zone size "9'],
         [zone => 'zone 8m segment=1k; # here', 'invalid segment size "1k"'],
         [zone => 'zone 8m segment=5m; # here', 'invalid segment size "5m"'],
         [zone => 'zone 8m segment=65k; # here', 'invalid segment size "65k"'],
         [zone => 'zone 8m segments=64k; # here', 'invalid parameter'],
         [zone => '', 'queue "q" has no "zone"'],
         [brokers => '', 'queue "q" has no "brokers"'],
         [topic => '', 'queue "q" has no "topic"'],
         [brokers => 'brokers host:; # here', 'invalid broker "host:"'],
         [brokers => 'brokers host:0; # here', 'invalid broker "host:0"'],
         [brokers => 'brokers host:70000; # here', 'invalid broker "host:7'],
         [brokers => 'brokers host:http; # here', 'invalid broker "host:h'],
         [brokers => 'brokers :9092; # here', 'invalid broker ":9092"'],
         [brokers => 'brokers a [::1; # here', 'invalid broker "\[::1"'],
         [brokers => 'brokers ""; # here', 'invalid broker ""'],
         [brokers => 'brokers ..; # here', 'invalid broker "\.\."'],
         [brokers => 'brokers a..b:1; # here', 'invalid broker "a\.\.b:1"'],
         [brokers => 'brokers [:.:]; # here', 'invalid broker "\[:\.:\]"'],
         [brokers => 'brokers [.]:1; # here', 'invalid broker "\[\.\]:1"'],
         [brokers => 'brokers [::1]a:1; # here', 'invalid broker "\[::1\]a'],
         [brokers => 'brokers a,b; # here', 'separated by spaces'],
         [topic => 'topic "a b"; # here', 'invalid topic name "a b"'],
         [topic => 'topic ""; # here', 'invalid topic name ""'],
         [topic => 'topic .; # here', 'invalid topic name "."'],
         [topic => 'topic ..; # here', 'invalid topic name ".."'],
         [topic => 'topic a$b; # here', 'invalid topic name "a\$b"'],
         [topic => "topic $long; # here", 'invalid topic name "xxx'],
         [topic => 'topic a b a; # here', 'topic "a" is named twice'],
         [topic => 'topic ' . 'x' x 246 . ';',
          'default dead-letter topic .* is too long'],
         [topic => 'topic a a-dlq;',
          'dead-letter topic "a-dlq" is also a topic of queue "q"'],
         ['' => 'dead_letter_topic t;',
          'dead-letter topic "t" is also a topic of queue "q"'],
         ['' => 'dead_letter_topic "a b"; # here', 'invalid topic name "a b"'],
         ['' => 'max_events some; # here', 'invalid number'],
         ['' => 'max_events -1; # here', 'invalid number'],
         ['' => 'max_attempts some; # here', 'invalid number'],
         ['' => "max_attempts 3;\nkafka enable.idempotence true;",
          '"max_attempts" of queue "q" has nothing to count: '
          . 'property "enable.idempotence" keeps the errors'],
         ['' => 'max_attempts 65536; # here',
          '"max_attempts" directive must be less than 65536'],
         ['' => 'drain_timeout soon; # here', 'invalid value'],
         ['' => "zone 8m; # here", '"zone" directive is duplicate'],
         ['' => "brokers b; # here", '"brokers" directive is duplicate'],
         ['' => "topic b; # here", '"topic" directive is duplicate'],
         ['' => "dead_letter_topic d;\ndead_letter_topic e; # here",
          '"dead_letter_topic" directive is duplicate'],
         ['' => "max_events 1;\nmax_events 1; # here",
          '"max_events" directive is duplicate'],
         ['' => "max_attempts 1;\nmax_attempts 1; # here",
          '"max_attempts" directive is duplicate'],
         ['' => "drain_timeout 1s;\ndrain_timeout 1s; # here",
          '"drain_timeout" directive is duplicate'],
         ['' => 'listen 80; # here', '"listen" directive is not allowed'],
         ['' => 'spool /x; # here', 'unknown directive "spool"'],
         ['' => 'kafka acks; # here', 'invalid number of arguments in "kafka"'])
    {
        my ($part, $line, $reason) = @$_;

        is_refused($line || "no $part",
                   queue_text(without($part) . $line), $reason);
    }

    is_refused('a zone for fewer workers',
               queue_text("zone 4m segment=64k;\n" . without('zone'), '',
                          'worker_processes 16;'),
               '16 workers need 80');
    is_refused('more workers than there are slots',
               queue_text(without(), '', 'worker_processes 257;'),
               'queue "q" in .* has slots for 256 workers');

    my ($content, $said) = test_text(
        queue_text("zone 64m segment=64k;\n" . without('zone'), '',
                   'worker_processes 129;'));

    ok($content, 'workers for more than half of the slots are accepted');
    like($said, qr/\[warn\] .* some answer 503 during a reload/,
         'with a warning');

    is_refused('a queue name with a space',
               main_text('ingest_queue "a b" { # here'),
               'invalid queue name "a b"');
    is_refused('a queue twice',
               queue_text(without(), "}\ningest_queue q { # here"),
               'duplicate queue "q"');
    is_refused('a queue in a server',
               queue_text(without(), 'ingest_queue r { # here'),
               '"ingest_queue" directive is not allowed here');
}


sub refused_properties($block) {
    for (['bootstrap.servers', 'a:1', 'is set by "brokers"'],
         ['metadata.broker.list', 'a:1', 'is set by "brokers"'],
         ['delivery.report.only.error', 'true', 'events undelivered'],
         ['transactional.id', 'x', 'is not supported'],
         ['statistics.interval.ms', '0', 'is set by the module'],
         ['log.queue', 'false', 'is set by the module'],
         ['enabled_events', '1', 'is set by the module'],
         ['acks', '0', 'must not be 0'],
         ['request.required.acks', '0', 'must not be 0'],
         ['message.timeout.ms', '0', 'must not be 0'],
         ['delivery.timeout.ms', '0', 'must not be 0'],
         ['no.such.property', 'x', 'no.such.property'],
         ['linger.ms', 'soon', 'linger.ms'],
         ['compression.type', 'best', 'compression.type'],
         ['message.max.bytes', '1', 'message.max.bytes'],
         ['dr_msg_cb', 'x', 'dr_msg_cb'])
    {
        my ($name, $value, $reason) = @$_;

        is_refused("property $name $value",
                   queue_text(without() . "kafka $name $value; # here"),
                   "property \"$name\".*$reason|$reason");
    }

    # These can be found only by making a producer.
    for ([qq(enable.idempotence true;\nkafka acks 1), 'acks'],
         [qq(security.protocol ssl;\nkafka ssl.ca.location /nowhere),
          'ssl.ca.location'],
         [qq(security.protocol sasl_plaintext;\nkafka sasl.mechanism NONE),
          'mechanism'])
    {
        my ($lines, $reason) = @$_;

        is_refused($lines =~ s/\n/ /r, queue_text(without() . "kafka $lines;"),
                   "queue \"q\" cannot have a producer: .*$reason");
    }
}


sub refused_locations($block) {
    for (['ingest nope; # here', 'unknown ingest queue "nope"'],
         ["ingest q;\ningest q; # here", '"ingest" directive is duplicate'],
         ["ingest_metrics;\ningest_metrics; # here",
          '"ingest_metrics" directive is duplicate'],
         ["ingest_health;\ningest_health; # here",
          '"ingest_health" directive is duplicate'],
         ['ingest_health alive; # here', 'invalid parameter "alive"'],
         ['ingest_health ready high=0; # here', 'invalid parameter "high=0"'],
         ['ingest_health ready high=101%; # here',
          'invalid parameter "high=101%"'],
         ['ingest_health ready low=; # here', 'invalid parameter "low="'],
         ['ingest_health ready high=5%%; # here',
          'invalid parameter "high=5%%"'],
         ['ingest_health ready low=1 low=2; # here',
          'invalid parameter "low=2"'],
         ['ingest_health ready middle=5; # here',
          'invalid parameter "middle=5"'],
         ['ingest_health ready high=50% low=60%; # here',
          'low=60 is more than high=50'],
         ['ingest_health ready high=9 low=2 high=9; # here',
          'invalid number of arguments'],
         ["ingest_health;\ningest_health ready; # here",
          'stands beside another handler'],
         ['ingest_require a b a; # here', 'member "a" is named twice'],
         ['ingest_require type none; # here', 'takes "none" only alone'],
         ['ingest_require ""; # here', 'takes no empty name'],
         ["ingest_require a;\ningest_require b; # here",
          '"ingest_require" directive is duplicate'],
         ['ingest_require ' . join(' ', 'a' .. 'q') . '; # here',
          'more than 16 members'],
         ['ingest_max_event_size 0; # here', 'must not be 0'],
         ['ingest_max_event_size much; # here', 'invalid value'],
         ["ingest q;\ningest_max_event_size 130k; # here",
          'is more than a segment of queue "q" holds'],
         ['ingest_retry_after later; # here', 'invalid value'],
         ["ingest_retry_after 1;\ningest_retry_after 1; # here",
          '"ingest_retry_after" directive is duplicate'],
         ['ingest_problem maybe; # here', 'invalid value "maybe"'],
         ['ingest; # here', 'invalid number of arguments in "ingest"'],
         ['ingest_metrics q; # here', 'invalid number of arguments'],
         ['ingest_key off; # here', 'unknown directive "ingest_key"'])
    {
        my ($lines, $reason) = @$_;

        is_refused($lines =~ s/\n/ /r,
                   queue_text(without(), "location / {\n$lines\n}"), $reason);
    }

    # One location has one handler.
    my @handlers = ('ingest q', 'ingest_metrics', 'ingest_health');

    for my $first (@handlers, 'proxy_pass http://127.0.0.1:1') {
        for my $second (@handlers) {
            next if $first eq $second;

            my ($name) = $second =~ /(\w+)/;

            is_refused("$second beside $first",
                       queue_text(without(), "location / {\n$first;\n"
                                             . "$second; # here\n}"),
                       qq("$name" directive stands beside another handler));
        }
    }
}


sub refused_logs($block) {
    for (['ingest_log /no/such/folder/x; # here',
          'open\(\) "/no/such/folder/x" failed \(2: '],
         ['ingest_log /; # here', 'open\(\) "/" failed \(21: '],
         ['ingest_log ""; # here', 'takes a file or "stderr", not ""'],
         ['ingest_log syslog:server=127.0.0.1; # here',
          'takes a file or "stderr", not "syslog:server=127.0.0.1"'],
         ['ingest_log stderr loud; # here',
          'invalid level "loud", use alert, crit, error, warn, notice, info'],
         ['ingest_log stderr INFO; # here', 'invalid level "INFO"'],
         ['ingest_log stderr ""; # here', 'invalid level ""'],
         ['ingest_log off info; # here', 'takes no level with "off"'],
         ["ingest_log off;\ningest_log stderr; # here",
          '"ingest_log" directive is duplicate'],
         ['ingest_log; # here', 'invalid number of arguments'],
         ["server {\ningest_log stderr; # here\n}", 'is not allowed here'])
    {
        my ($lines, $reason) = @$_;

        is_refused($lines =~ s/\n/ /gr, main_text($lines), $reason);
    }
}


sub secrets_stay_secret($block) {
    my $secret = 's3cr3t';

    for ("kafka sasl.password $secret;\nkafka no.such.property x;",
         "kafka ssl.key.pem $secret;\nkafka security.protocol ssl;",
         "kafka ssl.key.password $secret;\nkafka security.protocol ssl;\n"
         . 'kafka ssl.key.location /nowhere;',
         "kafka sasl.password $secret;\nkafka linger.ms soon;",
         "kafka sasl.pasword $secret;",
         "kafka sasl.oauthbearer.method $secret;",
         "kafka ssl.keystore.password $secret;\nkafka security.protocol ssl;\n"
         . 'kafka ssl.keystore.location /nowhere;')
    {
        my ($content, $said) = test_text(queue_text(without() . $_));
        my ($name) = /kafka (\S+)/;

        ok(!$content, "$name - the configuration is refused");
        unlike($said, qr/$secret/, "$name - its value is not shown");
    }

    # librdkafka's own words might quote a value.
    is_refused('a wrong value of what may be a secret',
               queue_text(without() . 'kafka enable.sasl.oauthbearer.'
                          . "unsecure.jwt $secret; # here"),
               'property "enable.sasl.oauthbearer.unsecure.jwt" has an invalid'
               . ' value');

    my ($content, $said) = test_text(queue_text(
        without() . "kafka sasl.password $secret;\n"
        . "kafka sasl.username user;\nkafka sasl.mechanism PLAIN;\n"
        . 'kafka security.protocol sasl_plaintext;'));

    ok($content, 'a right secret is taken') or diag($said);
    unlike($said, qr/$secret/, 'and not shown');
}


sub is_taken($name, $text, $warnings = undef) {
    my ($content, $said) = test_text($text);

    ok($content, "$name is taken") or diag($said);

    if (defined $warnings) {
        like($said, $warnings, "$name - warning");

    } else {
        unlike($said, qr/\[/, "$name - nothing is said against it");
    }
}


sub right_ones_are_taken($block) {
    my $secrets = write_file('secrets', "kafka client.id x;\n", 0600);

    is_taken('a small queue',
             queue_text(without(), 'location / { ingest q; }'));
    is_taken('a queue behind its use',
             main_text("server { location / { ingest q; } }\n"
                       . 'ingest_queue q {' . without() . '}'));
    is_taken('an include in a queue',
             queue_text(without() . "include $secrets;"));
    is_taken('an include of a whole queue',
             queue_text('include ' . write_file('queue', without()) . ';'));
    is_taken("a zone of $_", queue_text("zone $_;\n" . without('zone')))
        for qw( 8388608 8192k 8m 1g 1G );
    is_taken('brokers of all kinds',
             queue_text("brokers kafka localhost:1 10.0.0.1 [::1]:9092 [::1] "
                        . 'a.example. [::ffff:10.0.0.1] [fe80::1%eth0]:1;'
                        . without('brokers')));
    is_taken('a topic of 245 bytes',
             queue_text('topic ' . 'x' x 245 . ';' . without('topic')));
    is_taken('ingest in an if',
             queue_text(without(),
                        'location / { if ($arg_x) { ingest q; } }'));
    is_taken('a handler in a location, another one inside of it',
             queue_text(without(), 'location / { ingest_health; '
                                   . 'location /a { ingest q; } '
                                   . 'limit_except POST { deny all; } '
                                   . 'if ($arg_x) { ingest q; } }'));
    is_taken('every directive',
             queue_text(<<'END', <<'END'));
zone 16m segment=256k;
brokers a:1 b:2;
topic t u v;
dead_letter_topic off;
kafka compression.type lz4;
kafka linger.ms 50;
max_events 1000;
max_attempts 3;
drain_timeout 10s;
END
ingest_problem off;
ingest_retry_after 1m;
ingest_require none;
ingest_max_event_size 100k;
location /a { ingest q; ingest_require type source; ingest_problem on; }
location /b { ingest q; ingest_max_event_size 1k; ingest_retry_after 0; }
location /c { ingest_metrics; }
location /d { ingest_health; }
location /e { ingest_health ready high=100% low=1; }
END
    is_taken("a log at $_", main_text("ingest_log $_;"))
        for 'logs/x.json', 'stderr', '/dev/stdout debug', 'x alert', 'off';
    is_taken('acks 1', queue_text(without() . 'kafka acks 1;'),
             qr/\[warn\] .*acks.* events are lost when a broker dies/);
    is_taken('no http',
             'load_module ' . module_path() . ";\npid nginx.pid;\nevents {}\n");
    is_taken('http without a queue', main_text(''));
}


# nginx -t makes the zones of a configuration and leaves those of the running
# one alone.
sub testing_disturbs_nobody($block) {
    my $file = server_root() . '/conf/nginx.conf';
    my $dir = server_root();
    my $pid = nginx_pid();
    my @before;

    ok(await(sub { @before = TestIngest::workers_of($pid) }), 'it has workers');

    for my $n (1 .. 5) {
        http('POST', '/events', event("t-$n"));

        my $said = `$nginx -t -e stderr -p $dir/ -c $file 2>&1`;
        is($?, 0, 'the configuration of the running nginx is right')
            or diag($said);

        $said = `$nginx -s reopen -e stderr -p $dir/ -c $file 2>&1`;
        is($?, 0, 'a signal is sent') or diag($said);
    }

    my ($content) = test_text(queue_text(without() . 'kafka acks 0;'));
    ok(!$content, 'a wrong one is refused beside it');

    http('POST', '/events', event('t-6'));

    is(join(' ', TestIngest::workers_of($pid)), "@before",
       'the workers are the same');

    metrics_become('all is delivered',
                   'events_published_total{queue="events"} 6',
                   'events_received_total{queue="events"} 6');
}


# With http {} absent there is nothing to do, but nginx must run.
sub no_http_runs($block) {
    my $dir = html_dir();
    my $module = module_path();
    my $file = write_file('bare.conf', "load_module $module;\n"
                          . "pid bare.pid;\nerror_log bare.log info;\n"
                          . "events {}\n");
    mkdir "$dir/logs";

    is(system("$nginx -e $dir/bare.log -p $dir/ -c $file"), 0, 'it starts');

    my $pid = await(sub {
        open my $in, '<', "$dir/bare.pid" or return;
        return <$in>;
    });
    chomp $pid;

    ok(await(sub { TestIngest::workers_of($pid) }), 'it has a worker');

    kill 'HUP', $pid;
    ok(await(sub { log_has("$dir/bare.log", qr/exited with code 0/) }),
       'it reloads');
    kill 'QUIT', $pid;
    ok(await(sub { has_ended($pid) }), 'it ends');
    ok(!log_has("$dir/bare.log", qr/\[(?:alert|crit|emerg)\]|on signal/),
       'without a word');
}


sub log_has($file, $pattern) {
    open my $in, '<', $file or return;
    return grep { /$pattern/ } <$in>;
}


run_suite();

__DATA__

=== wrong lines of a queue are refused
--- check: refused_queues


=== properties of Kafka that are wrong or not the user's are refused
--- check: refused_properties


=== wrong lines of a location are refused
--- check: refused_locations


=== a log that cannot be written is refused
--- check: refused_logs


=== secrets are never shown
--- check: secrets_stay_secret


=== right configurations are taken without a word
--- check: right_ones_are_taken


=== testing a configuration disturbs no running nginx
--- restart
--- check: testing_disturbs_nobody


=== nginx runs with the module and without http
--- check: no_http_runs
