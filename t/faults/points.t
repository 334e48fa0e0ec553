# Copyright (C) The ngx_http_ingest_module authors

# Workers that die between two steps, at each of them.

use v5.36;
use lib 't/lib';
use Test::More;
use TestIngest::Faults;

my @load = qw(
    claim append commit answer answered seal produce produced report undone done
    free free_committed free_sealed free_adoptions free_seq free_owner
);
my @adoption = qw(
    adopt adopt_resolved adopt_cleared adopt_sealed adopt_counted adopt_owned
    adopt_uncounted adopted unlock unlocked
);


# Segments are small, so that they come and go.
plan_of 'workers die at each step of an event', {
    faulty => 1, zone => '8m segment=64k',
}, sub ($run) {
    for my $point (@load) {
        $run->die_at($point, $point =~ /claim|seal|free/ ? 2 : 50);
        $run->accepted(100);
    }
};


plan_of 'workers die at each step of an adoption', {
    faulty => 1, zone => '8m segment=64k',
}, sub ($run) {
    for my $point (@adoption) {
        $run->die_at($point, 1, sub { $run->kill_worker() });
        $run->balance("after $point");
    }
};


plan_of 'workers die while they park what waits for a dead partition', {
    faulty => 1, zone => '16m segment=64k', brokers => 3,
}, sub ($run) {
    my $id = $run->leaders()->{0};

    $run->accepted(1000);
    $run->broker('kill', $id);

    for my $point (qw( park_copy park_end park_named park_commit )) {
        $run->die_at($point, 20);
    }

    $run->broker('start', $id);
};


done_testing();
