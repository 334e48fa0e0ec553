# Copyright (C) The ngx_http_ingest_module authors

# Kafka is away: events are taken until the queue is full, and not one of them
# is lost or doubled when it comes back.

use v5.36;
use lib 't/lib';
use TestIngest;
use Time::HiRes qw( time );

# A broker has to start, and what waits for it has a back-off.
$TestIngest::Client::deadline = 30;

# Posts until something else than 202 comes, on one connection.
sub fill($uri, $size, $limit = 5000) {
    my $socket = connection();

    for my $n (1 .. $limit) {
        my $body = event("f-$n", $size);

        print $socket "POST $uri HTTP/1.1\r\nHost: localhost\r\n"
                      . 'Content-Length: ' . length($body) . "\r\n\r\n"
                      . $body;
        my $answer = answer($socket);

        return ($n - 1, $answer) if $answer->{status} != 202;
    }

    return ($limit, undef);
}


sub free_segments() {
    return scrape()->{'ingest_segments{queue="events",state="free"}'};
}


sub is_full($name, $answer) {
    is($answer->{status}, 503, "$name is 503");
    is($answer->{headers}{'retry-after'}, 5, "$name - Retry-After");
    is_problem($name, $answer->{headers}{'content-type'}, $answer->{body},
               { status => 503, code => 'queue_full' });
}


# A segment of 64k holds 56 events of 1000 bytes.
sub zone_fills_up($block) {
    my $free = free_segments();
    my ($taken, $answer) = fill('/events', 1000);

    cmp_ok($free, '>=', 8, 'there are segments');
    is($taken, $free * 56, 'all of them are filled');
    is_full('one event more', $answer);

    # Its size is not known before it is read.
    my $socket = connection();

    pieces($socket, "POST /events HTTP/1.1\r\nHost: localhost\r\n"
                    . "Transfer-Encoding: chunked\r\n\r\n",
           sprintf("%x\r\n", 1000), event('chunked', 1000), "\r\n0\r\n\r\n");
    is_full('a chunked event', answer($socket));

    # An answer before the body: none is sent here.
    my $early = connection();

    pieces($early, "POST /events HTTP/1.1\r\nHost: localhost\r\n"
                   . "Content-Length: 1000\r\n\r\n");
    is_full('a body that has not come', answer($early));

    metrics_become('it is counted',
                   qq(events_received_total{queue="events"} $taken),
                   qq(ingest_queue_size{queue="events"} $taken),
                   'ingest_segments{queue="events",state="free"} 0',
                   qq(http_requests_total{queue="events",status="202"} $taken),
                   'http_requests_total{queue="events",status="503"} 3',
                   'ingest_rejected_total{queue="events",'
                   . 'reason="queue_full"} 3');
}


sub max_events_is_kept($block) {
    my ($taken, $answer) = fill('/events', 100);

    is($taken, 7, 'max_events are taken');
    is_full('one event more', $answer);
    metrics_become('and /metrics says that it is full',
                   'ingest_queue_used_ratio{queue="events"} 1');
}


sub max_events_is_of_all_workers($block) {
    my $taken = 0;

    for (1 .. 60) {
        $taken++ if http('POST', '/events', event('a'))->{status} == 202;
    }

    is($taken, 7, 'each connection of its own, to any worker');
}


# The queue is full by the time that a body has come.
sub late_body_finds_no_room($block) {
    my $late = connection();
    my $body = event('late');

    pieces($late, "POST /events HTTP/1.1\r\nHost: localhost\r\n"
                  . 'Content-Length: ' . length($body) . "\r\n\r\n"
                  . substr $body, 0, 5, '');
    my ($taken) = fill('/events', 100);

    is($taken, 7, 'others fill the queue');

    pieces($late, $body);
    is_full('an event whose end comes then', answer($late));
}


# An end that waits for Kafka has a limit, and says what it leaves.
sub rest_is_reported($block, $signal, $least, $most) {
    my $pid = nginx_pid();

    fill('/' . lc $signal, 100, 5);

    my $begin = time;
    kill $signal, $pid;
    ok(await(sub { has_ended($pid) }), "nginx ends after $signal");
    my $seconds = time - $begin;

    cmp_ok($seconds, '>=', $least, "it waits for Kafka for $least s");
    cmp_ok($seconds, '<=', $most, "and not for more than $most s");
    ok(scalar(grep { /\[error\] .* queue "$signal": 5 events lost: shutdown/ }
              error_log_lines()), 'error.log has the number');
}


# The broker ends, and starts again when the queue is full.
sub outage_is_survived($block) {
    if (!broker_is_ours()) {
        pass('the broker is not ours to stop');
        return;
    }

    my $free = free_segments();

    kafka('broker', 'stop', 1);

    my ($taken, $answer) = fill('/events', 1000);

    cmp_ok($taken, '>', 500, 'events are taken while the broker is away');
    is_full('one event more', $answer);

    # Longer than message.timeout.ms: librdkafka gives them back by then.
    ok(await(sub {
        my $samples = scrape();
        grep { /^ingest_delivery_errors_total.*TIMED_OUT/ } keys %$samples;
    }), 'librdkafka gives up on them');

    kafka('broker', 'start', 1);

    my $id = 'after';
    ok(await(sub {
        http('POST', '/events', event($id))->{status} == 202
    }), 'events are taken again');

    $taken++;
    metrics_become('all is delivered',
                   qq(events_received_total{queue="events"} $taken),
                   qq(events_published_total{queue="events"} $taken),
                   'events_failed_total{queue="events"} 0',
                   'ingest_queue_size{queue="events"} 0',
                   'ingest_queue_bytes{queue="events"} 0');

    my %times;
    $times{$_->{key}}++ for records();

    is(scalar keys %times, $taken, 'every event is in Kafka');
    is(scalar grep({ $_ != 1 } values %times), 0, 'exactly once');

    my ($again) = fill('/events', 1000, 500);

    is($again, 500, 'there is room again');
    ok(await(sub { free_segments() >= $free - 1 }),
       'and segments are free again');
}


# The broker's process stands still: it takes connections and says nothing.
sub standstill_is_survived($block) {
    if (!broker_is_ours()) {
        pass('the broker is not ours to stop');
        return;
    }

    http('POST', '/events', event('p-0'));
    metrics_become('it is connected', 'events_published_total{queue="events"} 1');

    kafka('broker', 'pause', 1);

    my @ids = map { "p-$_" } 1 .. 100;
    http('POST', '/events', event($_)) for @ids;

    is(scrape()->{'ingest_queue_size{queue="events"}'}, 100,
       'a hundred events are queued');

    kafka('broker', 'resume', 1);

    metrics_become('all is delivered',
                   'events_published_total{queue="events"} 101');
    is(join(' ', map { $_->{key} } records()), "p-0 @ids",
       'exactly once and in order');
}


# A broker that starts anew may say nothing of what it has: doubles are
# possible, gaps are not.
sub restart_is_survived($block) {
    if (!broker_is_ours()) {
        pass('the broker is not ours to stop');
        return;
    }

    my $client = client_start();

    client_next($client, 200);
    kafka('broker', 'stop', 1);
    client_next($client, 200);
    kafka('broker', 'start', 1);
    client_next($client, 200);

    my @ids = client_stop($client);
    my $n = @ids;

    metrics_become('all is delivered',
                   qq(events_received_total{queue="events"} $n),
                   qq(events_published_total{queue="events"} $n));

    my %times;
    $times{$_->{key}}++ for records();

    is(scalar grep({ !$times{$_} } @ids), 0,
       'every event that was answered is in Kafka');
    is(join(' ', grep { !/^client-/ } keys %times), '', 'and nothing else');
}


sub large_is_never_taken($block) {
    my $answer = http('POST', '/events', event('l', 70_000));

    is($answer->{status}, 413, 'an event beyond a segment is 413');
    like($answer->{body}, qr/"code":"event_too_large"/, 'and not 503');

    is(http('POST', '/events', event('l', 63_000))->{status}, 202,
       'one that just fits is taken');
}


run_suite();

__DATA__

=== without Kafka the zone fills up, and then it is 503
--- queue
    zone 1m segment=64k;
    brokers 127.0.0.1:1;
    drain_timeout 10ms;
--- restart
--- check: zone_fills_up
--- log_may: \[error\] .* events lost: shutdown


=== max_events is the limit where it is less than the zone
--- queue
    brokers 127.0.0.1:1;
    max_events 7;
    drain_timeout 10ms;
--- restart
--- check: max_events_is_kept
--- log_may: \[error\] .* events lost: shutdown


=== max_events is asked again when the body came late
--- queue
    brokers 127.0.0.1:1;
    max_events 7;
    drain_timeout 10ms;
--- restart
--- check: late_body_finds_no_room
--- log_may: \[error\] .* events lost: shutdown


=== max_events is the limit of all workers together
--- queue
    brokers 127.0.0.1:1;
    max_events 7;
    drain_timeout 10ms;
--- workers: 3
--- restart
--- check: max_events_is_of_all_workers
--- log_may: \[error\] .* events lost: shutdown


=== nginx quits after drain_timeout, and reports what is left
--- http
    ingest_queue QUIT {
        zone 1m;
        brokers 127.0.0.1:1;
        topic $INGEST_TOPIC;
        drain_timeout 1s;
    }
--- server
    location = /quit { ingest QUIT; }
--- restart
--- check: rest_is_reported QUIT 1 3
--- log_may: \[error\] .* events lost: shutdown


=== nginx is terminated before its master kills it, and reports what is left
--- http
    ingest_queue TERM {
        zone 1m;
        brokers 127.0.0.1:1;
        topic $INGEST_TOPIC;
        drain_timeout 1m;
    }
--- server
    location = /term { ingest TERM; }
--- restart
--- check: rest_is_reported TERM 0.4 2
--- log_may: \[error\] .* events lost: shutdown


=== what was taken during an outage is in Kafka exactly once
--- queue
    zone 1m segment=64k;
    kafka message.timeout.ms 1000;
--- restart
--- check: outage_is_survived


=== what was taken while the broker stood still is in Kafka exactly once
--- restart
--- check: standstill_is_survived


=== what was taken while the broker started anew is in Kafka
--- queue
    zone 64m;
--- restart
--- check: restart_is_survived


=== an event that no segment can hold is 413
--- queue
    zone 1m segment=64k;
--- check: large_is_never_taken
