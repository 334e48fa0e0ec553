# Copyright (C) The ngx_http_ingest_module authors

# Ends of nginx and of its workers: what can be delivered is, what others can
# deliver is left to them, and what is lost is said with its exact number.

use v5.36;
use lib 't/lib';
use TestIngest;

# What waits for a broker has a back-off.
$TestIngest::Client::deadline = 30;

no_shuffle();
$Test::Nginx::Util::ForceRestartOnTest = 1;

my $n = 0;
my $position = 0;


# Kafka is away, and nginx has taken events that nobody can deliver.  Returns
# their ids, or nothing where the broker is not ours to stop.
sub taken_in_an_outage($count = 20, $uri = '/events') {
    if (!broker_is_ours()) {
        pass('the broker is not ours to stop');
        return;
    }

    my $name = 'out-' . ++$n;
    my @ids = map { "$name-$_" } 1 .. $count;

    $position = () = error_log_lines();
    http('POST', $uri, event("$name-0"));
    await(sub { scrape()->{'ingest_queue_size{queue="events"}'} == 0 });
    kafka('broker', 'pause', 1);

    my %answers;
    $answers{http('POST', $uri, event($_))->{status}}++ for @ids;
    is($answers{202}, $count, "$count events are taken");

    return @ids;
}


# Sends signals to the master and waits for its end.
sub end_with(@signals) {
    my $pid = nginx_pid();

    for my $signal (@signals) {
        ref $signal ? $signal->() : kill $signal, $pid;
    }

    ok(await(sub { has_ended($pid) }), "nginx ends after @signals");
}


sub lost() {
    my @lines = error_log_lines();
    my $sum = 0;

    for (@lines[$position .. $#lines]) {
        $sum += $1 if /\[error\] .* queue "\w+": (\d+) events lost: shutdown/;
    }

    return $sum;
}


sub seen($pattern) {
    my @lines = error_log_lines();

    return grep { /$pattern/ } @lines[$position .. $#lines];
}


sub come(@ids) {
    my %times;

    await(sub {
        %times = ();
        $times{$_->{key}}++ for records();
        return !grep { !$times{$_} } @ids;
    });

    is(scalar grep({ !$times{$_} } @ids), 0, 'all of them are in Kafka');
}


sub resume_kafka() { kafka('broker', 'resume', 1) }


sub quit_in_an_outage($block) {
    my @ids = taken_in_an_outage() or return;

    end_with('QUIT');
    resume_kafka();
    is(lost(), 20, 'what is lost is said');
}


sub quit_with_kafka($block) {
    my @ids = taken_in_an_outage() or return;

    end_with('QUIT', \&resume_kafka);
    is(lost(), 0, 'nothing is lost');
    come(@ids);
}


sub term_in_an_outage($block) {
    my @ids = taken_in_an_outage() or return;

    end_with('TERM');
    resume_kafka();
    is(lost(), 20, 'what is lost is said');
}


# The drain would take a minute: the master would kill before.
sub term_in_a_drain($block) {
    my @ids = taken_in_an_outage() or return;

    end_with('QUIT', sub {
        ok(await(sub { seen('gracefully shutting down') }), 'it drains');
    }, 'TERM');

    resume_kafka();
    is(lost(), 20, 'what is lost is said');
    is(scalar seen('exited on signal'), 0, 'and nobody was killed');
}


# What a dead worker left is with another one when nginx ends.
sub adopted_events($block) {
    my @ids = taken_in_an_outage() or return;

    for my $pid (TestIngest::workers_of(nginx_pid())) {
        kill 'KILL', $pid;
        await(sub { has_ended($pid) });
    }

    my $adopted = 0;

    ok(await(sub {
        $adopted = 0;
        $adopted += /adopted slot \d+ with (\d+) events/ ? $1 : 0
            for seen('adopted slot');
        return $adopted >= 20;
    }), 'their slots are adopted');

    end_with('QUIT');
    resume_kafka();
    is(lost(), 20, 'what is lost is said');
}


# The old workers end, and the new ones are told to end too.
sub reload_and_quit($block, $kafka_is = 'away') {
    my @ids = taken_in_an_outage() or return;

    is(reload(), 'reloaded', 'a reload');

    if ($kafka_is eq 'away') {
        end_with('QUIT');
        resume_kafka();
        is(lost(), 20, 'what is lost is said once');
        return;
    }

    # All of them: one that comes to its end behind the signal finds no heir.
    ok(await(sub {
        my $left = 0;
        $left += /(\d+) events are left to other workers/ ? $1 : 0
            for seen('events are left');
        return $left == @ids;
    }), 'the old workers leave their events');
    end_with('QUIT', \&resume_kafka);
    is(lost(), 0, 'nothing is lost');
    come(@ids);
}


sub queue_is_removed($block) {
    my @ids = taken_in_an_outage() or return;

    is(reload(sub ($conf) {
        $conf =~ s/ingest_queue events \{.*?\n\}//sr
              =~ s/location = .events \{.*?\n\}//sr
    }), 'reloaded', 'a reload without the queue');

    ok(await(sub { lost() == 20 }), 'what is lost is said');
    resume_kafka();
}


# A worker that still has a request goes on: it takes what others leave.
sub other_worker_lives($block) {
    my $socket = connection();

    pieces($socket, "POST /events HTTP/1.1\r\nHost: localhost\r\n"
                    . "Content-Length: 100\r\n\r\n");
    my @ids = taken_in_an_outage() or return;

    kill 'QUIT', nginx_pid();

    ok(await(sub { seen('worker process \d+ exited') }), 'the other one ends');

    resume_kafka();
    pieces($socket, event('the-last', 100));
    is(answer($socket)->{status}, 202, 'the request is answered');
    come(@ids, 'the-last');
    is(lost(), 0, 'nothing is lost');
}


# A process that drains one queue has let go of the other.
sub queue_is_left($block) {
    my $pid = nginx_pid();
    my ($old) = TestIngest::workers_of($pid);
    my $brokers = brokers() =~ s/,/ /gr;

    is(http('POST', '/events', event('left'))->{status}, 202,
       'an event for the queue with no time to drain');
    is(http('POST', '/slow', event('kept'))->{status}, 202,
       'and one for the other');

    is(reload(sub ($conf) {
        $conf =~ s/brokers 127.0.0.1:1;/brokers $brokers;/r
    }), 'reloaded', 'a reload that has a broker for the first');

    await(sub { records() }, 10);
    is(join(' ', map { $_->{key} } records()), 'left',
       'the new worker delivers what the old one left');
    ok(!has_ended($old), 'which goes on with the other');

    kill 'TERM', $pid;
    ok(await(sub { has_ended($pid) }), 'nginx ends');
}


run_suite();


__DATA__

=== QUIT while Kafka is away ends within drain_timeout and says what is lost
--- queue: drain_timeout 1s;
--- workers: 2
--- check: quit_in_an_outage
--- log_may: events lost: shutdown


=== QUIT waits for Kafka as long as drain_timeout says
--- queue: drain_timeout 20s;
--- workers: 2
--- check: quit_with_kafka


=== a drain_timeout of more milliseconds than 32 bits hold is not cut
--- queue: drain_timeout 4294967296ms;
--- workers: 2
--- check: quit_with_kafka


=== TERM while Kafka is away says what is lost
--- workers: 2
--- check: term_in_an_outage
--- log_may: events lost: shutdown


=== TERM cuts a drain short
--- queue: drain_timeout 60s;
--- workers: 2
--- check: term_in_a_drain
--- log_may: events lost: shutdown


=== adopted events that are lost are said too
--- queue: drain_timeout 1s;
--- workers: 2
--- check: adopted_events
--- log_may: events lost: shutdown|exited on signal 9


=== QUIT right after a reload says what is lost, once
--- queue: drain_timeout 1s;
--- workers: 2
--- check: reload_and_quit
--- log_may: events lost: shutdown


=== QUIT after a reload delivers what the old workers left
--- queue: drain_timeout 1s;
--- workers: 2
--- check: reload_and_quit back
--- log_may: events lost: shutdown


=== a queue that a reload removes is drained, and what is lost is said
--- queue: drain_timeout 1s;
--- workers: 2
--- check: queue_is_removed
--- log_may: events lost: shutdown


=== a worker with a request left takes what the others leave
--- queue: drain_timeout 1s;
--- workers: 2
--- check: other_worker_lives


=== what a queue has left is delivered while its worker drains another
--- queue
    brokers 127.0.0.1:1;
    drain_timeout 0;
--- http eval: main::queue_block('slow', "brokers 127.0.0.1:1 127.0.0.1:2;\ndrain_timeout 1m;")
--- server: location = /slow { ingest slow; }
--- check: queue_is_left
--- log_may: events lost: shutdown
