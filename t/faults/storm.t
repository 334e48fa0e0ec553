# Copyright (C) The ngx_http_ingest_module authors

# Many reloads and many deaths at regular times, in one outage, and a zone that
# has room for what is in the queue, but not for a segment of each generation.

use v5.36;
use lib 't/lib';
use Test::More;
use Time::HiRes qw( time );
use TestIngest::Faults;

# There is hardly any load.
apart();


sub at_regular_times($run, $times, $what) {
    my $next = time;

    for (1 .. $times) {
        $what->();
        $next += 0.5;
        $run->go_on($next - time) if $next > time;
    }
}


plan_of 'workers are reloaded, and killed, again and again in one outage', {
    workers => 1, zone => '900k segment=64k', rate => 10, connections => 4,
    drain => 1,
}, sub ($run) {
    $run->broker('stop');

    at_regular_times($run, budget('storm_reloads', 12),
                     sub { $run->reload() });
    at_regular_times($run, budget('storm_kills', 16),
                     sub { $run->kill_worker() });

    $run->broker('start');

    return sub ($ledger) {
        is($ledger->{sum}{dead}, 0, 'no event was taken for what kills');
    };
};


done_testing();
