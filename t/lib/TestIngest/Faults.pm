# Copyright (C) The ngx_http_ingest_module authors

# Plans of faults.  A plan is an nginx of its own, topics of its own, a load of
# events whose bytes follow from their numbers, and a function that breaks
# things meanwhile.  Then everything heals, the queue drains, all is read back
# from the brokers, and the ledger is closed: what was answered 2xx is there,
# what is there was sent, every byte is right, and /metrics says the same.
#
#   plan_of TITLE, { SETTING => VALUE, ... }, sub ($run) { ... };
#
# The function may return another one, which is called with the ledger.
#
# Settings, with what they are when they are not given:
#
#   brokers 1, partitions 3, replication 1, config []
#                   the cluster, and the topic, as "util/kafka topics create"
#   workers 4, zone '32m', queue '', drain 2
#                   nginx: worker processes, zone, more lines of the queue,
#                   drain_timeout in seconds
#   rate 2500, size 200, large 0, every 0, connections 32
#                   load: events a second, their bytes, and those of each
#                   EVERYth
#   may undef       lines of error.log that are expected, beside those of kills
#   dead undef      a function that says of a number whether it must become a
#                   dead letter, undef if it may
#   duplicates 100  per cent of what was sent, at most
#   refused 0       whether nginx may refuse events and connections, as it does
#                   while it is not there
#   loses 0         whether the end of nginx may lose events, with their number
#   load 1          0: the plan starts the load by itself, with $run->load
#   faulty 0        the module is the one that $run->die_at kills workers of
#   fault undef     INGEST_FAULT of that module: src/core/ingest_fault.h
#
# Each may be set for all plans of a run by FAULTS_NAME in the environment, so
# may be what budget('NAME', DEFAULT) asks for.
#
# A file whose plans leave the machine idle calls apart() first: then they have
# a Kafka and ports of their own, and util/test runs it beside the others.

package TestIngest::Faults;

use v5.36;
use Cwd qw( abs_path );
use Exporter qw( import );
use File::Basename qw( basename dirname );
use File::Path qw( make_path remove_tree );
use HTTP::Tiny;
use IO::Socket::INET;
use JSON::PP qw( decode_json );
use List::Util qw( max sum0 );
use POSIX qw( WNOHANG );
use Test::More;
use TestIngest::Ledger;
use TestIngest::Server;
use Time::HiRes qw( sleep time );

our @EXPORT = qw( plan_of budget totals apart );

my $root = abs_path(dirname(__FILE__) . '/../../..');
my $home = "$root/build/faults";
my $owner = $ENV{FAULTS_OWNER} // $$;
my $apart = 0;
my $plans = 0;
my %folders;
my %children;
my %totals;

# The most that any wait may take, in seconds, but for that until the queue is
# empty: in an outage the back-off of librdkafka and ours go before.
my $patience = 60;
my $drain_patience = 120;

# An old worker waits for its thread so long, and we look this late.
my $grace = 2;
my $glance = 0.5;

my %defaults = (
    brokers => 1, partitions => 3, replication => 1, config => [],
    workers => 4, zone => '32m', queue => '', drain => 2,
    rate => 2500, size => 200, large => 0, every => 0, connections => 32,
    may => undef, dead => undef, duplicates => 100, refused => 0, load => 1,
    loses => 0, faulty => 0, fault => undef,
);


sub budget($name, $default) {
    return $ENV{'FAULTS_' . uc $name} // $default;
}


sub apart() {
    $ENV{KAFKA_NAME} = basename($0, '.t');
    $ENV{KAFKA_PORT} = free_port(($ENV{KAFKA_PORT} || 9092) + 100);
    $ENV{TEST_NGINX_SERVER_PORT} = server_port() + 100;
    $owner = $$;
    $apart = 1;
}


sub plan_of($title, $settings, $faults) {
    for my $name (keys %$settings) {
        exists $defaults{$name} or die "no setting $name";
    }

    my $run = bless {
        %defaults, %$settings, title => $title,
        kills => 0, reloads => 0, restarts => 0, lost => 0, old => {},
        oldest => 0, masters => [], loads => [], seen => time,
    }, __PACKAGE__;

    for my $name (qw( rate workers zone size connections )) {
        $run->{$name} = budget($name, $run->{$name});
    }

    subtest $title => sub {
        eval { $run->set_up(); 1 } or do { fail("it starts: $@"); return };

        my $after;

        eval { $after = $faults->($run); 1 } or fail("the plan goes on: $@");
        eval { $run->settle(); 1 } or fail("it heals: $@");
        eval { $run->judge($after); 1 } or fail("the ledger is closed: $@");
        $run->clean_up();
    };
}


# Waiting.  Whatever is waited for, processes are looked at meanwhile.

sub until($run, $what, $condition, $seconds = $patience) {
    my $end = time + $seconds;

    for ( ;; ) {
        my $result = $condition->();
        return $result if $result;
        die "not in $seconds s: $what\n" if time > $end;
        $run->glance();
        sleep 0.02;
    }
}


# Lets the load go on for a time.
sub go_on($run, $seconds) {
    my $end = time + $seconds;

    $run->until('time', sub { time >= $end }, $seconds + 10);
}


# Notes how old the workers of former generations become.
sub glance($run) {
    my $now = time;
    return if $now - $run->{seen} < 0.05;

    $run->{seen} = $now;

    for my $pid (keys %{$run->{old}}) {
        my $age = $now - $run->{old}{$pid};

        if (has_ended($pid)) {
            delete $run->{old}{$pid};
        } elsif ($age > $run->{oldest}) {
            $run->{oldest} = $age;
        }
    }
}


# Runs a command to its end, and returns what it printed.
sub command($run, @command) {
    my $out = "$run->{folder}/command.out";
    my $pid = start("$out", @command);

    $run->until("@command", sub { has_ended($pid) }, 300);

    my $status = $children{$pid};
    my $text = slurp($out);

    die "@command failed, status $status: ", substr($text, -500), "\n"
        if $status;

    return $text;
}


sub kafka($run, @args) {
    delete local $ENV{KAFKA_BROKERS};

    return $run->command("$root/util/kafka", @args);
}


# Processes.

sub start($out, @command) {
    my $pid = fork // die "fork: $!";

    if ($pid == 0) {
        open STDIN, '<', '/dev/null';
        open STDOUT, '>', $out;
        open STDERR, '>&', \*STDOUT;
        exec @command or POSIX::_exit(127);
    }

    $children{$pid} = undef;

    return $pid;
}


# The status of a child of ours stays in %children.
sub has_ended($pid) {
    if (exists $children{$pid}) {
        $children{$pid} = $? if waitpid($pid, WNOHANG) == $pid;

        return defined $children{$pid};
    }

    my $stat = slurp("/proc/$pid/stat");

    return $stat !~ /^\d+ .*\) \w/s || $stat =~ /^\d+ .*\) [ZX] /s;
}


sub slurp($file) {
    open my $in, '<', $file or return '';
    local $/;

    return <$in> // '';
}


# The pids of the workers of the newest master that take connections.
sub workers($run) {
    my $master = $run->{masters}[-1];
    my @workers;

    for my $pid (split ' ', slurp("/proc/$master/task/$master/children")) {
        my $title = slurp("/proc/$pid/cmdline");

        push @workers, $pid if $title =~ /^nginx: worker process\0*\s*$/;
    }

    return @workers;
}


sub await_workers($run, @without) {
    my %without = map { $_ => 1 } @without;

    return $run->until('workers', sub {
        my @workers = $run->workers();

        return @workers == $run->{workers}
               && !grep { $without{$_} } @workers;
    });
}


# Setting up.

sub set_up($run) {
    my $name = sprintf '%s-%d', basename($0, '.t'), ++$plans;

    $run->{folder} = "$home/$name";
    $folders{$run->{folder}} = 1;
    $run->{topic} = sprintf 'f-%s-%d', $name, $$;
    $run->{since} = time;

    remove_tree($run->{folder});
    make_path(map { "$run->{folder}/$_" } qw( temp ));

    $run->cluster();
    $run->kafka('topics', 'create', $run->{topic}, $run->{partitions},
                $run->{replication}, @{$run->{config}});
    $run->kafka('topics', 'create', "$run->{topic}-dlq", 1);

    $run->{port} = free_port(server_port());
    $run->configure();
    $run->start_nginx();
    $run->load() if $run->{load};
}


# The cluster that the plan wants, which may be the one of the plan before.
sub cluster($run) {
    my $status = eval { $run->kafka('status') } // '';
    my $count = () = $status =~ /^broker /mg;

    if ($count != $run->{brokers}) {
        $run->kafka('stop', '--wipe');
    }

    $run->heal();
}


sub server_port() { $ENV{TEST_NGINX_SERVER_PORT} || 20080 }


# The first one from there on.
sub free_port($port) {
    $port++ while !IO::Socket::INET->new(LocalAddr => "127.0.0.1:$port",
                                         Listen => 1, ReuseAddr => 1);

    return $port;
}


sub configure($run) {
    my $module = $run->{faulty}
                 ? "$root/build/nginx/faults/ngx_http_ingest_module.so"
                 : $ENV{INGEST_MODULE}
                   || "$root/build/ngx_http_ingest_module.so";
    my $env = defined $run->{fault} ? "env INGEST_FAULT=$run->{fault};" : '';
    my $user = $> == 0 ? 'user root;' : '';
    my $brokers = $run->{addresses} =~ s/,/ /gr;

    open my $out, '>', "$run->{folder}/nginx.conf" or die "nginx.conf: $!";
    print $out <<"CONF";
load_module $module;
$env
$user
worker_processes $run->{workers};
pid $run->{folder}/nginx.pid;
error_log $run->{folder}/error.log notice;
events {
    worker_connections 1024;
}
http {
    access_log off;
    ingest_log $run->{folder}/ingest.json;
    $temp_paths
    ingest_queue events {
        zone $run->{zone};
        brokers $brokers;
        topic $run->{topic};
        drain_timeout $run->{drain}s;
        $run->{queue}
    }
    server {
        listen 127.0.0.1:$run->{port};
        location = /events { ingest events; }
        location = /metrics { ingest_metrics; }
    }
}
CONF
    close $out or die "nginx.conf: $!";
}


# nginx.

# It becomes a daemon: an nginx that is a child of who started it takes itself
# for a new binary, and does not make way for another one.
sub start_nginx($run) {
    my $binary = $ENV{TEST_NGINX_BINARY} || `$root/util/nginx binary`;
    my $log = "$run->{folder}/error.log";
    chomp $binary;

    $run->command($binary, '-p', "$run->{folder}/", '-e', $log, '-c',
                  'nginx.conf');

    my $pid = $run->until('nginx has a pid', sub { $run->pid() });

    push @{$run->{masters}}, $pid;
    $run->{restarts}++ if @{$run->{masters}} > 1;
    $run->{kills_before} = $run->{kills};

    $run->until('nginx serves', sub { defined $run->scrape() });
    $run->await_workers();
}


# The newest master.
sub pid($run) {
    return slurp("$run->{folder}/nginx.pid") =~ /^(\d+)$/ ? $1 : undef;
}


# Ends nginx by a signal, and waits for it.
sub stop_nginx($run, $signal = 'QUIT') {
    my $pid = $run->{masters}[-1];

    kill $signal, $pid;
    $run->until("nginx ends after $signal", sub { has_ended($pid) });
}


sub reload($run) {
    my @before = $run->workers();
    my $now = time;

    kill 'HUP', $run->{masters}[-1];
    $run->{reloads}++;
    $run->{old}{$_} = $now for @before;

    $run->await_workers(@before);
}


# The next worker that comes to this point for the nth time dies there, see
# src/core/ingest_fault.h.  The function, which is to lead there, is called
# until one did.
sub die_at($run, $point, $n = 1, $meanwhile = sub { }) {
    my $file = "$run->{folder}/died-at-$point";

    $run->{fault} = "$point:$n:$file";
    $run->configure();
    $run->reload();

    my $next = 0;

    $run->until("a worker dies at $point", sub {
        return 1 if -e $file;
        return if time < $next;

        $meanwhile->();
        $next = time + 1.5;
        return;
    });
    $run->{kills}++;
    $run->await_workers();
}


# The binary takes its own place, and the old one drains.
sub upgrade($run) {
    my $old = $run->{masters}[-1];

    kill 'USR2', $old;

    my $new = $run->until('the new binary serves', sub {
        my $pid = $run->pid() // return;

        return -e "$run->{folder}/nginx.pid.oldbin" && $pid != $old
               ? $pid : undef;
    });

    push @{$run->{masters}}, $new;
    $run->{restarts}++;
    $run->{kills_before} = $run->{kills};
    $run->await_workers();

    kill 'QUIT', $old;
    $run->until('the old binary ends', sub { has_ended($old) });
}


# kill -9 of a worker that serves, and another one is there.
sub kill_worker($run) {
    my @workers = $run->workers();
    my $pid = $workers[rand @workers] // return;

    $run->{kills} += kill 'KILL', $pid;
    $run->await_workers($pid);
}


# Workers that were killed, by us or by themselves.
sub deaths($run) {
    return scalar(() = slurp("$run->{folder}/error.log")
                       =~ /exited on signal 9/g);
}


sub scrape($run) {
    my $url = "http://127.0.0.1:$run->{port}/metrics";

    # A worker may be killed while it answers.
    for (1 .. 5) {
        my $answer = HTTP::Tiny->new(timeout => 5)->get($url);

        return { $answer->{content} =~ /^([a-z]\S*) (\S+)$/mg }
            if $answer->{success};
    }

    return;
}


sub metric($samples, $name) {
    return $samples->{"$name\{queue=\"events\"}"} // 0;
}


sub counters($run) {
    my $samples = $run->until('metrics', sub { $run->scrape() });

    return { map { $_ => metric($samples, "events_${_}_total") }
             qw( received published ) };
}


# What workers use: descriptors, those of them that are no sockets, threads,
# memory of their own in MB.
sub usage($run) {
    my %usage = (fds => 0, files => 0, threads => 0, rss => 0);
    my $master = $run->{masters}[-1];

    for my $pid ($run->workers(), $master) {
        my $status = slurp("/proc/$pid/status");
        my @fds = glob "/proc/$pid/fd/*";
        my ($threads) = $status =~ /^Threads:\s+(\d+)/m;
        my ($rss) = $status =~ /^RssAnon:\s+(\d+)/m;

        $usage{fds} = max($usage{fds}, scalar @fds);
        $usage{files} = max($usage{files}, scalar grep {
            (readlink // 'socket') !~ /^socket/
        } @fds);
        $usage{threads} = max($usage{threads}, $threads // 0);
        $usage{rss} = max($usage{rss}, ($rss // 0) / 1024);
        $usage{master_fds} = @fds if $pid == $master;
    }

    return \%usage;
}


# Load.

sub load($run) {
    my $file = "$run->{folder}/load";
    my @large = $run->{every} ? ('-S', "$run->{large}/$run->{every}") : ();

    $run->{loader} = start("$file.out", "$home/http_load", '-r', $run->{rate},
                           '-s', $run->{size}, @large, '-l', '-n', "$file.now",
                           $run->{port}, '/events', $run->{connections}, 0,
                           prefix($run), $file, 1e6);
    $run->{loading} = time;

    $run->accepted(10);
}


# Ids of one plan are no other's, of whatever topic.
sub prefix($run) { $run->{topic} }


# What the load says now: sent, accepted, refused, unanswered, unconnected.
sub figures($run) {
    my %figures = slurp("$run->{folder}/load.now") =~ /(\w+)=(\d+)/g;

    return \%figures;
}


# Waits until so many more events are accepted.
sub accepted($run, $count, $seconds = $patience) {
    my $goal = ($run->figures()->{accepted} // 0) + $count;

    $run->until("$count more events are accepted", sub {
        return ($run->figures()->{accepted} // 0) >= $goal;
    }, $seconds);
}


# Waits until so many more events have come to Kafka, while nginx goes on.
sub published($run, $count, $seconds = $patience) {
    my $goal = $run->counters()->{published} + $count;

    $run->until("$count more events are published", sub {
        return $run->counters()->{published} >= $goal;
    }, $seconds);
}


# Keeps the load from going on.  What it has sent is answered, and it will
# read the answers when it goes on.
sub hold_load($run) {
    my ($before, $now) = (-1, 0);

    kill 'STOP', $run->{loader};

    $run->until('all requests are received', sub {
        $before = $now;
        $run->go_on(0.1);
        $now = metric($run->scrape() // {}, 'events_received_total');
        return $now == $before;
    });
}


sub resume_load($run) {
    kill 'CONT', $run->{loader};
}


sub stop_load($run) {
    my $pid = delete $run->{loader} // return;

    kill 'CONT', $pid;
    $run->{load_time} = time - $run->{loading};
    kill 'TERM', $pid;
    $run->until('the load ends', sub { has_ended($pid) });
}


# Waits until all that was accepted has left the queue.
sub drain($run) {
    $run->until('the queue is empty', sub {
        my $samples = $run->scrape() // return;

        return metric($samples, 'ingest_queue_size') == 0
               && defined $samples->{'ingest_queue_size{queue="events"}'};
    }, $drain_patience);
}


# Waits until the queue is as short as it is when brokers keep up.
sub calm($run) {
    $run->until('brokers keep up', sub {
        my $samples = $run->scrape() // return;

        return metric($samples, 'ingest_queue_size') < $run->{rate} / 5;
    }, $drain_patience);
}


# Brokers: stop, start, kill, pause, resume; those of the plan that do not run
# are started again by heal().

sub broker($run, $action, $id = 1) {
    $run->kafka('broker', $action, $id);
}


sub heal($run) {
    my $line = $run->kafka('start', '--brokers', $run->{brokers},
                           '--for', $owner);

    ($run->{addresses}) = $line =~ /^brokers=(\S+)/m
        or die "util/kafka start: $line\n";
}


# The leader of each partition, by the brokers that answer.
sub leaders($run, $topic = $run->{topic}) {
    return { $run->kafka('topics', 'leaders', $topic)
             =~ /^(\d+) (-?\d+)$/mg };
}


sub topic_command($run, $command, @args) {
    $run->kafka('topics', $command, $run->{topic}, @args);
}


# The topic is deleted and, behind a function, created again.  What it had is
# read before.
sub replace_topic($run, $meanwhile) {
    $run->hold_load();
    $run->drain();
    $run->read_back($run->{topic});
    $run->topic_command('delete');
    $run->resume_load();

    $meanwhile->();

    $run->topic_command('create', $run->{partitions}, $run->{replication},
                        @{$run->{config}});
}


# Reads a topic into a file for the ledger.
sub read_back($run, $topic, $is_dlq = 0) {
    my $file = "$run->{folder}/read-" . ($run->{reads}++ // 0);

    $run->kafka('check', $topic, prefix($run), $run->{size}, $run->{large},
                $run->{every});
    rename "$run->{folder}/command.out", $file or die "$file: $!";
    push @{$run->{read}}, [$file, $is_dlq];
}


# Counters at a quiet moment.  Each kill may leave them off by one.

sub is_balanced($run, $when, $samples) {
    my $kills = $run->{kills} - $run->{kills_before};
    my %is = map { $_ => metric($samples, $_) } qw(
        events_received_total events_published_total
        events_dead_lettered_total ingest_queue_size
    );

    $is{dropped} = sum0(map { $samples->{$_} }
                        grep { /^events_dropped_total/ } keys %$samples);

    my $accounted = sum0(@is{qw( events_published_total dropped
                                 events_dead_lettered_total
                                 ingest_queue_size )});

    between($is{events_received_total} - $accounted, -$kills, $kills,
            "received = published + dead-lettered + dropped + queued $when");
    is($is{dropped}, 0, "nothing was dropped $when");
}


# The same under load: it is held until all of it has left the queue.
sub balance($run, $when) {
    $run->hold_load();
    $run->drain();
    $run->is_balanced($when, $run->until('metrics', sub { $run->scrape() }));
    $run->resume_load();
}


# The end of a plan.

sub settle($run) {
    $run->heal();
    $run->stop_load();

    # What is there is read back all the same.
    ok(eval { $run->drain() }, 'the queue becomes empty') or diag($@);

    $run->{samples} = $run->scrape();

    $run->until('old workers end', sub { !%{$run->{old}} });
    $run->stop_nginx();
    $run->read_back($run->{topic});
    $run->read_back("$run->{topic}-dlq", 1);
}


sub judge($run, $after) {
    my $ledger = TestIngest::Ledger->new("$run->{folder}/load");

    $ledger->read_topic(@$_) for @{$run->{read}};

    my $sum = $ledger->close($run->{dead});

    $run->judge_log($sum);
    $run->judge_events($ledger, $sum);
    $run->judge_answers($ledger, $sum);
    $run->judge_counters($sum);
    $after->($ledger) if ref $after eq 'CODE';

    $totals{$_} += $sum->{$_} for keys %$sum;
    $totals{$_} += $run->{$_} for qw( kills reloads restarts );

    diag($run->summary($sum));
}


sub judge_events($run, $ledger, $sum) {
    is($sum->{missing}, $run->{lost},
       $run->{lost} ? 'what is missing is what error.log says is lost'
                    : 'every event that was answered 2xx is in Kafka');
    is($run->{lost}, 0, 'and the end of nginx has lost none')
        if $run->{restarts} && !$run->{loses};
    is($sum->{phantom}, 0,
       'nothing is in Kafka that was not sent, or was refused');
    is($sum->{wrong}, 0, 'every byte is right, and each header')
        or diag(join "\n", grep { defined } @{$ledger->{wrong}}[0 .. 9]);
    is($sum->{both}, 0, 'no dead letter was delivered too');

    if (defined $run->{dead}) {
        is($sum->{wrongly_dead}, 0, 'dead letters are those it should be');
        cmp_ok($sum->{dead}, '>', 0, 'and there are some');

    } else {
        is($sum->{dead}, 0, 'there are no dead letters');
    }

    cmp_ok($sum->{duplicates}, '<=', $sum->{sent} * $run->{duplicates} / 100,
           "duplicates are $run->{duplicates} % at most");

    diag($ledger->examples()) if defined $ledger->{examples};
}


# nginx may close a connection between two requests; all else is its fault.
sub judge_answers($run, $ledger, $sum) {
    my ($unconnected) = slurp("$run->{folder}/load.out")
                        =~ /unconnected=(\d+)/;

    if (!$run->{refused}) {
        is(join(' ', map { "$_: $ledger->{refusals}{$_}" }
                     sort keys %{$ledger->{refusals}}), '',
           'no request was refused');
        is($unconnected, 0, 'nor a connection');
    }

    if (!$run->{kills} && !$run->{restarts}) {
        is($sum->{reset}, 0, 'no new connection was reset');
        is($sum->{silent}, 0, 'nothing was taken without an answer');
    }

    is($sum->{late}, 0, 'every answer came in time');

    if ($run->{reloads}) {
        cmp_ok($run->{oldest} + $glance, '<=', $run->{drain} + $grace,
               'old workers ended in time');
    }
}


# A killed process may leave its counters off by one request and one report,
# nothing else may.  A new zone begins with 0.
sub judge_counters($run, $sum) {
    my $samples = $run->{samples};
    my $kills = $run->{kills} - $run->{kills_before};

    $run->is_balanced('at the end', $samples);

    return if $run->{restarts};

    between(metric($samples, 'events_received_total') - $sum->{taken}
            - $sum->{missing}, 0, $kills,
            'events_received_total is what was taken');
    between(metric($samples, 'events_published_total') - $sum->{delivered},
            0, $kills, 'events_published_total is what was delivered');
    between(metric($samples, 'events_dead_lettered_total') - $sum->{dead},
            0, $kills, 'events_dead_lettered_total is what is dead');
}


sub between($difference, $low, $high, $title) {
    ok($difference >= $low && $difference <= $high, $title)
        or diag("it differs by $difference, from $low to $high is right");
}


sub judge_log($run, $sum) {
    my $log = slurp("$run->{folder}/error.log");
    my @killed = $log =~ /exited on signal 9/g;
    my @bad;

    for my $line (split /\n/, $log) {
        if ($line =~ /: (\d+) events lost: shutdown/) {
            $run->{lost} += $1;
            next if $line =~ /\[error\]/;
        }

        push @bad, "$line\n"
            if $line =~ /\[(?:emerg|alert|crit|error)\]|exited on|Sanitizer/
               && $line !~ /exited on signal 9$/
               && !(defined $run->{may} && $line =~ /$run->{may}/);
    }

    is(scalar @bad, 0, 'error.log has only what is expected')
        or diag(@bad[0 .. ($#bad < 9 ? $#bad : 9)]);
    is(scalar @killed, $run->{kills}, 'no worker died that was not killed');

    my @broken = grep { !eval { ref decode_json($_) eq 'HASH' } }
                 split /\n/, slurp("$run->{folder}/ingest.json");

    ok(!@broken, 'each line of ingest_log is JSON') or diag($broken[0]);
}


# The lines of ingest_log of one kind.
sub said($run, $msg) {
    return grep { $_->{msg} eq $msg }
           map { decode_json($_) } split /\n/,
           slurp("$run->{folder}/ingest.json");
}


sub summary($run, $sum) {
    my $rate = $run->{load_time} ? $sum->{acknowledged} / $run->{load_time}
                                 : 0;

    return sprintf '%s: %s lost=%d rate=%d/s oldest=%.1fs seconds=%d',
                   $run->{title},
                   figures_of({ %$sum, map { $_ => $run->{$_} }
                                       qw( kills reloads restarts ) }),
                   $run->{lost}, $rate, $run->{oldest}, time - $run->{since};
}


sub figures_of($figures) {
    return join ' ', map { "$_=" . ($figures->{$_} // 0) }
                     qw( sent acknowledged delivered dead missing phantom
                         duplicates refused reset closed kills reloads
                         restarts );
}


# The same of all plans so far.
sub totals() { figures_of(\%totals) }


# Leaves neither processes nor topics.
sub clean_up($run) {
    if (defined(my $pid = delete $run->{loader})) {
        kill 'KILL', $pid;
        $run->until('the load is killed', sub { has_ended($pid) });
    }

    system "$root/util/lib/stop_nginx", $run->{folder};

    eval { $run->kafka('topics', 'delete', $_); 1 } or diag($@)
        for $run->{topic}, "$run->{topic}-dlq";
}


# However a test ends, what it has started does too.
$SIG{$_} = sub { exit 1 } for qw( INT TERM HUP );

END {
    my $status = $?;

    kill 'KILL', grep { !has_ended($_) } keys %children;
    system "$root/util/lib/stop_nginx", $_ for keys %folders;
    system "$root/util/kafka", 'stop', '--wipe' if $apart;
    $? = $status;
}


1;
