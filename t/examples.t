# Copyright (C) The ngx_http_ingest_module authors

# Each configuration in conf/, loaded as it is and used.  What is replaced, and
# nothing else:
#
#   ports       listen 80 and the like become free ports of 127.0.0.1, and so
#               does the port of the application that a site has
#   brokers     those at port 9092 become the test's Kafka, at 9093 its listener
#               for users, at 9094 that for certificates
#   paths       /etc/nginx/ becomes the folder of this nginx
#
# Files that an example includes or reads are made here: keys, certificates,
# passwords, pages.

use v5.36;
use lib 't/lib';
use File::Basename qw( basename );
use IO::Socket::INET;
use JSON::PP;
use Test::More;
use TestIngest::Client;
use TestIngest::Secure;
use TestIngest::Server;
use Time::HiRes qw( time );

if ($ENV{KAFKA_BROKERS} && !grep { -x "$_/java" } split /:/, $ENV{PATH}) {
    plan skip_all => 'it needs Java for a Kafka of its own';
}

my $next_port = $ENV{TEST_NGINX_SERVER_PORT} || 20080;
my $json = JSON::PP->new;
my (%ports, $nginx, %used, %application);

my %keys = (acme => secret(), globex => secret());

watch_start();

authority($_) for qw( ca clients-ca other-ca );
certificate($_) for qw( broker server kafka-client );
certificate('client', by => 'clients-ca');
certificate('stranger', by => 'other-ca');

my %kafka = kafka_secure('user.sasl' => 'broker', 'certs.mtls' => 'broker');
my %user = kafka_user();

for my $topic (qw( events acme-events orders audit )) {
    kafka_own('topics', 'create', $_) for $topic, "$topic-dlq";
}


sub slurp($file) {
    open my $in, '<', $file or die "$file: $!";
    local $/;

    return <$in> // '';
}


sub own_port($port) {
    if (!$ports{$port}) {
        $next_port = $ports{$port} = free_port($next_port + 1);
    }

    return $ports{$port};
}


sub replaced($text) {
    my %brokers = (9092 => $kafka{brokers}, 9093 => $kafka{user},
                   9094 => $kafka{certs});
    my $folder = $nginx->prefix() . '/conf/';

    $text =~ s/(listen )(?:127\.0\.0\.1:)?(\d+)/$1 . '127.0.0.1:'
               . own_port($2)/ge;
    $text =~ s/(proxy_pass http:\/\/127\.0\.0\.1:)(\d+)/$1 . own_port($2)/ge;
    $text =~ s/(brokers )\S+?:(\d+)[^;]*;/$1$brokers{$2};/g;
    $text =~ s/\/etc\/nginx\//$folder/g;

    return $text;
}


# example NAME, FILES, CODE: starts nginx with conf/NAME.conf, and files of
# conf/ that it wants, by name; may is what error.log may have.
sub example($name, $files, $code, $may = undef) {
    subtest $name => sub {
        $used{"$name.conf"} = 1;
        %ports = ();
        $nginx = TestIngest::Server->new("example-$name");
        mkdir $nginx->prefix() . "/$_" for qw( conf/tls html );

        for my $file (keys %$files) {
            $nginx->put($file, $files->{$file},
                        $file =~ /\.(?:pem|html)$/ ? 0644 : 0600);
        }

        $nginx->put("$name.conf",
                    replaced(slurp("conf/$name.conf")));

        my ($status, $said) = $nginx->try("$name.conf");
        is($status, 0, 'nginx -t') or diag($said);
        unlike($said =~ s/^.*"listen ... http2" directive is deprecated.*$//mr,
               qr/\[/, 'nginx -t says nothing against it');
        ok(!shows_secret($said), 'and shows no secret');

        eval {
            $nginx->start("$name.conf");
            $code->();
            $nginx->stop();
            1;
        } or fail("it goes on: $@");

        my @bad = grep { /\[(?:error|crit|alert|emerg)\]/
                         && !(defined $may && /$may/) }
                  split /\n/, $nginx->log();

        ok(!@bad, 'error.log has only what is expected')
            or diag(join "\n", @bad);
        ok(!shows_secret(slurp($_)), basename($_) . ' has no secret')
            for glob $nginx->prefix() . '/logs/*';

        undef $nginx;
    };
}


sub server_tls() {
    return ('tls/server.pem' => slurp(tls('server.pem')),
            'tls/server.key' => slurp(tls('server.key')));
}


# Requests.

sub url($port, $path, $scheme = 'http') {
    return "$scheme://127.0.0.1:$ports{$port}$path";
}


sub quoted($text) { '"' . $text =~ s/(["\\])/\\$1/gr . '"' }


# By a file, as a line of curl's configuration has a limit.
sub post($url, $body, @options) {
    $nginx->put('../temp/body.json', $body);

    return $nginx->curl($url, 'data-binary = '
                              . quoted('@' . $nginx->prefix()
                                       . '/temp/body.json'), @options);
}


my $n = 0;
sub new_id() { sprintf 'example-%d-%d', $$, ++$n }


sub body($id, $type = 'click') {
    return qq({"id":"$id","type":"$type","payload":{"n":1}});
}


# Posts an event that must be accepted, and finds it in its topic.
sub arrives($url, $topic, $title, @options) {
    my $id = new_id();
    my $answer = post($url, body($id), @options);

    is($answer->{status}, 202, "$title: accepted") or diag($answer->{text});
    is($answer->{headers}{'x-request-id'}, $id, "$title: with its id");

    my ($line) = kafka_own('read', $topic, '--from-beginning', '--key', $id,
                           '--count', 1);
    is($json->decode($line)->{key}, $id, "$title: in $topic");

    return ($id, $answer);
}


sub refused($answer, $status, $code, $title) {
    is($answer->{status}, $status, "$title: $status") or diag($answer->{text});
    is($answer->{headers}{'content-type'}, 'application/problem+json',
       "$title: problem+json");
    is((eval { $json->decode($answer->{body}) } // {})->{code}, $code,
       "$title: $code");
}


# How many of some requests on one connection have which status.
sub flood($port, $path, $count, @headers) {
    my $socket = connection($ports{$port});
    my %statuses;

    for (1 .. $count) {
        my $body = body(new_id());

        print $socket join "\r\n", "POST $path HTTP/1.1", 'Host: localhost',
                           'Content-Length: ' . length $body, @headers, '',
                           $body;

        my $answer = answer($socket);
        $statuses{$answer ? $answer->{status} : 'closed'}++;
        $socket = connection($ports{$port}) if !$answer;
    }

    return \%statuses;
}


sub metrics_and_health($port = 9145, $prefix = '') {
    like($nginx->curl(url($port, "$prefix/metrics"))->{body},
         qr/^events_received_total\{queue="\w+"\} [1-9]/m, 'metrics');

    return if $prefix ne '';

    is($nginx->curl(url($port, '/health'))->{status}, 200, 'health');
}


# The objects of a log of lines of JSON; waits for that many.
sub logged($file, $count) {
    my @lines;

    await(sub {
        @lines = split /\n/, -e $file ? slurp($file) : '';
        @lines >= $count;
    });

    return map { $json->decode($_) } @lines;
}


sub log_file($name) { $nginx->prefix() . "/logs/$name" }


# An application: whatever is asked, it answers with its name.
sub application_start($port) {
    my $listener = IO::Socket::INET->new(LocalAddr => "127.0.0.1:$port",
                                         Listen => 5, ReuseAddr => 1)
        or die "port $port: $!";
    my $parent = $$;
    my $pid = fork // die "fork: $!";

    if ($pid == 0) {
        $listener->timeout(1);

        while (getppid == $parent) {
            my $socket = $listener->accept() or next;

            while (my $line = <$socket>) {
                last if $line eq "\r\n";
            }

            print $socket "HTTP/1.0 200 OK\r\nContent-Length: 11\r\n\r\n",
                          'application';
            close $socket;
        }

        POSIX::_exit(0);
    }

    return $pid;
}


example 'quickstart', {}, sub {
    arrives(url(8080, '/events'), 'events', 'an event');
    refused(post(url(8080, '/events'), '{'), 400, 'invalid_json', 'no JSON');
    metrics_and_health(8080);
};


example 'existing_site', {
    '../html/index.html' => "the site\n",
    '../html/404.html' => "no such page\n",
    '../html/50x.html' => "out of order\n",
}, sub {
    my $pid = application_start($ports{3000});

    is($nginx->curl(url(80, '/'))->{body}, "the site\n", 'a page');
    is($nginx->curl(url(80, '/app/'))->{body}, 'application',
       'the application');

    kill 'TERM', $pid;
    waitpid $pid, 0;

    my $missing = $nginx->curl(url(80, '/missing'));
    is($missing->{status}, 404, 'a page that is missing');
    is($missing->{body}, "no such page\n", 'its error page');

    my ($id) = arrives(url(80, '/events'), 'events', 'an event');
    refused($nginx->curl(url(80, '/events')), 405, 'method_not_allowed',
            'a page of the events');

    my $statuses = flood(80, '/events', 400);
    ok($statuses->{202} > 50 && $statuses->{429}, 'who sends many is limited')
        or diag(explain($statuses));

    my ($first) = logged(log_file('events.log'), 402);
    is($first->{id}, $id, 'the id is logged');
    is($first->{result}, 'accepted', 'and the result');

    metrics_and_health(80, '/ingest');
}, qr/html\/missing" failed/;


example 'tenants', {
    'tenants.keys' => "$keys{acme} acme;\n$keys{globex} globex;\n",
}, sub {
    my %key = map { $_ => "header = \"X-API-Key: $keys{$_}\"" } keys %keys;

    arrives(url(8080, '/events'), 'acme-events', 'the large one', $key{acme});
    arrives(url(8080, '/events'), 'events', 'a small one', $key{globex});
    arrives(url(8080, '/orders'), 'orders', 'an order', $key{globex});

    refused(post(url(8080, '/events'), body(new_id())), 401, 'unauthorized',
            'without a key');
    refused(post(url(8080, '/events'), body(new_id()),
                 'header = "X-API-Key: none"'),
            401, 'unauthorized', 'with another key');
    refused(post(url(8080, '/orders'), '{"type":"order"}', $key{acme}), 400,
            'missing_member', 'an order without an id');
    refused(post(url(8080, '/events'), 'x' x 300_000, $key{acme}), 413,
            'body_too_large', 'too large');

    my $small = flood(8080, '/events', 200, "X-API-Key: $keys{globex}");
    my $large = flood(8080, '/events', 200, "X-API-Key: $keys{acme}");

    ok($small->{202} && $small->{429}, 'a small tenant has its limit')
        or diag(explain($small));
    is_deeply($large, { 202 => 200 }, 'and the large one another');

    my ($first) = logged(log_file('events.log'), 407);
    is($first->{tenant}, 'acme', 'the tenant is logged');

    metrics_and_health();
}, qr/client intended to send too large body/;


example 'tls', { server_tls() }, sub {
    my $ca = 'cacert = ' . quoted(tls('ca.pem'));

    arrives(url(443, '/events', 'https'), 'events', 'an event', $ca);
    arrives(url(443, '/events', 'https'), 'events', 'TLS 1.2', $ca,
            'tls-max = 1.2');
    is(post(url(80, '/events'), body(new_id()))->{status}, 403,
       'nothing is taken in the clear');

    metrics_and_health();
};


example 'mtls_clients', {
    server_tls(), 'tls/clients-ca.pem' => slurp(tls('clients-ca.pem')),
}, sub {
    my $ca = 'cacert = ' . quoted(tls('ca.pem'));
    my $events = url(443, '/events', 'https');

    my ($id) = arrives($events, 'events', 'a client', $ca,
                       as_client('client'));
    refused(post($events, body(new_id()), $ca), 403, 'forbidden',
            'no certificate');
    is(post($events, body(new_id()), $ca, as_client('stranger'))->{status},
       400, 'the certificate of another authority');
    is($nginx->curl(url(443, '/health', 'https'), $ca)->{status}, 200,
       'health needs none');

    my ($first) = logged(log_file('events.log'), 3);
    is($first->{client}, 'CN=client', 'the client is logged');

    metrics_and_health();
};


sub as_client($name) {
    return ('cert = ' . quoted(tls("$name.pem")),
            'key = ' . quoted(tls("$name.key")));
}


example 'behind_proxy', {}, sub {
    my @from = ('header = "X-Forwarded-For: 198.51.100.9, 192.0.2.7"');

    arrives(url(8080, '/events'), 'events', 'an event', @from);

    # What the client itself has written in front is not believed.
    my ($first) = logged(log_file('events.log'), 1);
    is($first->{client}, '192.0.2.7', 'the client is logged');
    is($first->{proxy}, '127.0.0.1', 'and the proxy');

    my $one = flood(8080, '/events', 200, 'X-Forwarded-For: 192.0.2.8');
    my $other = flood(8080, '/events', 20, 'X-Forwarded-For: 192.0.2.9');

    ok($one->{202} && $one->{429}, 'a client is limited')
        or diag(explain($one));
    is_deeply($other, { 202 => 20 }, 'others behind the same proxy are not');

    metrics_and_health();
    is($nginx->curl(url(8080, '/health'))->{status}, 200,
       'health, for the balancer');
};


example 'http2', { server_tls() }, sub {
    my @options = ('http2', 'cacert = ' . quoted(tls('ca.pem')));
    my (undef, $answer) = arrives(url(443, '/events', 'https'), 'events',
                                  'an event', @options);

    is($answer->{version}, 'HTTP/2', 'it was HTTP/2');

    my $large = qq({"id":"${\new_id()}","type":"t","x":") . 'x' x 200_000
                . '"}';
    is(post(url(443, '/events', 'https'), $large, @options)->{status}, 202,
       'a large one');

    metrics_and_health();
};


example 'secured_kafka', {
    'kafka_user.conf' => qq(kafka sasl.username "$user{name}";\n)
                         . qq(kafka sasl.password "$user{password}";\n),
    'kafka_key.conf' => 'kafka ssl.key.pem "' . slurp(tls('kafka-client.key'))
                        . "\";\n",
    'tls/kafka-ca.pem' => slurp(tls('ca.pem')),
    'tls/kafka-client.pem' => slurp(tls('kafka-client.pem')),
}, sub {
    arrives(url(8080, '/events'), 'events', 'by password');
    arrives(url(8080, '/audit'), 'audit', 'by certificate');
    metrics_and_health();
};


example 'cors', {}, sub {
    my @from = map { "header = \"Origin: $_\"" }
               qw( https://www.example.com https://b.shop.example.com
                   https://www.example.org );

    for my $i (0 .. 1) {
        my ($origin) = $from[$i] =~ /Origin: (\S+)"/;
        my $asked = $nginx->curl(url(8080, '/events'), $from[$i],
            'request = OPTIONS',
            'header = "Access-Control-Request-Method: POST"');

        is($asked->{status}, 204, "$origin may ask");
        is($asked->{headers}{'access-control-allow-origin'}, $origin,
           "$origin is allowed");
        like($asked->{headers}{'access-control-allow-methods'}, qr/POST/,
             "$origin may POST");

        my (undef, $answer) = arrives(url(8080, '/events'), 'events', $origin,
                                      $from[$i]);
        is($answer->{headers}{'access-control-allow-origin'}, $origin,
           "$origin may see the answer");

        my $bad = post(url(8080, '/events'), '{', $from[$i]);
        refused($bad, 400, 'invalid_json', "$origin: no JSON");
        is($bad->{headers}{'access-control-allow-origin'}, $origin,
           "$origin may see why");
    }

    my $other = $nginx->curl(url(8080, '/events'), $from[2],
                             'request = OPTIONS');
    is($other->{status}, 204, 'others may ask');
    ok(!exists $other->{headers}{'access-control-allow-origin'},
       'and are not allowed');

    metrics_and_health();
};


# t/log.t uses logs.conf.
is_deeply([ sort keys %used ],
          [ grep { $_ ne 'logs.conf' }
            map { basename($_) } sort glob 'conf/*.conf' ],
          'no example was left out');
is(join('', watch_stop()), '', 'no secret was an argument of any process');

done_testing();
