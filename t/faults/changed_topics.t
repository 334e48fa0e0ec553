# Copyright (C) The ngx_http_ingest_module authors

# Topics that change under load.

use v5.36;
use lib 't/lib';
use Test::More;
use TestIngest::Faults;


# Whether brokers, or librdkafka for them, have said that there is no such topic.
sub is_unknown($run) {
    my $samples = $run->scrape() // {};

    return grep { /^ingest_delivery_errors_total.*UNKNOWN_TOPIC/ }
           keys %$samples;
}


# Events linger for longer than it takes to delete it.
plan_of 'the topic is deleted with events in the queue, and created again', {
    load => 0, queue => 'kafka linger.ms 5000;
                         kafka topic.metadata.propagation.max.ms 1000;',
}, sub ($run) {
    $run->load();
    $run->accepted(2000);
    $run->topic_command('delete');
    is($run->counters()->{published}, 0, 'events are in the queue');
    $run->until('the topic is unknown', sub { is_unknown($run) });
    $run->topic_command('create', $run->{partitions}, $run->{replication});
    $run->accepted(1000);
};


# The minute is two seconds here.
plan_of 'the topic is deleted for good', {
    faulty => 1, fault => 'unknown_ms:2000', rate => 500,
    queue => 'kafka topic.metadata.propagation.max.ms 1000;',
}, sub ($run) {
    $run->accepted(500);
    $run->hold_load();
    $run->drain();
    $run->read_back($run->{topic});

    my $before = $run->figures()->{sent};

    $run->topic_command('delete');
    $run->resume_load();
    $run->accepted(100);

    my $first = $run->figures()->{sent};

    $run->until('events are dead letters', sub {
        return ($run->scrape() // {})
               ->{'events_dead_lettered_total{queue="events"}'};
    });
    $run->accepted(500);
    $run->hold_load();

    my $last = $run->figures()->{sent};

    $run->drain();
    $run->topic_command('create', $run->{partitions}, $run->{replication});

    $run->{dead} = sub ($n) {
        return $n <= $before ? 0 : $n > $first && $n <= $last ? 1 : undef;
    };

    return sub ($ledger) {
        my @others = grep { !/^(?:3|-188)$/ } keys %{$ledger->{dead_codes}};

        is("@others", '', 'dead letters say that the topic is unknown');
    };
};


plan_of 'partitions are added', {
    partitions => 1, queue => 'kafka topic.metadata.refresh.interval.ms 500;',
}, sub ($run) {
    $run->accepted(1000);
    $run->topic_command('partitions', 5);
    $run->go_on(2);
    $run->accepted(1000);

    return sub ($ledger) {
        is(scalar keys %{$ledger->{by_partition}}, 5,
           'all of them have events');
    };
};


done_testing();
