# Copyright (C) The ngx_http_ingest_module authors

# Topics that refuse sizes.

use v5.36;
use lib 't/lib';
use Test::More;
use TestIngest::Faults;


my $count = budget('sized', 1500);


plan_of 'one event in ten is too large for the topic', {
    config => ['max.message.bytes=102400'], large => 150_000, every => 10,
    rate => 300, zone => '64m',
    dead => sub ($n) { $n % 10 == 0 ? 1 : 0 },
}, sub ($run) { $run->accepted($count) };


# Together they are too large, each by itself is not.
plan_of 'batches are too large for the topic, events are not', {
    config => ['max.message.bytes=2000'], partitions => 1, workers => 2,
    size => 100, rate => 1000, queue => 'kafka linger.ms 200;',
}, sub ($run) {
    $run->accepted($count * 2);

    return sub ($ledger) {
        my ($refused) = grep { /^ingest_delivery_errors_total.*SIZE_TOO_LARGE/ }
                        keys %{$run->{samples}};

        ok(defined $refused, 'batches were refused');
    };
};


plan_of 'a topic comes to refuse what it has taken', {
    large => 50_000, every => 10, rate => 500,
}, sub ($run) {
    $run->accepted($count / 2);
    $run->hold_load();
    $run->drain();

    my $last = $run->figures()->{sent};

    $run->topic_command('configure', 'max.message.bytes=20000');
    $run->resume_load();
    $run->go_on(2);

    # By now brokers know.
    my $first = $run->figures()->{sent};

    $run->{dead} = sub ($n) {
        return $n % 10 != 0 || $n <= $last ? 0 : $n > $first ? 1 : undef;
    };

    $run->accepted($count / 2);
};


done_testing();
