# Copyright (C) The ngx_http_ingest_module authors

# Runs the image that util/test container has built, without an engine: its
# entrypoint as its user, on a root that cannot be written to.
#
#   container(NAME => VALUE, ...)   starts one and waits until it is healthy
#   $container->health()            exit status of the image's health check
#   $container->stop()              by the image's signal; its exit status
#   try_container({ NAME => VALUE })  one that is expected to end by itself

package TestIngest::Container;

use v5.36;
use Cwd qw( abs_path );
use Exporter qw( import );
use File::Basename qw( dirname );
use File::Path qw( make_path );
use JSON::PP;
use POSIX qw( WNOHANG );
use Test::More;
use Time::HiRes qw( sleep time );

our @EXPORT = qw( container try_container image_config curl kafka records
                  await slurp workers_of );

my $root = abs_path(dirname(__FILE__) . '/../../..');
my $home = "$root/build/container";
my $json = JSON::PP->new;
my $count = 0;
my %running;


sub slurp($file) {
    open my $in, '<', $file or return '';
    local $/;
    return scalar <$in> // '';
}


# Calls a function until it is true, or the time is over.
sub await($condition, $seconds = 20) {
    my $end = time + $seconds;

    for ( ;; ) {
        my $result = $condition->();
        return $result if $result || time > $end;
        sleep 0.02;
    }
}


# What "buildah inspect" says of the image.
sub image_config() {
    state $config = $json->decode(slurp("$home/image.json"))->{Docker}{config};

    return $config;
}


# The command of util/lib/in_container, with these variables and mounts.
sub command($env, $mounts, @command) {
    my $config = image_config();
    my %env = (map({ split /=/, $_, 2 } @{$config->{Env}}), %$env);
    my $tree = slurp("$home/root") =~ s/\n//r;

    return ("$root/util/lib/in_container", $tree, $config->{User},
            map({ "$_=$env{$_}" } sort keys %env), @$mounts, @command);
}


# Settings beside variables: mounts, ["SOURCE:TARGET", ...]; pipe, for a stdout
# that only root may open.
sub start($env, %settings) {
    my $config = image_config();
    my $self = bless { env => $env, number => ++$count }, __PACKAGE__;

    make_path("$home/work");
    $self->{$_} = "$home/work/$count.$_" for qw( out err );

    open my $out, '>', $self->{out} or die "$self->{out}: $!";
    chown +(split /:/, $config->{User}), $out if !$settings{pipe};

    # A pipe is root's, and cat writes on what comes through it.
    if ($settings{pipe}) {
        $self->{cat} = open(my $pipe, '|-', "exec cat > $self->{out}");
        $out = $pipe;
    }

    my $pid = fork // die "fork: $!";

    if ($pid == 0) {
        open STDIN, '<', '/dev/null';
        open STDOUT, '>&', $out;
        open STDERR, '>', $self->{err};
        exec command($env, $settings{mounts} // [], @{$config->{Entrypoint}},
                     @{$settings{command} // $config->{Cmd}})
            or POSIX::_exit(127);
    }

    # Its end closes ours, which would wait for the cat.
    $self->{pipe} = $out;
    $self->{pid} = $pid;
    $running{$pid} = $self;

    return $self;
}


sub container($env = {}, %settings) {
    my $self = start($env, %settings);

    await(sub { $self->ended() || $self->health() == 0 });
    die "the container ended:\n", slurp($self->{err}) if $self->ended();
    die "the container is not healthy\n" if $self->health() != 0;

    return $self;
}


# Returns exit status, stdout and stderr.
sub try_container($env, %settings) {
    my $self = start($env, %settings);

    await(sub { $self->ended() }) or kill 'KILL', $self->{pid};
    $self->wait_end();

    return ($self->{status}, slurp($self->{out}), slurp($self->{err}));
}


sub pid($self) { $self->{pid} }
sub port($self) { $self->{env}{HTTP_PORT} // 8080 }
sub log($self) { slurp($self->{err}) }
sub output($self) { slurp($self->{out}) }


sub ended($self) {
    if (!defined $self->{status}
        && waitpid($self->{pid}, WNOHANG) == $self->{pid})
    {
        $self->{status} = $?;
        delete $running{$self->{pid}};
    }

    return defined $self->{status};
}


sub wait_end($self) {
    await(sub { $self->ended() }) or return;
    close $self->{pipe} if $self->{cat};
}


# The very command of the image, in its environment and root.
sub health($self) {
    my ($kind, $line) = @{image_config()->{Healthcheck}{Test}};

    $kind eq 'CMD-SHELL' or die "a health check of kind $kind";

    my $pid = fork // die "fork: $!";

    if ($pid == 0) {
        open STDOUT, '>', '/dev/null';
        open STDERR, '>&', \*STDOUT;
        exec command($self->{env}, [], '/bin/sh', '-c', $line)
            or POSIX::_exit(127);
    }

    waitpid $pid, 0;

    return $? >> 8;
}


sub signal($self) {
    kill image_config()->{StopSignal} =~ s/^SIG//r, $self->{pid};
}


sub stop($self) {
    $self->signal();
    $self->wait_end();

    return $self->{status};
}


# A file as the container sees it.
sub file($self, $path) {
    return slurp("/proc/$self->{pid}/root$path");
}


# Whatever the test has left: its own status is not to be touched.
END {
    local $?;

    for my $self (values %running) {
        kill 'TERM', $self->{pid};
        next if await(sub { $self->ended() }, 5);
        kill 'KILL', workers_of($self->{pid}), $self->{pid};
        waitpid $self->{pid}, 0;
    }
}


# Processes of which the pid is the parent and that are nginx's workers.
sub workers_of($pid) {
    my @children = split ' ', slurp("/proc/$pid/task/$pid/children");

    return grep { slurp("/proc/$_/cmdline") =~ /worker process/ } @children;
}


# Runs curl and returns status, headers by lower-case name, and body.
sub curl(@args) {
    open my $in, '-|', 'curl', '-s', '-i', '--noproxy', '*', '-m', '20', @args
        or die "curl: $!";

    my $text = do { local $/; <$in> } // '';
    close $in;

    my ($head, $body) = split /\r\n\r\n/, $text, 2;
    my ($status) = ($head // '') =~ /\AHTTP\/1\.1 (\d+)/ or return (0, {}, '');
    my %headers = map { /\A([^:]+):\s*(.*)\z/ ? (lc $1, $2) : () }
                      split /\r\n/, $head;

    return ($status, \%headers, $body);
}


# Runs util/kafka and returns its lines.
sub kafka(@args) {
    open my $out, '-|', "$root/util/kafka", @args or die "util/kafka: $!";

    my @lines = <$out>;
    close $out or die "util/kafka @args failed: @lines";

    return @lines;
}


# All records of a topic, once there are so many.
sub records($topic, $at_least) {
    my @found;

    await(sub {
        @found = kafka('read', $topic, '--from-beginning');
        return @found >= $at_least;
    });

    return map { $json->decode($_) } @found;
}


1;
