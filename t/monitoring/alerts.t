# Copyright (C) The ngx_http_ingest_module authors

# A real Prometheus with the rules and the dashboard that are shipped: each
# alert fires for what nginx and Kafka do here, is silent where it must be, and
# clears; each query of the dashboard has an answer all the time.
#
# Waiting for a quarter of an hour is nobody's pleasure, so all durations of
# the rules are divided by one factor.  Nothing else is changed.

use v5.36;
use lib 't/lib';
use Test::More;
use TestIngest::Monitoring;

my $factor = 40;
my $docker = root() . '/docker';
my $folder = home() . '/prometheus';
my $topic = "m-$$";
my $address;
my %load;


# What is shipped, with other durations, another target and a second job.

sub prometheus_conf($text) {
    my ($second) = scaled($text, $factor) =~ /^scrape_configs:\n(.*)/ms;

    # Prometheus asks for OpenMetrics: the text goes through a location that
    # asks for it.
    $second =~ s{job_name: ingest\n}{job_name: text\n    metrics_path: /text\n};

    return (scaled($text, $factor) . $second) =~ s/'ingest:8080'/'$address'/gr;
}


sub durations_alone_differ($file) {
    my $shipped = slurp("$docker/prometheus/$file");
    my $scaled = scaled($shipped, $factor);
    my @shipped = durations($shipped);
    my @scaled = durations($scaled);

    is(skeleton($scaled), skeleton($shipped),
       "$file - nothing but durations was changed");
    is(join(' ', map { sprintf '%g', $_ * $factor } @scaled),
       join(' ', map { sprintf '%g', $_ } @shipped),
       "$file - each by the same factor");

    return "$factor: " . join ', ', map { "$shipped[$_] s to $scaled[$_] s" }
                                    0 .. $#shipped;
}


sub start_all() {
    my $brokers = start_kafka();
    my $common = "brokers $brokers; kafka message.timeout.ms 4000;";

    kafka('topics', 'create', $topic);
    kafka('topics', 'create', "$topic-small", 1, -1, 'max.message.bytes=2000');
    kafka('topics', 'create', "$topic-dlq");

    my $queues = '';
    my $locations = '';
    my %queues = (
        events => "zone 16m; topic $topic;",
        little => "zone 1m; topic $topic;",
        few => "zone 16m; max_events 700; topic $topic;",
        quiet => "zone 8m; topic $topic;",
        dead => "zone 8m; topic $topic-small; dead_letter_topic $topic-dlq;",
        lost => "zone 8m; topic $topic-small; dead_letter_topic off;",
    );

    for my $name (sort keys %queues) {
        $queues .= "ingest_queue $name { $common $queues{$name} }\n";
        $locations .= "location = /$name { ingest $name; }\n";
    }

    $address = start_nginx(<<"BEFORE", $locations . <<"SERVER");
        $queues
        log_format scrape '\$uri \$http_user_agent \$sent_http_content_type';
BEFORE
        location = /metrics {
            ingest_metrics;
            access_log scrapes.log scrape;
        }
        location = /text {
            proxy_set_header Accept text/plain;
            proxy_set_header User-Agent through-text;
            proxy_pass http://\$server_addr:\$server_port/metrics;
        }
SERVER

    my $rules = slurp("$docker/prometheus/rules.yml");

    spew("$folder/rules.yml", scaled($rules, $factor));
    spew("$folder/prometheus.yml",
         prometheus_conf(slurp("$docker/prometheus/prometheus.yml")));
    start_prometheus($folder);
}


# Alerts.  The second job has them too.

sub fires($name, $queue, $why) {
    my $labels = labels_of($queue);

    ok(await(sub { is_firing($name, $labels) }), "$name fires: $why");
}


sub clears($name, $queue, $why) {
    my $labels = labels_of($queue);

    ok(await(sub { !is_firing($name, $labels) }), "$name clears: $why");
}


# It was asked for many times by now, so it is not that it has not come yet.
sub is_silent($name, $queue, $why) {
    is(has_fired($name, labels_of($queue)), 0, "$name is silent: $why");
}


sub labels_of($queue) {
    return 'job="ingest"' . ($queue eq '' ? '' : qq(,queue="$queue"));
}


sub metric_becomes($expr, $why) {
    ok(await(sub { scalar @{query($expr)} }), $why);
}


# The dashboard.

# Why a query would leave a panel empty, or undef.  A metric may be announced
# and have no sample yet.
sub fault_of($expr) {
    my $known = api('metadata');

    for my $name (metric_names($expr)) {
        my $family = $name =~ s/_(?:bucket|sum|count)$//r;

        return "$name is no metric" if !$known->{$family};
    }

    my @values = values_of($expr);

    return 'no value' if !@values;
    return "value @values" if grep { !/^[-+]?\d/ } @values;
    return;
}


sub dashboard_answers($when) {
    for (dashboard_queries("$docker/grafana/dashboards/ingest.json")) {
        my ($panel, $expr) = @$_;
        my $fault;

        ok(await(sub { $fault = fault_of($expr); !defined $fault }),
           "panel \"$panel\" has values $when: " . $expr =~ s/\s+/ /gr)
            or diag($fault);
    }
}


# Were a metric renamed, the queries above would fail.
sub renames_are_noticed() {
    my @queries = dashboard_queries("$docker/grafana/dashboards/ingest.json");
    my @names = metric_names(join ' ', map { $_->[1] } @queries);

    cmp_ok(scalar @names, '>', 10, 'the dashboard shows many metrics');

    for my $name (@names) {
        my @faults = grep { defined fault_of($_ =~ s/\b$name\b/${name}_x/gr) }
                     map { $_->[1] } grep { $_->[1] =~ /\b$name\b/ } @queries;

        cmp_ok(scalar @faults, '>', 0, "a renamed $name is noticed");
    }
}


# The rules too: one whose metric is not there never fires, and says nothing.
sub rules_have_their_metrics() {
    my $groups = api('rules')->{groups};

    for my $rule (map { @{$_->{rules}} } @$groups) {
        is(fault_of(join ' + ', map { "count($_)" }
                    metric_names($rule->{query}), 'up'),
           undef, "$rule->{name} asks for metrics that are there");
        is($rule->{health}, 'ok', "$rule->{name} could be evaluated");
    }
}


# What happens, in order.

sub scrapes_come_in_both_formats() {
    metric_becomes('up{job="ingest"} == 1', 'Prometheus gets OpenMetrics');
    metric_becomes('up{job="text"} == 1', 'and the text format');

    my $log = home() . '/nginx/scrapes.log';
    my $scrapes;

    ok(await(sub {
        $scrapes = slurp($log);
        $scrapes =~ m{^/metrics Prometheus/\S+ application/openmetrics-text}m
    }), 'the first was OpenMetrics');
    ok(await(sub {
        $scrapes = slurp($log);
        $scrapes =~ m{^/metrics through-text text/plain; version=0.0.4}m
    }), 'the second was the text format');

    my %targets = map { $_->{labels}{job} => $_ }
                  @{api('targets')->{activeTargets}};

    is($targets{$_}{health}, 'up', "target $_ is up"),
        is($targets{$_}{lastError}, '', "target $_ has no error")
        for qw( ingest text );

    # Whatever is there under one name and labels is there in both.
    for my $missing (['ingest', 'text'], ['text', 'ingest']) {
        my ($one, $other) = map { qq({__name__=~"(ingest|events|http)_.+",)
                                  . qq(job="$_"}) } @$missing;

        ok(await(sub {
            !@{query("$one unless ignoring (job) $other")}
        }), "all samples of $missing->[0] are in $missing->[1]");
    }
}


sub all_is_well() {
    $load{events} = load_start('/events', 100, 500);
    $load{little} = load_start('/little', 100, 500);
    $load{few} = load_start('/few', 50);
    $load{$_} = load_start("/$_", 5) for qw( dead lost quiet );

    # Until windows of the rules are full.
    metric_becomes('count_over_time(events_received_total{job="ingest",'
                   . 'queue="events"}[15s]) > 30', 'there is traffic');
    dashboard_answers('with traffic');

    kafka('broker', 'pause');
    metric_becomes('ingest_oldest_event_age_seconds{job="ingest",'
                   . 'queue="events"} > 1', 'the broker pauses');
    kafka('broker', 'resume');
    metric_becomes('ingest_oldest_event_age_seconds{job="ingest",'
                   . 'queue="events"} < 0.5', 'the broker goes on');

    is_silent($_, '', 'all is well, but for a moment')
        for qw( IngestQueueFilling IngestQueueFull IngestEventsOld
                IngestDeadLetters IngestDeliveryErrors IngestBrokerDown
                IngestEventsLost IngestNoTraffic IngestNoProducer IngestDown );
}


sub kafka_refuses() {
    post('/dead', 5000) for 1 .. 3;
    post('/lost', 5000) for 1 .. 3;
    load_stop(delete $load{quiet});

    fires('IngestDeadLetters', 'dead', 'events are too large for their topic');
    fires('IngestEventsLost', 'lost', 'there is no dead-letter topic');
    fires('IngestNoTraffic', 'quiet', 'nobody sends to this queue');

    clears('IngestDeadLetters', 'dead', 'there are no new ones');
    clears('IngestEventsLost', 'lost', 'there are no new ones');

    is_silent('IngestDeadLetters', 'lost', 'what is lost is no dead letter');
    is_silent('IngestEventsLost', 'dead', 'dead letters are not lost');
    is_silent('IngestNoTraffic', 'lost', 'somebody sends to this one');
    is_silent('IngestDeliveryErrors', 'dead', 'a few errors pass');

    post('/quiet');
    clears('IngestNoTraffic', 'quiet', 'one event came');
}


sub kafka_goes_and_comes() {
    kafka('broker', 'stop');

    fires('IngestBrokerDown', 'events', 'the broker was stopped');
    fires('IngestQueueFilling', 'little', 'its zone is small');
    fires('IngestQueueFilling', 'few', 'it takes few events');
    fires('IngestEventsOld', 'events', 'events wait');
    fires('IngestQueueFull', 'little', 'nothing fits any more');
    fires('IngestQueueFull', 'few', 'it has as many as it takes');
    fires('IngestDeliveryErrors', 'events', 'attempts time out');
    dashboard_answers('with Kafka down');

    is_silent('IngestQueueFilling', 'events', 'it fills, with time to spare');
    is_silent('IngestQueueFull', 'events', 'there is room');
    is_silent('IngestEventsOld', 'quiet', 'it has no event');
    is_silent('IngestNoTraffic', 'little', 'refused requests are traffic');
    is_silent('IngestNoProducer', 'little', 'a full queue has a producer');
    is_silent('IngestDeadLetters', 'events', 'what waits is not dead');

    kafka('broker', 'start');

    clears('IngestBrokerDown', 'events', 'the broker is back');
    clears('IngestEventsOld', 'events', 'events are delivered');
    clears('IngestQueueFull', 'little', 'there is room again');
    clears('IngestDeliveryErrors', 'events', 'attempts succeed');
    clears('IngestQueueFilling', 'little', 'it is empty');
}


sub a_worker_has_no_producer() {
    my $give_back = hold_slots();

    fires('IngestNoProducer', 'events', 'there is no slot for a worker');
    $give_back->();
    ok(await(sub { post('/events') == 202 }), 'there is a producer again');
    clears('IngestNoProducer', 'events', 'requests are accepted');
}


sub nginx_goes_and_comes() {
    is_silent('IngestDown', '', 'it has been there all the time');

    stop_nginx();
    fires('IngestDown', '', 'nginx was stopped');
    start_nginx();
    clears('IngestDown', '', 'nginx is back');
}


note(durations_alone_differ('rules.yml'));
note(durations_alone_differ('prometheus.yml'));
start_all();

for (['scrapes', \&scrapes_come_in_both_formats],
     ['all is well', \&all_is_well],
     ['Kafka refuses events', \&kafka_refuses],
     ['Kafka goes and comes', \&kafka_goes_and_comes],
     ['metrics have these names', sub {
         rules_have_their_metrics();
         renames_are_noticed();
     }],
     ['a worker has no producer', \&a_worker_has_no_producer],
     ['nginx goes and comes', \&nginx_goes_and_comes])
{
    my ($title, $steps) = @$_;

    subtest $title => sub {
        my $start = time;

        eval { $steps->(); 1 } or fail("it goes on: $@");
        note(time - $start, ' s');
    };
}

kafka('topics', 'delete', $_) for $topic, "$topic-small", "$topic-dlq";

done_testing();
