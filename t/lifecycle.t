# Copyright (C) The ngx_http_ingest_module authors

# Long lives and odd ends: many workers, many generations, an outage of an
# hour, a queue whose broker is away beside others, a master that is killed.

use v5.36;
use lib 't/lib';
use TestIngest;
use File::Temp qw( tempdir );
use List::Util qw( sum0 );
use Time::HiRes qw( time );

# Many processes start and end here.
$TestIngest::Client::deadline = 40;

no_shuffle();
$Test::Nginx::Util::ForceRestartOnTest = 1;

my $workers = 64;
my $port = free_port(21800);


# A server with a socket for each worker, so that all of them get connections;
# the answer tells which one it was.
sub server_of_each() {
    return "server { listen 127.0.0.1:$port reuseport; location = /events {"
           . ' ingest events; add_header X-Pid $pid always; } }';
}


# The smallest zone, in KiB, that nginx -t takes.
sub smallest_zone() {
    my ($low, $high) = (4, 65536);
    my $nginx = $ENV{TEST_NGINX_BINARY};
    my $dir = tempdir(CLEANUP => 1);
    my $module = module_path();

    mkdir "$dir/$_" for qw( logs body proxy fastcgi uwsgi scgi );

    while ($high - $low > 4) {
        my $zone = int(($low + $high) / 8) * 4;

        open my $out, '>', "$dir/nginx.conf" or die "$dir: $!";
        print $out "load_module $module;\nworker_processes $workers;\n",
                   "pid nginx.pid;\nevents {}\nhttp { access_log off;\n",
                   (map { "${_}_temp_path $_;\n" }
                        qw( proxy fastcgi uwsgi scgi )),
                   "client_body_temp_path body;\n",
                   "ingest_queue q { zone ${zone}k; topic t;\n",
                   "brokers 127.0.0.1:1; }\n}\n";
        close $out;

        my $said = `$nginx -t -e stderr -p $dir/ -c nginx.conf 2>&1`;

        if ($? == 0) {
            $high = $zone;

        } else {
            $said =~ /is too small/ or die $said;
            $low = $zone;
        }
    }

    return $high;
}


# Each worker takes an event, and is then held by a request that is not
# complete.  Returns the connections and the statuses that came.
sub meet_all_workers($name) {
    my (%held, %statuses);
    my $end = time + 30;

    for (my $n = 1; keys %held < $workers && time < $end; $n++) {
        my $body = event("$name-$n", 100);
        my $head = "POST /events HTTP/1.1\r\nHost: localhost\r\n"
                   . "Content-Length: 100\r\n\r\n";
        my $socket = connection($port);

        print $socket $head . $body;

        my $answer = answer($socket);
        my $pid = $answer->{headers}{'x-pid'} // 'none';

        $statuses{$answer->{status}}++;

        if (!$held{$pid}) {
            $held{$pid} = $socket;
            print $socket $head;
        }
    }

    return (\%held, \%statuses);
}


sub generations_on_the_smallest_zone($block) {
    my (@all, $sent);

    for my $generation (1 .. 4) {
        my ($held, $statuses) = meet_all_workers("g$generation");

        is(scalar keys %$held, $workers,
           "all workers of generation $generation answer");
        is(join(' ', keys %$statuses), 202, 'with 202 alone');

        push @all, values %$held;
        $sent += $statuses->{202};

        is(reload(), 'reloaded', "reload $generation") if $generation < 4;
    }

    my %statuses;

    for my $socket (@all) {
        print $socket event('held-' . ++$sent, 100);
    }

    $statuses{(answer($_) // { status => 'none' })->{status}}++ for @all;

    is(join(' ', %statuses), '202 ' . 4 * $workers,
       'and all that were replaced answer 202 in the end');

    metrics_become('all is delivered',
                   "events_published_total{queue=\"events\"} $sent",
                   'ingest_queue_size{queue="events"} 0');
}


# One event every two seconds for an hour, without the seconds: nothing in the
# module seals a segment for its age, so only their number counts.
sub hour_of_single_events($block) {
    my ($events, $size) = (1800, 300);
    my %statuses;

    $statuses{http('POST', '/events', event("hour-$_", $size))->{status}}++
        for 1 .. $events;

    is(join(' ', %statuses), "202 $events", "$events events are taken");

    my $samples = scrape();
    my %segments = map { /ingest_segments\{.*state="(\w+)"/
                         ? ($1 => $samples->{$_}) : () } keys %$samples;
    my $bytes = $samples->{'ingest_queue_bytes{queue="events"}'};
    my $capacity = $samples->{'ingest_queue_capacity_bytes{queue="events"}'};
    my $segment = $capacity / sum0(values %segments);

    cmp_ok($bytes, '>=', $events * $size, 'they are in memory');

    # the end of a segment that the next event does not fit into

    my $need = $bytes / ($segment - 1024) + ($block->workers // 1);

    cmp_ok($segments{open} + $segments{sealed}, '<=', $need,
           'in no more segments than their bytes need and one a worker');
}


sub queue_beside($block) {
    my @ids = map { "beside-$_" } 1 .. 200;
    my $pid = nginx_pid();

    for my $id (@ids) {
        for my $uri (qw( /events /first /second )) {
            my $status = http('POST', $uri, event($id))->{status};

            is($status, 202, "$uri takes $id") if $status != 202;
        }
    }

    metrics_become('one is delivered, the others wait',
                   'events_published_total{queue="events"} 200',
                   'ingest_queue_size{queue="first"} 200',
                   'ingest_queue_size{queue="second"} 200');

    is(join(' ', sort map { $_->{key} } records()), join(' ', sort @ids),
       'what is delivered is right');

    my $start = time;

    kill 'QUIT', $pid;
    ok(await(sub { has_ended($pid) }), 'nginx ends');

    # 4 s each, and the time to end a handle

    my $seconds = time - $start;

    cmp_ok($seconds, '>=', 3.9, 'both have had their time');
    cmp_ok($seconds, '<', 7.9, 'and it passed for both at once');

    for my $queue (qw( first second )) {
        my $lost = sum0(map { /queue "$queue": (\d+) events lost: shutdown/ }
                        error_log_lines());

        is($lost, 200, "what is lost of queue $queue is said");
    }
}


# Without a master there is nobody to start workers, but those there go on.
sub master_is_killed($block) {
    my $master = nginx_pid();
    my @old;

    await(sub { @old = TestIngest::workers_of($master); @old == 2 });
    is(http('POST', '/events', event('with-master'))->{status}, 202,
       'an event before');

    kill 'KILL', $master;
    ok(await(sub { has_ended($master) }), 'the master is killed');

    my @ids = map { "without-$_" } 1 .. 20;

    for my $id (@ids) {
        my $status = http('POST', '/events', event($id))->{status};

        is($status, 202, "$id is taken") if $status != 202;
    }

    my $found = sub (@wanted) {
        my %found;

        await(sub {
            %found = map { $_->{key} => 1 } records();
            return !grep { !$found{$_} } @wanted;
        });

        return scalar grep { !$found{$_} } @wanted;
    };

    is($found->('with-master', @ids), 0, 'all are in Kafka');

    # one ends, the other takes the last event

    kill 'QUIT', $old[0];
    ok(await(sub { has_ended($old[0]) }), 'a worker ends');
    is(http('POST', '/events', event('alone'))->{status}, 202,
       'the other takes an event');

    kill 'QUIT', $old[1];
    ok(await(sub { has_ended($old[1]) }), 'and ends too');
    is($found->('alone'), 0, 'the event is in Kafka');

    my @stopped = grep { /queue "events": producer stopped/ }
                  error_log_lines();

    cmp_ok(scalar @stopped, '>=', 2, 'both producers have stopped');

    unlink $Test::Nginx::Util::PidFile;
}


run_suite();


__DATA__

=== 64 workers on the smallest zone take events, through three reloads in a row
--- workers: 64
--- queue eval: 'zone ' . main::smallest_zone() . 'k;'
--- http eval: main::server_of_each()
--- check: generations_on_the_smallest_zone


=== an hour of single events in an outage takes no more segments than it needs
--- workers: 4
--- queue
    brokers 127.0.0.1:1;
    drain_timeout 100ms;
--- check: hour_of_single_events
--- log_may: events lost: shutdown


=== queues whose brokers are away slow down no other, and end together
--- queue: drain_timeout 4s;
--- http eval
main::queue_block('first', "brokers 127.0.0.1:1;\ndrain_timeout 4s;")
. main::queue_block('second', "brokers 127.0.0.1:1;\ndrain_timeout 4s;")
--- server
    location = /first { ingest first; }
    location = /second { ingest second; }
--- check: queue_beside
--- log_may: events lost: shutdown


=== workers go on without their master, and end when they are told to
--- workers: 2
--- check: master_is_killed
