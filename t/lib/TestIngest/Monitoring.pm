# Copyright (C) The ngx_http_ingest_module authors

# A Prometheus that scrapes an nginx with the module, for t/monitoring: both
# are started here, and the broker of util/kafka is theirs to stop.
#
# Whatever is waited for is seen through Prometheus' API, or by a process that
# ends; nothing waits for a time.

package TestIngest::Monitoring;

use v5.36;
use Cwd qw( abs_path );
use Exporter qw( import );
use Fcntl qw( F_SETLK F_SETLKW F_WRLCK SEEK_SET );
use File::Basename qw( basename dirname );
use File::Path qw( make_path remove_tree );
use HTTP::Tiny;
use IO::Socket::INET;
use JSON::PP;
use POSIX ();
use TestIngest::Server;
use Time::HiRes qw( sleep time );

our @EXPORT = qw(
    home root await slurp spew free_port kafka start_kafka start_nginx
    stop_nginx hold_slots post load_start load_stop
    start_prometheus api query values_of is_firing has_fired
    scaled durations skeleton dashboard_queries metric_names
);

my $root = abs_path(dirname(__FILE__) . '/../../..');
my $home = "$root/build/monitoring";
my $owner = $$;
my $http = HTTP::Tiny->new(timeout => 5, proxy => undef, http_proxy => undef);
my $json = JSON::PP->new->utf8;
my %children;
my ($nginx_port, $nginx_pid, $prometheus, $kafka_is_ours);

# The longest that anything may take to come about, in seconds.
my $patience = 60;


sub root() { $root }
sub home() { $home }


sub await($condition, $seconds = $patience) {
    my $end = time + $seconds;

    for ( ;; ) {
        my $result = $condition->();
        return $result if $result || time > $end;
        sleep 0.05;
    }
}


sub slurp($file) {
    open my $in, '<', $file or die "$file: $!";
    local $/;

    return <$in> // '';
}


sub spew($file, $text) {
    make_path(dirname($file));
    open my $out, '>', $file or die "$file: $!";
    print $out $text;
    close $out or die "$file: $!";
}


sub free_port($port) {
    $port++ while !IO::Socket::INET->new(LocalAddr => "127.0.0.1:$port",
                                         Listen => 1, ReuseAddr => 1);

    return $port;
}


# Processes, which end with this one however it ends.

sub start($log, @command) {
    my $pid = fork // die "fork: $!";

    if ($pid == 0) {
        open STDIN, '<', '/dev/null';
        open STDOUT, '>>', $log;
        open STDERR, '>&', \*STDOUT;
        exec qw( setpriv --pdeathsig TERM ), @command or POSIX::_exit(127);
    }

    $children{$pid} = 1;

    return $pid;
}


sub stop($pid, $signal = 'TERM') {
    delete $children{$pid} or return;
    kill $signal, $pid;

    if (!await(sub { waitpid($pid, POSIX::WNOHANG) == $pid }, 30)) {
        kill 'KILL', $pid;
        waitpid $pid, 0;
    }
}


END {
    if ($$ == $owner) {
        my $status = $?;

        stop($_) for keys %children;
        kafka('release', $owner) if $kafka_is_ours;
        $? = $status;
    }
}


# Kafka.

sub kafka(@args) {
    delete local $ENV{KAFKA_BROKERS};

    open my $out, '-|', "$root/util/kafka", @args or die "util/kafka: $!";
    my $text = join '', <$out>;
    close $out or die "util/kafka @args failed: $text";

    return $text;
}


# One broker of our own, and returns its address.
sub start_kafka() {
    my $status = eval { kafka('status') } // '';
    my $count = () = $status =~ /^broker /mg;

    kafka('stop', '--wipe') if $count > 1;
    $kafka_is_ours = 1;

    my ($brokers) = kafka('start', '--brokers', 1, '--for', $owner)
                    =~ /^brokers=(\S+)/m;

    return $brokers // die 'util/kafka start has no brokers';
}


# nginx, with a server {} and what stands before it in http {}.

sub start_nginx($before = '', $server = '') {
    my $module = $ENV{INGEST_MODULE}
                 || "$root/build/ngx_http_ingest_module.so";
    my $binary = $ENV{TEST_NGINX_BINARY} || `$root/util/nginx binary`;
    my $user = $> == 0 ? 'user root;' : '';
    chomp $binary;

    if (!defined $nginx_port) {
        $nginx_port = free_port($ENV{TEST_NGINX_SERVER_PORT} || 20280);
        make_path("$home/nginx/temp");
        spew("$home/nginx/nginx.conf", <<"CONF");
load_module $module;
$user
worker_processes 1;
daemon off;
pid $home/nginx/nginx.pid;
error_log $home/nginx/error.log notice;
events {
    worker_connections 256;
}
http {
    access_log off;
    $temp_paths
    $before
    server {
        listen 127.0.0.1:$nginx_port;
        $server
    }
}
CONF
    }

    $nginx_pid = start("$home/nginx/stderr", $binary, '-p', "$home/nginx/",
                       '-e', "$home/nginx/error.log", '-c', 'nginx.conf');

    await(sub {
        $http->get("http://127.0.0.1:$nginx_port/metrics")->{success}
    }) or die "nginx does not serve, see $home/nginx/error.log";

    return "127.0.0.1:$nginx_port";
}


sub stop_nginx() { stop($nginx_pid, 'QUIT') }


# Holds the slots of all queues, so that no worker gets a producer, from a
# reload on; returns a function that gives them back.
sub hold_slots() {
    my @files = grep { (readlink // '') =~ /^.memfd:ingest-slots/ }
                glob "/proc/$nginx_pid/fd/*";
    my @locks;

    @files or die 'nginx has no locks';

    # The worker has the first one of each queue.  It gives them back when it
    # ends, and we are in line for them.

    for my $file (@files) {
        open my $lock, '+<', $file or die "$file: $!";
        push @locks, $lock;
        lock_slots($lock, F_SETLK, 1, 255);
    }

    kill 'HUP', $nginx_pid;
    lock_slots($_, F_SETLKW, 0, 1) for @locks;

    return sub { close $_ for @locks };
}


sub lock_slots($file, $command, $from, $count) {
    my $lock = pack 's s x4 q q l x4', F_WRLCK, SEEK_SET, $from, $count, 0;

    fcntl $file, $command, $lock or die "fcntl: $!";
}


# Events.

sub event($size) {
    my $head = '{"type":"t","timestamp":"2026-01-02T03:04:05Z","x":"';

    return $head . 'x' x ($size - length($head) - 2) . '"}';
}


sub post($uri, $size = 300) {
    return $http->post("http://127.0.0.1:$nginx_port$uri",
                       { content => event($size) })->{status};
}


# A process that posts so many events a second, of so many bytes, until it is
# stopped or this one is gone.
sub load_start($uri, $rate, $size = 300) {
    my $pid = fork // die "fork: $!";

    if ($pid == 0) {
        my $next = time;

        local $SIG{TERM} = sub { POSIX::_exit(0) };

        while (getppid() == $owner) {
            post($uri, $size);
            $next += 1 / $rate;

            my $left = $next - time;
            $left > 0 ? sleep($left) : ($next = time);
        }

        POSIX::_exit(0);
    }

    $children{$pid} = 1;

    return $pid;
}


sub load_stop($pid) { stop($pid) }


# Prometheus.

# Its configuration and rules are those in a folder.
sub start_prometheus($folder) {
    my $promtool = $ENV{PROMTOOL} || 'promtool';
    my $binary = $promtool =~ /\// ? dirname($promtool) . '/prometheus'
                                   : 'prometheus';
    my $port = free_port($ENV{TEST_PROMETHEUS_PORT} || 23190);

    remove_tree("$folder/data");
    $prometheus = "http://127.0.0.1:$port";

    start("$folder/prometheus.log", $binary,
          "--config.file=$folder/prometheus.yml",
          "--storage.tsdb.path=$folder/data",
          "--web.listen-address=127.0.0.1:$port");

    await(sub { $http->get("$prometheus/-/ready")->{success} })
        or die "Prometheus is not ready, see $folder/prometheus.log";
}


# What its API says, or undef.
sub api($path, %parameters) {
    my $query = $http->www_form_urlencode(\%parameters);
    my $answer = $http->get("$prometheus/api/v1/$path?$query");
    my $data = eval { $json->decode($answer->{content}) };

    return $data && $data->{status} eq 'success' ? $data->{data} : undef;
}


# The samples of an instant query: [labels, value] each.
sub query($expr) {
    my $data = api('query', query => $expr)
        or die "Prometheus does not take: $expr\n";

    return [['', $data->{result}[1]]] if $data->{resultType} eq 'scalar';
    return [map { [$_->{metric}, $_->{value}[1]] } @{$data->{result}}];
}


sub values_of($expr) { map { $_->[1] } @{query($expr)} }


# Alerts, by name and labels such as queue="events".

sub alerts($name, $labels) {
    return qq(ALERTS{alertname="$name",alertstate="firing")
           . ($labels eq '' ? '' : ",$labels") . '}';
}


sub is_firing($name, $labels = '') {
    return scalar @{query(alerts($name, $labels))};
}


sub has_fired($name, $labels = '') {
    my $alerts = alerts($name, $labels);

    return scalar @{query("count_over_time($alerts\[1h])")};
}


# Durations: ranges, "for", intervals, and numbers that say that they are
# seconds.  All else of a file is its skeleton.

my $duration = qr{
    (?<=\[) \d+ (?:ms|[smh]) (?=\])
    | (?<=for:\ ) \d+ (?:ms|[smh]) (?=\n)
    | (?<=_interval:\ ) \d+ (?:ms|[smh]) (?=\n)
    | (?<=\s) [\d.]+ (?=\ \ \#\ seconds\n)
}x;


sub seconds($text) {
    my ($number, $unit) = $text =~ /^([\d.]+)(ms|[smh]?)$/ or die $text;

    return $number * { ms => 0.001, '' => 1, s => 1, m => 60,
                       h => 3600 }->{$unit};
}


sub scaled($text, $factor) {
    return $text =~ s{($duration)}{
        my $to = seconds($1) / $factor;
        $1 =~ /[a-z]/ ? sprintf('%dms', $to * 1000) : $to
    }gre;
}


# In the order of the file, in seconds.
sub durations($text) {
    return map { seconds($_) } $text =~ /($duration)/g;
}


sub skeleton($text) {
    return $text =~ s/$duration/DURATION/gr;
}


# The queries of a dashboard, [panel, expr] each, with what Grafana puts in.
# Those that fill its variables and its annotations are queries too.
sub dashboard_queries($file) {
    my $dashboard = $json->decode(slurp($file));
    my @queries;

    for my $panel (@{$dashboard->{panels}}) {
        push @queries, map { [$panel->{title}, $_->{expr}] }
                       @{$panel->{targets}};
    }

    for my $variable (@{$dashboard->{templating}{list}}) {
        my ($metric, $label) = $variable->{definition}
            =~ /^label_values\((.*), (\w+)\)$/ or die $variable->{name};

        push @queries, ["variable $variable->{name}",
                        qq(group by ($label) ($metric))];
    }

    for (@queries) {
        $_->[1] =~ s/\$__rate_interval/5s/g;
        $_->[1] =~ s/\$__range/5m/g;
        $_->[1] =~ s/\$\w+/.*/g;
    }

    return @queries;
}


# The names of the module's metrics in a text.
sub metric_names($text) {
    my %names = map { $_ => 1 } $text =~ /\b((?:ingest|events|http)_\w+)/g;

    return sort keys %names;
}


1;
