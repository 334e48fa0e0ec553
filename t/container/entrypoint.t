# Copyright (C) The ngx_http_ingest_module authors

# The entrypoint's functions under dash: each variable, valid and not, and the
# limits of a container, read from files that a test has written.  Where nginx
# and the module are built they read the configuration too.

use v5.36;
use Cwd qw( abs_path );
use Encode ();
use File::Basename qw( dirname );
use File::Path qw( make_path );
use File::Temp qw( tempdir );
use IO::Socket::INET;
use JSON::PP ();
use POSIX ();
use Test::More;

my $root = abs_path(dirname(__FILE__) . '/../..');
my $folder = tempdir(CLEANUP => 1);
my $port = $ENV{TEST_NGINX_SERVER_PORT} // 1984;


# Runs a piece of shell with the entrypoint's functions, and returns status,
# stdout and stderr.
sub shell($env, $script, @args) {
    my $libs = join ' ', map { ". $root/docker/lib/$_.sh;" }
                             qw( values limits config );

    local %ENV = (PATH => $ENV{PATH}, LC_ALL => 'C', %$env);

    my $pid = fork // die "fork: $!";

    if ($pid == 0) {
        open STDOUT, '>', "$folder/out";
        open STDERR, '>', "$folder/err";
        exec 'dash', '-euf', '-c', "$libs $script", 'dash', @args
            or POSIX::_exit(127);
    }

    waitpid $pid, 0;

    return ($? >> 8, map { slurp("$folder/$_") } qw( out err ));
}


sub slurp($file) {
    open my $in, '<', $file or die "$file: $!";
    local $/;
    return scalar <$in> // '';
}


# The configuration that variables lead to, on a machine with two CPUs.
sub config(%env) {
    my ($status, $out, $err) = shell(\%env,
        'read_variables; fit "$1" "$1/cgroup"; '
        . 'write_config /run/ingest /etc/ingest/conf.d "$1" /dev/stdout',
        machine('0-1'));

    is($status, 0, join(' ', map { "$_=$env{$_}" } sort keys %env) . ' is fine')
        or diag($err);

    return $out;
}


# A machine with these CPUs, and with these files below cgroup.
sub machine($cpus, %files) {
    state $number = 0;
    my $machine = "$folder/machine" . $number++;

    $files{"../self/status"} = "Name:\tsh\nCpus_allowed_list:\t$cpus\n";
    $files{"../meminfo"} //= "MemTotal:        8388608 kB\n";

    for my $name (sort keys %files) {
        my $file = "$machine/cgroup/$name";

        make_path("$machine/cgroup", dirname($file));
        open my $out, '>', $file or die "$file: $!";
        print $out $files{$name};
        close $out;
    }

    return $machine;
}


sub has_line($text, $line, $title) {
    ok(scalar(grep { s/^\s+|\s+$//gr eq $line } split /\n/, $text), $title)
        or diag("no line \"$line\" in\n$text");
}


# One line that names variable, value and what is allowed.
sub is_wrong($name, $value, $allowed) {
    my ($status, $out, $err) = shell({ $name => $value },
        'read_variables; fit "$1" "$1/cgroup"; echo started', machine('0-1'));
    my $shown = substr $value =~ tr/\000-\037\177/?/r, 0, 200;
    my $title = "$name=\"$shown\" is refused";

    isnt($status, 0, $title);
    is($out, '', "$title before anything starts");
    is($err, "ingest: $name=\"$shown\": must be $allowed\n",
       "$title in a line");
}


# A prefix for the nginx of this project, with the configuration that variables
# lead to on this machine; undef where it is not built.  Returns its command.
sub nginx($machine, %env) {
    my $binary = `$root/util/nginx binary 2>/dev/null`;
    my $module = "$root/build/ngx_http_ingest_module.so";

    chomp $binary;
    return if !-x $binary || !-e $module;

    my $prefix = tempdir(DIR => $folder);

    # Workers of root's nginx are nobody.
    chmod 0755, $folder, $prefix or die "chmod: $!";

    mkdir "$prefix/$_" or die "$prefix/$_: $!" for qw( modules more more/queue );
    symlink $module, "$prefix/modules/ngx_http_ingest_module.so"
        or die "symlink: $!";
    write_file("$prefix/more/queue/drain.conf", "drain_timeout 1ms;\n");

    my ($status, $out, $err) = shell(
        { HTTP_PORT => $port, KAFKA_BROKERS => '127.0.0.1:1', %env },
        'read_variables; fit "$1" "$1/cgroup"; '
        . 'write_config "$2" "$2/more" "$1" "$2/out"', $machine, $prefix);

    is($status, 0, join(' ', 'nginx with', map { "$_=$env{$_}" } sort keys %env))
        or diag($err);
    write_file("$prefix/nginx.conf", $out);

    return ($prefix, $binary, '-e', 'stderr', '-p', $prefix,
            '-c', "$prefix/nginx.conf");
}


sub write_file($file, $text) {
    open my $out, '>', $file or die "$file: $!";
    print $out $text;
    close $out;
}


# Sends bytes as they are, and returns the status.
sub request($text) {
    my $socket = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port")
        or die "port $port: $@";

    print $socket $text;
    return (split / /, <$socket> // '')[1];
}


subtest 'defaults are those of the service' => sub {
    my $text = config();

    has_line($text, $_, $_) for
        'listen 8080;', 'error_log stderr notice;',
        'brokers localhost:9092 ;', 'topic events;',
        'dead_letter_topic events-dlq;', 'max_attempts 0;',
        'kafka retry.backoff.ms 100;', 'kafka message.timeout.ms 10000;',
        'worker_processes 2;', 'max_events 1000;',
        'limit_req_zone all zone=rate:64k rate=1000r/s;',
        'limit_req zone=rate nodelay burst=99;', 'limit_req_status 429;',
        'ingest_require none;', 'client_max_body_size 16m;', 'zone 16384k;';
};


subtest 'each variable has its place' => sub {
    my @cases = (
        [HTTP_PORT => 1, 'listen 1;'], [HTTP_PORT => 65535, 'listen 65535;'],
        [HTTP_PORT => '08081', 'listen 8081;'],
        [LOG_LEVEL => 'debug', 'error_log stderr info;'],
        [LOG_LEVEL => 'debug', 'ingest_log /dev/stdout debug;'],
        [LOG_LEVEL => 'Warn', 'ingest_log /dev/stdout warn;'],
        [LOG_LEVEL => 'Info', 'error_log stderr notice;'],
        [LOG_LEVEL => 'WARN', 'error_log stderr warn;'],
        [LOG_LEVEL => 'WARN', '~[45].. 1;'],
        [LOG_LEVEL => 'eRRor', 'error_log stderr error;'],
        [LOG_LEVEL => 'eRRor', '~5.. 1;'],
        [KAFKA_BROKERS => 'a', 'brokers a ;'],
        [KAFKA_BROKERS => 'a:1,b.example:65535,[::1]:9092,[fe80::1]',
         'brokers a:1 b.example:65535 [::1]:9092 [fe80::1] ;'],
        [KAFKA_BROKERS => '[::],[1:2:3:4:5:6:7:8],[1::],[::ffff:10.0.0.1]:1',
         'brokers [::] [1:2:3:4:5:6:7:8] [1::] [::ffff:10.0.0.1]:1 ;'],
        [KAFKA_BROKERS => 'k.example.,' . 'x' x 253,
         'brokers k.example. ' . 'x' x 253 . ' ;'],
        [KAFKA_TOPIC => 'A.b_c-1', 'topic A.b_c-1;'],
        [KAFKA_TOPIC => 'x' x 249, 'topic ' . 'x' x 249 . ';'],
        [KAFKA_DLQ_TOPIC => '0', 'dead_letter_topic 0;'],
        [KAFKA_MAX_RETRIES => 0, 'max_attempts 1;'],
        [KAFKA_MAX_RETRIES => 3, 'max_attempts 4;'],
        [KAFKA_RETRY_BACKOFF => '1ms', 'kafka retry.backoff.ms 1;'],
        [KAFKA_RETRY_BACKOFF => '300s', 'kafka retry.backoff.ms 300000;'],
        [KAFKA_RETRY_BACKOFF => '1500us', 'kafka retry.backoff.ms 1;'],
        [KAFKA_WRITE_TIMEOUT => '1s', 'kafka message.timeout.ms 1000;'],
        [KAFKA_WRITE_TIMEOUT => '1h', 'kafka message.timeout.ms 3600000;'],
        [KAFKA_WRITE_TIMEOUT => '1m30s', 'kafka message.timeout.ms 90000;'],
        [KAFKA_WRITE_TIMEOUT => '1.001s', 'kafka message.timeout.ms 1001;'],
        [WORKER_POOL_SIZE => 1, 'worker_processes 1;'],
        [WORKER_POOL_SIZE => 3, 'worker_processes 2;'],
        [QUEUE_SIZE => 1, 'max_events 1;'],
        [QUEUE_SIZE => 2000, 'zone 32000k;'],
        [RATE_LIMIT_RPS => 1, 'limit_req_zone all zone=rate:64k rate=1r/s;'],
        [RATE_LIMIT_RPS => '0.5',
         'limit_req_zone all zone=rate:64k rate=30r/m;'],
        [RATE_LIMIT_RPS => '2.5',
         'limit_req_zone all zone=rate:64k rate=150r/m;'],
        [RATE_LIMIT_BURST => 1, 'limit_req zone=rate nodelay;'],
        [RATE_LIMIT_BURST => 2, 'limit_req zone=rate nodelay burst=1;'],
        [ZONE_SIZE => '8m', 'zone 8192k;'],
        [ZONE_SIZE => '1g', 'zone 1048576k;'],
        [ZONE_SIZE => '1164k', 'zone 1164k;'],
        [ZONE_SIZE => '8g', 'zone 8388608k;'],
        [ZONE_SIZE => '4194304', 'zone 4096k;'],
    );

    for my $case (@cases) {
        my ($name, $value, $line) = @$case;

        has_line(config($name => $value), $line, "$name=$value");
    }
};


subtest 'a wrong value is one line, and nothing starts' => sub {
    my $port = 'a whole number from 1 to 65535';
    my $count = 'a whole number from 1 to 999999999';
    my $rate = 'a number above 0, up to 999999999, such as 1000 or 0.5';
    my $level = 'DEBUG, INFO, WARN or ERROR';
    my $brokers = 'HOST:PORT, or several of them with "," between';
    my $topic = 'a topic of 1 to 249 letters, digits, ".", "_" or "-"';
    my $backoff = 'a duration from 1ms to 300s, with its unit';
    my $timeout = 'a duration from 1s to 596h, with its unit';
    my $size = 'a size from 1164k to 8388608k, all memory, such as 64m';

    my @syntax = ('a;b', 'a$b', 'a{b', 'a}b', 'a"b', "a'b", "a\nb", 'a b',
                  "a\\b", "a\e[1mb", 'a#b', "a\n", "\n", "a`b", '$(id)', 'a*');

    my @wrong = (
        [HTTP_PORT => $port, '0', '-1', '', '65536', 'http', '80;', "80\n",
         '8e3', '99999999999999999999', '+1', '1.5', '$(id)'],
        [LOG_LEVEL => $level, '', 'INFORMATION', 'trace', "info\n", '0'],
        [KAFKA_BROKERS => $brokers, '', 'a,,b', ',a', 'a,', ',', 'a:0', 'a:',
         ':9092', 'a:65536', 'a:b', '::1', '[::1', '[]:1', '[::g]:1', '-a:1',
         '[::1]x:1', 'a/b:1', '.', '..', '.a', 'a..b:1', 'x' x 254,
         join(',', ('x' x 5000) x 2), '[:.:]', '[.]:9092', '[:]', '[:::]',
         '[1:2]', '[::1::2]', '[1:2:3:4:5:6:7:8:9]', '[::12345]', '[::1.2.3]',
         '[::1.2.3.256]', '[1.2.3.4]', @syntax],
        [KAFKA_TOPIC => $topic, '', '.', '..', 'a,b', 'a:b', 'a/b', "\303\244",
         'x' x 250, @syntax],
        [KAFKA_DLQ_TOPIC => $topic, '', '.', '..', @syntax],
        [KAFKA_DLQ_TOPIC => 'a topic, and none of this name', 'off'],
        [KAFKA_DLQ_TOPIC => 'another topic than KAFKA_TOPIC', 'events'],
        [KAFKA_MAX_RETRIES => 'a whole number from 0 to 65533', '', '-1',
         'three', '1.5', '65534'],
        [KAFKA_RETRY_BACKOFF => $backoff, '', '0', '0s', '-1s', '10', '1h',
         '999us', '301s', 'soon', '1s;', "1s\n", '1 s', '1s1', 's', '1d'],
        [KAFKA_WRITE_TIMEOUT => $timeout, '', '0', '0s', '-1s', '10', '999ms',
         '597h', 'long', '1e3s', '9' x 400 . 's'],
        [WORKER_POOL_SIZE => $count, '', '0', '-1', 'auto', '1000000000'],
        [QUEUE_SIZE => $count, '', '0', '-1', '1k', '1h'],
        [RATE_LIMIT_RPS => $rate, '', '0', '0.0', '-1', '.', '1.2.3', '1e3',
         'fast', "1\n", '1;', '1000000000'],
        [RATE_LIMIT_BURST => $count, '', '0', '-1', '1.5', 'much'],
        [ZONE_SIZE => $size, '', '0', '-1', 'm', '1x', '1163k', '64 m', '1t',
         '8388609k', '1024g', '99999999999999999999', "8m\n", '064m'],
    );

    for my $case (@wrong) {
        my ($name, $allowed, @values) = @$case;

        is_wrong($name, $_, $allowed =~ s/^\s+//r) for @values;
    }
};


# What is right for one of them may be wrong for another.
subtest 'each variable with what operators write by mistake' => sub {
    my @values = ('0', '-1', '', '10', '1h', '65536', 'a,,b', 'word', ';',
                  '$', '{', '"', "'", "\n", 'a; b', '${x}', "a\nb");
    my %right = (
        HTTP_PORT => ['10'], LOG_LEVEL => [],
        KAFKA_BROKERS => ['0', '10', '1h', '65536', 'word'],
        KAFKA_TOPIC => ['0', '-1', '10', '1h', '65536', 'word'],
        KAFKA_DLQ_TOPIC => ['0', '-1', '10', '1h', '65536', 'word'],
        KAFKA_MAX_RETRIES => ['0', '10'], KAFKA_RETRY_BACKOFF => [],
        KAFKA_WRITE_TIMEOUT => ['1h'], WORKER_POOL_SIZE => ['10', '65536'],
        QUEUE_SIZE => ['10', '65536'], RATE_LIMIT_RPS => ['10', '65536'],
        RATE_LIMIT_BURST => ['10', '65536'], ZONE_SIZE => [],
    );

    for my $name (sort keys %right) {
        for my $value (@values) {
            my ($status, $out, $err) = shell({ $name => $value },
                'read_variables; fit "$1" "$1/cgroup"; echo started',
                machine('0-1'));
            my $shown = $value =~ tr/\000-\037\177/?/r;

            if (grep { $_ eq $value } @{$right{$name}}) {
                is("$status $out$err", "0 started\n", "$name=\"$shown\"");

            } else {
                isnt($status, 0, "$name=\"$shown\" is refused");
                is($out, '', 'before anything starts');
                like($err, qr/\Aingest:\ $name="\Q$shown\E":
                              \ must\ be\ [^\n]{10,}\n\z/x, 'in a line');
            }
        }
    }
};


subtest 'usable CPUs' => sub {
    my @cases = (
        ['no cgroup', '0-3', {}, 4],
        ['affinity in pieces', '0,2-4,9', {}, 5],
        ['quota of version 2', '0-7', { 'cpu.max' => "300000 100000\n" }, 3],
        ['no quota of version 2', '0-7', { 'cpu.max' => "max 100000\n" }, 8],
        ['parts of a CPU', '0-7', { 'cpu.max' => "250000 100000\n" }, 2],
        ['half a CPU', '0-7', { 'cpu.max' => "50000 100000\n" }, 1],
        ['more than there is', '0-1', { 'cpu.max' => "900000 100000\n" }, 2],
        ['an empty file', '0-1', { 'cpu.max' => '' }, 2],
        ['quota of version 1', '0-7', { 'cpu/cpu.cfs_quota_us' => "200000\n",
         'cpu/cpu.cfs_period_us' => "100000\n" }, 2],
        ['half a CPU of version 1', '0-7',
         { 'cpu,cpuacct/cpu.cfs_quota_us' => "50000\n",
           'cpu,cpuacct/cpu.cfs_period_us' => "100000\n" }, 1],
        ['no quota of version 1', '0-7', { 'cpu/cpu.cfs_quota_us' => "-1\n",
         'cpu/cpu.cfs_period_us' => "100000\n" }, 8],
    );

    for my $case (@cases) {
        my ($title, $cpus, $files, $expected) = @$case;
        my $machine = machine($cpus, %$files);

        is((shell({}, 'usable_cpus "$1" "$1/cgroup"', $machine))[1], $expected,
           $title);
    }

    is((shell({}, 'usable_cpus /none /none'))[1], 1, 'nothing to be read');
};


subtest 'memory and the zone' => sub {
    my $m = 1048576;
    my @cases = (
        ['no cgroup', {}, 8192 * $m, '16384k'],
        ['limit of version 2', { 'memory.max' => 32 * $m . "\n" }, 32 * $m,
         '8192k'],
        ['no limit of version 2', { 'memory.max' => "max\n" }, 8192 * $m,
         '16384k'],
        ['limit of version 1',
         { 'memory/memory.limit_in_bytes' => 40 * $m . "\n" }, 40 * $m,
         '10240k'],
        ['no limit of version 1',
         { 'memory/memory.limit_in_bytes' => "9223372036854771712\n" },
         8192 * $m, '16384k'],
        ['more than there is', { 'memory.max' => 1e13 . "\n" }, 8192 * $m,
         '16384k'],
        ['as good as none', { 'memory.max' => 4 * $m . "\n" }, 4 * $m,
         '1164k'],
    );

    for my $case (@cases) {
        my ($title, $files, $limit, $zone) = @$case;
        my $machine = machine('0-1', %$files);

        is((shell({}, 'memory_limit "$1" "$1/cgroup"', $machine))[1], $limit,
           $title);
        my ($status, $out, $err) = shell({},
            'read_variables; fit "$1" "$1/cgroup"; say_fit; '
            . 'write_config a b "$1" c', $machine);

        has_line($out, "zone $zone;", "$title: zone");
        like($err, qr/^ingest: zone of @{[$zone =~ s|k||r]} KiB/m,
             "$title: said");
    }

    my $text = (shell({ QUEUE_SIZE => 999999999 },
        'read_variables; fit "$1" "$1/cgroup"; write_config a b "$1" c',
        machine('0-1')))[1];

    has_line($text, 'zone 2097152k;', 'never more than a quarter');
};


subtest 'IPv6 where the kernel has it' => sub {
    my ($with, $without) = map { (shell({},
        'read_variables; fit "$1" "$1/cgroup"; write_config a b "$1" c',
        machine('0', %$_)))[1] } { '../net/if_inet6' => '' }, {};

    has_line($with, 'listen [::]:8080;', 'there');
    unlike($without, qr/listen \[/, 'not there');
};


subtest 'nginx takes the zone of as many workers as there may be' => sub {
    for my $cpus (1, 2, 8, 9, 13, 16, 48, 64, 96, 119, 120, 128) {
        my $machine = machine('0-' . ($cpus - 1),
                              'memory.max' => 64 * 1048576 . "\n");
        my $least = (shell({}, 'zone_min $(($1 < 120 ? $1 : 120))', $cpus))[1];

        for my $env ({}, { ZONE_SIZE => $least }) {
            my (undef, @nginx) = nginx($machine, WORKER_POOL_SIZE => $cpus,
                                       %$env)
                or plan(skip_all => 'the module is not built');

            my $said = `@nginx -t 2>&1`;

            is($?, 0, "nginx takes it") or diag($said);
        }
    }
};


subtest 'nginx takes a long list of brokers' => sub {
    my @list = map { sprintf '%0250d:%d', $_, 9092 } 1 .. 100;
    my (undef, @nginx) = nginx(machine('0'), KAFKA_BROKERS => join ',', @list)
        or plan(skip_all => 'the module is not built');

    my $said = `@nginx -t 2>&1`;

    is($?, 0, 'nginx takes it') or diag($said);
};


# Lines of more than a pipe takes at once are torn by those of other workers.
subtest 'whatever clients send, stdout is short lines of JSON' => sub {
    my ($prefix, @nginx) = nginx(machine('0-1'))
        or plan(skip_all => 'the module is not built');

    my $pid = fork // die "fork: $!";

    if ($pid == 0) {
        open STDERR, '>', "$prefix/err";
        exec @nginx or POSIX::_exit(127);
    }

    for (1 .. 500) {
        last if IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port");
        last if waitpid $pid, POSIX::WNOHANG();
        select undef, undef, undef, 0.02;
    }

    my $id = '\\"' x 255;
    my $event = qq({"id":"$id","type":"a"});
    my $end = "HTTP/1.0\r\n\r\n";

    is(request("GET /%ff $end"), 404, 'bytes that are not UTF-8');
    is(request("GET /%0a%22 $end"), 404, 'bytes that mean something');
    is(request('GET /' . 'x' x 6000 . " $end"), 404, 'a long path');
    is(request('GET /' . '%01' x 2000 . " $end"), 404, 'one to be escaped');
    is(request('X' x 6000 . " / $end"), 405, 'a long method');
    is(request("\xff\xfe / $end"), 400, 'no method');
    is(request("GET /a/b_c.d-9 $end"), 404, 'an ordinary one');
    is(request("POST /events HTTP/1.0\r\nContent-Length: "
               . length($event) . "\r\n\r\n$event"), 202, 'a long id');

    kill 'QUIT', $pid;
    waitpid $pid, 0;
    is($?, 0, 'it ends well') or diag(slurp("$prefix/err"));

    unlike(slurp("$prefix/err"), qr/open\(\)/,
           'a path that is not there is no error');

    my @lines = split /^/, slurp("$prefix/out");
    my @seen;

    for my $line (@lines) {
        my $text = eval { Encode::decode('UTF-8', $line, Encode::FB_CROAK
                                         | Encode::LEAVE_SRC) };

        ok(defined $text, 'a line of UTF-8') or diag(explain($line));
        cmp_ok(length $line, '<=', 4096, 'that a pipe takes at once');

        my $json = eval { JSON::PP->new->decode($text // '') };

        ok($json, 'and JSON') or diag($line);
        push @seen, $json if exists $json->{status};
    }

    is(scalar @seen, 8, 'each request has one');
    is(scalar(grep { ($_->{uri} // '') eq '/a/b_c.d-9'
                     && $_->{method} eq 'GET' } @seen), 1, 'with its path');
    is(scalar(grep { ($_->{uri} // '') eq '-' } @seen), 5, 'if there is one')
        or diag(explain([map { $_->{uri} } @seen]));
    is(scalar(grep { ($_->{id} // '') eq '"' x 255 } @seen), 1, 'and its id');
};


done_testing();
