# Copyright (C) The ngx_http_ingest_module authors

# Topics that change under load.

use v5.36;
use lib 't/lib';
use Test::More;
use TestIngest::Faults;


plan_of 'the topic is deleted, and created again', {}, sub ($run) {
    $run->accepted(1000);
    $run->replace_topic(sub { $run->accepted(3000) });
    $run->accepted(1000);
};


plan_of 'partitions are added', {
    partitions => 1, queue => 'kafka topic.metadata.refresh.interval.ms 500;',
}, sub ($run) {
    $run->accepted(1000);
    $run->topic_command('partitions', 5);
    $run->go_on(2);
    $run->accepted(1000);

    return sub ($ledger) {
        is(scalar keys %{$ledger->{by_partition}}, 5,
           'all of them have events');
    };
};


done_testing();
