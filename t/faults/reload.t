# Copyright (C) The ngx_http_ingest_module authors

# nginx is reloaded under load.

use v5.36;
use lib 't/lib';
use Test::More;
use TestIngest::Faults;


# What a generation of workers uses, when the one before is gone.
sub settled_usage($run) {
    $run->until('old workers end', sub { !%{$run->{old}} });
    $run->accepted(1000);

    return $run->usage();
}


plan_of 'nginx is reloaded, again and again', {}, sub ($run) {
    $run->reload();

    my $before = settled_usage($run);

    for (1 .. budget('reloads', 15)) {
        $run->reload();
        $run->accepted(500);
    }

    my $after = settled_usage($run);

    for my $what (qw( files master_fds threads )) {
        cmp_ok($after->{$what}, '<=', $before->{$what} + 2,
               "$what are as many as before");
    }

    # Clients spread over the workers as they like.
    cmp_ok($after->{fds}, '<=', $before->{fds} + $run->{connections},
           'fds are as many as before, but for connections');

    cmp_ok($after->{rss}, '<=', $before->{rss} * 1.1 + 4,
           'memory is what it was');
    diag(join ' ', map { sprintf '%s=%d,%d', $_, $before->{$_}, $after->{$_} }
                   sort keys %$after);
};


# Each reload leaves as many almost empty segments as there are workers, and the
# zone has room for what is in them, but not for them.
plan_of 'nginx is reloaded while Kafka is away', {
    zone => '16m segment=512k',
}, sub ($run) {
    for my $how (qw( pause stop )) {
        $run->broker($how);

        for (1 .. budget('reloads_down', 6) / 2) {
            $run->accepted(500);
            $run->reload();
        }

        $run->until('old workers end', sub { !%{$run->{old}} });
        $run->broker($how eq 'pause' ? 'resume' : 'start');
        $run->accepted(1000);
    }
};


done_testing();
