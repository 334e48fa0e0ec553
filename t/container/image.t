# Copyright (C) The ngx_http_ingest_module authors

# The image itself: who it runs as, what it writes, how it says that it is well
# and how it ends.

use v5.36;
use lib 't/lib';
use File::Path qw( make_path );
use JSON::PP;
use Test::More;
use TestIngest::Container;

my $json = JSON::PP->new;
my $home = 'build/container';


sub post($container, $body) {
    write_file("$home/work/body", $body);

    return (curl('--data-binary', "\@$home/work/body",
                 'http://localhost:' . $container->port() . '/events'))[0];
}


# Topics are of this file, whatever others have left in theirs.
sub serve($env = {}, %settings) {
    return container({ KAFKA_TOPIC => 'image', KAFKA_DLQ_TOPIC => 'image-dlq',
                       %$env }, %settings);
}


sub write_file($file, $text) {
    open my $out, '>', $file or die "$file: $!";
    print $out $text;
    close $out;
}


kafka('topics', 'create', $_) for qw( image image-dlq );


subtest 'what the image says of itself' => sub {
    my $config = image_config();

    is($config->{StopSignal}, 'SIGQUIT', 'STOPSIGNAL');
    like($config->{User}, qr/\A[1-9]\d*:[1-9]\d*\z/, 'USER, by number');
    is_deeply($config->{Entrypoint}, ['/usr/local/bin/entrypoint'],
              'ENTRYPOINT');
    is_deeply($config->{Cmd}, ['nginx'], 'CMD');
    like($config->{Healthcheck}{Test}[1] // '', qr/\/health/, 'HEALTHCHECK');
    ok($config->{Healthcheck}{$_}, "$_ of HEALTHCHECK")
        for qw( Interval Timeout StartPeriod Retries );
};


subtest 'its user without rights, on a root that is only read' => sub {
    my $container = serve({}, pipe => 1);
    my $pid = $container->pid();
    my ($uid) = split /:/, image_config()->{User};

    for my $process ($pid, workers_of($pid)) {
        my $status = slurp("/proc/$process/status");

        like($status, qr/^Uid:\s+$uid\s+$uid\s+$uid\s+$uid$/m,
             "process $process is not root");
        like($status, qr/^CapEff:\s+0+$/m, 'and has no capabilities');
    }

    my ($status, undef, $err) = try_container({},
        command => [qw( touch /etc/ingest/x )]);
    isnt($status, 0, 'nothing can be written');
    like($err, qr/Read-only file system/, 'since it is only read');

    is(post($container, '{"id":"image-1","type":"a"}'), 202, 'it serves');
    is(post($container, '{"x":"' . 'y' x 200000 . '"}'), 202,
       'a body in a temporary file too');

    my $url = 'http://localhost:' . $container->port();

    is((curl("$url/%ff"))[0], 404, 'a path that is not UTF-8');
    is((curl("$url/" . 'x' x 6000))[0], 404, 'a long one');

    # Here stdout is a pipe of root's.
    ok($container->{cat}, 'stdout is a pipe');
    is($container->stop(), 0, 'it ends well');

    my @all = map { $json->decode($_) } split /\n/, $container->output();
    my @lines = grep { exists $_->{status} } @all;
    is(scalar @lines, 4, 'each request is a line of JSON on stdout');
    is(join(' ', map { $_->{uri} } @lines), '/events /events - -',
       'with its path, if that is one');
    is(scalar(grep { !utf8::decode(my $line = $_) || length > 4096 }
              split /^/, $container->output()), 0,
       'all of UTF-8, and short enough for a pipe');
    ok(scalar(grep { ($_->{msg} // '') eq 'producer started' } @all),
       'the module\'s lines are there too');
    is($lines[0]{id}, 'image-1', 'with its id');
    is($lines[0]{result}, 'accepted', 'and its result');
    like($container->log(), qr/\[notice\]/, 'nginx\'s own lines are on stderr');
    # Of the two paths nginx says that there is no such file.
    unlike($container->log() =~ s/^.*\[error\].* open\(\) .*\n//mgr,
           qr/\[(?:alert|crit|emerg|error)\]/, 'which has no complaint');
};


subtest 'a stdout that its user may open' => sub {
    my $container = serve();

    is(post($container, '{"id":"image-2","type":"a\"b"}'), 202, 'it serves');
    is($container->stop(), 0, 'it ends well');
    ok(scalar(grep { ($json->decode($_)->{id} // '') eq 'image-2' }
              split /\n/, $container->output()), 'a line of JSON');
};


subtest 'the health check' => sub {
    my $container = serve({ HTTP_PORT => 8282 });

    is($container->health(), 0, 'healthy, with another HTTP_PORT');
    is((curl('http://localhost:8282/ready'))[0], 200, 'and ready');

    # Stopped: it is there and does not answer.
    my @workers = workers_of($container->pid());
    kill 'STOP', @workers;
    isnt($container->health(), 0, 'unhealthy when it does not answer');
    kill 'CONT', @workers;
    is($container->health(), 0, 'healthy again');

    kafka('broker', 'pause');
    is($container->health(), 0, 'healthy without Kafka');
    kafka('broker', 'resume');

    $container->stop();
    isnt($container->health(), 0, 'unhealthy when it is gone');
};


subtest 'the stop signal ends it with everything delivered' => sub {
    kafka('topics', 'create', 'drain');

    my $container = serve({ KAFKA_TOPIC => 'drain' });

    kafka('broker', 'pause');
    is(post($container, qq({"id":"drain-$_","type":"a"})), 202, "event $_")
        for 1 .. 20;

    $container->signal();
    ok(await(sub { $container->log() =~ /gracefully shutting down/ }),
       'it begins to end');
    ok(!$container->ended(), 'and is not gone while events wait');
    kafka('broker', 'resume');

    $container->wait_end();
    is($container->{status}, 0, 'it ends well');

    is_deeply([sort map { $_->{key} } records('drain', 20)],
              [sort map { "drain-$_" } 1 .. 20], 'everything was delivered');
};


subtest 'a wrong value' => sub {
    for my $case (['HTTP_PORT', '65536'], ['KAFKA_BROKERS', 'a,,b'],
                  ['KAFKA_TOPIC', "a;\nb"], ['KAFKA_RETRY_BACKOFF', '1h'])
    {
        my ($name, $value) = @$case;
        my ($status, $out, $err) = try_container({ $name => $value });

        isnt($status, 0, "$name: it ends");
        is($out, '', 'with nothing on stdout');
        like($err, qr/\Aingest: $name="[^\n]*": must be [^\n]+\n\z/,
             'and a line on stderr');
    }

    my ($status, $out, $err) = try_container({},
        mounts => ['/proc:/run/ingest']);
    isnt($status, 0, 'without a place to write to it ends');
    like($err, qr/\Aingest: \/run\/ingest: must be a folder that user/,
         'and says so');
};


subtest 'what is mounted in conf.d' => sub {
    my $folder = "$home/work/conf.d";

    make_path(map { "$folder/$_" } qw( main queue server events ));
    write_file("$folder/main/a.conf", "worker_shutdown_timeout 30s;\n");
    write_file("$folder/queue/a.conf", "drain_timeout 3s;\n"
                                       . "kafka client.id mounted;\n");
    write_file("$folder/server/a.conf",
               "location = /more { return 200 server; }\n");
    write_file("$folder/events/a.conf", "add_header X-More events always;\n");
    write_file("$folder/a.conf",
               "server { listen 8383; return 200 http; }\n");

    my $container = serve({}, mounts => ["$folder:/etc/ingest/conf.d"]);

    is((curl('http://localhost:8080/more'))[2], 'server', 'in server {}');
    is((curl('http://localhost:8383/'))[2], 'http', 'in http {}');
    is((curl('-d', '{}', 'http://localhost:8080/events'))[1]{'x-more'},
       'events', 'in location = /events');
    is($container->stop(), 0, 'ends well');

    write_file("$folder/queue/b.conf", "no_such_directive 1;\n");
    my ($status, undef, $err) = try_container({},
        mounts => ["$folder:/etc/ingest/conf.d"]);
    isnt($status, 0, 'what nginx does not know');
    like($err, qr/\[emerg\].*no_such_directive/, 'ends it');
};


subtest 'limits of a cgroup' => sub {
    my $folder = "$home/work/cgroup";

    make_path($folder);
    write_file("$folder/cpu.max", "50000 100000\n");
    write_file("$folder/memory.max", 32 * 1048576 . "\n");

    my $container = serve({}, mounts => ["$folder:/sys/fs/cgroup"]);

    is(scalar workers_of($container->pid()), 1, 'half a CPU is one worker');
    like($container->log(), qr/^ingest: zone of 8192 KiB:.* memory 32 MiB$/m,
         'a quarter of the memory');
    is($container->stop(), 0, 'ends well');
};


subtest 'started by buildah' => sub {
    my $pid = fork // die "fork: $!";

    if ($pid == 0) {
        open STDOUT, '>', "$home/work/buildah.out";
        open STDERR, '>', "$home/work/buildah.err";
        exec 'buildah', '--root', "$home/storage", '--runroot', "$home/run",
             '--storage-driver', 'vfs', 'run', '--isolation', 'chroot',
             '--network', 'host', '--env', 'HTTP_PORT=8484',
             '--env', 'KAFKA_TOPIC=image', 'ingest', '--',
             '/usr/local/bin/entrypoint', 'nginx'
            or POSIX::_exit(127);
    }

    ok(await(sub { (curl('http://localhost:8484/health'))[0] == 200 }, 30),
       'it serves') or diag(slurp("$home/work/buildah.err"));
    is((curl('-d', '{"type":"a"}', 'http://localhost:8484/events'))[0], 202,
       'it takes events');


    # By pid: buildah keeps signals for itself.
    my @masters = grep {
        slurp("/proc/$_/cmdline") =~ /\Anginx: master process .*\/run\/ingest/
        && readlink("/proc/$_/ns/net") eq readlink('/proc/self/ns/net')
    } map { /(\d+)/ } glob '/proc/[0-9]*';

    is(scalar @masters, 1, 'there is one master');
    kill 'QUIT', @masters;
    waitpid $pid, 0;
    is($?, 0, 'it ends well');
};


done_testing();
