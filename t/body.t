# Copyright (C) The ngx_http_ingest_module authors

# A body reaches Kafka byte for byte in whatever shape nginx has it: in one
# buffer or several, in a file, in chunks, over HTTP/2.

use v5.36;
use lib 't/lib';
use TestIngest;

my $h2_port = free_port(21984);
my $n = 0;

# nginx inherits it: a write beyond RLIMIT_FSIZE only fails.
$SIG{XFSZ} = 'IGNORE';


# Sends events and compares what Kafka has of them.  Each way to send gets the
# body and returns the status.
sub delivered(@ways) {
    my %sent;

    while (my ($name, $size, $send) = splice @ways, 0, 3) {
        my $id = 'b-' . ++$n;
        my $body = event($id, $size);

        $sent{$id} = [$name, $body];
        is($send->($body), 202, "$name is accepted");
    }

    my %found;

    await(sub {
        %found = map { $_->{key} => $_->{value} } records();
        return !grep { !exists $found{$_} } keys %sent;
    });

    for my $id (sort keys %sent) {
        my ($name, $body) = @{$sent{$id}};

        ok(($found{$id} // '') eq $body, "$name is in Kafka as it was sent");
    }
}


sub to($uri) {
    return sub ($body) { http('POST', $uri, $body)->{status} };
}


sub raw(@parts) {
    my $socket = connection();

    pieces($socket, @parts);

    return answer($socket)->{status};
}


sub head($uri, @headers) {
    return join "\r\n", "POST $uri HTTP/1.1", 'Host: localhost', @headers,
        "\r\n";
}


sub chunk($bytes) {
    return sprintf "%x\r\n%s\r\n", length $bytes, $bytes;
}


# In chunks of a size, each sent alone.
sub chunked($uri, $size) {
    return sub ($body) {
        raw(head($uri, 'Transfer-Encoding: chunked'),
            map({ chunk($_) } unpack "(a$size)*", $body), "0\r\n\r\n");
    };
}


sub sizes_arrive($block) {
    delivered(map { ("$_ bytes", $_, to('/events')) }
              100, 1000, 10_000, 16_383, 16_384, 16_385, 100_000);
}


sub buffers_and_files_arrive($block) {
    delivered(
        'a body in a large buffer', 50_000, to('/large'),
        'a body in a small buffer', 1000, to('/small'),
        'a body with its begin in a buffer', 3000, to('/small'),
        'a small body in a file', 200, to('/file'),
        'a large body in a file', 50_000, to('/file'),
        'a chunked body in a file', 3000, chunked('/file', 700),
        'a chunked body in a small buffer', 3000, chunked('/small', 700),
    );
}


sub mirrored_arrives($block) {
    for my $size (200, 50_000) {
        my $body = event("mirror-$size", $size);

        is(http('POST', '/mirrored', $body)->{status}, 200,
           "$size bytes go to another location");
        ok(await(sub { grep { $_->{value} eq $body } records() }),
           'and are an event too');
    }
}


# An upstream that is not there leaves the body half read, one that is there
# takes all of it.
sub unbuffered_is_refused($block) {
    for my $port (1, Test::Nginx::Util::server_port()) {
        my $body = event("unbuffered-$port", 100_000);
        my $answer = http('POST', "/unbuffered?port=$port", $body);

        is($answer->{status}, 500, "port $port: refused, and not for good");
    }

    none_is_taken('unbuffered');
}


# What is sent after them arrives, and they do not.
sub none_is_taken($prefix) {
    delivered('an event behind them', 100, to('/events'));

    my @keys = grep { /^\Q$prefix\E/ } map { $_->{key} } records();
    is("@keys", '', 'none of them was taken');
}


# nginx gives up in the middle of a body whose begin is an event, and an
# error_page leads here.
sub unfinished_is_refused($block) {
    for my $uri (qw( /limited /proxied )) {
        for my $next ("ffff\r\n{", "zz\r\n{") {
            my $socket = connection();
            my $body = event('unfinished-' . ++$n);

            pieces($socket, head($uri, 'Transfer-Encoding: chunked')
                            . chunk($body), $next);

            is(answer($socket)->{status}, 500,
               "$uri, then " . substr($next, 0, -3) . ': refused');
        }
    }

    none_is_taken('unfinished');
}


# The temporary file has no room for the last bytes, as on a full disk: what is
# in memory then is the end of the body.
sub unwritten_is_refused($block) {
    my $body = event('unwritten', 100_000);
    my ($worker) = TestIngest::workers_of(nginx_pid());

    system('prlimit', '--pid', $worker, '--fsize=' . (length($body) - 1)) == 0
        or die 'prlimit failed';

    is(http('POST', '/written', $body)->{status}, 500, 'refused');
    none_is_taken('unwritten');
}


sub chunks_arrive($block) {
    delivered(
        'one chunk', 500, chunked('/events', 500),
        'many chunks', 5000, chunked('/events', 100),
        'many small chunks', 150, chunked('/events', 1),
        'chunks beyond the buffer', 50_000, chunked('/events', 5000),
        'chunks in one packet', 500, sub ($body) {
            raw(head('/events', 'Transfer-Encoding: chunked')
                . join('', map { chunk($_) } unpack '(a7)*', $body)
                . "0\r\n\r\n");
        },
        'a chunk whose size is split', 500, sub ($body) {
            raw(head('/events', 'Transfer-Encoding: chunked'),
                unpack('(a1)*', chunk($body)), "0", "\r\n", "\r", "\n");
        },
        'chunks with extensions and trailers', 500, sub ($body) {
            raw(head('/events', 'Transfer-Encoding: chunked'),
                sprintf("%X;name=value\r\n%s\r\n", length $body, $body),
                "0\r\nTrailer: x\r\n\r\n");
        },
    );
}


sub pieces_arrive($block) {
    delivered(
        'a request byte by byte', 150, sub ($body) {
            raw(split //, head('/events', 'Content-Length: ' . length $body)
                          . $body);
        },
        'a large body in pieces', 40_000, sub ($body) {
            raw(head('/events', 'Content-Length: ' . length $body),
                unpack '(a1500)*', $body);
        },
    );
}


sub empty_is_refused($block) {
    for (['no body', ''],
         ['a length of 0', 'Content-Length: 0'],
         ['no chunk', 'Transfer-Encoding: chunked', "0\r\n\r\n"])
    {
        my ($name, $header, @body) = @$_;
        my $socket = connection();

        pieces($socket, head('/events', $header ? $header : ()), @body);
        my $answer = answer($socket);

        is($answer->{status}, 400, "$name is 400");
        like($answer->{body}, qr/"code":"empty_body","offset":0/,
             "$name - code");
    }
}


sub requests_in_a_row($block) {
    my $socket = connection();
    my @ids = map { "p-$_" } 1 .. 20;
    my $requests = '';

    for my $id (@ids) {
        my $body = event($id);

        $requests .= head('/events', 'Content-Length: ' . length $body)
                     . $body;
    }

    print $socket $requests;

    my @answered = map { answer($socket)->{headers}{'x-request-id'} // '' }
                   @ids;

    is("@answered", "@ids", 'twenty requests in one packet are answered');

    my @found;
    await(sub { @found = records(); @found >= @ids });

    is(join(' ', map { $_->{key} } @found), "@ids", 'in order');
}


sub connection_goes_on($block) {
    my $socket = connection();
    my @statuses;

    for my $body ('{"type":', event('k-1'), '', event('k-2')) {
        print $socket head('/events', 'Content-Length: ' . length $body)
                      . $body;
        push @statuses, answer($socket)->{status};
    }

    is("@statuses", '400 202 400 202', 'a 400 does not end the connection');
}


# HTTP/2 by curl, which has a library for it.

sub curl($body, @options) {
    my $file = html_dir() . '/h2.body';

    open my $out, '>', $file or die "$file: $!";
    print $out $body;
    close $out;

    open my $in, '-|', 'curl', '-sS', '-m', 10, '--http2-prior-knowledge',
        '-o', "$file.answer", '-w', '%{http_version} %{http_code}',
        map({ s/BODY/$file/r } @options),
        "http://127.0.0.1:$h2_port/events"
        or die "curl: $!";

    my ($version, $status) = split ' ', <$in> // '';

    return ($version // '') eq '2' ? $status : "version $version";
}


sub http2_arrives($block) {
    my @post = ('-H', 'Content-Type: application/json', '--data-binary',
                '@BODY');
    my @stream = ('-X', 'POST', '-H', 'Content-Length:', '-T', 'BODY');

    delivered(
        'HTTP/2', 300, sub ($body) { curl($body, @post) },
        'HTTP/2 with a large body', 100_000, sub ($body) {
            curl($body, @post)
        },
        'HTTP/2 without a length', 300, sub ($body) { curl($body, @stream) },
        'HTTP/2 without a length, large', 100_000, sub ($body) {
            curl($body, @stream)
        },
    );

    is(curl('', @post), 400, 'an empty body over HTTP/2 is 400');
    is(curl('{', @post), 400, 'a bad body over HTTP/2 is 400');
    is(curl('', '-X', 'GET'), 405, 'GET over HTTP/2 is 405');
}


# From 1.25.1 on HTTP/2 is a directive.
sub h2_server() {
    my ($version) = `$ENV{TEST_NGINX_BINARY} -v 2>&1` =~ m{nginx/([\d.]+)};
    my ($major, $minor, $patch) = split /\./, $version;
    my $old = $major == 1 && ($minor < 25 || ($minor == 25 && $patch == 0));

    return "server {\n"
           . ($old ? "listen 127.0.0.1:$h2_port http2;"
                   : "listen 127.0.0.1:$h2_port;\nhttp2 on;")
           . "\nlocation = /events { ingest events; }\n}\n";
}


run_suite();

__DATA__

=== bodies of many sizes arrive
--- check: sizes_arrive


=== bodies in buffers and in files arrive
--- server
    location = /large { ingest events; client_body_buffer_size 1m; }
    location = /small { ingest events; client_body_buffer_size 1k; }
    location = /file { ingest events; client_body_in_file_only clean; }
--- check: buffers_and_files_arrive


=== chunked bodies arrive
--- check: chunks_arrive


=== bodies in small pieces arrive
--- check: pieces_arrive


=== an empty body is refused in each of its shapes
--- check: empty_is_refused


=== requests on one connection are answered and delivered in order
--- check: requests_in_a_row


=== a connection goes on after a refused body
--- check: connection_goes_on


=== bodies over HTTP/2 arrive
--- http eval: main::h2_server()
--- check: http2_arrives


=== a body that was read without buffering is refused, and may be sent again
--- server
    location = /unbuffered {
        proxy_request_buffering off;
        proxy_http_version 1.1;
        proxy_intercept_errors on;
        proxy_pass http://127.0.0.1:$arg_port/no-such-path;
        error_page 404 502 = @fallback;
    }
    location @fallback { ingest events; }
--- check: unbuffered_is_refused
--- log_may: \[error\] .* (?:Connection refused|was not read whole|open\(\) )


=== nor is the begin of a body taken for an event
--- server
    error_page 400 413 = @large;
    location = /limited { ingest events; client_max_body_size 8k; }
    location = /proxied {
        proxy_pass http://127.0.0.1:1;
        client_max_body_size 8k;
    }
    location @large { ingest events; client_max_body_size 1m; }
--- check: unfinished_is_refused
--- log_may: \[error\] .* (?:chunked body|was not read whole)


=== nor is the end of a body that does not fit on the disk
--- server
    error_page 500 = @again;
    location = /written { ingest events; }
    location @again { ingest events; }
--- check: unwritten_is_refused
--- restart
--- log_may: \[crit\] .* File too large|was not read whole


=== a body that nginx mirrors arrives
--- server
    location = /mirrored {
        mirror /events;
        proxy_method GET;
        proxy_pass http://127.0.0.1:$server_port/health;
    }
--- check: mirrored_arrives
