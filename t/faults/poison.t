# Copyright (C) The ngx_http_ingest_module authors

# An event that kills the workers that send it.

use v5.36;
use lib 't/lib';
use Test::More;
use TestIngest::Faults;

# Most of the time adopted events are left at rest.
apart();


# Its number.  As a dead letter it kills nobody.
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
