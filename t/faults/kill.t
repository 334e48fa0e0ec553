# Copyright (C) The ngx_http_ingest_module authors

# Workers are killed under load.

use v5.36;
use lib 't/lib';
use Test::More;
use TestIngest::Faults;


plan_of 'workers are killed', { duplicates => 3 }, sub ($run) {
    for (1 .. budget('kills', 40)) {
        $run->kill_worker();
        $run->accepted(400);
    }

    return sub ($ledger) {
        my $rate = $ledger->{sum}{acknowledged} / $run->{load_time};

        cmp_ok($rate, '>=', budget('least', 0), 'the load was what it must be');
    };
};


# All at once and at regular times, as a rule from outside does it: each death
# leaves almost empty segments, with records that have seen many deaths.
plan_of 'workers are killed again and again while Kafka is away', {
    zone => '16m segment=512k', rate => 500,
}, sub ($run) {
    $run->broker('stop');

    for (1 .. budget('kills_down', 6)) {
        $run->accepted(20);
        $run->kill_all_workers();
        $run->go_on(0.5);
    }

    $run->broker('start');
    $run->accepted(500);
};


done_testing();
