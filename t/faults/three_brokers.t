# Copyright (C) The ngx_http_ingest_module authors

# Three brokers, of which one is away.

use v5.36;
use lib 't/lib';
use Test::More;
use TestIngest::Faults;


# The ring has room for what waits for one partition of three, but not for all
# that comes meanwhile: what waits must not keep others from their room.
my $seconds = budget('gone', 20);
my $record_bytes = 384;
my $zone_mb = int(budget('rate', 2500) * $seconds * $record_bytes
                  * 2 / 3 / 1e6) + 1;

plan_of 'one of three brokers is gone, and its partition with it', {
    brokers => 3, config => ['min.insync.replicas=1'], zone => "${zone_mb}m",
}, sub ($run) {
    my $leaders = $run->leaders();
    my $id = $leaders->{0};
    my $led = grep { $_ == $id } values %$leaders;

    is($led, 1, 'each broker leads one partition') or return;

    $run->accepted(1000);
    $run->broker('kill', $id);

    my $before = $run->counters();

    $run->go_on($seconds);

    my $after = $run->counters();
    my $published = $after->{published} - $before->{published};
    my $received = $after->{received} - $before->{received};

    is($run->leaders()->{0}, -1, 'its partition has no leader');
    cmp_ok($published, '>=', $received / 2, 'the other partitions flow');
    diag("meanwhile received=$received published=$published zone=$zone_mb MB");

    $run->broker('start', $id);
};


plan_of 'leaders move from broker to broker', {
    brokers => 3, replication => 3,
}, sub ($run) {
    for my $id (1 .. budget('moves', 3)) {
        $id = ($id - 1) % 3 + 1;

        my $led = grep { $_ == $id } values %{$run->leaders()};

        $run->broker('kill', $id);
        $run->accepted(1500);
        $run->until("others lead what broker $id did", sub {
            my @leaders = values %{$run->leaders()};

            return @leaders == 3 && !grep { $_ == $id || $_ == -1 } @leaders;
        });

        diag("$led partitions moved from broker $id");
        $run->{moved} += $led;
        $run->broker('start', $id);
    }

    cmp_ok($run->{moved}, '>', 0, 'leaders have moved');
    $run->accepted(1000);
};


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
