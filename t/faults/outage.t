# Copyright (C) The ngx_http_ingest_module authors

# The broker goes away and comes back.

use v5.36;
use lib 't/lib';
use Test::More;
use TestIngest::Faults;


# Every other time it is killed while nginx sends what has waited.  Not each
# time: a broker that never stays is one that is away, and the zone has an end.
plan_of 'the broker is killed and started again', {}, sub ($run) {
    $run->accepted(1000);

    for my $i (1 .. budget('outages', 2)) {
        $i % 2 ? $run->calm() : $run->published(500);
        $run->broker('kill');
        $run->accepted(2000);
        $run->broker('start');
    }

    $run->accepted(1000);
};


sub p99(@latencies) {
    return @latencies ? $latencies[$#latencies * 0.99] : 0;
}


# Clients do not notice.  Only who asks for FAULTS_P99 has it judged, on a
# machine that has nothing else to do.
# The zone has room for all that comes meanwhile.
plan_of 'the broker stands still', { zone => '96m' }, sub ($run) {
    my $seconds = budget('pause', 5);
    my @times = time;

    $run->go_on($seconds);
    push @times, time;

    $run->broker('pause');
    $run->go_on($seconds);
    push @times, time;

    $run->broker('resume');
    $run->accepted(1000);

    return sub ($ledger) {
        my $before = p99($ledger->latencies(@times[0, 1]));
        my $while = p99($ledger->latencies(@times[1, 2]));

        cmp_ok($before, '>', 0, 'there was traffic before');
        cmp_ok($while, '>', 0, 'and meanwhile');
        diag("p99 before and while: $before ms, $while ms");

        if (my $times = budget('p99', 0)) {
            cmp_ok($while, '<=', $before * $times, "p99 is within $times x");
        }
    };
};


done_testing();
