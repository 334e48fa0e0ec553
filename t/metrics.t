# Copyright (C) The ngx_http_ingest_module authors

# /metrics says what happened, in both formats that Prometheus takes.

use v5.36;
use lib 't/lib';
use TestIngest;
use File::Basename qw( dirname );
use IO::Socket::INET;
use JSON::PP;
use POSIX ();

my $promtool = $ENV{PROMTOOL} || 'promtool';
my $openmetrics = 'Accept: application/openmetrics-text;version=1.0.0;q=0.5,'
                  . 'text/plain;version=0.0.4;q=0.3';


sub metrics_text(@headers) {
    return http('GET', '/metrics', undef, @headers)->{body};
}


# All samples but the bytes and times that a run decides.
sub everything_is_there($block) {
    broker_is_up($block);

    my $samples = scrape();
    my %families;

    for (keys %$samples) {
        my ($family) = /^(\w+?)(?:_bucket|_sum|_count)?(?:\{|\z)/;
        $families{$family} = 1;
        ok($family eq 'ingest_build_info' || /queue="events"/,
           "$_ has the label queue");
    }

    is(join(' ', sort keys %families), join(' ', sort qw(
        events_received_total events_published_total events_failed_total
        events_dead_lettered_total events_dropped_total ingest_queue_size
        ingest_queue_bytes ingest_queue_capacity_bytes
        ingest_queue_used_ratio ingest_segments
        ingest_oldest_event_age_seconds ingest_rejected_total
        ingest_latency_seconds ingest_latency_ms ingest_broker_up
        ingest_build_info
    )), 'the families that have samples from the start');

    like(metrics_text(), qr/^# TYPE $_ counter\n/m, "$_ is announced")
        for qw( ingest_delivery_errors_total http_requests_total );
}


sub readme_has_them_all($block) {
    my $file = root() . '/README.md';
    open my $in, '<', $file or die "$file: $!";

    my ($section) = join('', <$in>) =~ /^## Metrics$(.*?)^## /ms;
    my %documented = $section =~ /^\| `(\w+)(?:\{\w+\})?` \| (\w+) \|/mg;
    my %announced = metrics_text() =~ /^# TYPE (\w+) (\w+)$/mg;

    is_deeply(\%documented, \%announced, 'names and types are the same');
}


sub latency_is_a_histogram($block) {
    http('POST', '/events', event("l-$_")) for 1 .. 20;
    metrics_become('all are delivered',
                   'events_published_total{queue="events"} 20');

    my $samples = scrape();
    my @bounds = (map({ 2 ** $_ } 0 .. 9), '+Inf');

    for (['ingest_latency_ms', 1], ['ingest_latency_seconds', 1000]) {
        my ($name, $unit) = @$_;
        my @counts = map {
            my $le = $_ eq '+Inf' ? $_ : $_ / $unit;
            $samples->{sample("${name}_bucket", qq(queue="events",le="$le"))}
        } @bounds;

        is(scalar grep({ defined } @counts), 11,
           "$name has buckets of 1, 2, 4 ... 512 ms");
        is("@counts", join(' ', sort { $a <=> $b } @counts),
           "$name is cumulative");
        is($counts[-1], 20, "$name counts every event");
        is($samples->{"${name}_count{queue=\"events\"}"}, 20, "${name}_count");
    }

    my ($ms, $seconds) =
        map { $samples->{"ingest_latency_${_}_sum{queue=\"events\"}"} }
        qw( ms seconds );

    cmp_ok($ms, '>', 0, 'time passed');
    cmp_ok(abs($ms / 1000 - $seconds), '<', 1e-9, 'it is the same in seconds');
}


sub age_rises($block) {
    http('POST', '/events', event('old'));

    ok(await(sub {
        scrape()->{'ingest_oldest_event_age_seconds{queue="events"}'} > 0.3
    }), 'the age of the oldest event rises');

    my $samples = scrape();

    is($samples->{'ingest_queue_size{queue="events"}'}, 1, 'it is queued');
    cmp_ok($samples->{'ingest_queue_bytes{queue="events"}'}, '>=',
           length event('old'), 'its bytes are counted');
    cmp_ok($samples->{'ingest_queue_bytes{queue="events"}'}, '<', 500,
           'and little more');
    is($samples->{'ingest_segments{queue="events",state="open"}'}, 1,
       'its segment is open');

    metrics_become('statistics say so',
                   'ingest_broker_up{queue="events",broker="127.0.0.1:1"} 0');
}


sub broker_is_up($block) {
    my ($broker) = split /,/, brokers();

    metrics_become('statistics say so',
                   qq(ingest_broker_up{queue="events",broker="$broker"} 1));
}


sub capacity_is_that_of_segments($block) {
    my $samples = scrape();
    my %segments = map {
        $_ => $samples->{qq(ingest_segments{queue="events",state="$_"})}
    } qw( free open sealed );

    is($segments{open} + $segments{sealed}, 0, 'no segment is in use');
    is($samples->{'ingest_queue_capacity_bytes{queue="events"}'},
       $segments{free} * 65536, 'the capacity is that of all segments');
}


sub formats_differ_in_form_alone($block) {
    http('POST', '/events', event('f-1'));
    http('POST', '/events', '{');
    metrics_become('it is delivered',
                   'events_published_total{queue="events"} 1');

    my $text = http('GET', '/metrics');
    my $open = http('GET', '/metrics', undef, $openmetrics);

    is($text->{headers}{'content-type'},
       'text/plain; version=0.0.4; charset=utf-8', 'type of the text format');
    is($open->{headers}{'content-type'},
       'application/openmetrics-text; version=1.0.0; charset=utf-8',
       'type of OpenMetrics');
    like($open->{body}, qr/\n# EOF\n\z/, 'OpenMetrics ends with # EOF');
    unlike($text->{body}, qr/# EOF/, 'the text format does not');
    like($open->{body}, qr/^# TYPE events_received counter$/m,
         'a family of OpenMetrics is without _total');

    my ($samples, $others) = map { join "\n", grep { !/^#/ } split /\n/ }
                             $text->{body}, $open->{body};

    is($others, $samples, 'the samples are the same, le included');
}


sub accept_is_understood($block) {
    my $open = 'application/openmetrics-text';

    for ([1, $open], [1, "$open;q=1"], [1, "$open; version=1.0.0; q=0.001"],
         [1, "text/plain, \t$open ;Q=0.5"], [1, uc $open],
         [1, "$open;q=0,$open;version=1.0.0;q=0.1"], [1, 'a/b,,', $open],
         [0, "$open;q=0"], [0, "$open; version=1.0.0;q=0.000, text/plain"],
         [0, "$open ; q=0.;x=1"], [0, "${open}s"], [0, "x/$open"],
         [0, "text/plain;x=$open"], [0, '*/*'], [0, ''], [0])
    {
        my ($expected, @lines) = @$_;
        my $answer = http('GET', '/metrics', undef,
                          map { "Accept: $_" } @lines);

        is($answer->{headers}{'content-type'} =~ /openmetrics/ ? 1 : 0,
           $expected, 'Accept: ' . join ' and ', @lines);
    }
}


sub promtool_is_content($block) {
    http('POST', '/events', event('p-1'));
    http('POST', '/events', '{');

    my $file = html_dir() . '/metrics';
    open my $out, '>', $file or die "$file: $!";
    print $out metrics_text();
    close $out;

    my @words = `$promtool check metrics < $file 2>&1`;

    is(scalar @words, 1, 'promtool has one complaint') or diag(@words);
    like($words[0] // '', qr/^ingest_latency_ms .*abbreviated/,
         'that ingest_latency_ms abbreviates its unit');
}


# promtool does not read OpenMetrics: Prometheus itself does.
sub prometheus_scrapes($block) {
    my $prometheus = dirname($promtool) . '/prometheus';
    my $dir = html_dir();
    my $port = free_port(23090);
    my $target = 'localhost:' . server_port();

    http('POST', '/events', event('s-1'));

    open my $out, '>', "$dir/prometheus.yml" or die "$dir: $!";
    print $out "global: { scrape_interval: 1s }\n"
               . "scrape_configs:\n  - job_name: nginx\n"
               . "    static_configs: [ { targets: ['$target'] } ]\n";
    close $out;

    my $pid = fork // die "fork: $!";

    if ($pid == 0) {
        open STDOUT, '>', "$dir/prometheus.log";
        open STDERR, '>&', \*STDOUT;
        exec $prometheus, "--config.file=$dir/prometheus.yml",
            "--storage.tsdb.path=$dir/tsdb",
            "--web.listen-address=127.0.0.1:$port"
            or POSIX::_exit(127);
    }

    my $value = await(sub {
        my $socket = IO::Socket::INET->new("127.0.0.1:$port") or return;
        print $socket 'GET /api/v1/query?query=events_received_total '
                      . "HTTP/1.0\r\n\r\n";
        my ($json) = join('', <$socket>) =~ /\r\n\r\n(.*)/s or return;
        return $json =~ /^\{/
            && decode_json($json)->{data}{result}[0]{value}[1];
    });

    kill 'TERM', $pid;
    waitpid $pid, 0;

    is($value, 1, 'a Prometheus has scraped the event');
}


sub methods_are_few($block) {
    for my $uri (qw( /metrics /health )) {
        my $get = http('GET', $uri);
        my $head = http('HEAD', $uri);

        is($get->{status}, 200, "GET $uri");
        is($head->{status}, 200, "HEAD $uri");
        is($head->{headers}{'content-type'}, $get->{headers}{'content-type'},
           "HEAD $uri - Content-Type");
        is($head->{headers}{'content-length'}, length $get->{body},
           "HEAD $uri - Content-Length");
        is(http('POST', $uri, 'x')->{status}, 405, "POST $uri");
        is(http('DELETE', $uri)->{status}, 405, "DELETE $uri");
    }

    is(http('GET', '/health')->{body}, '{"status":"ok"}', 'words of /health');
}


run_suite();

__DATA__

=== every metric is there from the start
--- restart
--- check: everything_is_there


=== the README has every metric and no other
--- check: readme_has_them_all


=== what was accepted, refused and asked for is counted
--- request eval
[(map { qq(POST /events\n{"id":"m-$_","type":"a"}) } 1 .. 3),
 "POST /events\n{", "POST /events\n{", "POST /events\n{}",
 "POST /events\n[]", "POST /events\n1", "GET /events", "OPTIONS /events"]
--- error_code eval
[202, 202, 202, 400, 400, 400, 400, 400, 405, 204]
--- metrics
events_received_total{queue="events"} 3
events_published_total{queue="events"} 3
events_failed_total{queue="events"} 0
events_dead_lettered_total{queue="events"} 0
events_dropped_total{queue="events",reason="refused"} 0
events_dropped_total{queue="events",reason="dead_letter_refused"} 0
ingest_queue_size{queue="events"} 0
ingest_queue_bytes{queue="events"} 0
ingest_oldest_event_age_seconds{queue="events"} 0
ingest_rejected_total{queue="events",reason="invalid_json"} 2
ingest_rejected_total{queue="events",reason="missing_member"} 1
ingest_rejected_total{queue="events",reason="not_supported"} 1
ingest_rejected_total{queue="events",reason="invalid_event"} 1
ingest_rejected_total{queue="events",reason="method_not_allowed"} 1
ingest_rejected_total{queue="events",reason="queue_full"} 0
http_requests_total{queue="events",status="202"} 3
http_requests_total{queue="events",status="204"} 1
http_requests_total{queue="events",status="400"} 5
http_requests_total{queue="events",status="405"} 1
ingest_latency_ms_count{queue="events"} 3
ingest_latency_seconds_count{queue="events"} 3
ingest_segments{queue="events",state="open"} 1
ingest_segments{queue="events",state="sealed"} 0


=== several workers and queues are added up, each queue by its name
--- workers: 4
--- http eval
main::queue_block('other')
--- server
    location = /other { ingest other; }
--- request eval
[(map { qq(POST /events\n{"type":"a"}) } 1 .. 12),
 (map { qq(POST /other\n{"type":"a"}) } 1 .. 5)]
--- error_code eval
[(202) x 17]
--- metrics
events_received_total{queue="events"} 12
events_published_total{queue="events"} 12
events_received_total{queue="other"} 5
events_published_total{queue="other"} 5
http_requests_total{queue="events",status="202"} 12
http_requests_total{queue="other",status="202"} 5


=== latency is counted in buckets of milliseconds and of seconds
--- restart
--- check: latency_is_a_histogram


=== a broker that answers is up
--- restart
--- check: broker_is_up


=== an event that waits makes the queue older
--- queue
    brokers 127.0.0.1:1;
    drain_timeout 10ms;
--- restart
--- check: age_rises
--- log_may: \[error\] .* 1 events lost: shutdown


=== the capacity is that of all segments
--- queue
    zone 4m segment=64k;
--- restart
--- check: capacity_is_that_of_segments


=== the formats differ in form alone
--- restart
--- check: formats_differ_in_form_alone


=== OpenMetrics is for who accepts it
--- check: accept_is_understood


=== promtool complains of one name alone
--- restart
--- check: promtool_is_content


=== a Prometheus reads what it asks for
--- restart
--- check: prometheus_scrapes


=== metrics and health take GET and HEAD
--- check: methods_are_few
