# Copyright (C) The ngx_http_ingest_module authors

# Slots, their locks and their memory, as the kernel shows them.

use v5.36;
use lib 't/lib';
use TestIngest;
use TestIngest::Log;
use Fcntl qw( F_SETLK F_SETLKW F_WRLCK SEEK_SET );
use POSIX ();

no_shuffle();
$Test::Nginx::Util::ForceRestartOnTest = 1;

my $slots = 256;


# What processes hold: file and byte, by pid.
sub held() {
    my %held;

    for (TestIngest::lines_of('/proc/locks')) {
        push @{$held{$1}}, { file => $2, from => $3, to => $4 }
            if /^\d+: POSIX +ADVISORY +WRITE (\d+) (\S+:\d+) (\d+) (\d+)$/;
    }

    return \%held;
}


sub worker() {
    my @workers;

    await(sub { @workers = TestIngest::workers_of(nginx_pid()) });

    return $workers[0];
}


sub lock_of($pid) {
    my $held;

    await(sub { $held = held()->{$pid} });

    return $held ? $held->[0] : { file => 'none', from => 'none' };
}


# Of the mappings of a process, in KiB, those shared ones that a core dump
# leaves out.
sub not_dumped($pid) {
    my (@sizes, $size);

    for (TestIngest::lines_of("/proc/$pid/smaps")) {
        $size = $1 if /^Size: +(\d+) kB$/;
        push @sizes, $size if /^VmFlags:(?=.* sh\b).* dd\b/;
    }

    return @sizes;
}


# 8 MiB, the counters and the table of segments are not events.
sub events_are_not_dumped($block) {
    my @sizes = not_dumped(worker());

    is(scalar @sizes, 1, 'one shared mapping is left out of core dumps');
    cmp_ok($sizes[0] // 0, '>=', 8 * 1024 * 0.93, 'it is that of events');
    cmp_ok($sizes[0] // 0, '<', 8 * 1024 - 300, 'and of nothing else');
}


sub generations_meet($block) {
    my $socket = connection();
    my $old = worker();

    pieces($socket, "POST /events HTTP/1.1\r\nHost: localhost\r\n"
                    . "Content-Length: 100\r\n\r\n");

    is(reload(), 'reloaded', 'a reload while a request is under way');

    my ($old_lock, $new_lock) = (lock_of($old), lock_of(worker()));

    is($new_lock->{file}, $old_lock->{file},
       'the old and the new worker lock the same file');
    isnt($new_lock->{from}, $old_lock->{from},
         'the old and the new worker hold different slots');

    pieces($socket, event('the-last', 100));
    is(answer($socket)->{status}, 202, 'the request is answered');
}


# A child locks all bytes of the master's file, those that are taken as soon as
# they come free; it tells how many it has got.
sub take_all_slots() {
    my ($file) = grep { (readlink($_) // '') =~ /memfd:ingest-slots/ }
                 glob '/proc/' . nginx_pid() . '/fd/*';

    open my $locks, '+<', $file or die "$file: $!";

    my $pid = fork // die "fork: $!";

    return $pid if $pid != 0;

    for my $command (F_SETLK, F_SETLKW) {
        for my $slot (0 .. $slots - 1) {
            fcntl $locks, $command,
                  pack 's s x4 q q l x4', F_WRLCK, SEEK_SET, $slot, 1, 0;
        }
    }

    sleep 60;
    POSIX::_exit(0);
}


# A worker without a slot, and the process that has all of them.
sub worker_without_slot() {
    my $pid = take_all_slots();

    is(reload(), 'reloaded', 'a reload while others take all slots');
    ok(await(sub {
        my $n = 0;
        $n += $_->{to} - $_->{from} + 1 for @{held()->{$pid} // []};
        return $n == $slots;
    }), "all $slots slots are taken");

    return (worker(), $pid);
}


sub all_slots_are_taken($block) {
    my ($worker, $pid) = worker_without_slot();
    my $answer = http('POST', '/events', event('none'));

    is($answer->{status}, 503, 'an event is refused');
    like($answer->{body}, qr/"code": ?"unavailable"/, 'with the reason');
    is(http('GET', '/health')->{status}, 200, 'the worker serves others');

    my $line = says('and it is said', 'no free slot', worker => $worker);

    is($line->{level}, 'crit', 'its level');
    is($line->{queue}, 'events', 'its queue');
    all_lines_are_json('no free slot');

    $answer = http('GET', '/ready');
    is($answer->{status}, 503, 'the worker is not ready');
    like($answer->{body}, qr/"events":\{"status":"no_producer"/, 'and why');

    kill 'KILL', $pid;
    waitpid $pid, 0;

    ok(await(sub {
        http('POST', '/events', event('later'))->{status} == 202
    }), 'an event is taken when the slots are free again');
    is(worker(), $worker, 'by the same worker');
    is(http('GET', '/ready')->{status}, 200, 'which is ready now');
}


# It may open one file more: not enough for a producer, which needs its slot
# before.
sub producer_fails_half_way($block) {
    my ($worker, $pid) = worker_without_slot();
    my $n = () = glob "/proc/$worker/fd/*";
    my %open = map { m{(\d+)$} ? ($1 => 1) : () } glob "/proc/$worker/fd/*";
    my ($free) = grep { !$open{$_} } 0 .. $n;
    my ($soft) = map { /^Max open files +(\d+)/ ? $1 : () }
                 TestIngest::lines_of("/proc/$worker/limits");

    system('prlimit', '--pid', $worker, '--nofile=' . ($free + 1) . ':') == 0
        or die 'prlimit failed';

    kill 'KILL', $pid;
    waitpid $pid, 0;

    ok(await(sub { grep { /cannot start the producer/ } error_log_lines() }),
       'the producer cannot be started');
    ok(await(sub { !held()->{$worker} }), 'its slot is free for others');

    system('prlimit', '--pid', $worker, "--nofile=$soft:") == 0
        or die 'prlimit failed';

    ok(await(sub {
        http('POST', '/events', event('at-last'))->{status} == 202
    }), 'it is tried again');
    is(scalar @{held()->{$worker}}, 1, 'and has one slot');
}


# What producers said when they started, by worker.
sub generations() {
    return { map { $_->{worker} => $_->{generation} }
                 said('producer started') };
}


# Its slot comes so late that there has been another reload.
sub slot_comes_late($block) {
    my ($old, $pid) = worker_without_slot();
    my $socket = connection();

    pieces($socket, "GET /health HTTP/1.1\r\nHo");
    is(http('GET', '/health')->{status}, 200, 'a request is under way');
    is(reload(), 'reloaded', 'another reload');

    my $new = worker();

    kill 'KILL', $pid;
    waitpid $pid, 0;

    my $found;

    ok(await(sub { $found = generations(); $found->{$old} && $found->{$new} }),
       'both have a producer at last');
    is($found->{$old}, 2, 'the old one is of its own generation');
    is($found->{$new}, 3, 'the new one is of the newest');

    pieces($socket, "st: localhost\r\n\r\n");
    is(answer($socket)->{status}, 200, 'the request is answered');
}


# The manager and the loader of a cache call the module as workers do.
sub helpers_have_no_producer($block) {
    my $position = () = error_log_lines();

    is(reload(), 'reloaded', 'a reload begins a loader and a manager');
    ok(await(sub {
        my @lines = error_log_lines();
        my $new = join "\n", @lines[$position .. $#lines];
        $new =~ /start cache manager process/ && $new =~ /start cache loader/
            && $new =~ /producer started/;
    }), 'and a worker');

    my ($manager) = TestIngest::children_of(nginx_pid(), qr/cache manager/);

    ok(defined $manager, 'the manager runs');
    is(scalar(my @threads = glob "/proc/$manager/task/*"), 1,
       'and has no thread of a producer');
}


run_suite();


__DATA__

=== a new worker takes another slot than an old one that goes on
--- check: generations_meet


=== events are left out of core dumps
--- check: events_are_not_dumped


=== without a slot events are refused until there is one
--- http: ingest_log logs/ingest.json;
--- server
    location = /ready { ingest_health ready; }
--- check: all_slots_are_taken
--- log_may: no free slot


=== nginx's cache processes are no producers
--- http
    proxy_cache_path cache keys_zone=cache:1m;
--- check: helpers_have_no_producer


=== a producer that cannot be started keeps no slot
--- check: producer_fails_half_way
--- log_may: no free slot|cannot start the producer|eventfd\(\) failed|accept4?\(\)


=== a worker is of the generation that it was started with
--- http
    ingest_log logs/ingest.json;
--- check: slot_comes_late
--- log_may: no free slot
