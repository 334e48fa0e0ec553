# Copyright (C) The ngx_http_ingest_module authors

# The answers with which the module refuses a request itself.

use v5.36;
use lib 't/lib';
use TestIngest;
use Fcntl qw( F_SETLK F_WRLCK SEEK_SET );


# A caret marks the byte that the answer must point at.

my @bodies = (
    ['an object that does not end', 'invalid_json', '{"type":"a"^'],
    ['a string that does not end', 'invalid_json', '{"type":"a^'],
    ['a bare word', 'invalid_json', '{"type":^yes}'],
    ['a name without quotes', 'invalid_json', '{^type:"a"}'],
    ['a comma at the end', 'invalid_json', '{"type":"a",^}'],
    ['a byte behind the object', 'invalid_json', '{"type":"a"} ^x'],
    ['two objects', 'invalid_json', qq({"type":"a"}\n^{"type":"b"})],
    ['a byte order mark', 'invalid_json', qq(^\xef\xbb\xbf{"type":"a"})],
    ['a byte that is no UTF-8', 'invalid_json', qq({"type":"a^\xff"})],
    ['an overlong form', 'invalid_json', qq({"type":"a^\xc0\xaf"})],
    ['a lone surrogate', 'invalid_json', '{"type":"a^\ud800"}'],
    ['an unknown escape', 'invalid_json', '{"type":"a^\x"}'],
    ['a line feed in a string', 'invalid_json', qq({"type":"a^\n"})],
    ['a number with a leading zero', 'invalid_json', '{"type":"a","n":0^1}'],
    ['NaN', 'invalid_json', '{"type":"a","n":^NaN}'],
    ['65 levels', 'invalid_json',
     '{"type":"a","x":' . '[' x 63 . '^[' . ']' x 64 . '}'],

    ['no body', 'empty_body', '^'],
    ['white space alone', 'empty_body', " \r\n\t^"],

    ['a string', 'invalid_event', '^"text"'],
    ['a number', 'invalid_event', ' ^1'],
    ['null', 'invalid_event', '^null'],
    ['a type that is a number', 'invalid_event', '{"type":^1}'],
    ['a type that is an object', 'invalid_event', '{"type":^{}}'],
    ['an id that is a number', 'invalid_event', '{"type":"a","id":^7}'],
    ['an id of 256 bytes', 'invalid_event',
     '{"type":"a","id":^"' . 'i' x 256 . '"}'],
    ['an id with a NUL', 'invalid_event', '{"type":"a","id":^"\u0000"}'],
    ['an id with a line feed', 'invalid_event', '{"type":"a","id":^"a\nb"}'],
    ['an id with a DEL', 'invalid_event', qq({"type":"a","id":^"\x7f"})],
    ['a timestamp that is none', 'invalid_event',
     '{"type":"a","timestamp":^"yesterday"}'],
    ['a timestamp that is a number', 'invalid_event',
     '{"type":"a","timestamp":^1700000000}'],
    ['a day that does not exist', 'invalid_event',
     '{"type":"a","timestamp":^"2026-02-30T00:00:00Z"}'],
    ['a timestamp without a zone', 'invalid_event',
     '{"type":"a","timestamp":^"2026-02-03T00:00:00"}'],
    ['a payload that is an array', 'invalid_event',
     '{"type":"a","payload":^[]}'],
    ['a payload that is a string', 'invalid_event',
     '{"type":"a","payload":^""}'],
    ['a type that stands twice', 'invalid_event',
     '{"type":"a",^"type":"a"}'],
    ['an id that stands twice, once escaped', 'invalid_event',
     '{"type":"a","id":"1",^"\u0069d":"1"}'],

    ['an object without a type', 'missing_member', '^{"id":"1"}'],
    ['a null type', 'missing_member', '{"type":^null}'],
    ['an empty type', 'missing_member', '{"type":^""}'],
    ['a name that only begins as type', 'missing_member',
     '^{"type\u0000x":"a"}'],
    ['a name in another case', 'missing_member', '^{"Type":"a"}'],

    ['an array', 'not_supported', '^[{"type":"a"}]'],
    ['an empty array', 'not_supported', ' ^[]'],
);


sub refused($name, $answer, $status, $problem) {
    is($answer->{status}, $status, "$name is $status");
    is_problem($name, $answer->{headers}{'content-type'}, $answer->{body},
               { status => $status, %$problem });
}


sub bodies_are_refused($block) {
    for (@bodies) {
        my ($name, $code, $body) = @$_;
        my $offset = index $body, '^';

        substr $body, $offset, 1, '';
        refused($name, http('POST', '/events', $body), 400,
                { code => $code, offset => $offset });
    }
}


sub methods_are_refused($block) {
    for my $method (qw( GET PUT DELETE PATCH PROPFIND )) {
        my $answer = http($method, '/events');

        refused($method, $answer, 405, { code => 'method_not_allowed' });
        is($answer->{headers}{allow}, 'POST, OPTIONS', "$method - Allow");
    }

    my $answer = http('HEAD', '/events');

    is($answer->{status}, 405, 'HEAD is 405');
    is($answer->{headers}{allow}, 'POST, OPTIONS', 'HEAD - Allow');
    is($answer->{headers}{'content-type'}, 'application/problem+json',
       'HEAD - Content-Type');
    ok($answer->{headers}{'content-length'} > 0,
       'HEAD - the length of the body that GET has');
}


sub media_are_refused($block) {
    my $body = '{"type":"a"}';

    for my $type (qw( application/x-ndjson application/ndjson
                      application/jsonl application/jsonlines
                      APPLICATION/X-NDJSON ),
                  'application/jsonl; charset=utf-8',
                  'application/ndjson ;x=y')
    {
        my $answer = http('POST', '/events', $body, "Content-Type: $type");

        refused($type, $answer, 415, { code => 'not_supported' });
    }

    for my $type ('multipart/form-data; boundary=x', 'Multipart/mixed') {
        my $answer = http('POST', '/events', $body, "Content-Type: $type");

        refused($type, $answer, 415, { code => 'unsupported_media_type' });
        is($answer->{headers}{accept}, 'application/json', "$type - Accept");
    }

    for my $coding ('gzip', 'x-gzip', 'deflate', 'zstd', 'gzip, gzip') {
        my $answer = http('POST', '/events', $body,
                          "Content-Encoding: $coding");

        refused($coding, $answer, 415, { code => 'not_supported' });
        is($answer->{headers}{'accept-encoding'}, 'identity',
           "$coding - Accept-Encoding");
    }

    for (['identity', 'gzip'], ['', 'gzip'], ['identity', 'identity']) {
        my $answer = http('POST', '/events', $body,
                          map { "Content-Encoding: $_" } @$_);

        refused("a line '$_->[0]' and a line '$_->[1]'", $answer, 415,
                { code => 'not_supported' });
    }

    is(http('POST', '/events', $body, 'Content-Encoding: identity')->{status},
       202, 'identity is no encoding');
    is(http('POST', '/events', $body, 'Content-Encoding: ')->{status},
       202, 'and neither is nothing');
    is(http('POST', '/events', $body, 'Content-Type: application/jsonlx')
           ->{status},
       202, 'a type that only begins as one of lines is none of them');
}


sub methods_of_nginx($block) {
    for my $method (qw( TRACE CONNECT )) {
        my $answer = http($method, '/events');

        is($answer->{status}, 405, "$method is 405");
        is($answer->{headers}{'content-type'}, 'text/html', 'in HTML');
    }
}


sub sizes_are_limited($block) {
    for (['/small', 1000], ['/message', 2000 - 512 - 2 * 4 - 8 - 2],
         ['/default', 1024 * 1024])
    {
        my ($uri, $limit) = @$_;

        is(http('POST', $uri, event('s', $limit))->{status}, 202,
           "$uri takes $limit bytes");
        refused("one more for $uri",
                http('POST', $uri, event('s', $limit + 1)), 413,
                { code => 'event_too_large' });
    }

    # White space around it is no part of the event, and much of it refused.
    for ([64 * 1024, 202], [64 * 1024 + 1, 413]) {
        my ($spaces, $status) = @$_;
        my $body = event('s', 1000) . ' ' x $spaces;

        is(http('POST', '/small', $body)->{status}, $status,
           "$status with $spaces bytes of white space");
        is(post_chunk('/small', $body)->{status}, $status,
           "$status with them in a chunk");
    }

    # A body that has not come yet is not waited for.
    my $socket = connection();

    pieces($socket, "POST /small HTTP/1.1\r\nHost: localhost\r\n"
                    . "Content-Length: 900000\r\n\r\n");
    refused('a body that is much too large', answer($socket), 413,
            { code => 'event_too_large' });

    # The limit is for the event as Kafka gets it: with an id and a timestamp.
    refused('an event that grows beyond the limit',
            http('POST', '/small', '{"type":"a","x":"' . 'x' x 970 . '"}'),
            413, { code => 'event_too_large' });
}


sub requirements_are_checked($block) {
    my ($type, $both) = ('{"type":"a"}', '{"type":"a","source":"b"}');

    is(http('POST', '/none', '{}')->{status}, 202, 'none requires nothing');
    is(http('POST', '/two', $both)->{status}, 202, 'both members are there');
    refused('a member that is missing', http('POST', '/two', $type), 400,
            { code => 'missing_member', offset => 0 });
    like(http('POST', '/two', $type)->{body}, qr/member \\"source\\"/,
         'the answer names the member');
    refused('an empty member',
            http('POST', '/two', '{"type":"a","source":""}'), 400,
            { code => 'missing_member', offset => 21 });
    is(http('POST', '/two', '{"type":"a","source":0}')->{status}, 202,
       'a required member may be of any kind');
    refused('a required member twice',
            http('POST', '/two', '{"type":"a","source":1,"source":2}'), 400,
            { code => 'invalid_event', offset => 23 });
    is(http('POST', '/inherited', '{"type":"a"}')->{status}, 400,
       'the server\'s names are inherited');
}


sub full_says_when_to_come_back($block) {
    is(http('POST', '/full', '{"type":"a"}')->{status}, 202, 'one fits');

    for (['/full', 120], ['/full5', 5]) {
        my ($uri, $seconds) = @$_;
        my $answer = http('POST', $uri, '{"type":"a"}');

        refused("one more at $uri", $answer, 503, { code => 'queue_full' });
        is($answer->{headers}{'retry-after'}, $seconds,
           "$uri - Retry-After");
    }

    refused('GET of a full queue', http('GET', '/full'), 405,
            { code => 'method_not_allowed' });
}


# Takes the kernel's locks on all slots but the first, as that many workers
# would, and returns what holds them.
sub hold_slots() {
    my $pid = nginx_pid();
    my ($file) = grep { (readlink // '') =~ /^.memfd:/ }
                 glob "/proc/$pid/fd/*";

    my $lock = pack 's s x4 q q l x4', F_WRLCK, SEEK_SET, 1, 255, 0;

    open my $locks, '+<', $file or die "$file: $!";
    fcntl $locks, F_SETLK, $lock or die "fcntl: $!";

    return $locks;
}


# The first slot stays with the old worker, which has a request under way.
sub absent_producer_is_made_later($block) {
    my $event = event('old');
    my $old = connection();

    pieces($old, "POST /events HTTP/1.1\r\nHost: localhost\r\n"
                 . 'Content-Length: ' . length($event)
                 . "\r\nExpect: 100-continue\r\n\r\n");
    is(answer($old)->{status}, 100, 'a request is under way');

    my $locks = hold_slots();
    is(reload(), 'reloaded', 'a new worker comes, for which there is no slot');

    my $answer = http('POST', '/events', '{"type":"a"}');

    refused('an event', $answer, 503, { code => 'unavailable' });
    is($answer->{headers}{'retry-after'}, 5, 'Retry-After');
    ok(await(sub {
        grep { $_ eq 'POST 503 unavailable 0 -' } logged_lines()
    }), 'it is logged');
    metrics_become('it is counted',
                   'ingest_rejected_total{queue="events",'
                   . 'reason="unavailable"} 1');

    close $locks;
    ok(await(sub {
        http('POST', '/events', '{"type":"a"}')->{status} == 202
    }), 'with a free slot a producer comes about');

    pieces($old, $event);
    is(answer($old)->{status}, 202, 'the old worker had its own all the time');
}


run_suite();

__DATA__

=== a body that is no event is 400 with a code and an offset
--- check: bodies_are_refused


=== another method than POST and OPTIONS is 405 with Allow
--- check: methods_are_refused


=== OPTIONS is 204 with Allow
--- request
OPTIONS /events
--- error_code: 204
--- response_headers
Allow: POST, OPTIONS


=== lines, multipart and encodings are 415
--- check: media_are_refused


=== an event is too large for the location or for Kafka
--- http eval
main::queue_block('message', 'kafka message.max.bytes 2000;')
. main::queue_block('large', "zone 64m segment=4m;\n"
                             . "kafka message.max.bytes 4000000;\n"
                             . 'dead_letter_topic off;')
--- server
    location = /default { ingest large; client_max_body_size 4m; }
    location = /small { ingest events; ingest_max_event_size 1000; }
    location = /message { ingest message; }
--- check: sizes_are_limited
--- log_may: event "s" lost, refused: Broker: Message size too large


=== what is said for http is said for its locations
--- http
    ingest_require source;
    ingest_max_event_size 1000;
    ingest_retry_after 3s;
    ingest_problem off;
--- server
    location = /busy { ingest events; return 503; }
    location = /own {
        ingest events;
        ingest_require none;
        ingest_max_event_size 2000;
        ingest_problem on;
    }
--- request eval
["POST /events\n" . '{"type":"a"}', "POST /events\n" . '{"source":"a"}',
 "POST /events\n" . '{"source":"' . 'a' x 1000 . '"}', 'POST /busy',
 "POST /own\n" . '{"type":"' . 'a' x 1000 . '"}', 'GET /own']
--- error_code eval
[400, 202, 413, 503, 202, 405]
--- response_headers eval
['Content-Type: text/html', 'Content-Type: application/json',
 'Content-Type: text/html', 'Retry-After: 3',
 'Content-Type: application/json', 'Content-Type: application/problem+json']


=== what nginx refuses before it knows the location is left alone
--- check: methods_of_nginx
--- logged
TRACE 405 - - -
CONNECT 405 - - -
--- metrics
ingest_rejected_total{queue="events",reason="method_not_allowed"} 0


=== members are required by name, or none
--- server
    ingest_require type origin;
    location = /none { ingest events; ingest_require none; }
    location = /two { ingest events; ingest_require type source; }
    location = /inherited { ingest events; }
--- check: requirements_are_checked


=== a full queue is 503 with Retry-After
--- http
    ingest_queue full {
        zone 1m;
        brokers 127.0.0.1:1;
        topic $INGEST_TOPIC;
        max_events 1;
        drain_timeout 10ms;
    }
--- server
    location = /full { ingest full; ingest_retry_after 2m; }
    location = /full5 { ingest full; }
--- check: full_says_when_to_come_back
--- log_may: \[error\] .* queue "full": 1 events lost: shutdown


=== without a producer it is 503 with Retry-After, until there is one
--- restart
--- check: absent_producer_is_made_later
--- log_may: \[crit\] .* queue "events": no free slot


=== with ingest_problem off the answer is nginx's page
--- location
    ingest_problem off;
--- request eval
"POST /events\n{"
--- error_code: 400
--- response_headers
Content-Type: text/html
--- response_body_like: <h1>400 Bad Request</h1>


=== a user's error_page wins
--- location
    error_page 400 /mine;
--- server
    location = /mine {
        default_type text/x-mine;
        return 418 "my own words";
    }
--- request eval
"POST /events\n{"
--- error_code: 400
--- response_headers
Content-Type: text/x-mine
--- response_body chomp
my own words


=== a user's error_page in a named location wins, with its status
--- location
    error_page 400 = @mine;
--- server
    location @mine { return 422 "my own words"; }
--- request eval
"POST /events\n{"
--- error_code: 422
--- response_body chomp
my own words


=== a user's text of a return stays
--- location
    return 503 "we are moving";
--- request eval
qq(POST /events\n{"type":"a"})
--- error_code: 503
--- response_headers
Retry-After: 5
Content-Type: text/plain
--- response_body chomp
we are moving


=== a return without a text is a problem
--- location
    return 503;
--- request eval
qq(POST /events\n{"type":"a"})
--- error_code: 503
--- response_headers
Retry-After: 5
--- problem
{"status":503,"code":"server_error","title":"Service Unavailable"}


=== a subrequest is left alone, whatever it is asked for
--- server
    location = /page {
        auth_request /sub;
        auth_request_set $kind $sent_http_content_type;
        add_header X-Kind $kind always;
    }
    location = /sub { ingest events; return 403; }
--- request
GET /page
--- error_code: 403
--- response_headers
Content-Type: text/html
X-Kind: text/html
--- response_body_like: <h1>403 Forbidden</h1>


=== what is refused of a subrequest is counted with log_subrequest alone
--- server
    location = /mirrored {
        mirror /copy;
        mirror /logged;
        proxy_method GET;
        proxy_pass http://127.0.0.1:$server_port/health;
    }
    location = /copy { ingest events; ingest_require x; }
    location = /logged { ingest events; ingest_require y; log_subrequest on; }
--- request
POST /mirrored
{"type":"a"}
--- error_code: 200
--- metrics
ingest_rejected_total{queue="events",reason="missing_member"} 1


=== a subrequest that is part of a page is left alone
--- server
    location = /page.html { ssi on; root html; }
    location = /sub { ingest events; return 403; }
--- user_files
>>> page.html
begin <!--# include virtual="/sub" --> end
--- request
GET /page.html
--- error_code: 200
--- response_headers
Content-Type: text/html
--- response_body_like: ^begin .*<h1>403 Forbidden</h1>.* end$


=== a location without ingest is left alone
--- server
    location = /other { return 403; }
--- request
GET /other
--- error_code: 403
--- response_headers
Content-Type: text/html
--- response_body_like: <h1>403 Forbidden</h1>
