# Copyright (C) The ngx_http_ingest_module authors

# Whether nginx is alive, and whether it is ready for events.

use v5.36;
use lib 't/lib';
use TestIngest;
use JSON::PP;

my $json = JSON::PP->new;


# What /ready says now.
sub ready($uri = '/ready') {
    my $answer = http('GET', $uri);

    return ($answer->{status}, eval { $json->decode($answer->{body}) },
            $answer);
}


sub post($n, $uri = '/events') {
    return scalar grep {
        http('POST', $uri, '{"type":"a"}')->{status} == 202
    } 1 .. $n;
}


sub is_ready($name, $uri = '/ready') {
    my ($status, $said) = ready($uri);

    is($status, 200, "$name - 200");
    is($said->{status}, 'ok', "$name - status");
}


sub is_unavailable($name, $queue, $why) {
    my ($status, $said, $answer) = ready();

    is($status, 503, "$name - 503");
    is($said->{status}, 'unavailable', "$name - status");
    is($said->{queues}{$queue}{status}, $why, "$name - status of the queue");
    is($answer->{headers}{'retry-after'}, 5, "$name - Retry-After");

    return $said;
}


sub methods_and_headers($block) {
    for my $method (qw( GET HEAD )) {
        my $answer = http($method, '/ready');

        is($answer->{status}, 200, "$method is 200");
        is($answer->{headers}{'content-type'}, 'application/json',
           "$method - Content-Type");
        is($answer->{headers}{'cache-control'}, 'no-store',
           "$method - Cache-Control");
        is($answer->{headers}{'retry-after'}, undef, "$method - Retry-After");
        is($answer->{headers}{'content-length'},
           length '{"status":"ok","queues":{"a-1":{"status":"ok","used":0},'
                  . '"events":{"status":"ok","used":0}}}',
           "$method - Content-Length");
    }

    is(http('GET', '/ready?x=1')->{status}, 200, 'an "if" leaves it as it is');
    is(http('GET', '/ready')->{body},
       '{"status":"ok","queues":{"events":{"status":"ok","used":0},'
       . '"a-1":{"status":"ok","used":0}}}', 'all queues are there');

    for my $method (qw( POST PUT DELETE OPTIONS )) {
        my $answer = http($method, '/ready');

        is($answer->{status}, 405, "$method is 405");
        is($answer->{headers}{allow}, 'GET, HEAD', "$method - Allow");
    }
}


# Nobody takes the events of this queue.
sub full_queue_is_not_ready($block) {
    is(post(7, '/away'), 7, 'seven of ten fit');
    is_ready('70 %');
    is(post(1, '/away'), 1, 'one more');

    my $said = is_unavailable('80 %', 'away', 'full');

    is($said->{queues}{away}{used}, 80, 'how full it is');
    is($said->{queues}{events}{status}, 'ok', 'the other queue is not full');
    is(http('HEAD', '/ready')->{status}, 503, 'HEAD says so too');

    is_ready('another location, another limit', '/late');
    is_ready('the limit is 90 % by default', '/default');
    is(http('GET', '/health')->{status}, 200, 'nginx is alive');
    is(http('GET', '/health')->{body}, '{"status":"ok"}', 'and says so');
    is(post(3, '/away'), 2, 'events are taken as long as they fit');

    ($said) = (ready('/late'))[1];
    is($said->{queues}{away}{used}, 100, 'full');
    is($said->{queues}{away}{status}, 'full', 'and that is too much there too');
    is((ready('/default'))[0], 503, 'and by default');
}


# Events of 60 KiB need a segment each.
sub segments_count_too($block) {
    my $event = event('big', 60_000);
    my ($used, $status) = (0, 200);

    while ($status == 200 && $used < 100) {
        is(http('POST', '/away', $event)->{status}, 202, 'one more fits')
            or last;

        my $said;
        ($status, $said) = ready();
        my $now = $said->{queues}{away}{used};

        cmp_ok($now, '>', $used, 'more is used');
        is($status, $now >= 50 ? 503 : 200, "ready or not at $now %");
        $used = $now;
    }

    cmp_ok($used, '>=', 50, 'it was filled by half');
    cmp_ok($used, '<', 65, 'and not much more');
}


# Each is a request of its own to Kafka, so that the queue drains slowly.
sub ready_again_when_low($block) {
    if (!broker_is_ours()) {
        pass('the broker is not ours to stop');
        return;
    }

    kafka('broker', 'pause', 1);

    my $socket = connection();

    for (1 .. 900) {
        print $socket "POST /events HTTP/1.1\r\nHost: localhost\r\n"
                      . "Content-Length: 12\r\n\r\n" . '{"type":"a"}';
        answer($socket)->{status} == 202 or last;

        if ($_ == 500) {
            is_ready('half full on the way up');
        }
    }

    is_unavailable('90 % full', 'events', 'full');

    kafka('broker', 'resume', 1);

    my (%seen, $said);

    await(sub {
        print $socket "GET /ready HTTP/1.1\r\nHost: localhost\r\n\r\n";
        my $answer = answer($socket);

        $said = $json->decode($answer->{body})->{queues}{events};
        my $range = $said->{used} >= 90 ? 'above'
                    : $said->{used} > 20 ? 'between' : 'below';
        $seen{"$range $answer->{status}"}++;

        return $said->{used} <= 2;
    });

    cmp_ok($said->{used}, '<=', 2, 'what is left is an open segment');
    cmp_ok($seen{'between 503'} // 0, '>', 0, 'still full between the two');
    is($seen{'between 200'}, undef, 'and never ready there');
    is($seen{'above 200'}, undef, 'nor above');
    is($seen{'below 503'}, undef, 'always ready below');
    cmp_ok($seen{'below 200'} // 0, '>', 0, 'ready below');
}


# A request that was under way when nginx was told to end.
sub exiting_worker_is_not_ready($block) {
    my $pid = nginx_pid();
    my $socket = connection();
    my $position = () = error_log_lines();

    pieces($socket, "GET /ready HTTP/1.1\r\nHo");
    is(http('GET', '/health')->{status}, 200, 'a request is under way');

    kill 'QUIT', $pid;
    ok(await(sub {
        my @lines = error_log_lines();
        grep { /gracefully shutting down/ } @lines[$position .. $#lines];
    }), 'nginx is told to end');

    pieces($socket, "st: localhost\r\n\r\n");
    my $answer = answer($socket);

    is($answer->{status}, 503, 'not ready any more');
    is($answer->{body}, '{"status":"unavailable","queues":{"events":'
                        . '{"status":"exiting","used":0}}}', 'and why');
    ok(await(sub { has_ended($pid) }), 'nginx ends');
}


run_suite();

__DATA__

=== ready is 200 for GET and HEAD, and not to be stored
--- restart
--- http
    ingest_queue a-1 { zone 1m; brokers 127.0.0.1:1; topic t; }
--- server
    location = /ready {
        if ($arg_x) { set $y 1; }
        ingest_health ready;
    }
--- check: methods_and_headers


=== a queue above its high watermark is not ready
--- http
    ingest_queue away {
        zone 1m;
        brokers 127.0.0.1:1;
        topic t;
        max_events 10;
        drain_timeout 10ms;
    }
--- server
    location = /away { ingest away; }
    location = /ready { ingest_health ready high=80%; }
    location = /late { ingest_health ready high=90 low=10; }
    location = /default { ingest_health ready; }
--- check: full_queue_is_not_ready
--- log_may: events lost: shutdown


=== segments that are taken count too
--- http
    ingest_queue away {
        zone 1m;
        brokers 127.0.0.1:1;
        topic t;
        drain_timeout 10ms;
    }
--- server
    location = /away { ingest away; }
    location = /ready { ingest_health ready high=50% low=50%; }
--- check: segments_count_too
--- log_may: events lost: shutdown


=== a queue that was full is ready below its low watermark, not before
--- queue
    max_events 1000;
    kafka batch.num.messages 1;
    kafka max.in.flight 1;
--- server
    keepalive_requests 100000;
    location = /ready { ingest_health ready high=90% low=20%; }
--- check: ready_again_when_low


=== a worker that ends is not ready
--- server
    location = /ready { ingest_health ready; }
--- check: exiting_worker_is_not_ready
