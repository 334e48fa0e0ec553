# Copyright (C) The ngx_http_ingest_module authors

# ingest_log: each line is an object of JSON, whatever is in it.

use v5.36;
use lib 't/lib';
use TestIngest;
use TestIngest::Log;
use File::Path qw( make_path remove_tree );
use JSON::PP;
use List::Util qw( sum0 );
use POSIX qw( _exit );

# A broker has to come back, and what waits for it has a back-off.
$TestIngest::Client::deadline = 30;

my $json = JSON::PP->new->utf8;

# $BROKERS in a block, as "brokers" takes them.
add_block_preprocessor(sub ($block) {
    my $list = brokers() =~ s/,/ /gr;

    $block->set_value(http => $block->http =~ s/\$BROKERS/$list/gr)
        if defined $block->http;
});

create_topic(1, 1, 'max.message.bytes=2000');
create_topic(1, 1, 'max.message.bytes=2000');


sub life_of_a_worker($block) {
    my $pid = nginx_pid();
    my $line = says('what was applied', 'configuration applied', queues => 1,
                    workers => 2);

    is($line->{level}, 'notice', 'its level');
    is($line->{worker}, undef, 'the master is no worker');

    await(sub { said('producer started') == 2 });

    my %workers = map { $_ => 1 } TestIngest::workers_of($pid);

    is_deeply({ map { $_->{worker} => 1 } said('producer started') },
              \%workers, 'each worker says that it starts');
    is($_->{queue}, 'events', 'and for which queue')
        for said('producer started');

    is(post_id('one'), 202, 'an event');
    $line = says('a broker is up', 'broker up', broker => brokers());
    is($line->{level}, 'notice', 'its level');
    ok($workers{$line->{worker}}, 'a worker says so');

    is(reload(), 'reloaded', 'a reload');
    await(sub { said('configuration applied') == 2 });
    is(scalar said('configuration applied'), 2, 'once for each cycle');

    await(sub { said('producer stopped') == 2 });
    is(scalar(grep { $_->{events} == 0 } said('draining')), 2,
       'a worker that ends says what it has left');
    is(scalar(grep { $_->{events} == 0 } said('drained')), 2,
       'and when nothing is');
    all_lines_are_json('a reload');
}


# Of how many lost events there are lines, beyond those that are counted.
sub told_of_loss() {
    my $dropped = sample('events_dropped_total',
                         'queue="lost",reason="refused"');

    return sum0(map({ 1 + $_->{folded} } said('event lost')),
                map({ $_->{events} } grep { $_->{reason} eq 'refused' }
                    said('events lost')))
           - scrape()->{$dropped};
}


# The topics take no more than 2000 bytes.
sub refused_events($block) {
    my $before = told_of_loss();

    for my $id (@hostile_ids) {

        # One a second, error and worker passes.
        my $line;

        await(sub {
            post_id($id, '/small', 3000);
            post_id($id, '/lost', 3000);
            ($line) = grep { $_->{id} eq $id } said('dead letter');
            return $line && grep { $_->{id} eq $id } said('event lost');
        });

        is($line->{id}, $id, 'a dead letter has its id');
        is($line->{code}, 'MSG_SIZE_TOO_LARGE', 'its code');
        like($line->{error}, qr/Message size too large/, 'its error');
        is($line->{queue}, 'small', 'its queue');
        is($line->{topic}, topic() . '-dlq', 'where it goes');
        is($line->{level}, 'warn', 'its level');

        ($line) = grep { $_->{id} eq $id } said('event lost');
        is($line->{id}, $id, 'a lost one has its id');
        is($line->{reason}, 'refused', 'why it is lost');
        is($line->{queue}, 'lost', 'its queue');
        is($line->{level}, 'error', 'its level');
    }

    ok(await(sub { told_of_loss() == $before }),
       'every lost event is told of, by its id or in a number');
    cmp_ok(sum0(map { $_->{folded} } said('dead letter')), '>', 0,
           'others are folded and counted');
    all_lines_are_json('hostile ids');
    ok(!grep({ /s3cr3t/ } TestIngest::lines_of(log_file())),
       'no payload is logged');
}


sub outage($block) {
    if (!broker_is_ours()) {
        pass('the broker is not ours to stop');
        return;
    }

    my $pid = nginx_pid();
    my $code = '_MSG_TIMED_OUT';

    is(post_id('before'), 202, 'an event');
    says('the broker is up', 'broker up');
    kafka('broker', 'stop', 1);

    my $socket = connection();
    my ($taken, $body) = (0, '{"type":"a"}');

    for (1 .. 3000) {
        print $socket "POST /events HTTP/1.1\r\nHost: localhost\r\n"
                      . "Content-Length: 12\r\n\r\n$body";
        $taken++ if answer($socket)->{status} == 202;
    }

    is($taken, 3000, 'events are taken');

    my $line = says('the broker is down', 'broker down', level => 'warn');
    is($line->{broker}, brokers(), 'which one');
    says('librdkafka says why', 'librdkafka');

    $line = says('deliveries fail', 'delivery failed', code => $code,
                 level => 'warn');
    like($line->{error}, qr/timed out/, 'their error');

    ok(await(sub {
        (scrape()->{sample('ingest_delivery_errors_total',
                           qq(queue="events",code="$code"))} // 0) >= 9000
    }), 'each of them several times');

    cmp_ok(lines_a_second('delivery failed'), '<=', 2,
           'there is one line a second');
    cmp_ok(sum0(map { 1 + $_->{folded} } said('delivery failed')), '>', 1000,
           'and it counts the others');
    cmp_ok(lines_a_second('librdkafka'), '<=', 2,
           'librdkafka says one thing a second');

    for my $worker (TestIngest::workers_of($pid)) {
        kill 'KILL', $worker;
        await(sub { has_ended($worker) });
    }

    $line = says('its slot is adopted', 'slot adopted', events => 3000);
    is($line->{level}, 'notice', 'its level');
    like($line->{slot}, qr/\A\d+\z/, 'the slot has its number');

    kafka('broker', 'start', 1);
    says('the broker is up again', 'broker up', worker => $line->{worker});
    ok(await(sub { scrape()->{'ingest_queue_size{queue="events"}'} == 0 }),
       'all is delivered');
    all_lines_are_json('an outage');
}


sub reopened_in_a_drain($block) {
    post_id("last-$_") for 1 .. 5;
    is(reload(), 'reloaded', 'a reload');
    says('the old worker drains', 'draining', events => 5);

    rename log_file(), log_file() . '.1' or die "rename: $!";
    kill 'USR1', nginx_pid();

    says('its last line is in the new file', 'events left', events => 5);
    all_lines_are_json('the new file');
}


sub lost_at_the_end($block) {
    my $pid = nginx_pid();
    my ($worker) = TestIngest::workers_of($pid);

    post_id("last-$_") for 1 .. 5;
    kill 'QUIT', $pid;
    ok(await(sub { has_ended($pid) }), 'nginx ends');

    says('a drain says what is left', 'draining', events => 5,
         worker => $worker, level => 'notice');
    says('and what was lost', 'events lost', events => 5,
         reason => 'shutdown', level => 'error', worker => $worker);
    is(scalar said('drained'), 0, 'it does not say that all is delivered');
    all_lines_are_json('an end');
}


# Dead letters that nobody takes wait among events that are delivered.
sub parked_segments($block) {
    my $line;

    await(sub {
        for (1 .. 60) {
            post_id("good-$_", '/park', 1000);
        }

        post_id('bad', '/park', 3000);
        ($line) = said('segments parked');
        return $line;
    });

    like($line->{segments}, qr/\A[1-9]\d*\z/, 'segments are parked');
    is($line->{level}, 'info', 'its level');
    is($line->{queue}, 'park', 'its queue');
    all_lines_are_json('parking');
}


sub reopened_file($block) {
    my $pid = nginx_pid();
    my $old = log_file() . '.1';

    says('there is a line', 'producer started');
    rename log_file(), $old or die "rename: $!";
    kill 'USR1', $pid;
    ok(await(sub { -e log_file() }), 'there is a file again');

    my $lines = () = objects($old);

    # A worker is told by the master.
    await(sub { post_id('x', '/lost', 3000); said('event lost') });
    says('new lines are there', 'event lost');
    all_lines_are_json('a new file');
    all_lines_are_json('the old file', $old);
    is(scalar said('producer started'), 0, 'old ones are not');
}


sub level_is_kept($block) {
    await(sub { post_id('x', '/lost', 3000); said('event lost') });
    says('errors are there', 'event lost', level => 'error');
    is(scalar(grep { $_->{level} ne 'error' } objects()), 0, 'nothing else is');
}


# conf/logs.conf, with what must differ here.
sub write_example($name, $ingest_log, $port) {
    my $dir = "$Test::Nginx::Util::ServRoot-$name";
    my $conf = join '', TestIngest::lines_of(root() . '/conf/logs.conf');
    my $module = module_path();

    remove_tree($dir);
    make_path("$dir/logs", "$dir/temp");

    $conf =~ s/load_module \K[^;]+/$module/;
    $conf =~ s/brokers \K[^;]+/brokers() =~ s{,}{ }gr/e;
    $conf =~ s/ topic \K[^;]+/topic()/e;
    $conf =~ s/dead_letter_topic \K[^;]+/topic() . '-dlq'/e;
    $conf =~ s/127.0.0.1:\K8080/$port/;
    $conf =~ s{ingest_log \Klogs/ingest.json}{$ingest_log};

    open my $out, '>', "$dir/nginx.conf" or die "$dir/nginx.conf: $!";
    print $out "user root;\n" if $> == 0;
    print $out $conf;
    close $out;

    return $dir;
}


# An nginx that stays in the foreground, as in a container, and that ends with
# this process.
sub start_example($name, $ingest_log, $port) {
    my $dir = write_example($name, $ingest_log, $port);
    my $pid = fork // die "fork: $!";

    if ($pid == 0) {
        open STDOUT, '>>', "$dir/stdout";
        open STDERR, '>>', "$dir/stderr";
        exec(qw( setpriv --pdeathsig TERM ), $ENV{TEST_NGINX_BINARY},
             '-p', "$dir/", '-e', 'logs/error.log', '-c', 'nginx.conf',
             '-g', 'daemon off;')
            or _exit(1);
    }

    return ($dir, $pid);
}


sub end_example($pid) {
    kill 'QUIT', $pid;
    waitpid $pid, 0;
    is($?, 0, 'it ends');
}


sub request_to($port, $bytes) {
    my $socket = connection($port);

    print $socket $bytes;

    return answer($socket);
}


sub access_log_is_json($block) {
    my $port = free_port(21990);
    my ($dir, $pid) = start_example('files', 'logs/ingest.json', $port);
    my $head = "POST /events HTTP/1.1\r\nHost: localhost\r\n";

    for my $id (@hostile_ids) {
        my $body = $json->encode({ type => 't', id => $id });

        is(request_to($port, $head . 'Content-Length: ' . length($body)
                             . "\r\n\r\n$body")->{status}, 202, 'an event');
    }

    # What a client may send instead, as far as nginx hands it on.
    for my $bytes ("GET /events\r\n", "$head\r\n",
                   "GET /events?\xff\x01\"\\ HTTP/1.1\r\nHost: \"\r\n\r\n",
                   "$head" . "User-Agent: \xff\xfe\"\\\"\r\n"
                   . "Content-Length: 3\r\n\r\n\"\xff\"",
                   "PROP\"FIND /events HTTP/1.1\r\nHost: localhost\r\n\r\n",
                   $head . "Content-Length: 99999999\r\n\r\n",
                   "$head" . "Transfer-Encoding: chunked\r\n\r\nxyz\r\n")
    {
        request_to($port, $bytes);
    }

    end_example($pid);

    my @lines = TestIngest::lines_of("$dir/logs/access.json");
    my @objects = map { eval { $json->decode($_) } // () } @lines;

    is(scalar @objects, scalar @lines, 'each line is JSON')
        or diag(@lines);
    is_deeply([sort map { $_->{id} }
               grep { $_->{result} eq 'accepted' } @objects],
              [sort @hostile_ids], 'ids are as they were sent');
    is(join(' ', sort map { $_->{count} } @objects),
       join(' ', sort map { $_->{result} eq 'accepted' ? 1 : 0 } @objects),
       'counts are numbers');
    cmp_ok(scalar(grep { $_->{status} >= 400 } @objects), '>=', 4,
           'refusals are there');
    all_lines_are_json('ingest.json', "$dir/logs/ingest.json");
    is(scalar said('drained', "$dir/logs/ingest.json"), 2,
       'both workers say that all is delivered');
}


sub standard_streams($block) {
    for (['/dev/stdout', 'stdout'], ['stderr', 'stderr']) {
        my ($path, $name) = @$_;
        my $port = free_port(21990);
        my ($dir, $pid) = start_example($name, $path, $port);

        is(request_to($port, "GET /ready HTTP/1.1\r\nHost: l\r\n\r\n")
           ->{status}, 200, "$path - it serves");
        end_example($pid);

        all_lines_are_json($path, "$dir/$name");
        is(scalar said('producer stopped', "$dir/$name"), 2,
           "$path - the last lines are there");
    }
}


run_suite();

__DATA__

=== the life of a worker
--- restart
--- workers: 2
--- http: ingest_log logs/ingest.json;
--- check: life_of_a_worker


=== events that Kafka refuses, with hostile ids
--- restart
--- workers: 2
--- http
    ingest_log logs/ingest.json;
    ingest_queue small { zone 1m; brokers $BROKERS; topic $INGEST_TOPIC-0;
                         dead_letter_topic $INGEST_TOPIC-dlq; }
    ingest_queue lost { zone 1m; brokers $BROKERS; topic $INGEST_TOPIC-1;
                        dead_letter_topic off; }
--- server
    location = /small { ingest small; }
    location = /lost { ingest lost; }
--- check: refused_events
--- log_may: \[error\] .* lost[,:] refused


=== Kafka away and back, and a worker killed meanwhile
--- restart
--- queue: kafka message.timeout.ms 300;
--- http: ingest_log logs/ingest.json;
--- server: keepalive_requests 100000;
--- check: outage
--- log_may: exited on signal 9


=== what is lost at the end
--- restart
--- http_config
    ingest_log logs/ingest.json info;
    ingest_queue events { zone 1m; brokers 127.0.0.1:1; topic t;
                          drain_timeout 100ms; }
--- check: lost_at_the_end
--- log_may: events lost: shutdown


=== segments that are parked
--- restart
--- http
    ingest_log logs/ingest.json;
    ingest_queue park { zone 1m; brokers $BROKERS; topic $INGEST_TOPIC-0;
                        dead_letter_topic $INGEST_TOPIC-not-there;
                        kafka message.timeout.ms 1000;
                        kafka topic.metadata.propagation.max.ms 500;
                        drain_timeout 100ms; }
--- server
    location = /park { ingest park; }
--- check: parked_segments
--- log_may: events lost: shutdown


=== USR1 reopens the file
--- restart
--- http
    ingest_log logs/ingest.json;
    ingest_queue lost { zone 1m; brokers $BROKERS; topic $INGEST_TOPIC-1;
                        dead_letter_topic off; }
--- server
    location = /lost { ingest lost; }
--- check: reopened_file
--- log_may: \[error\] .* lost[,:] refused


=== USR1 reopens the file while a worker drains, too
--- restart
--- http_config
    ingest_log logs/ingest.json;
    ingest_queue events { zone 1m; brokers 127.0.0.1:1; topic t;
                          drain_timeout 3s; }
--- check: reopened_in_a_drain
--- log_may: events lost: shutdown


=== a level keeps the others out
--- restart
--- http
    ingest_log logs/ingest.json error;
    ingest_queue lost { zone 1m; brokers $BROKERS; topic $INGEST_TOPIC-1;
                        dead_letter_topic off; }
--- server
    location = /lost { ingest lost; }
--- check: level_is_kept
--- log_may: \[error\] .* lost[,:] refused


=== the example's access log is JSON too
--- check: access_log_is_json


=== lines on stdout and stderr
--- check: standard_streams
