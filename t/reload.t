# Copyright (C) The ngx_http_ingest_module authors

# Reloads lose nothing, double nothing, and either take all of a new
# configuration or none of it.  With TEST_NGINX_USE_HUP=1 the blocks themselves
# are reloads of one nginx.

use v5.36;
use lib 't/lib';
use TestIngest;

no_shuffle();
$Test::Nginx::Util::ForceRestartOnTest = 1;

my (%made, @all);


sub made($name) {
    return $made{$name} //= create_topic();
}


sub post($id, $uri = '/events') {
    my $answer = http('POST', $uri, event($id));

    push @all, $id if $answer->{status} == 202 && $uri eq '/events';

    return $answer->{status};
}


sub keys_become($name, $topic, @ids) {
    my @found;

    await(sub { @found = map { $_->{key} } records($topic); @found >= @ids });

    is(join(' ', sort @found), join(' ', sort @ids), $name);
}


sub before_and_after($block) {
    is(post('before'), 202, 'an event before');
    is(reload(), 'reloaded', 'a reload');
    is(post('after'), 202, 'an event after');
    keys_become('both are in Kafka, once', topic(), qw( before after ));
}


sub counters_go_on($block) {
    my $name = 'events_received_total{queue="events"}';
    my $before = scrape()->{$name};

    post('count-1');
    reload();
    post('count-2');

    is(scrape()->{$name}, $before + 2, 'the counter goes on from where it was');
}


sub topic_is_changed($block) {
    my ($old, $new) = (topic(), made('new'));

    is(post('old-topic'), 202, 'an event for the old topic');
    is(reload(sub ($conf) { $conf =~ s/topic $old;/topic $new;/r }),
       'reloaded', 'a reload with another topic');
    is(http('POST', '/events', event('new-topic'))->{status}, 202,
       'an event for the new one');

    keys_become('the old topic has the first', $old, 'old-topic');
    keys_become('the new topic has the second', $new, 'new-topic');
}


sub queue_comes_and_goes($block) {
    my $topic = made('second');
    my $queue = queue_block('second', "topic $topic;");
    my $location = 'location = /second { ingest second; }';

    is(reload(sub ($conf) {
        $conf =~ s/(?=ingest_queue events)/$queue/r
              =~ s/(?=location = .events)/$location/r
    }), 'reloaded', 'a reload with one queue more');
    is(post('second-1', '/second'), 202, 'it takes events');
    is(post('first-1'), 202, 'and so does the other');

    is(reload(sub ($conf) {
        $conf =~ s/\Q$queue\E//r =~ s/\Q$location\E//r
    }), 'reloaded', 'a reload without it');
    is(post('second-2', '/second'), 404, 'it is gone');
    is(post('first-2'), 202, 'the other is not');

    keys_become('what it had taken is in Kafka', $topic, 'second-1');
    keys_become('and that of the other', topic(), qw( first-1 first-2 ));
}


# Requests that began before a reload belong to the old worker.
sub body_under_way($block) {
    my $socket = connection();
    my $body = event('under-way', 500);

    pieces($socket, "POST /events HTTP/1.1\r\nHost: localhost\r\n"
                    . "Content-Length: 500\r\n\r\n" . substr $body, 0, 100);

    is(reload(), 'reloaded', 'a reload while a body is under way');
    is(post('meanwhile'), 202, 'a new worker takes events');

    pieces($socket, substr $body, 100);
    is(answer($socket)->{status}, 202, 'the old one still answers');
    push @all, 'under-way';

    keys_become('both are in Kafka', topic(), qw( under-way meanwhile ));
}


# A client posts without end, and takes up a new connection whenever nginx
# closes the old one.
sub traffic_goes_on($block) {
    my $client = client_start();

    for (1 .. 5) {
        client_next($client, 20);
        is(reload(), 'reloaded', "reload $_");
    }

    my @ids = client_stop($client);
    my @found;

    await(sub {
        @found = map { $_->{key} } records();
        return grep { $_ eq $ids[-1] } @found;
    });

    my %times;
    $times{$_}++ for @found;

    is(scalar grep({ !$times{$_} } @ids), 0,
       'every event that was answered is in Kafka');
    is(scalar grep({ $_ > 1 } values %times), 0, 'none of them twice');
    cmp_ok(scalar @ids, '>=', 100, 'there was traffic');
}


sub change_is_refused($block, $what) {
    my %changes = (
        size => [sub ($conf) { $conf =~ s/zone 8m;/zone 16m;/r },
                 'the zone of queue "events" in \S+:\d+ cannot be resized'],
        segment => [sub ($conf) {
                        $conf =~ s/zone 8m;/zone 8m segment=256k;/r
                    }, 'the segment size of queue "events" in \S+:\d+ cannot'],
        workers => [sub ($conf) {
                        $conf =~ s/worker_processes  1;/worker_processes 64;/r
                    }, 'the zone of queue "events" in \S+:\d+ is too small'],
        property => [sub ($conf) {
                         $conf =~ s/zone 8m;/$& kafka security.protocol ssl;
                                  kafka ssl.ca.location \/nowhere;/r
                     }, 'cannot have a producer: ssl.ca.location failed'],
        nothing => [sub ($conf) { $conf =~ s/ingest events;/ingest none;/r },
                    'unknown ingest queue "none"'],
    );
    my ($edit, $reason) = @{$changes{$what}};
    my $pid = nginx_pid();

    is(post("$what-1"), 202, 'an event before');

    my @before = TestIngest::workers_of($pid);

    is(reload($edit), 'refused', 'the reload is refused');
    ok(scalar(grep { /\[emerg\] .*$reason/ } error_log_lines()),
       'with its reason');
    is(join(' ', TestIngest::workers_of($pid)), "@before",
       'the workers are the same');
    is(post("$what-2"), 202, 'an event after');

    is(reload(sub ($conf) { original($conf) }), 'reloaded',
       'a right configuration is taken later');
    is(post("$what-3"), 202, 'and events after that');

    keys_become('all are in Kafka', topic(), map { "$what-$_" } 1 .. 3);
}


# Takes back what change_is_refused() does.
sub original($conf) {
    return $conf =~ s/zone 16m;/zone 8m;/r
                 =~ s/zone 8m segment=256k;/zone 8m;/r
                 =~ s/worker_processes 64;/worker_processes  1;/r
                 =~ s/kafka (security|ssl)\S+ \S+;//gr
                 =~ s/ingest none;/ingest events;/r;
}


sub all_are_there($block) {
    my %times;

    await(sub {
        %times = ();
        $times{$_->{key}}++ for records(topic(), 0);
        return !grep { !$times{$_} } @all;
    });

    is(scalar grep({ ($times{$_} // 0) != 1 } @all), 0,
       scalar(@all) . ' events of all blocks are in Kafka, once');
}


run_suite();

__DATA__

=== an event before and one after a reload are both delivered
--- check: before_and_after


=== counters go on over a reload
--- check: counters_go_on


=== a changed topic is used after the reload
--- check: topic_is_changed


=== a queue comes with a reload and goes with another
--- check: queue_comes_and_goes
--- log_may: \[error\] .* open\(\) ".*second" failed


=== a request that began before the reload is answered
--- check: body_under_way


=== traffic goes on over reloads, and nothing is lost or doubled
--- check: traffic_goes_on


=== another size of the zone is refused
--- check: change_is_refused size
--- log_may: \[emerg\] .* cannot be resized


=== another size of a segment is refused
--- check: change_is_refused segment
--- log_may: \[emerg\] .* cannot be changed


=== more workers than the zone has segments for are refused
--- check: change_is_refused workers
--- log_may: \[emerg\] .* is too small


=== a producer that cannot be made is refused
--- check: change_is_refused property
--- log_may: \[emerg\] .* cannot have a producer


=== a queue that is not there is refused
--- check: change_is_refused nothing
--- log_may: \[emerg\] .* unknown ingest queue


=== what all blocks have sent is in Kafka
--- check: all_are_there
