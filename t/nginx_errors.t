# Copyright (C) The ngx_http_ingest_module authors

# Answers that nginx gives in an ingest location are like the module's own, and
# no early answer ever takes the next request for the body of its own.

use v5.36;
use lib 't/lib';
use TestIngest;
use IO::Uncompress::Gunzip qw( gunzip );


# Every early answer there is, of nginx and of the module: how to get it, and
# what it must be.

my %cases = (
    unauthorized => ['POST', '/auth', 401],
    forbidden => ['POST', '/deny', 403],
    body_too_large => ['POST', '/small', 413],
    rate_limited => ['POST', '/limited', 429],
    server_error => ['POST', '/moved', 503],
    method_not_allowed => ['PUT', '/events', 405],
    unsupported_media_type =>
        ['POST', '/events', 415, 'Content-Type: multipart/form-data'],
    not_supported => ['POST', '/events', 415, 'Content-Encoding: gzip'],
    queue_full => ['POST', '/full', 503],
);


sub early_http() {
    return "limit_req_zone all zone=all:1m rate=1r/m;\n"
           . "lingering_timeout 200ms;\n"
           . queue_block('full', "brokers 127.0.0.1:1;\nmax_events 1;\n"
                                 . 'drain_timeout 10ms;');
}


sub all_errors($page) {
    return <<"END";
    error_page 401 403 405 413 415 429 503 $page;
    location = /mine { return 200 "my own words"; }
    location \@mine { return 200 "my own words"; }
    location = /chunked { ingest events; client_max_body_size 10; }
END
}


sub early_server() {
    return <<'END';
    location = /auth {
        ingest events;
        auth_basic x;
        auth_basic_user_file conf/nginx.conf;
    }

    location = /deny { ingest events; deny all; }
    location = /small { ingest events; client_max_body_size 10; }
    location = /moved { ingest events; return 503; }
    location = /full { ingest full; }

    location = /limited {
        ingest events;
        limit_req zone=all;
        limit_req_status 429;
    }
END
}


# Leaves the limiter and the full queue no room.
sub use_up($block) {
    http('POST', '/limited', '{"type":"a"}');
    is(http('POST', '/full', '{"type":"a"}')->{status}, 202,
       'one event fills the queue');
}


sub head($code, $length, @headers) {
    my ($method, $uri, undef, @more) = @{$cases{$code}};

    return join "\r\n", "$method $uri HTTP/1.1", 'Host: localhost',
        "Content-Length: $length", @more, @headers, "\r\n";
}


sub check_early($code, $answer) {
    my $status = $cases{$code}[2];

    is($answer->{status}, $status, "$code is $status, with no 100 before");
    is_problem($code, $answer->{headers}{'content-type'}, $answer->{body},
               { status => $status, code => $code });
}


# The client waits for "100 Continue" with its body, gets an answer instead and
# sends its next request.
sub body_is_kept_back($block) {
    use_up($block);

    for my $code (sort keys %cases) {
        my $socket = connection();

        pieces($socket, head($code, 50, 'Expect: 100-continue'));
        my $answer = answer($socket);

        check_early($code, $answer);
        connection_ends($code, $socket, $answer);
    }
}


# An error_page has the last word, and the queue counts the request; but for a
# 413 by length, which nginx gives before it asks any module.
sub redirected_is_counted($block) {
    my $event = '{"id":"a","type":"a"}';

    for my $uri (qw( /auth /deny /chunked /limited /limited /moved )) {
        my $answer = $uri eq '/chunked' ? post_chunk($uri, $event)
                                        : http('POST', $uri, $event);
        my $status = $answer->{status};
        next if $status == 202;

        is($answer->{body}, 'my own words', "$uri - words of the error_page");
        is($answer->{headers}{'retry-after'},
           $status == 429 || $status == 503 ? 5 : undef,
           "$uri - Retry-After of a $status");
    }
}


# What an "if" gives to another module is not the queue's.
sub others_are_left_alone($block) {
    my $name = 'http_requests_total{queue="events",status="502"}';
    my $before = scrape()->{$name} // 0;
    my $answer = http('POST', '/other?x=1', '{"type":"a"}');

    is($answer->{status}, 502, 'the upstream is not there');
    like($answer->{headers}{'content-type'}, qr/^text\/html/,
         'the words are those of nginx');
    is(scrape()->{$name} // 0, $before, 'nor is it counted');

    is(http('POST', '/other', '{"type":"a"}')->{status}, 202,
       'what remains is an event');
}


# The same for answers that are no errors.
sub unwanted_is_kept_back($block) {
    for (['OPTIONS', '/events', 204], ['GET', '/health', 200],
         ['GET', '/metrics', 200], ['POST', '/metrics', 405],
         ['PUT', '/metrics', 405], ['POST', '/health', 405],
         ['PUT', '/health', 405])
    {
        my ($method, $uri, $status) = @$_;
        my $socket = connection();

        pieces($socket, "$method $uri HTTP/1.1\r\nHost: localhost\r\n"
                        . "Content-Length: 50\r\n"
                        . "Expect: 100-continue\r\n\r\n");
        my $answer = answer($socket);

        is($answer->{status}, $status,
           "$method $uri is $status, with no 100 before");
        connection_ends("$method $uri", $socket, $answer);
    }
}


# The same where an error_page gives the answer, of which some have nginx ask
# for the body first.
sub redirected_is_kept_back($block) {
    use_up($block);

    for my $code (sort keys %cases) {
        my $socket = connection();

        pieces($socket, head($code, 50, 'Expect: 100-continue'));
        my $answer = answer($socket);

        $answer = answer($socket) if $answer->{status} == 100;

        isnt($answer->{headers}{'content-type'}, 'application/problem+json',
             "$code - the error_page wins");
        connection_ends($code, $socket, $answer);
    }
}


sub connection_ends($name, $socket, $answer) {
    is($answer->{headers}{connection}, 'close',
       "$name - the client is told that the connection ends");

    pieces($socket, "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
    my $next = answer($socket);

    is($next, undef, "$name - and so it does");
}


# The client does not wait, and its body comes with the header or after the
# answer.
sub body_comes_late($block) {
    use_up($block);

    for my $code (sort keys %cases) {
        for my $late (0, 1) {
            my $socket = connection();
            my $body = 'GET /events HTTP/1.1' . 'x' x 30;

            pieces($socket, head($code, 50) . ($late ? '' : $body));
            check_early($code, answer($socket));
            pieces($socket, $body) if $late;

            pieces($socket, "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
            my $next = answer($socket);

            ok(!defined $next || $next->{status} == 200,
               "$code - the body is not taken for a request");
        }
    }
}


# What nginx cannot read away is no request either.
sub broken_chunk_ends($block) {
    use_up($block);

    for my $code (grep { $_ ne 'body_too_large' } sort keys %cases) {
        my $socket = connection();
        my $head = head($code, 0)
                   =~ s/Content-Length: 0/Transfer-Encoding: chunked/r;

        pieces($socket, $head . "GET /health HTTP/1.1\r\n"
                        . "Host: localhost\r\n\r\n");
        my $answer = answer($socket);

        check_early($code, $answer);
        is($answer->{headers}{connection}, 'close',
           "$code - the client is told that the connection ends");
        is(answer($socket), undef,
           "$code - the body is not taken for a request");
    }
}


# A client that waits for it gets it when all is well.
sub continue_is_said($block) {
    my $socket = connection();
    my $body = event('expected');

    pieces($socket, "POST /events HTTP/1.1\r\nHost: localhost\r\n"
                    . 'Content-Length: ' . length($body)
                    . "\r\nExpect: 100-continue\r\n\r\n");
    is(answer($socket)->{status}, 100, '100 comes first');

    pieces($socket, $body);
    is(answer($socket)->{status}, 202, 'then 202');
}


sub connection_is_kept($block) {
    my $socket = connection();

    for my $body ('{', '[]', '{}', '{"type":"a"}', event('x', 2000), '{') {
        pieces($socket, "POST /sized HTTP/1.1\r\nHost: localhost\r\n"
                        . 'Content-Length: ' . length($body) . "\r\n\r\n"
                        . $body);
        my $answer = answer($socket);

        ok(defined $answer && $answer->{status} >= 202
           && ($answer->{headers}{connection} // '') eq 'keep-alive',
           'the connection stays open: ' . substr $body, 0, 20);
    }
}


sub slow_body($block) {
    my $socket = connection();

    pieces($socket, head('queue_full', 50) =~ s{/full}{/events}r . '{');

    is(answer($socket), undef, 'nginx closes the connection');
}


sub compressed($block) {
    my $answer = http('POST', '/events', '{"type":"a"}',
                      'Accept-Encoding: gzip');

    is($answer->{status}, 403, 'the answer is 403');
    is($answer->{headers}{'content-encoding'}, 'gzip', 'compressed');

    my $text;
    gunzip(\$answer->{body}, \$text);

    is_problem('inflated', $answer->{headers}{'content-type'}, $text,
               { status => 403, code => 'forbidden' });
}


# The limiter has it wait, and it is gone before its turn.
sub client_goes_away($block) {
    http('POST', '/events', '{"id":"a","type":"a"}');

    my $socket = connection();
    my $event = event('gone');

    pieces($socket, "POST /events HTTP/1.1\r\nHost: localhost\r\n"
                    . 'Content-Length: ' . length($event) . "\r\n\r\n"
                    . $event);
    ok(await(sub { grep { /delaying request/ } error_log_lines() }),
       'the request waits');
    close $socket;
}


run_suite();

__DATA__

=== a broken chunk is 400
--- log_may: client sent invalid chunked body
--- raw_request eval
"POST /events HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
. "Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n"
--- error_code: 400
--- problem
{"status":400,"code":"bad_request","title":"Bad Request"}
--- logged
POST 400 bad_request 0 -
--- metrics
http_requests_total{queue="events",status="400"} 1
ingest_rejected_total{queue="events",reason="bad_request"} 1


=== missing credentials are 401
--- location
    auth_basic ingest;
    auth_basic_user_file conf/nginx.conf;
--- request eval
qq(POST /events\n{"type":"a"})
--- error_code: 401
--- response_headers
WWW-Authenticate: Basic realm="ingest"
--- problem
{"status":401,"code":"unauthorized","title":"Unauthorized"}
--- logged
POST 401 unauthorized 0 -
--- metrics
http_requests_total{queue="events",status="401"} 1
ingest_rejected_total{queue="events",reason="unauthorized"} 1


=== a denied address is 403
--- location
    deny all;
--- log_may: access forbidden by rule
--- request eval
qq(POST /events\n{"type":"a"})
--- error_code: 403
--- problem
{"status":403,"code":"forbidden","title":"Forbidden"}
--- logged
POST 403 forbidden 0 -
--- metrics
http_requests_total{queue="events",status="403"} 1
ingest_rejected_total{queue="events",reason="forbidden"} 1


=== a body over client_max_body_size is 413 by its length
--- location
    client_max_body_size 10;
--- log_may: client intended to send too large body
--- request eval
qq(POST /events\n{"type":"a"})
--- error_code: 413
--- problem
{"status":413,"code":"body_too_large","title":"Content Too Large"}
--- logged
POST 413 body_too_large 0 -
--- metrics
http_requests_total{queue="events",status="413"} 1
ingest_rejected_total{queue="events",reason="body_too_large"} 1


=== a body over client_max_body_size is 413 by its chunks
--- location
    client_max_body_size 10;
--- log_may: client intended to send too large chunked body
--- raw_request eval
"POST /events HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
. "Transfer-Encoding: chunked\r\n\r\n8\r\n{\"type\":\r\n8\r\n\"aaaaa\"}\r\n"
. "0\r\n\r\n"
--- error_code: 413
--- problem
{"status":413,"code":"body_too_large","title":"Content Too Large"}
--- logged
POST 413 body_too_large 0 -
--- metrics
http_requests_total{queue="events",status="413"} 1
ingest_rejected_total{queue="events",reason="body_too_large"} 1


=== a request over the limit of limit_req is 429 with Retry-After
--- http
    limit_req_zone all zone=all:1m rate=1r/m;
    limit_req_status 429;
--- location
    limit_req zone=all;
    ingest_retry_after 17s;
--- log_may: limiting requests
--- request eval
[qq(POST /events\n{"id":"a","type":"a"}), qq(POST /events\n{"type":"a"})]
--- error_code eval
[202, 429]
--- response_headers eval
['X-Request-ID: a', 'Retry-After: 17']
--- response_body_like eval
['"id":"a"', '^\{"type":"about:blank","title":"Too Many Requests",'
             . '"status":429,"detail":"[^"]+","code":"rate_limited"\}$']
--- logged
POST 202 accepted 1 a
POST 429 rate_limited 0 -
--- metrics
http_requests_total{queue="events",status="202"} 1
http_requests_total{queue="events",status="429"} 1
ingest_rejected_total{queue="events",reason="rate_limited"} 1
events_received_total{queue="events"} 1


=== a body that does not come in time is counted as 408
--- location
    client_body_timeout 100ms;
--- check: slow_body
--- logged
POST 408 request_timeout 0 -
--- metrics
http_requests_total{queue="events",status="408"} 1
ingest_rejected_total{queue="events",reason="request_timeout"} 1


=== a client that went away is counted as 499
--- http
    limit_req_zone all zone=all:1m rate=1r/m;
--- location
    limit_req zone=all burst=1;
--- check: client_goes_away
--- log_may: delaying request
--- logged
POST 202 accepted 1 a
POST 499 client_closed 0 -
--- metrics
http_requests_total{queue="events",status="202"} 1
http_requests_total{queue="events",status="499"} 1
ingest_rejected_total{queue="events",reason="client_closed"} 1
events_received_total{queue="events"} 1


=== a problem can be compressed
--- location
    deny all;
    gzip on;
    gzip_min_length 1;
    gzip_types application/problem+json;
--- log_may: access forbidden by rule
--- check: compressed


=== the module's 405 is counted and logged
--- request
GET /events
--- error_code: 405
--- problem
{"status":405,"code":"method_not_allowed","title":"Method Not Allowed"}
--- logged
GET 405 method_not_allowed 0 -
--- metrics
http_requests_total{queue="events",status="405"} 1
ingest_rejected_total{queue="events",reason="method_not_allowed"} 1


=== the module's 415 is counted and logged
--- request eval
qq(POST /events\n{"type":"a"})
--- more_headers
Content-Encoding: gzip
--- error_code: 415
--- problem
{"status":415,"code":"not_supported","title":"Unsupported Media Type"}
--- logged
POST 415 not_supported 0 -
--- metrics
http_requests_total{queue="events",status="415"} 1
ingest_rejected_total{queue="events",reason="not_supported"} 1


=== the module's 503 is counted and logged, with Retry-After
--- queue
    brokers 127.0.0.1:1;
    max_events 1;
    drain_timeout 10ms;
--- request eval
[qq(POST /events\n{"id":"a","type":"a"}), qq(POST /events\n{"type":"a"})]
--- error_code eval
[202, 503]
--- response_headers eval
['X-Request-ID: a', "Retry-After: 5\nContent-Type: application/problem+json"]
--- response_body_like eval
['"id":"a"', '"status":503,"detail":"[^"]+","code":"queue_full"\}$']
--- logged
POST 202 accepted 1 a
POST 503 queue_full 0 -
--- metrics
http_requests_total{queue="events",status="202"} 1
http_requests_total{queue="events",status="503"} 1
ingest_rejected_total{queue="events",reason="queue_full"} 1
--- log_may: \[error\] .* 1 events lost: shutdown


=== with an error_page of the server it is the same, but for the body
--- queue
    brokers 127.0.0.1:1;
    max_events 1;
    drain_timeout 10ms;
--- server
    error_page 500 502 503 504 /50x.html;
    location = /50x.html { root html; }
    ingest_retry_after 9s;
--- user_files
>>> 50x.html
a page of the site
--- request eval
[qq(POST /events\n{"id":"a","type":"a"}), qq(POST /events\n{"type":"a"})]
--- error_code eval
[202, 503]
--- response_headers eval
["X-Request-ID: a\nRetry-After:", "Content-Type: text/html\nRetry-After: 9"]
--- response_body eval
['{"status":"accepted","id":"a"}', "a page of the site\n"]
--- logged
POST 202 accepted 1 a
GET 503 queue_full 0 -
--- metrics
http_requests_total{queue="events",status="202"} 1
http_requests_total{queue="events",status="503"} 1
ingest_rejected_total{queue="events",reason="queue_full"} 1
--- log_may: \[error\] .* 1 events lost: shutdown


=== a 413 by length leads on before any module is asked
--- location
    error_page 413 /mine;
    client_max_body_size 10;
--- server
    location = /mine { return 200 "mine"; }
--- log_may: too large body
--- request eval
qq(POST /events\n{"type":"a"})
--- error_code: 413
--- response_body: mine
--- logged
GET 413 - - -
--- metrics
ingest_rejected_total{queue="events",reason="body_too_large"} 0


=== with an address elsewhere what nginx refuses is counted by its status alone
--- location
    error_page 403 https://localhost/;
    deny all;
--- log_may: access forbidden
--- request eval
qq(POST /events\n{"type":"a"})
--- error_code: 302
--- logged
POST 302 - 0 -
--- metrics
http_requests_total{queue="events",status="302"} 1
ingest_rejected_total{queue="events",reason="forbidden"} 0


=== an upstream's word on when to come back is not doubled
--- server
    location = /moved { ingest events; error_page 503 /proxy; return 503; }
    location = /proxy { proxy_pass http://127.0.0.1:$server_port/upstream; }
    location = /upstream { add_header Retry-After 77 always; return 503; }
--- request eval
qq(POST /moved\n{"type":"a"})
--- error_code: 503
--- raw_response_headers_like: ^(?:(?!Retry-After).)*Retry-After: 77\r\n(?!.*Retry-After)


=== what a second location takes is no error, however it was led there
--- server
    location = /first { error_page 404 @second; return 404; }
    location @second { ingest events; }
--- request eval
[qq(POST /first\n{"id":"a","type":"a"}), "OPTIONS /first"]
--- error_code eval
[202, 204]
--- response_headers eval
["X-Request-ID: a", "Allow: POST, OPTIONS"]
--- metrics
http_requests_total{queue="events",status="202"} 1
http_requests_total{queue="events",status="204"} 1


=== so it is for what nginx refuses
--- http eval: main::early_http()
--- server eval: main::early_server() . main::all_errors('/mine')
--- check: redirected_is_counted
--- log_may: limiting requests|access forbidden|too large
--- logged
GET 401 unauthorized 0 -
GET 403 forbidden 0 -
GET 413 body_too_large 0 -
POST 202 accepted 1 a
GET 429 rate_limited 0 -
GET 503 server_error 0 -
--- metrics
http_requests_total{queue="events",status="401"} 1
http_requests_total{queue="events",status="403"} 1
http_requests_total{queue="events",status="413"} 1
http_requests_total{queue="events",status="429"} 1
http_requests_total{queue="events",status="503"} 1
ingest_rejected_total{queue="events",reason="unauthorized"} 1
ingest_rejected_total{queue="events",reason="forbidden"} 1
ingest_rejected_total{queue="events",reason="body_too_large"} 1
ingest_rejected_total{queue="events",reason="rate_limited"} 1
ingest_rejected_total{queue="events",reason="server_error"} 1


=== a body that is kept back never swallows the next request
--- http eval: main::early_http()
--- server eval: main::early_server()
--- check: body_is_kept_back
--- log_may: limiting requests|access forbidden|too large body|events lost: shutdown


=== nor does one that nobody wants
--- http
    lingering_timeout 200ms;
--- check: unwanted_is_kept_back


=== nor does one that an error_page answers in another location
--- http eval: main::early_http()
--- server eval: main::early_server() . main::all_errors('/mine')
--- check: redirected_is_kept_back
--- log_may: limiting requests|access forbidden|too large body|events lost: shutdown


=== nor one that a named location answers with success
--- http eval: main::early_http()
--- server eval: main::early_server() . main::all_errors('= @mine')
--- check: redirected_is_kept_back
--- log_may: limiting requests|access forbidden|too large body|events lost: shutdown


=== nor one that is answered by an address elsewhere
--- http eval: main::early_http()
--- server eval: main::early_server() . main::all_errors('http://localhost/')
--- check: redirected_is_kept_back
--- log_may: limiting requests|access forbidden|too large body|events lost: shutdown


=== a body that comes late is read away
--- http eval: main::early_http()
--- server eval: main::early_server()
--- check: body_comes_late
--- restart
--- log_may: limiting requests|access forbidden|too large body|events lost: shutdown


=== nor is a body taken for a request that begins as no chunk does
--- http eval: main::early_http()
--- server eval: main::early_server()
--- check: broken_chunk_ends
--- restart
--- log_may: limiting requests|access forbidden|invalid chunked body|events lost: shutdown


=== a client that waits for 100 Continue gets it
--- check: continue_is_said


=== the connection stays open after a body that was read and refused
--- server
    location = /sized { ingest events; ingest_max_event_size 1000; }
--- check: connection_is_kept


=== an if that hands requests to another module
--- server
    location = /other {
        ingest events;
        if ($arg_x) { proxy_pass http://127.0.0.1:1; }
    }
--- check: others_are_left_alone
--- log_may: connect\(\) failed
