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


# The number of an event that kills who sends it, but not as a dead letter.
my $poison = 2000;

plan_of 'an event that kills workers becomes a dead letter, and no other', {
    faulty => 1, rate => 500,
    may => qr/\[alert\] .* event ".*-$poison": 5 workers died sending it/,
    dead => sub ($n) { $n == $poison ? 1 : 0 },
}, sub ($run) {
    $run->{fault} = "poison:$run->{topic}-$poison";
    $run->configure();
    $run->reload();

    $run->until('it is a dead letter', sub {
        return ($run->scrape() // {})
               ->{'events_dead_lettered_total{queue="events"}'};
    }, 120);

    $run->{kills} = $run->deaths();

    # Who accepted it, two heirs that suspected nothing, and five trials.
    is($run->{kills}, 8, 'it has killed as often as it may');

    my @lines = $run->said('poison event');

    is(scalar @lines, 1, 'ingest_log has a line of it');
    is($lines[0]{id}, "$run->{topic}-$poison", 'with its id');
    is($lines[0]{level}, 'alert', 'and its level');

    $run->accepted(100);
};


done_testing();
