# Copyright (C) The ngx_http_ingest_module authors

# docker/kubernetes.yaml as far as it can be looked at without Kubernetes: what
# it says of the image is true of the image.

use v5.36;
use CPAN::Meta::YAML;
use Cwd qw( abs_path );
use File::Basename qw( dirname );
use Test::More;

my $root = abs_path(dirname(__FILE__) . '/../..');


sub slurp($file) {
    open my $in, '<', "$root/$file" or die "$file: $!";
    local $/;
    return scalar <$in>;
}


my $dockerfile = slurp('docker/Dockerfile');
my $config = slurp('docker/lib/config.sh');
my $entrypoint = slurp('docker/entrypoint');

my %kinds = map { $_->{kind} => $_ }
            @{CPAN::Meta::YAML->read_string(slurp('docker/kubernetes.yaml'))};

is(join(' ', sort keys %kinds),
   'ConfigMap Deployment PodDisruptionBudget Service', 'what there is');

my $pod = $kinds{Deployment}{spec}{template}{spec};
my ($container) = @{$pod->{containers}};
my ($user) = $dockerfile =~ /^USER (\d+):\1$/m;

is($pod->{securityContext}{$_}, $user, "$_ is the user of the image")
    for qw( runAsUser runAsGroup fsGroup );
is($container->{securityContext}{readOnlyRootFilesystem}, 'true',
   'the root is only read');
like($dockerfile, qr/^STOPSIGNAL SIGQUIT$/m,
     'the stop signal is the one that drains');

# Each variable is one that the entrypoint reads.
for my $variable (map { $_->{name} } @{$container->{env}}) {
    like($config, qr/\$\{$variable[-+]/, "$variable is read");
}

my ($port) = @{$container->{ports}};

is($port->{containerPort}, 8080, 'the port is that of HTTP_PORT');

for my $probe (qw( livenessProbe readinessProbe )) {
    my $get = $container->{$probe}{httpGet};

    is($get->{port}, $port->{name}, "$probe asks that port");
    like($config, qr/^ {8}location = \Q$get->{path}\E \{/m,
         "$get->{path} of $probe is there");
}

my $ready = $container->{readinessProbe}{httpGet}{path};

like($config, qr/location = \Q$ready\E \{[^}]*ingest_health ready;/,
     'readiness depends on the queue');
is($kinds{Service}{spec}{ports}[0]{targetPort}, $port->{name},
   'the Service leads there');
is($pod->{enableServiceLinks}, 'false',
   'no Service of another name sets a variable');

my $alive = $container->{livenessProbe}{httpGet}{path};

like($config, qr/location = \Q$alive\E \{[^}]*ingest_health;/,
     'liveness does not depend on Kafka');

# All that is mounted is a volume, and a place that the image looks at.
my %volumes = map { $_->{name} => $_ } @{$pod->{volumes}};
my %mounts = map { $_->{mountPath} => $_->{name} }
             @{$container->{volumeMounts}};
my ($run) = $entrypoint =~ /^run=(\S+)$/m;
my ($more) = $entrypoint =~ /^more=(\S+)$/m;

ok($volumes{$mounts{$run} // ''}{emptyDir}, "$run can be written to");

my $queue = $volumes{$mounts{"$more/queue"} // ''}{projected};
my %sources = map { %$_ } @{$queue->{sources}};

is($sources{configMap}{name}, $kinds{ConfigMap}{metadata}{name},
   'more of the queue is mounted');
like($config, qr/^ {8}include \$2\/queue\/\*\.conf;/m, 'and read');

# The Secret of the document fits in there beside it.
my ($text) = slurp('docs/container.md') =~ /^```yaml\n(.*?)^```$/ms;
my ($secret) = @{CPAN::Meta::YAML->read_string($text)};
my %files = %{$secret->{stringData}};

is($secret->{kind}, 'Secret', 'the document has a Secret');
is($sources{secret}{name}, $secret->{metadata}{name}, 'it is mounted');
is($sources{secret}{optional}, 'true', 'if it is there');
is($queue->{defaultMode}, '0440', 'and not for everybody to read');
ok(scalar(grep { /\.conf$/ } keys %files), 'a file of it is read');
ok(!exists $kinds{ConfigMap}{data}{$_}, "$_ hides none of the ConfigMap")
    for sort keys %files;

for my $path (join(' ', values %files) =~ /(\/etc\/\S+?);/g) {
    ok(exists $files{$path =~ s/^\Q$more\E\/queue\///r},
       "$path is a file of it");
}

# The pod is not killed before the drain can be over: preStop, the drain, the
# 1.5 s for the handle, and requests under way.
my ($drain) = join(' ', values %{$kinds{ConfigMap}{data}})
              =~ /^drain_timeout (\d+)s;$/;
my (undef, $pre_stop) = @{$container->{lifecycle}{preStop}{exec}{command}};

cmp_ok($pod->{terminationGracePeriodSeconds}, '>', $pre_stop + $drain + 2,
       'the grace period is longer than preStop and drain');

# The limit of memory holds all of the zone, and what is beside it.
my %env = map { $_->{name} => $_->{value} } @{$container->{env}};
my ($zone_gb) = $env{ZONE_SIZE} =~ /^(\d+)g$/;
my ($memory_mb) = $container->{resources}{limits}{memory} =~ /^(\d+)Mi$/;

cmp_ok($memory_mb, '>=', $zone_gb * 1024 + 256,
       'the zone fits into the limit of memory');

is($kinds{$_}{spec}{selector}{app}
   // $kinds{$_}{spec}{selector}{matchLabels}{app},
   $kinds{Deployment}{spec}{template}{metadata}{labels}{app},
   "$_ selects the pods") for qw( Deployment Service PodDisruptionBudget );


done_testing();
