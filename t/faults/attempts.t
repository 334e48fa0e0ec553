# Copyright (C) The ngx_http_ingest_module authors

# Brokers that answer with an error, again and again.

use v5.36;
use lib 't/lib';
use Test::More;
use TestIngest::Faults;


my $not_enough_replicas = 19;

sub sample($run, $name) {
    return ($run->scrape() // {})->{$name} // 0;
}


# One replica is missing, so each partition has a leader that refuses all.
plan_of 'max_attempts ends what brokers refuse, and without it events wait', {
    brokers => 3, replication => 3, config => ['min.insync.replicas=3'],
    queue => 'max_attempts 3;', rate => 1000,
}, sub ($run) {
    my ($keeps) = values %{$run->leaders("$run->{topic}-dlq")};
    my $id = $keeps % 3 + 1;

    $run->accepted(500);
    $run->hold_load();
    $run->drain();

    my $first = $run->figures()->{sent};

    $run->broker('kill', $id);
    $run->until('others lead what it did', sub {
        my @leaders = values %{$run->leaders()};

        return !grep { $_ == $id || $_ == -1 } @leaders;
    });
    $run->resume_load();
    $run->until('events are dead letters', sub {
        return sample($run, 'events_dead_lettered_total{queue="events"}')
               >= 500;
    });

    $run->{queue} = '';
    $run->configure();
    $run->reload();
    $run->until('old workers end', sub { !%{$run->{old}} });

    my $last = $run->figures()->{sent};

    $run->{dead} = sub ($n) {
        return $n < $first || $n > $last ? 0 : undef;
    };

    my $before = $run->counters();

    $run->accepted(500);
    is($run->counters()->{published}, $before->{published},
       'nothing is delivered meanwhile');
    $run->broker('start', $id);

    return sub ($ledger) {
        is(join(' ', keys %{$ledger->{dead_codes}}), $not_enough_replicas,
           'dead letters say what the brokers answered');
    };
};


done_testing();
