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
        my $least = budget('least', 0);

        cmp_ok($rate, '>=', $least, 'the load was what it must be') if $least;
    };
};


done_testing();
