# Copyright (C) The ngx_http_ingest_module authors

# docker/compose.yaml as far as it can be looked at without an engine: Compose
# itself reads it, images have versions, and what it mounts and builds is there.

use v5.36;
use Cwd qw( abs_path );
use File::Basename qw( dirname );
use Test::More;

my $root = abs_path(dirname(__FILE__) . '/../..');
my $copy = "$root/docker/compose.test-$$.yaml";


sub slurp($file) {
    open my $in, '<', $file or die "$file: $!";
    local $/;
    return scalar <$in>;
}


# What Compose makes of a file, and its exit status.
sub compose($file) {
    my $text = `docker-compose -f $file config 2>&1`;

    return ($text, $? >> 8);
}


# The file with one change, next to it, as its paths are relative.
sub changed($change) {
    local $_ = slurp("$root/docker/compose.yaml");

    $change->() or die 'nothing was changed';
    open my $out, '>', $copy or die "$copy: $!";
    print $out $_;
    close $out;

    my (undef, $status) = compose($copy);

    unlink $copy;

    return $status;
}


END {
    unlink $copy;
}


my ($text, $status) = compose("$root/docker/compose.yaml");

is($status, 0, 'Compose reads it') or diag($text);

isnt(changed(sub { s/healthcheck:/healthchecks:/ }), 0,
     'an unknown word is noticed');
isnt(changed(sub { s/service_healthy/service_well/ }), 0,
     'an unknown condition is noticed');
isnt(changed(sub { s/^  kafka:$/  kafka2:/m }), 0,
     'a service that is not there is noticed');

my %images = map { $_ => 1 } $text =~ /^    image: (\S+)$/mg;

cmp_ok(keys %images, '>=', 4, 'four images');
like($_, qr/:v?\d+\.\d+\.\d+\z/, "$_ has a version") for sort keys %images;

# Compose 1 writes "SOURCE:TARGET:ro", Compose 2 "source: SOURCE".
my @mounts = $text =~ /^ +(?:- |source: )(\Q$root\E\/[^:\s]+)/mg;

cmp_ok(@mounts, '>=', 4, 'four mounts of this project');
ok(-e $_, s/\A\Q$root\E\///r . ' is there') for @mounts;

my ($folder) = $text =~ /^      context: (\S+)$/m;
my ($file) = $text =~ /^      dockerfile: (\S+)$/m;

ok(-e "$folder/$file", 'the Dockerfile is there');

# Each service but the one that ends says when it is healthy: in compose.yaml
# or, for ours, in its image.
for my $service (qw( kafka prometheus grafana )) {
    like($text, qr/^  $service:\n(?:    .*\n)*?    healthcheck:/m,
         "$service has a health check");
}

# The one path that is written to, and the user, are those of the image.
my $dockerfile = slurp("$root/docker/Dockerfile");
my ($user) = $dockerfile =~ /^USER (\d+):\1$/m;

like($text, qr/^ +- \/run\/ingest:uid=$user,gid=$user,/m,
     'the tmpfs belongs to the user of the image');
like($text, qr/^    read_only: true$/m, 'the root is only read');


# Who talks to whom, and waits for whom.
my $compose = slurp("$root/docker/compose.yaml");
my $grafana = slurp("$root/docker/grafana/provisioning/datasources/"
                    . 'prometheus.yml');
my $prometheus = slurp("$root/docker/prometheus/prometheus.yml");
my $board = slurp("$root/docker/grafana/dashboards/ingest.json");


sub service($name) {
    my ($lines) = $compose =~ /^  $name:\n((?:(?:    .*)?\n)+)/m;

    return $lines // '';
}


sub waits_for($name, $other, $condition) {
    like(service($name),
         qr/^    depends_on:\n      $other:\n        condition: $condition$/m,
         "$name waits for $other: $condition");
}


my ($brokers) = service('ingest') =~ /^      KAFKA_BROKERS: (\S+)$/m;
my %advertised = service('kafka') =~ /^      KAFKA_ADVERTISED_LISTENERS: (\S+)$/m
                 ? map { split /:\/\//, $_, 2 } split /,/, $1 : ();
my ($listeners) = service('kafka') =~ /^      KAFKA_LISTENERS: (\S+)$/m;

is($advertised{INSIDE}, $brokers, 'the ingestor asks the listener inside');
is($brokers, 'kafka:19092', 'which is that of the service');
is($advertised{HOST}, 'localhost:9092', 'outside there is another one');
like($listeners, qr/\b$_\b/, "Kafka listens at $_")
    for 'HOST://:9092', 'INSIDE://:19092';
like(service('kafka'), qr/^      - "127\.0\.0\.1:9092:9092"$/m,
     'which the host can reach');
like(service('topics'), qr/--bootstrap-server \Q$brokers\E /,
     'topics are made there');

waits_for('topics', 'kafka', 'service_healthy');
waits_for('ingest', 'topics', 'service_completed_successfully');
waits_for('prometheus', 'ingest', 'service_healthy');
waits_for('grafana', 'prometheus', 'service_healthy');

# more than drain_timeout and what comes behind it
my ($grace) = service('ingest') =~ /^    stop_grace_period: (\d+)s$/m;

cmp_ok($grace // 0, '>', 5 + 2, 'the ingestor may drain');

like($prometheus, qr/targets: \['ingest:8080'\]/,
     'Prometheus scrapes the ingestor');
like($prometheus, qr/job_name: ingest$/m, 'as the job of the rules');
like($grafana, qr/^    url: http:\/\/prometheus:9090$/m,
     'Grafana asks Prometheus');

my ($uid) = $grafana =~ /^    uid: (\S+)$/m;
my %uids = map { $_ => 1 }
           $board =~ /"type": *"prometheus",\s*"uid": *"([^"]+)"/g;

is(join(' ', sort keys %uids), $uid, 'by the name that the dashboard has');


done_testing();
