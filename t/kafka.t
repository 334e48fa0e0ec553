# Copyright (C) The ngx_http_ingest_module authors

# What Kafka gets: order, partitions, topics, dead letters.

use v5.36;
use lib 't/lib';
use TestIngest;
use integer;

my (%made, %extra);


# A topic that a block asks for by name, made when the block is configured.
sub made($name, @config) {
    return $made{$name} //= create_topic(@config);
}


# Posts events on one connection, without waiting for the answers.
sub post_all($uri, @events) {
    my $socket = connection();
    my $sent = 0;

    for my $event (@events) {
        print $socket "POST $uri HTTP/1.1\r\nHost: localhost\r\n"
                      . 'Content-Length: ' . length($event) . "\r\n\r\n"
                      . $event;
    }

    return scalar grep { answer($socket)->{status} == 202 } @events;
}


sub await_keys($topic, $count) {
    my @found;

    await(sub { @found = records($topic); @found >= $count });

    return @found;
}


sub order_is_kept($block) {
    my @ids = map { "o-$_" } 1 .. 1000;

    is(post_all('/events', map { event($_, 200) } @ids), 1000,
       'a thousand events are accepted');

    my @found = await_keys(topic(), 1000);

    is(join(' ', map { $_->{key} } @found), "@ids",
       'they are in the partition in the order of the connection');
}


# The hash of Java's producer, so that events with one key of both kinds of
# producers go to one partition.
sub murmur2($bytes) {
    my ($m, $mask) = (0x5bd1e995, 0xffffffff);
    my $h = (0x9747b28c ^ length $bytes) & $mask;

    while (length $bytes >= 4) {
        my $k = unpack 'V', substr $bytes, 0, 4, '';

        $k = ($k * $m) & $mask;
        $k ^= $k >> 24;
        $h = (($h * $m) & $mask) ^ (($k * $m) & $mask);
    }

    for my $i (reverse 0 .. length($bytes) - 1) {
        $h ^= ord(substr $bytes, $i, 1) << 8 * $i;
        $h = ($h * $m) & $mask if $i == 0;
    }

    $h = (($h ^ $h >> 13) * $m) & $mask;

    return $h ^ $h >> 15;
}


sub partitions_are_as_of_java($block) {
    my @ids = map { 'x' x ($_ % 9) . $_ } 1 .. 60;

    post_all('/events', map { event($_) } @ids);

    my %found = map { $_->{key} => $_->{partition} }
                await_keys(made('three'), 60);

    is_deeply(\%found,
              { map { $_ => (murmur2($_) & 0x7fffffff) % 3 } @ids },
              'each key is in the partition of its hash');
}


sub queues_are_apart($block) {
    post_all('/events', event('one-1'));
    post_all('/second', event('two-1'));
    post_all('/events', event('one-2'));

    is(join(' ', map { $_->{key} } await_keys(topic(), 2)), 'one-1 one-2',
       'events of the first queue');
    is(join(' ', map { $_->{key} } await_keys(made('second'), 1)), 'two-1',
       'events of the second queue');

    metrics_become('each counts its own',
                   'events_published_total{queue="events"} 2',
                   'events_published_total{queue="second"} 1');
}


sub first_topic_is_used($block) {
    post_all('/events', event('first'));

    is(join(' ', map { $_->{key} } await_keys(made('first'), 1)), 'first',
       'the event is in the first topic');
    is(scalar records(topic()), 0, 'and not in the other');
}


# One large event among small ones: the broker refuses the batch, and only the
# large one must leave the way.

sub small_and_large() {
    return (map({ event("s-$_", 100) } 1 .. 25), event('large', 3000),
            map({ event("s-$_", 100) } 26 .. 50));
}


sub large_is_dead_lettered($block) {
    my $topic = made('limited', 1, 1, 'max.message.bytes=2000');
    my $dead = made('limited-dlq');

    is(post_all('/events', small_and_large()), 51, 'all are accepted');

    my @dead = await_keys($dead, 1);
    my @found = await_keys($topic, 50);

    is(join(' ', sort map { $_->{key} } @found),
       join(' ', sort map { "s-$_" } 1 .. 50),
       'every small event is in the topic, once');
    is(scalar @dead, 1, 'one event is in the dead-letter topic');

    my $letter = $dead[0];

    is($letter->{key}, 'large', 'it is the large one');
    is($letter->{value}, event('large', 3000), 'its value is as it was');

    my %headers = %{$letter->{headers}};

    like(delete $headers{'ingest.received_at'},
         qr/\A20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\z/,
         'header ingest.received_at');
    like(delete $headers{error}, qr/too large/i, 'header error');
    like(delete $headers{'__connect.errors.exception.message'},
         qr/too large/i, 'header exception.message');

    is_deeply(\%headers, {
        trace_id => 'large',
        'ingest.error.code' => 10,
        '__connect.errors.topic' => $topic,
        '__connect.errors.partition' => 0,
        '__connect.errors.exception.class.name' => 'MSG_SIZE_TOO_LARGE',
    }, 'the other headers');

    metrics_become('accounts balance',
                   'events_received_total{queue="events"} 51',
                   'events_published_total{queue="events"} 50',
                   'events_dead_lettered_total{queue="events"} 1',
                   'events_failed_total{queue="events"} 1',
                   'ingest_queue_size{queue="events"} 0');
}


sub large_is_dropped($block, $topic, $reason) {
    is(post_all('/events', small_and_large()), 51, 'all are accepted');

    my @found = await_keys(made($topic), 50);

    is(join(' ', sort map { $_->{key} } @found),
       join(' ', sort map { "s-$_" } 1 .. 50),
       'every small event is in the topic, once');

    metrics_become('accounts balance',
                   'events_received_total{queue="events"} 51',
                   'events_published_total{queue="events"} 50',
                   'events_dead_lettered_total{queue="events"} 0',
                   qq(events_dropped_total{queue="events",reason="$reason"} 1),
                   'events_failed_total{queue="events"} 1',
                   'ingest_queue_size{queue="events"} 0');

    ok(await(sub {
        grep { /\[error\] .*event "large" lost, $reason/ } error_log_lines()
    }), 'error.log says which event is lost');
}


# Kafka refuses the time of what had to wait: there was no broker first.

sub refused_time_is_replaced($block) {
    my $topic = made('times');
    my $age = sample('ingest_oldest_event_age_seconds', 'queue="events"');
    my $accepted = time * 1000;

    is(post_all('/events', event('old-1'), event('old-2')), 2,
       'the events are accepted');
    ok(await(sub { scrape()->{$age} > 2 }), 'they wait');

    my $right = 'brokers ' . brokers() =~ s/,/ /gr;

    is(reload(sub ($conf) { $conf =~ s/brokers 127\.0\.0\.1:1;/$right;/r }),
       'reloaded', 'a reload with brokers that are there');

    my @found = await_keys($topic, 2);

    is(join(' ', sort map { $_->{key} } @found), 'old-1 old-2',
       'they are in the topic');
    is(scalar(grep { $_->{timestamp} > $accepted + 1000 } @found), 2,
       'with the time at which that was tried');

    metrics_become('and no dead letters',
        'events_published_total{queue="events"} 2',
        'events_dead_lettered_total{queue="events"} 0',
        'ingest_delivery_errors_total'
        . '{queue="events",code="INVALID_TIMESTAMP"} 2');
}


sub all_workers_deliver($block) {
    my (@ids, @sockets);

    for my $c (1 .. 16) {
        my $socket = connection();
        my @mine = map { "w-$c-$_" } 1 .. 300;

        push @ids, @mine;
        push @sockets, $socket;

        for my $event (map { event($_) } @mine) {
            print $socket "POST /events HTTP/1.1\r\nHost: localhost\r\n"
                          . 'Content-Length: ' . length($event) . "\r\n\r\n"
                          . $event;
        }
    }

    my $accepted = 0;

    for my $socket (@sockets) {
        $accepted += grep { answer($socket)->{status} == 202 } 1 .. 300;
    }

    is($accepted, 4800, 'all are accepted');

    my @found = await_keys(topic(), scalar @ids);

    is(join(' ', sort map { $_->{key} } @found), join(' ', sort @ids),
       'and each is in Kafka once');

    my %last;
    my @swapped = grep {
        my ($c, $n) = $_->{key} =~ /^w-(\d+)-(\d+)/;
        my $is = $n < ($last{$c} // 0);
        $last{$c} = $n;
        $is;
    } @found;

    is(scalar @swapped, 0, 'in the order of its connection');
}


# The broker makes no topic by itself; a topic may be on its way.
sub late_topic_is_found($block) {
    my $late = topic() . '-late';
    my @ids = map { "late-$_" } 1 .. 20;

    is(post_all('/events', map { event($_) } @ids), 20, 'all are accepted');
    ok(await(sub {
        grep { /^ingest_broker_up.* 1/ } split /\n/,
            http('GET', '/metrics')->{body}
    }), 'the broker has been asked');

    TestIngest::make_topic($late);

    is(join(' ', map { $_->{key} } await_keys($late, 20)), "@ids",
       'all are in the topic, once and in order');
}


# The last events wait for linger.ms when nginx gets its signal.
sub end_delivers($block, $signal) {
    my $pid = nginx_pid();
    my @ids = map { "$signal-$_" } 1 .. 500;

    is(post_all('/events', map { event($_) } @ids), 500, 'all are accepted');

    kill $signal, $pid;
    ok(await(sub { has_ended($pid) }), "nginx ends after $signal");

    is(join(' ', map { $_->{key} } records()), "@ids",
       'and all are in Kafka by then');
}


run_suite();

__DATA__

=== events of one connection keep their order
--- check: order_is_kept


=== keys go to the partitions that Java's producer chooses
--- queue eval
'topic ' . main::made('three', 3) . ';'
--- check: partitions_are_as_of_java


=== two queues have their own topics
--- http eval
main::queue_block('second', 'topic ' . main::made('second') . ';')
--- server
    location = /second { ingest second; }
--- restart
--- check: queues_are_apart


=== the first of several topics is used
--- queue eval
'topic ' . main::made('first') . ' $INGEST_TOPIC;'
--- check: first_topic_is_used


=== exactly the event that is too large for its topic is dead-lettered
--- queue eval
'topic ' . main::made('limited', 1, 1, 'max.message.bytes=2000') . ";\n"
. 'dead_letter_topic ' . main::made('limited-dlq') . ';'
--- restart
--- check: large_is_dead_lettered


=== without a dead-letter topic it is dropped, counted and logged
--- queue eval
'topic ' . main::made('no-dlq', 1, 1, 'max.message.bytes=2000') . ";\n"
. 'dead_letter_topic off;'
--- restart
--- check: large_is_dropped no-dlq refused
--- log_may: \[error\] .* event "large" lost


=== where the dead letter is refused too it is dropped, counted and logged
--- queue eval
'topic ' . main::made('bad-dlq', 1, 1, 'max.message.bytes=2000') . ";\n"
. 'dead_letter_topic '
. main::made('refusing', 1, 1, 'max.message.bytes=2000') . ';'
--- restart
--- check: large_is_dropped bad-dlq dead_letter_refused
--- log_may: \[error\] .* event "large" lost


=== an event whose time is refused is sent with that of the attempt
--- queue eval
'topic '
. main::made('times', 1, 1, 'message.timestamp.before.max.ms=1000') . ";\n"
. "brokers 127.0.0.1:1;\ndrain_timeout 100ms;"
--- restart
--- check: refused_time_is_replaced


=== every worker delivers
--- workers: 4
--- check: all_workers_deliver


=== what waits when nginx quits is delivered before it ends
--- queue
    kafka linger.ms 900;
--- check: end_delivers QUIT
--- restart


=== what waits when nginx is terminated is delivered if that is quick
--- check: end_delivers TERM
--- restart


=== a topic that is made after its first events gets them
--- queue
    topic $INGEST_TOPIC-late;
--- check: late_topic_is_found
