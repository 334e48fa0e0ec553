# Copyright (C) The ngx_http_ingest_module authors

# What the tests talk to nginx with: HTTP byte by byte, and /metrics.

package TestIngest::Client;

use v5.36;
use Exporter qw( import );
use IO::Select;
use IO::Socket::INET;
use POSIX ();
use Socket qw( IPPROTO_TCP TCP_NODELAY );
use Test::Nginx::Util qw( server_port );
use Time::HiRes qw( sleep time );

our @EXPORT = qw(
    await connection pieces answer http post_chunk event client_start
    client_next client_stop scrape sample free_port
);

# The longest time that anything may take to come about.
our $deadline = 10;


# Calls a function until it is true, or the deadline is over.
sub await($condition, $seconds = $deadline) {
    my $end = time + $seconds;

    for ( ;; ) {
        my $result = $condition->();
        return $result if $result || time > $end;
        sleep 0.02;
    }
}


# HTTP, byte by byte: what Test::Nginx cannot do is to look at an answer before
# the request is complete.

sub connection($port = server_port()) {
    my $socket;

    await(sub {
        $socket = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port",
                                        Timeout => 5);
    }) or die "cannot connect to port $port: $!";

    setsockopt $socket, IPPROTO_TCP, TCP_NODELAY, 1;
    $socket->autoflush(1);
    ${*$socket}{buffer} = '';

    return $socket;
}


# Sends bytes in pieces so that nginx reads them one by one.
sub pieces($socket, @bytes) {
    local $SIG{PIPE} = 'IGNORE';

    for my $piece (@bytes) {
        syswrite $socket, $piece;
        sleep 0.0005;
    }
}


# Reads one answer; undef when the connection is closed instead, and status 0
# when nothing comes in time.
sub answer($socket, $method = 'GET', $seconds = 10) {
    my $buffer = \${*$socket}{buffer};
    my $end = time + $seconds;

    for ( ;; ) {
        my $answer = parse_answer($buffer, $method);
        return $answer if $answer;

        if (!IO::Select->new($socket)->can_read($end - time)) {
            return { status => 0, headers => {}, body => '' };
        }

        my $n = sysread $socket, $$buffer, 65536, length $$buffer;

        if (!$n) {
            return parse_answer($buffer, $method, 1);
        }
    }
}


sub parse_answer($buffer, $method, $closed = 0) {
    $$buffer =~ /\A(HTTP\/1\.[01] (\d+)[^\r]*\r\n(.*?\r\n)??)\r\n/s or return;

    my ($head, $status, $fields) = ($1, $2, $3 // '');
    my $rest = substr $$buffer, length($head) + 2;
    my %headers;
    my $body;

    for my $field (split /\r\n/, $fields) {
        my ($name, $value) = split /:\s*/, $field, 2;
        $headers{lc $name} .= defined $headers{lc $name} ? ", $value" : $value;
    }

    if ($method eq 'HEAD' || $status == 204 || $status < 200) {
        $body = '';

    } elsif (($headers{'transfer-encoding'} // '') eq 'chunked') {
        $rest =~ s/\A((?:[0-9a-f]+\r\n.*?\r\n)*?)0\r\n\r\n//s or return;
        $body = $1 =~ s/[0-9a-f]+\r\n(.*?)\r\n/$1/grs;

    } elsif (defined(my $length = $headers{'content-length'})) {
        return if length $rest < $length;
        $body = substr $rest, 0, $length, '';

    } else {
        return if !$closed;
        ($body, $rest) = ($rest, '');
    }

    $$buffer = $rest;

    return { status => $status, headers => \%headers, body => $body,
             head => $head };
}


# One request on one connection.
sub http($method, $uri, $body = undef, @headers) {
    my $socket = connection();
    my $head = "$method $uri HTTP/1.1\r\nHost: localhost\r\n"
               . "Connection: close\r\n" . join '', map { "$_\r\n" } @headers;

    if (defined $body) {
        $head .= 'Content-Length: ' . length($body) . "\r\n";
    }

    local $SIG{PIPE} = 'IGNORE';
    print $socket "$head\r\n" . ($body // '');

    return answer($socket, $method)
           // { status => 0, headers => {}, body => '' };
}


# One whose length nginx learns only with its body.
sub post_chunk($uri, $body) {
    my $socket = connection();

    pieces($socket, "POST $uri HTTP/1.1\r\nHost: localhost\r\n"
                    . "Transfer-Encoding: chunked\r\n\r\n"
                    . sprintf("%x\r\n%s\r\n0\r\n\r\n", length $body, $body));

    return answer($socket);
}


# An event of a given size in bytes.
sub event($id, $size = 0) {
    my $head = qq({"id":"$id","type":"t","timestamp":"2026-01-02T03:04:05Z");
    my $room = $size - length qq($head,"x":""});

    return $room < 0 ? "$head}" : qq($head,"x":") . 'x' x $room . '"}';
}


# A process that posts one event after the other, and says which were accepted.

sub client_start() {
    my $pid = open(my $accepted, '-|') // die "fork: $!";

    if ($pid == 0) {
        client_run();
        POSIX::_exit(0);
    }

    return { pid => $pid, accepted => $accepted, ids => [] };
}


# Waits until it has posted so many more.
sub client_next($client, $count) {
    my $accepted = $client->{accepted};

    for (1 .. $count) {
        my $id = <$accepted> // die 'the client is gone';

        push @{$client->{ids}}, $id =~ s/\n//r;
    }
}


# Ends it and returns all ids that were answered with 202.
sub client_stop($client) {
    my $accepted = $client->{accepted};

    kill 'TERM', $client->{pid};
    push @{$client->{ids}}, map { s/\n//r } <$accepted>;
    close $accepted;

    return @{$client->{ids}};
}


sub client_run() {
    my ($stop, $socket) = (0, undef);

    local $SIG{TERM} = sub { $stop = 1 };
    local $SIG{PIPE} = 'IGNORE';
    $| = 1;

    for (my $n = 1; !$stop; $n++) {
        my $body = event("client-$n");
        my $answer;

        # nginx closes an idle connection: what got no answer was not taken.
        while (!$answer) {
            $socket //= connection();
            print $socket "POST /events HTTP/1.1\r\nHost: localhost\r\n"
                          . 'Content-Length: ' . length($body) . "\r\n\r\n"
                          . $body;
            $answer = answer($socket);
            undef $socket if !$answer || $answer->{status} != 202
                             || $answer->{headers}{connection} eq 'close';
        }

        print "client-$n\n" if $answer->{status} == 202;
    }
}


# Metrics: samples by name and sorted labels.

sub scrape() {
    my %samples;

    for my $line (split /\n/, http('GET', '/metrics')->{body}) {
        next if $line =~ /^#/;

        if ($line =~ /^(\w+)(?:\{(.*)\})? (\S+)$/) {
            $samples{sample($1, $2)} = $3;
        }
    }

    return \%samples;
}


sub sample($name, $labels) {
    return $name if !defined $labels;

    return "$name\{" . join(',', sort $labels =~ /\w+="[^"]*"/g) . '}';
}


sub free_port($port) {
    while (!IO::Socket::INET->new(LocalAddr => "127.0.0.1:$port",
                                  Listen => 1, ReuseAddr => 1))
    {
        $port++;
    }

    return $port;
}


1;
