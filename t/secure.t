# Copyright (C) The ngx_http_ingest_module authors

# A Kafka that wants TLS, and a user or a certificate.  What is wrong is said
# once a second while events wait; what is right after a reload delivers them.

use v5.36;
use lib 't/lib';
use JSON::PP;
use List::Util qw( max );
use POSIX ();
use Test::More;
use TestIngest::Client;
use TestIngest::Secure;
use TestIngest::Server;
use Time::HiRes qw( sleep time );

if ($ENV{KAFKA_BROKERS} && !grep { -x "$_/java" } split /:/, $ENV{PATH}) {
    plan skip_all => 'it needs Java for a Kafka of its own';
}

my $events = 40;
my $watched = 5;            # seconds that log lines are counted in
my $port = free_port($ENV{TEST_NGINX_SERVER_PORT} || 20080);
my $json = JSON::PP->new;

watch_start();

my %user = kafka_user();
my %wrong = (password => secret(), key => secret());
my $key_password = secret();

sub password_file($name, $password) {
    open my $out, '>', tls($name) or die "$name: $!";
    chmod 0600, $out;
    print $out "$password\n";
    close $out;

    return tls($name);
}


authority($_) for qw( ca other-ca );
certificate('broker');
certificate('expired', days => 0);
certificate('stranger', names => 'DNS:kafka.example.com');
certificate('client', password => password_file('key', $key_password));
certificate('inline');
certificate('client-expired', days => 0);
certificate('client-unknown', by => 'other-ca');

my %kafka = kafka_secure(
    'user.sasl' => 'broker', 'expired.sasl' => 'expired',
    'stranger.sasl' => 'stranger', 'certs.mtls' => 'broker',
);

my $nginx = TestIngest::Server->new('secure');

# What the test looks at can be seen at all.
ok(shows_secret(join ' ', %user), 'a secret is recognized');


# Properties of a queue.

sub sasl($mechanism, $password = $user{password}, $ca = 'ca') {
    return { 'security.protocol' => 'sasl_ssl',
             'ssl.ca.location' => tls("$ca.pem"),
             'sasl.mechanism' => $mechanism,
             'sasl.username' => $user{name}, 'sasl.password' => $password };
}


# Events that time out in librdkafka make lines of their own.
sub hasty($properties) {
    return { %$properties, 'message.timeout.ms' => 1000 };
}


sub mtls($name, $password = undef) {
    my %properties = ('security.protocol' => 'ssl',
                      'ssl.ca.location' => tls('ca.pem'));

    if (defined $name) {
        $properties{'ssl.certificate.location'} = tls("$name.pem");
        $properties{'ssl.key.location'} = tls("$name.key");
    }

    $properties{'ssl.key.password'} = $password if defined $password;

    return \%properties;
}


my $right_sasl = [ 'user', sasl('SCRAM-SHA-512') ];
my $right_mtls = [ 'certs', mtls('client', $key_password) ];

# Each case is a queue of one nginx: listener and properties at first and
# after the reload, and what error.log says at first.
my %cases = (
    'scram-256' => [ [ 'user', sasl('SCRAM-SHA-256') ] ],
    'scram-512' => [ $right_sasl ],
    'plain' => [ [ 'user', sasl('PLAIN') ] ],
    'mtls' => [ $right_mtls ],

    'mtls-pem' => [
        [ 'certs', { 'security.protocol' => 'ssl',
                     'ssl.ca.location' => tls('ca.pem'),
                     'ssl.certificate.pem' => slurp(tls('inline.pem')),
                     'ssl.key.pem' => slurp(tls('inline.key')) } ],
    ],

    # Whoever asks for it is not protected.
    'unverified' => [
        [ 'expired', { %{sasl('SCRAM-SHA-512')},
                       'enable.ssl.certificate.verification' => 'false' } ],
    ],

    'wrong-password-scram' => [
        [ 'user', sasl('SCRAM-SHA-512', $wrong{password}) ], $right_sasl,
        qr/SASL authentication error: .*invalid credentials/,
    ],
    'wrong-password-plain' => [
        [ 'user', hasty(sasl('PLAIN', $wrong{password})) ],
        [ 'user', sasl('PLAIN') ],
        qr/SASL authentication error: .*Invalid username or password/,
    ],
    'expired-broker' => [
        [ 'expired', sasl('SCRAM-SHA-512') ], $right_sasl,
        qr/certificate.*expired/,
    ],
    'unknown-ca' => [
        [ 'user', sasl('SCRAM-SHA-512', $user{password}, 'other-ca') ],
        $right_sasl, qr/certificate.*(?:verif|sign)/,
    ],
    'wrong-host-name' => [
        [ 'stranger', sasl('SCRAM-SHA-512') ], $right_sasl,
        qr/certificate.*(?:host name|address)/,
    ],
    'no-client-certificate' => [
        [ 'certs', mtls(undef) ], $right_mtls,
        qr/SSL.*certificate/,
    ],
    'expired-client' => [
        [ 'certs', mtls('client-expired') ], $right_mtls,
        qr/SSL.*certificate/,
    ],
    'unknown-client' => [
        [ 'certs', mtls('client-unknown') ], $right_mtls,

        # that of Debian 13 does not show it at all
        qr/SSL.*certificate|No matching issuer .* client certificates/,
    ],
);

my @names = sort keys %cases;
my @wrong = grep { defined $cases{$_}[1] } @names;

# Whether all folders above the file let them.
sub others_can_read($file) {
    my $nobody = getpwnam('nobody');
    my $pid = fork // die "fork: $!";

    if (!$pid) {
        POSIX::setuid($nobody);
        POSIX::_exit(open(my $in, '<', $file) ? 0 : 1);
    }

    waitpid $pid, 0;

    return $? == 0;
}


sub slurp($file) {
    open my $in, '<', $file or return '';
    local $/;

    return <$in> // '';
}


sub topic($name) { "secure-$name" }


# The properties of a queue are in a file that only its owner may read.
sub put_secrets($after) {
    for my $name (@names) {
        my $case = $cases{$name};
        my ($listener, $properties) = @{$after ? $case->[1] // $case->[0]
                                               : $case->[0]};

        $nginx->put("$name.conf", join('', "brokers $kafka{$listener};\n",
            map { qq(kafka $_ "$properties->{$_}";\n) }
            sort keys %$properties), 0600);
    }
}


sub configuration($level = 'info', $lines = '', @queues) {
    @queues = @names if !@queues;

    my $queues = join '', map {
        "    ingest_queue $_ { zone 2m; topic ${\topic($_)}; "
        . "drain_timeout 1s; include $_.conf; $lines }\n"
    } @queues;
    my $locations = join '', map {
        "        location = /$_ { ingest $_; }\n"
    } @queues;

    return <<"CONF";
load_module modules/ngx_http_ingest_module.so;
worker_processes 1;
pid nginx.pid;
error_log logs/error.log $level;
events { worker_connections 256; }
http {
    access_log logs/access.log;
    ingest_log logs/ingest.json debug;
    $temp_paths
$queues
    server {
        listen 127.0.0.1:$port;
$locations
        location = /metrics { ingest_metrics; }
    }
}
CONF
}


sub post($name, $prefix) {
    my $socket = connection($port);
    my %statuses;

    for my $n (1 .. $events) {
        my $body = event("$prefix-$n");

        print $socket "POST /$name HTTP/1.1\r\nHost: localhost\r\n"
                      . 'Content-Length: ' . length($body) . "\r\n\r\n$body";
        $statuses{(answer($socket) // { status => 'closed' })->{status}}++;
    }

    return \%statuses;
}


sub expected(@prefixes) {
    return [ sort map { my $p = $_; map { "$p-$_" } 1 .. $events } @prefixes ];
}


# The keys that are in a topic.  There may be some twice.
sub keys_in($name) {
    my %keys = map { $json->decode($_)->{key} => 1 }
               kafka_own('read', topic($name), '--from-beginning');

    return [ sort keys %keys ];
}


sub metric($samples, $family, $name) {
    return $samples->{qq($family\{queue="$name"})};
}


sub samples() {
    my $body = $nginx->curl("http://127.0.0.1:$port/metrics")->{body};

    return { $body =~ /^([a-z]\S*) (\S+)$/mg };
}


# Waits until a queue is empty, and returns whether that came about.
sub becomes_empty($name) {
    return await(sub {
        (metric(samples(), 'ingest_queue_size', $name) // '') eq '0'
    }, 20);
}


# The lines of a queue that are worse than a notice.
sub bad_lines($name, $text) {
    return grep { /\[(?:warn|error|crit|alert|emerg)\]/
                  && /queue "\Q$name\E": / } split /\n/, $text;
}


for my $name (@names) {
    kafka_own('topics', 'create', topic($_)) for $name, "$name-dlq";
}

put_secrets(0);
$nginx->put('nginx.conf', configuration());

my $from = 0;
my ($status, $said) = $nginx->try('nginx.conf');
is($status, 0, 'wrong secrets are a valid configuration') or diag($said);

my $started = time;
$nginx->start('nginx.conf');

for my $name (@names) {
    is_deeply(post($name, 'first'), { 202 => $events },
              "$name: events are taken");
}

# Lines of one kind begin with the same word.  librdkafka says the same once in
# 30 s, so that all that was said counts; a line may be due at both ends of the
# time.
sleep $watched;
my $text = $nginx->log();
$watched = time - $started;

for my $name (@wrong) {
    my @lines = bad_lines($name, $text);
    my $pattern = $cases{$name}[2];
    my %kinds;

    $kinds{$_}++ for map { /queue "\Q$name\E": (\w+)/ } @lines;

    cmp_ok(scalar @lines, '>=', 1, "$name: it is said");
    cmp_ok(max(0, values %kinds), '<=', $watched + 1,
           "$name: once a second at most")
        or diag(join "\n", @lines);
    ok(scalar(grep { /$pattern/ } @lines), "$name: what it is")
        or diag(join "\n", @lines);
    note($lines[0]);
}

is_deeply([ grep { /certificate/ } bad_lines('unverified', $text) ], [],
          'nothing is said of a certificate that nobody wants verified');

my $samples = samples();

for my $name (@names) {
    my $waits = defined $cases{$name}[1] ? $events : 0;

    is(metric($samples, 'ingest_queue_size', $name), $waits,
       "$name: " . ($waits ? 'events wait' : 'events are delivered'));
    is(scalar @{keys_in($name)}, $events - $waits, "$name: records in Kafka");
}

put_secrets(1);
$nginx->reload();

for my $name (@names) {
    is_deeply(post($name, 'second'), { 202 => $events },
              "$name: events are taken after the reload");
}

for my $name (@names) {
    ok(becomes_empty($name), "$name: nothing waits any more");
    is_deeply(keys_in($name), expected('first', 'second'),
              "$name: all is in Kafka");
}

$samples = samples();

for my $name (@names) {
    is(metric($samples, 'events_published_total', $name), 2 * $events,
       "$name: all is counted as published");
    is(metric($samples, 'events_failed_total', $name), 0,
       "$name: nothing is a dead letter or lost");
}

$nginx->stop();

# The same under the loudest logs there are.
$from = $nginx->log_size();
put_secrets(0);
$nginx->put('nginx.conf', configuration('debug',
                                        'kafka debug conf,security,feature;'));
$nginx->start('nginx.conf');
is_deeply(post('mtls', 'debug'), { 202 => $events }, 'debug: events are taken');
ok(becomes_empty('mtls'), 'debug: nothing waits any more');
# Of so many lines some are dropped, and counted: which ones is chance.
like($nginx->log($from), qr/queue "\w[^"]*": librdkafka: /,
     'debug: librdkafka tells what it does');
$nginx->stop();


# What "nginx -t" says of files and properties that cannot be used.

my ($tried) = grep { /^wrong-password-scram/ } @names;

sub refused($title, $lines, $pattern) {
    $nginx->put("$tried.conf", "brokers $kafka{user};\n"
                               . join('', map { "kafka $_;\n" } @$lines), 0600);

    my ($status, $said) = $nginx->try('nginx.conf');

    isnt($status, 0, "$title: refused");
    like($said, $pattern, "$title: what it is");
    ok(!shows_secret($said), "$title: no secret is shown");
}

$nginx->put('nginx.conf', configuration());
my $password = qq(sasl.password "$user{password}");

refused('a CA file that is missing',
        [ 'security.protocol sasl_ssl', 'sasl.mechanism PLAIN',
          "sasl.username $user{name}", $password,
          'ssl.ca.location /no/such/file' ],
        qr/ssl\.ca\.location/);

refused('no user name',
        [ 'security.protocol sasl_ssl', 'sasl.mechanism SCRAM-SHA-512',
          $password ],
        qr/sasl\.username/);

refused('an unknown mechanism',
        [ 'security.protocol sasl_ssl', "sasl.username $user{name}", $password,
          'sasl.mechanism NONE' ],
        qr/mechanism/);

refused('a key with another password',
        [ 'security.protocol ssl', 'ssl.certificate.location '
          . tls('client.pem'), 'ssl.key.location ' . tls('client.key'),
          qq(ssl.key.password "$wrong{key}") ],
        qr/ssl\.key\.location|private key|decrypt/i);

# nginx -t and the master are root, the workers are not.
SKIP: {
    skip 'only root can give its workers another user', 5 if $> != 0;
    skip 'another user cannot come here', 5 if !others_can_read(tls('ca.pem'));

    $nginx->put("$tried.conf",
                "brokers $kafka{certs};\nkafka security.protocol ssl;\n"
                . "kafka ssl.certificate.location ${\tls('inline.pem')};\n"
                . "kafka ssl.key.location ${\tls('inline.key')};\n", 0600);

    $nginx->put('nginx.conf', configuration('info', '', $tried));

    chmod 0600, tls('inline.key');

    for my $user ('nobody nogroup', '') {
        my $workers = 'workers of ' . ($user || 'the default user');

        ($status, $said) = $nginx->try('nginx.conf', $user);
        isnt($status, 0, "a key that $workers cannot read: refused");
        like($said,
             qr/queue "$tried" cannot have a producer: ssl\.key\.location/,
             "a key that $workers cannot read: what it is");
    }

    chmod 0644, tls('inline.key');
    ($status, $said) = $nginx->try('nginx.conf', 'nobody nogroup');
    is($status, 0, 'a key that they can read: taken') or diag($said);
}


# What brokers and librdkafka say is in lines of JSON too.

my @lines = split /\n/, slurp($nginx->prefix() . '/logs/ingest.json');
my @objects = map { eval { JSON::PP->new->utf8->decode($_) } // () } @lines;

cmp_ok(scalar @lines, '>', 0, 'ingest_log has lines');
is(scalar @objects, scalar @lines, 'each of them is JSON');

for my $name (@wrong) {
    my $pattern = $cases{$name}[2];

    ok(scalar(grep { $_->{msg} eq 'librdkafka' && $_->{queue} eq $name
                     && $_->{level} eq 'warn' && $_->{text} =~ /$pattern/
                   } @objects), "$name: ingest_log says what it is");
}


# Nobody saw a secret.

my @seen = watch_stop();
is(join('', @seen), '', 'no secret was an argument of any process');

watch_start();
my $canary = fork // die "fork: $!";
exec 'perl', '-e', 'sleep 60', $wrong{key} if $canary == 0;
sleep 0.5;
@seen = watch_stop();
kill 'KILL', $canary;
waitpid $canary, 0;
like(join('', @seen), qr/\Q$wrong{key}\E/, 'one that is an argument is seen');

for my $file (glob $nginx->prefix() . '/logs/* ' . kafka_logs()) {
    ok(-s $file, "$file has something")
        if $file =~ /(?:error|access)\.log$|ingest\.json$/;
    ok(!shows_secret(slurp($file)), "$file has no secret");
}

done_testing();
