# Copyright (C) The ngx_http_ingest_module authors

# A worker that is killed loses nothing that it answered: another one delivers
# what lies in its segments.

use v5.36;
use lib 't/lib';
use TestIngest;

# What waits for a broker has a back-off.
$TestIngest::Client::deadline = 30;

no_shuffle();
$Test::Nginx::Util::ForceRestartOnTest = 1;


# The number of records of each id in the topic, once all of them are there.
sub found_times(@ids) {
    my %times;

    await(sub {
        %times = ();
        $times{$_->{key}}++ for records();
        return !grep { !$times{$_} } @ids;
    });

    return %times;
}


sub kill_a_worker() {
    my @workers;

    await(sub { @workers = TestIngest::workers_of(nginx_pid()) });
    kill 'KILL', $workers[0];
    await(sub { !grep { $_ == $workers[0] }
                TestIngest::workers_of(nginx_pid()) });
}


sub workers_are_killed($block) {
    my $client = client_start();

    for (1 .. 10) {
        client_next($client, 50);
        kill_a_worker();
    }

    client_next($client, 50);

    my @ids = client_stop($client);
    my %times = found_times(@ids);

    is(scalar grep({ !$times{$_} } @ids), 0,
       'every event that was answered is in Kafka');
    cmp_ok(scalar @ids, '>=', 550, 'there was traffic');

    my $metrics = await_metrics();

    is($metrics->{'events_dropped_total{queue="events",reason="corrupt"}'}, 0,
       'and nothing was corrupt');
}


sub await_metrics() {
    my $metrics;

    await(sub {
        $metrics = scrape();
        return $metrics->{'ingest_queue_size{queue="events"}'} == 0
    });

    return $metrics;
}


# Kafka is away: what the worker has accepted lies in its segments alone.
# Returns the ids, or nothing where the broker is not ours to stop.
sub taken_in_an_outage($name) {
    if (!broker_is_ours()) {
        pass('the broker is not ours to stop');
        return;
    }

    my @ids = map { "$name-$_" } 1 .. 20;

    http('POST', '/events', event("$name-0"));
    metrics_become('it is connected',
                   'events_published_total{queue="events"} 1');

    kafka('broker', 'pause', 1);

    for my $id (@ids) {
        is(http('POST', '/events', event($id))->{status}, 202, "$id is taken");
    }

    return @ids;
}


sub all_come(@ids) {
    kafka('broker', 'resume', 1);

    my %times = found_times(@ids);

    is(scalar grep({ !$times{$_} } @ids), 0, 'all of them are in Kafka');
}


sub killed_in_an_outage($block) {
    my @ids = taken_in_an_outage('outage') or return;

    kill_a_worker();
    kill_a_worker();

    ok(await(sub {
        grep { /adopted slot \d+ with 20 events/ } error_log_lines()
    }), 'the slot is adopted');

    is(scrape()->{'ingest_queue_size{queue="events"}'}, 20,
       'the queue still has them');

    all_come(@ids);

    is(await_metrics()->{'events_received_total{queue="events"}'}, 21,
       'the counter has gone on');
}


sub reload_in_an_outage($block) {
    my @ids = taken_in_an_outage('reload') or return;

    is(reload(), 'reloaded', 'a reload');

    ok(await(sub {
        grep { /20 events are left to other workers/ } error_log_lines()
    }), 'the old worker says what it leaves');

    all_come(@ids);
}


run_suite();


__DATA__

=== workers that are killed under traffic lose nothing
--- check: workers_are_killed
--- log_may: exited on signal 9


=== what a killed worker accepted while Kafka was away is delivered later
--- check: killed_in_an_outage
--- log_may: exited on signal 9


=== what an old worker could not deliver is left to the new one
--- queue: drain_timeout 1s;
--- check: reload_in_an_outage
