# Copyright (C) The ngx_http_ingest_module authors

# What clients, consumers and dashboards of the service know, one by one, from
# the container as it is and with every variable changed.

use v5.36;
use lib 't/lib';
use IO::Socket::INET;
use JSON::PP;
use Test::More;
use TestIngest::Container;

my $json = JSON::PP->new;
my $uuid = qr/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/;
my $now = qr/20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/;


# Sends requests on one connection, as fast as they can be read, and returns
# the statuses of their answers.
sub flood($port, $count, $body = '{"type":"flood"}') {
    my $socket = IO::Socket::INET->new("127.0.0.1:$port") or die "connect: $!";
    my $request = "POST /events HTTP/1.1\r\nHost: localhost\r\n"
                  . 'Content-Length: ' . length($body) . "\r\n\r\n$body";

    print $socket $request x ($count - 1),
          $request =~ s/\r\n/\r\nConnection: close\r\n/r;

    my $text = do { local $/; <$socket> };
    my %statuses;

    $statuses{$_}++ for $text =~ /HTTP\/1\.1 (\d+) /g;

    return \%statuses;
}


sub metric($port, $name) {
    my (undef, undef, $body) = curl("http://localhost:$port/metrics");

    return $body =~ /^\Q$name\E(?:\{[^}]*\})? (\S+)$/m ? $1 : undef;
}


sub is_empty($port) {
    return await(sub { (metric($port, 'ingest_queue_size') // 1) == 0 }, 60);
}


# The lines of the service's manual, with what they must lead to.
sub speaks($port, $topic) {
    my $url = "http://localhost:$port/events";
    my ($status, $headers, $body) = curl('-d',
        '{"type":"click","payload":{"user_id":123}}', $url);
    my ($id) = $body =~ /\A\{"status":"accepted","id":"($uuid)"\}\s*\z/;

    is($status, 202, 'an event is accepted');
    ok(defined $id, 'with its id in the answer') or diag($body);
    is($headers->{'x-request-id'}, $id, 'and in X-Request-ID');
    like($headers->{'content-type'}, qr/\Aapplication\/json/, 'as JSON');

    my ($record) = grep { $_->{key} eq $id } records($topic, 1);
    my $event = $json->decode($record->{value} // '{}');

    is_deeply($record->{headers}, { trace_id => $id }, 'its header trace_id');
    is_deeply([sort keys %$event], [qw( id payload timestamp type )],
              'its members');
    is($event->{id}, $id, 'its id');
    is($event->{type}, 'click', 'its type');
    is_deeply($event->{payload}, { user_id => 123 }, 'its payload');
    like($event->{timestamp}, qr/\A$now\z/, 'its timestamp');
}


sub refuses($port) {
    my $url = "http://localhost:$port/events";
    my ($status, $headers) = curl('-d', '{"type":', $url);

    is($status, 400, 'bad JSON');
    is((curl('-d', '', $url))[0], 400, 'no body');

    ($status) = curl("http://localhost:$port/health");
    is($status, 200, 'health');
}


sub has_metrics($port, @statuses) {
    my (undef, $headers, $body) = curl("http://localhost:$port/metrics");

    like($headers->{'content-type'}, qr/\Atext\/plain/, 'metrics are text');

    for my $name (qw( events_received_total events_published_total
                      events_failed_total ingest_queue_size
                      ingest_latency_ms_count ingest_latency_ms_sum ))
    {
        like($body, qr/^$name\{[^}]*\} [0-9.]+$/m, $name);
    }

    is(join(' ', $body =~ /^ingest_latency_ms_bucket\{.*le="([^"]+)"/mg),
       '1 2 4 8 16 32 64 128 256 512 +Inf', 'buckets of ingest_latency_ms');

    like($body, qr/^http_requests_total\{[^}]*status="$_"[^}]*\} [1-9]/m,
         "requests with status $_") for @statuses;
}


sub buries($port, $topic, $dead) {
    my $body = '{"id":"large-1","type":"a","payload":{"x":"' . 'y' x 4000
               . '"}}';
    my ($status) = curl('-d', $body, "http://localhost:$port/events");

    is($status, 202, 'an event that is too large for its topic');

    my ($record) = grep { $_->{key} eq 'large-1' } records($dead, 1);

    is($record->{headers}{trace_id}, 'large-1', 'is a dead letter');
    like($record->{headers}{error} // '', qr/large|size/i,
         'with the header error');
    is($json->decode($record->{value})->{payload}{x}, 'y' x 4000,
       'and its value');
}


# More than the queue holds while Kafka does not answer: 503, at once, and
# what was answered 202 arrives.
sub fills($port, $topic, $events) {
    my ($accepted, $status, $headers, $body) = (0);

    ok(is_empty($port), 'the queue is empty');
    my $before = metric($port, 'events_published_total');

    kafka('broker', 'pause');

    await(sub {
        ($status, $headers, $body) = curl('-d', '{"type":"fill"}',
                                          "http://localhost:$port/events");
        $accepted++ if $status == 202;
        $accepted += flood($port, 200)->{202} // 0 if $events > 200;

        return $status == 503;
    }, 60);

    is($status, 503, 'a full queue');
    is($headers->{'retry-after'}, 5, 'with Retry-After: 5');
    is($accepted, $events, "holds $events events") if $events < 200;
    cmp_ok(abs($accepted - $events), '<=', 2, "holds about $events events");

    kafka('broker', 'resume');
    ok(is_empty($port), 'is emptied when Kafka is back');
    is(metric($port, 'events_published_total') - $before, $accepted,
       'and nothing is lost');
}


subtest 'as it is' => sub {
    kafka('topics', 'create', 'events', 1, 1, 'max.message.bytes=2000');
    kafka('topics', 'create', 'events-dlq');

    my $container = container();

    speaks(8080, 'events');
    refuses(8080);
    buries(8080, 'events', 'events-dlq');

    for my $host ('127.0.0.1', '[::1]') {
        is((curl('-d', '{"id":"v","type":"a"}', "http://$host:8080/events"))[0],
           202, "at $host");
    }

    # What lacks or empties its members is completed.
    for my $body ('{"payload":{}}', '{"id":null,"timestamp":null}',
                  '{"id":"","type":"","timestamp":""}')
    {
        my ($status, $headers) = curl('-d', $body,
                                      'http://localhost:8080/events');
        is($status, 202, $body);
        like($headers->{'x-request-id'}, qr/\A$uuid\z/, "$body gets an id");

        my $id = $headers->{'x-request-id'};
        my ($record) = await(sub {
            my ($found) = grep { $_->{key} eq $id } records('events', 1);
            return $found;
        });
        my $event = $json->decode($record->{value} // '{}');

        is($event->{id}, $id, "$body - its id is in the event");
        like($event->{timestamp}, qr/\A$now\z/, "$body - and a timestamp");
        is($record->{headers}{trace_id}, $id, "$body - and in trace_id");
    }

    my ($status, $headers) = curl('-d', '{"id":"mine","type":"a"}',
                                  'http://localhost:8080/events');
    is($headers->{'x-request-id'}, 'mine', 'an id that is given is kept');

    # 100 at once, and 1000 a second behind them.
    my $statuses = flood(8080, 600);
    cmp_ok($statuses->{202} // 0, '>=', 100, 'the burst passes');
    cmp_ok($statuses->{429} // 0, '>', 0, 'what is beyond gets 429')
        or diag(explain($statuses));

    fills(8080, 'events', 1000);
    has_metrics(8080, qw( 202 400 429 503 ));

    like($container->log(),
         qr/^ingest: \d+ worker processes: WORKER_POOL_SIZE 10, \d+ usable/m,
         'says how many workers there are');
    like($container->log(), qr/^ingest: zone of 16384 KiB: QUEUE_SIZE 1000/m,
         'says how large the zone is');

    is($container->stop(), 0, 'ends well');
};


subtest 'with every variable changed' => sub {
    kafka('topics', 'create', 'other.events', 1, 1, 'max.message.bytes=2000');
    kafka('topics', 'create', 'other.dead');

    my $container = container({
        HTTP_PORT => 8181, LOG_LEVEL => 'warn',
        KAFKA_BROKERS => '127.0.0.1:9092,localhost:9092',
        KAFKA_TOPIC => 'other.events', KAFKA_DLQ_TOPIC => 'other.dead',
        KAFKA_MAX_RETRIES => 6, KAFKA_RETRY_BACKOFF => '50ms',
        KAFKA_WRITE_TIMEOUT => '1m5s', WORKER_POOL_SIZE => 1, QUEUE_SIZE => 12,
        RATE_LIMIT_RPS => 8, RATE_LIMIT_BURST => 4, ZONE_SIZE => '6m',
    });

    is((curl('-m', 2, 'http://127.0.0.1:8080/health'))[0], 0,
       'HTTP_PORT: no other port');
    speaks(8181, 'other.events');
    refuses(8181);
    buries(8181, 'other.events', 'other.dead');

    is(scalar workers_of($container->pid()), 1, 'WORKER_POOL_SIZE');

    my $config = $container->file('/run/ingest/nginx.conf');
    like($config, qr/^\s+\Q$_\E;$/m, $_) for 'max_attempts 7',
        'kafka retry.backoff.ms 50', 'kafka message.timeout.ms 65000',
        'brokers 127.0.0.1:9092 localhost:9092 ';

    # Only time brings back what was spent before.
    sleep 1;

    my $statuses = flood(8181, 30);
    like($statuses->{202} // 0, qr/\A[45]\z/,
         'RATE_LIMIT_BURST: so many pass at once') or diag(explain($statuses));
    cmp_ok($statuses->{429} // 0, '>=', 25, 'and no more');

    my ($status, $headers, $body) = (0);
    await(sub {
        ($status, $headers, $body) = curl('-d', '{"type":"x"}',
                                          'http://localhost:8181/events');
        $status == 429;
    });
    is($status, 429, 'RATE_LIMIT_RPS');
    like($headers->{'content-type'}, qr/json/, '429 is JSON');

    fills(8181, 'other.events', 12);
    cmp_ok(metric(8181, 'ingest_queue_capacity_bytes'), '<', 6 * 1048576,
           'ZONE_SIZE');
    has_metrics(8181, qw( 202 400 429 503 ));

    is($container->stop(), 0, 'ends well');

    my @lines = grep { exists $_->{status} }
                map { $json->decode($_) } split /\n/, $container->output();
    ok(scalar(grep { $_->{status} == 429 } @lines), 'LOG_LEVEL: answers 4xx');
    is(scalar(grep { $_->{status} < 400 } @lines), 0, 'and no others');
    unlike($container->log(), qr/\[(?:notice|info)\]/, 'nor nginx\'s notices');
};


done_testing();
