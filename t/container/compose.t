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


done_testing();
