# Copyright (C) The ngx_http_ingest_module authors

# nginx ends, and begins anew, under load.

use v5.36;
use lib 't/lib';
use Test::More;
use TestIngest::Faults;


plan_of 'nginx ends and loses nothing', { refused => 1 }, sub ($run) {
    for (1 .. budget('exits', 2)) {
        $run->accepted(1000);
        $run->stop_nginx('QUIT');
        $run->start_nginx();

        $run->accepted(1000);
        $run->stop_nginx('TERM');
        $run->start_nginx();

        $run->accepted(1000);
        $run->upgrade();
    }

    $run->accepted(1000);
};


# Nothing is under way when Kafka goes, and nothing comes any more when nginx
# does: what it cannot deliver has one number.
plan_of 'nginx ends while Kafka is away, and says what is lost',
    { refused => 1, loses => 1 }, sub ($run)
{
    for my $signal (qw( QUIT TERM )) {
        $run->hold_load();
        $run->drain();
        $run->broker('stop');

        $run->resume_load();
        $run->accepted(2000);
        $run->hold_load();

        $run->stop_nginx($signal);
        $run->broker('start');
        $run->start_nginx();

        $run->resume_load();
        $run->accepted(1000);
    }

    return sub ($ledger) {
        cmp_ok($run->{lost}, '>=', 4000, 'all of an outage is lost');
    };
};


done_testing();
