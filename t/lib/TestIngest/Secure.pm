# Copyright (C) The ngx_http_ingest_module authors

# Certificates made by openssl, a Kafka of its own that wants them, and an eye
# on what must not be seen.  All of it is under build/.
#
#   authority NAME                  makes NAME.pem, which signs others
#   certificate NAME, OPTION => VALUE, ...
#                                   makes NAME.pem and NAME.key:
#       by 'ca'                     the authority
#       names 'IP:127.0.0.1,...'    the host names it is for
#       days 30                     it is valid; 0: it is no more
#       password undef              a file whose first line encrypts the key
#   kafka_secure LISTENERS          starts a broker with one user, for each
#                                   NAME.KIND => CERTIFICATE of a hash; returns
#                                   the addresses by name, and as "brokers" the
#                                   one without TLS
#   kafka_logs                      a pattern of the files that it logs to
#   kafka_own ARGUMENT...           util/kafka for that broker: its lines
#   kafka_user                      "name" and "password" of its user
#   tls FILE                        where a file of these is
#   watch_start, watch_stop         looks at the command lines of all processes
#                                   meanwhile; returns those with a secret
#   secret                          a new one, which all of these know
#   shows_secret TEXT               whether one of them is in a text

package TestIngest::Secure;

use v5.36;
use Cwd qw( abs_path );
use Exporter qw( import );
use File::Basename qw( basename dirname );
use File::Path qw( make_path remove_tree );
use IPC::Open3 qw( open3 );
use MIME::Base64 qw( encode_base64 );
use POSIX ();
use Time::HiRes qw( sleep );

our @EXPORT = qw(
    authority certificate tls kafka_secure kafka_own kafka_user kafka_logs
    watch_start watch_stop secret shows_secret
);

my $root = abs_path(dirname(__FILE__) . '/../../..');
my $tls = sprintf '%s/build/tls/%s', $root, basename($0, '.t');
my @secrets;
my %user = (name => 'ingest', password => secret());
my $watch;

remove_tree($tls);
make_path($tls);


sub tls($file) { "$tls/$file" }
sub kafka_user() { %user }
sub kafka_logs() { "$root/build/kafka.secure/*.log" }


sub put($file, $text) {
    my $umask = umask 0077;
    open my $out, '>', "$tls/$file" or die "$file: $!";
    print $out $text;
    close $out or die "$file: $!";
    umask $umask;
}


# Certificates.

sub openssl(@args) {
    my $pid = open3(my $in, my $out, undef, 'openssl', @args);

    close $in;
    my $said = join '', <$out>;
    waitpid $pid, 0;

    die "openssl @args failed: $said" if $?;
}


sub authority($name) {
    openssl(qw( req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes
                -days 30 -subj ), "/CN=$name", '-keyout', tls("$name.key"),
            '-out', tls("$name.pem"));
    remember_key("$name.key");
}


sub certificate($name, %options) {
    my $by = $options{by} // 'ca';
    my $names = $options{names} // 'IP:127.0.0.1,DNS:localhost';

    openssl(qw( req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj ),
            "/CN=$name", '-keyout', tls("$name.key"), '-out',
            tls("$name.csr"));

    put("$name.ext", "subjectAltName=$names\n");
    openssl(qw( x509 -req -days ), $options{days} // 30, '-in',
            tls("$name.csr"), '-CA', tls("$by.pem"), '-CAkey', tls("$by.key"),
            '-extfile', tls("$name.ext"), '-out', tls("$name.pem"));
    remember_key("$name.key");

    return if !defined $options{password};

    openssl(qw( pkcs8 -topk8 -in ), tls("$name.key"), '-out',
            tls("$name.key.new"), '-passout', "file:$options{password}");
    rename tls("$name.key.new"), tls("$name.key") or die "$name.key: $!";
}


# Kafka.

sub kafka_own(@args) {
    local %ENV = (%ENV, KAFKA_NAME => 'secure');

    # Before 2.6.1 librdkafka repeats a nonce in SCRAM, which Kafka forgives it
    # up to 3.9.
    $ENV{KAFKA_VERSION} = '3.9.1' if librdkafka_version() < 0x020601;

    # The port given is that of the Kafka that is there already.
    $ENV{KAFKA_PORT} += 50 if $ENV{KAFKA_PORT};
    delete $ENV{KAFKA_BROKERS};

    my $pid = open my $out, '-|', "$root/util/kafka", @args
        or die "util/kafka: $!";
    my @lines = <$out>;

    close $out or die "util/kafka @args failed: @lines";

    return @lines;
}


sub librdkafka_version() {
    my $header = '/usr/include/librdkafka/rdkafka.h';
    my ($version) = slurp($header) =~ /^#define RD_KAFKA_VERSION +0x(\w{6})/m
        or die "no version in $header";

    return hex $version;
}


sub kafka_secure(%listeners) {
    for my $listener (keys %listeners) {
        my $name = $listeners{$listener};

        put("$listener.pem", slurp(tls("$name.key")) . slurp(tls("$name.pem")));
    }

    put('users', "$user{name} $user{password}\n");

    # One that a test before has left is about to end.
    kafka_own('stop', '--wipe');

    return map { /^(\w+)=(\S+)$/ ? ($1 => $2) : () }
           kafka_own('start', '--fresh', '--for', $$, '--secure', $tls);
}


# Secrets.

sub secret() {
    state $n = 0;
    my $secret = sprintf 'S3cret%dx%dx%d', ++$n, $$, int rand 1e9;

    push @secrets, $secret, encode_base64($secret, '') =~ s/=*\z//r;

    return $secret;
}


# The second line of the body: the first one says no more than the algorithm.
sub remember_key($file) {
    my (undef, undef, $line) = split /\n/, slurp(tls($file));

    push @secrets, $line;
}


sub shows_secret($text) {
    return grep { index($text, $_) >= 0 } @secrets;
}


# A process that looks at all command lines, again and again, and writes those
# with a secret.  It does not outlive the test, which waits for it at its end.
sub watch_start() {
    my $pid = open(my $seen, '-|') // die "fork: $!";

    if ($pid == 0) {
        watch_run();
        POSIX::_exit(0);
    }

    $watch = { pid => $pid, seen => $seen };
}


sub watch_run() {
    my ($stop, %seen);

    local $SIG{TERM} = sub { $stop = 1 };
    my $parent = getppid;

    while (!$stop && getppid == $parent) {
        for my $file (glob '/proc/[0-9]*/cmdline') {
            my $line = slurp($file);

            next if $line eq '' || $seen{$line}++ || !shows_secret($line);
            syswrite STDOUT, ($line =~ tr/\0\n/  /r) . "\n";
        }

        sleep 0.01;
    }
}


sub watch_stop() {
    kill 'TERM', $watch->{pid};

    my $seen = $watch->{seen};
    my @lines = <$seen>;

    close $seen;
    undef $watch;

    return @lines;
}


END {
    my $status = $?;

    watch_stop() if defined $watch && $watch->{pid} != $$;
    $? = $status;
}


sub slurp($file) {
    open my $in, '<', $file or return '';
    local $/;

    return <$in> // '';
}


1;
