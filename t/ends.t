# Copyright (C) The ngx_http_ingest_module authors

# Many workers end at once, one after another or all together, and nobody takes
# their events: the numbers that they say are lost are those that were taken.
# Last those that are killed before they can say so.
#
# Each has two queues, and may wait with one of them for a worker that waits with
# its other one.
#
#   ENDS_ROUNDS   times that each case is run, 3 unless given: what workers see
#                 of each other is a race

use v5.36;
use lib 't/lib';
use List::Util qw( sum );
use Test::More;
use TestIngest::Client;
use TestIngest::Server;

my @queues = qw( events others );
my $events = 160;
my $rounds = $ENV{ENDS_ROUNDS} || 3;
my $port = free_port($ENV{TEST_NGINX_SERVER_PORT} || 20080);
my $nginx = TestIngest::Server->new('ends');


# Kafka is not there, so that what was taken is in no Kafka for certain.
sub queue($name, $drain) {
    return <<"CONF";
    ingest_queue $name {
        zone 16m;
        brokers 127.0.0.1:1;
        topic t;
        $drain
    }
CONF
}


sub configuration($workers, $drain) {
    my $queues = join '', map { queue($_, $drain) } @queues;

    return <<"CONF";
load_module modules/ngx_http_ingest_module.so;
worker_processes $workers;
pid nginx.pid;
error_log logs/error.log notice;
events { worker_connections 256; }
http {
    access_log off;
    $temp_paths
$queues    server {
        listen 127.0.0.1:$port reuseport;
        location = /$queues[0] { ingest $queues[0]; }
        location = /$queues[1] { ingest $queues[1]; }
        location = /metrics { ingest_metrics; }
    }
}
CONF
}


# Over many connections, so that all workers have some.
sub take() {
    my $taken = 0;

    for my $batch (1 .. $events / 4) {
        my $socket = connection($port);

        for my $n (1 .. 4) {
            my $body = event("$batch-$n");

            print $socket "POST /$queues[$n % 2] HTTP/1.1\r\nHost: localhost\r\n"
                          . 'Content-Length: ' . length($body)
                          . "\r\n\r\n$body";
            $taken++ if (answer($socket) // { status => 0 })->{status} == 202;
        }
    }

    return $taken;
}


sub lost($from) {
    my $sum = 0;

    $sum += $_
        for $nginx->log($from) =~ /\[error\] .* (\d+) events lost: shutdown/g;

    return $sum;
}


# Starts nginx and has it take events; where its log began.
sub begin($case, $workers, $drain) {
    my $from = $nginx->log_size();

    $nginx->put('nginx.conf', configuration($workers, $drain));
    $nginx->start('nginx.conf');
    $nginx->until('all workers have producers', sub {
        my @started = $nginx->log($from) =~ /producer started/g;
        @started == @queues * $workers;
    });

    is(take(), $events, "$case: events are taken");

    return $from;
}


sub ends_with($workers, $drain, $signal, $meanwhile = undef) {
    my $case = "$workers workers, " . ($drain || 'the default') . " $signal";

    for my $round (1 .. $rounds) {
        my $from = begin($case, $workers, $drain);

        $meanwhile->($from) if defined $meanwhile;
        $nginx->stop($signal);

        is(lost($from), $events, "$case: the numbers are those taken")
            or diag(join "\n", grep { /events (?:lost|left)|adopted|drain/ }
                               split /\n/, $nginx->log($from));
        unlike($nginx->log($from),
               qr/\[(?:alert|emerg|crit)\](?!.* on signal 9)|not end/,
               "$case: nothing else happens");
    }
}


# Workers with events are killed, and nginx is told to end at once.
sub killed($from) {
    my @pids = ($nginx->workers())[0, 1];

    kill 'KILL', @pids;

    # One that is not gone yet may be the last one's heir.
    $nginx->until('they are gone', sub { !grep { kill 0, $_ } @pids });
}


sub reloaded($from) {
    $nginx->reload();
}


# In the middle of the drain: what each said before is the bound of the loss.
sub killed_while_ending() {
    my $from = begin('workers are killed', 2, 'drain_timeout 60s;');
    my @pids = $nginx->workers();
    my @draining;

    kill 'QUIT', $nginx->pid();
    $nginx->until('both workers drain', sub {
        @draining = $nginx->log($from) =~ /draining (\d+) events/g;
        @draining == 2 * @queues;
    });

    kill 'KILL', @pids;
    $nginx->stop();

    is(sum(@draining), $events, 'workers said what they had');
    is(lost($from), 0, 'and nobody says that it is lost');
}


# Memory is all there is, and what comes next begins with none.
sub all_are_killed() {
    begin('all of nginx is killed', 2, '');

    my @pids = $nginx->workers();

    $nginx->stop('KILL');
    kill 'KILL', @pids;

    my $from = $nginx->log_size();

    $nginx->start('nginx.conf');

    my $metrics = $nginx->curl("http://127.0.0.1:$port/metrics")->{body};

    for my $queue (@queues) {
        like($metrics, qr/^ingest_queue_size\{queue="$queue"\} 0$/m,
             'a queue of the next nginx is empty');
        like($metrics, qr/^events_received_total\{queue="$queue"\} 0$/m,
             'and so are its counters');
    }

    $nginx->stop();
    is(lost($from), 0, 'there is nothing left to lose');
}


for my $workers (2, 4, 8) {
    for my $drain ('drain_timeout 0;', 'drain_timeout 100ms;') {
        ends_with($workers, $drain, $_) for qw( QUIT TERM );
    }
}

ends_with(1, 'drain_timeout 0;', 'QUIT');
ends_with(4, 'drain_timeout 0;', 'QUIT', \&killed);
ends_with(4, 'drain_timeout 100ms;', 'QUIT', \&reloaded);
ends_with(4, 'drain_timeout 0;', 'QUIT', \&reloaded);

$rounds = 1;
ends_with(4, '', $_) for qw( QUIT TERM );

killed_while_ending();
all_are_killed();

done_testing();
