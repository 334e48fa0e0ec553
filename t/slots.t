# Copyright (C) The ngx_http_ingest_module authors

# Slots and their locks, as the kernel shows them.

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


sub all_slots_are_taken($block) {
    my $pid = take_all_slots();

    is(reload(), 'reloaded', 'a reload while others take all slots');
    ok(await(sub {
        my $n = 0;
        $n += $_->{to} - $_->{from} + 1 for @{held()->{$pid} // []};
        return $n == $slots;
    }), "all $slots slots are taken");

    my $worker = worker();
    my $answer = http('POST', '/events', event('none'));

    is($answer->{status}, 503, 'an event is refused');
    like($answer->{body}, qr/"code": ?"unavailable"/, 'with the reason');
    is(http('GET', '/health')->{status}, 200, 'the worker serves others');

    my $line = says('and it is said', 'no free slot', worker => $worker);

    is($line->{level}, 'crit', 'its level');
    is($line->{queue}, 'events', 'its queue');
    all_lines_are_json('no free slot');

    kill 'KILL', $pid;
    waitpid $pid, 0;

    ok(await(sub {
        http('POST', '/events', event('later'))->{status} == 202
    }), 'an event is taken when the slots are free again');
    is(worker(), $worker, 'by the same worker');
}


run_suite();


__DATA__

=== a new worker takes another slot than an old one that goes on
--- check: generations_meet


=== without a slot events are refused until there is one
--- http: ingest_log logs/ingest.json;
--- check: all_slots_are_taken
--- log_may: no free slot
