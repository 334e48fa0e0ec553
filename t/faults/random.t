# Copyright (C) The ngx_http_ingest_module authors

# Everything at once: rounds of faults that a seed chooses.  A seed names the
# settings and steps of all rounds; how many there are, FAULTS_MINUTES says.
# Of the seed that is used without another one the first round has all that
# leaves nginx there, and in the second it ends too.

use v5.36;
use lib 't/lib';
use Test::More;
use TestIngest::Faults;

my $seed = budget('seed', 388);
my $end = time + 60 * budget('minutes', 0);
my $rounds = budget('rounds', budget('minutes', 0) ? 1 : 2);
my $steps = budget('steps', 8);
my $only_brokers = budget('brokers', budget('minutes', 0) ? 0 : 1);

# Each with its weight; those of the second kind are for rounds in which nginx
# as a whole may end.
my %steps = (kill => 4, reload => 3, outage => 3, partition => 1, topic => 1);
my %exits = (quit => 1, terminate => 1, upgrade => 1);

my %do = (
    kill => sub ($run) {
        for (0 .. rand 5) {
            $run->kill_worker();
            $run->accepted(200);
        }
    },

    reload => sub ($run) {
        for (0 .. rand 3) {
            $run->reload();
            $run->accepted(200);
        }
    },

    outage => sub ($run) {
        my $id = 1 + int rand $run->{brokers};
        my $how = (qw( kill stop pause ))[rand 3];
        my @within = map { choose({ kill => 1, reload => 1, go_on => 2 }) }
                     0 .. rand 3;

        $run->broker($how, $id);

        for my $what (@within) {
            $run->kill_worker() if $what eq 'kill';
            $run->reload() if $what eq 'reload';
            $run->accepted(500);
        }

        $run->broker($how eq 'pause' ? 'resume' : 'start', $id);
        $run->accepted(500);
    },

    partition => sub ($run) {
        $run->topic_command('partitions', ++$run->{partitions});
    },

    topic => sub ($run) {
        $run->replace_topic(sub { $run->accepted(500) });
    },

    quit => sub ($run) { end_nginx($run, 'QUIT') },
    terminate => sub ($run) { end_nginx($run, 'TERM') },

    upgrade => sub ($run) {
        $run->calm();
        $run->upgrade();
    },
);


# What an outage has left is not to be lost by the end of nginx.
sub end_nginx($run, $signal) {
    $run->calm();
    $run->stop_nginx($signal);
    $run->start_nginx();
}


sub choose($weights) {
    my @all = map { ($_) x $weights->{$_} } sort keys %$weights;

    return $all[rand @all];
}


sub settings($ends) {
    my $brokers = rand() < 0.7 ? 1 : 3;
    my %settings = (
        brokers => $only_brokers || $brokers,
        workers => 1 + int rand 6,
        partitions => 1 + int rand 4,
        rate => 500 + int rand 2500,
        size => 100 + int rand 900,
        refused => $ends, zone => '64m',
    );

    $settings{replication} = $settings{brokers};

    if (rand() < 0.4) {
        @settings{qw( large every config dead )} = (
            30_000, 50, ['max.message.bytes=20000'],
            sub ($n) { $n % 50 == 0 ? 1 : 0 },
        );
    }

    return \%settings;
}


sub round($n) {
    srand($seed * 1000 + $n);

    my $ends = rand() < 0.3 ? 1 : 0;
    my $settings = settings($ends);
    my @plan = map { choose({ %steps, $ends ? %exits : () }) } 1 .. $steps;
    my $title = "round $n of seed $seed: @plan";

    plan_of $title, $settings, sub ($run) {
        for my $step (@plan) {
            $do{$step}->($run);
            $run->accepted(500);
        }
    };
}


my $n = 0;

do { round(++$n) } while ($n < $rounds || time < $end);

diag("seed=$seed rounds=$n " . totals());
done_testing();
