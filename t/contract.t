# Copyright (C) The ngx_http_ingest_module authors

# The contract of POST /events: what a client is told, and what Kafka gets.

use v5.36;
use lib 't/lib';
use TestIngest;


# The id is in the body and in a header, and its time is that of now.
sub id_is_a_new_uuid($block) {
    my %seen;

    for my $n (1 .. 50) {
        my $answer = http('POST', '/events', '{"type":"click"}');
        my ($id) = $answer->{body} =~
            /\A\{"status":"accepted","id":"($TestIngest::uuid)"\}\z/;

        last if !defined $id || $id ne $answer->{headers}{'x-request-id'};

        my ($high, $low) = $id =~ /\A(.{8})-(.{4})/;
        $seen{$id} = time - (hex($high) * 65536 + hex $low) / 1000;
    }

    is(scalar keys %seen, 50, 'fifty requests get fifty UUIDv7 ids');
    is(scalar(grep { abs > 2 } values %seen), 0, 'they are of this time');
}


sub timestamp_is_now($block) {
    my $id = 'now-' . int rand 1e9;

    http('POST', '/events', qq({"id":"$id","type":"click"}));

    my ($record) = await(sub {
        my @found = grep { $_->{key} eq $id } records();
        return @found ? \@found : undef;
    })->@*;

    my ($date, $time) = $record->{value} =~
        /"timestamp":"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)\.\d{3}Z"/;
    my $ms = $record->{timestamp};

    is("$date $time", format_utc(int $ms / 1000),
       'timestamp is the time of the record');
    ok(abs($ms / 1000 - time) < 5, 'which is now');
}


sub format_utc($seconds) {
    my ($s, $m, $h, $day, $month, $year) = gmtime $seconds;

    return sprintf '%04d-%02d-%02d %02d:%02d:%02d', $year + 1900, $month + 1,
        $day, $h, $m, $s;
}


run_suite();

__DATA__

=== an event is accepted with 202, its id in the body and in X-Request-ID
--- request
POST /events
{"type":"click","payload":{"user_id":123}}
--- error_code: 202
--- response_headers_like
Content-Type: application/json
X-Request-ID: [0-9a-f-]{36}
--- response_body_like: ^\{"status":"accepted","id":"[0-9a-f-]{36}"\}$
--- records_like
<uuid> \{"id":"<uuid>","timestamp":"<now>","type":"click","payload":\{.*:123}}


=== an absent id becomes a UUIDv7 of its own
--- check: id_is_a_new_uuid


=== an absent timestamp becomes the time of the request, in UTC
--- check: timestamp_is_now


=== an id and a timestamp that are given are kept
--- request eval
qq(POST /events\n{"id":"e-1","timestamp":"2026-01-02T03:04:05+02:00",)
. '"type":"a"}'
--- response_headers
X-Request-ID: e-1
Content-Type: application/json
--- response_body chomp
{"status":"accepted","id":"e-1"}
--- records
e-1 {"id":"e-1","timestamp":"2026-01-02T03:04:05+02:00","type":"a"}


=== a null id and timestamp are replaced in place
--- request eval
qq(POST /events\n{"type":"a", "id" : null ,"x":1,"timestamp":null})
--- records_like
<uuid> \{"type":"a", "id" : "<uuid>" ,"x":1,"timestamp":"<now>"\}


=== an empty id and timestamp are replaced in place
--- request eval
qq(POST /events\n{"id":"","type":"a","timestamp":""})
--- records_like
<uuid> \{"id":"<uuid>","type":"a","timestamp":"<now>"\}


=== only what is missing is put in
--- request eval
qq(POST /events\n{"type":"a","timestamp":"2026-01-02T03:04:05Z"})
--- records_like
<uuid> \{"id":"<uuid>","type":"a","timestamp":"2026-01-02T03:04:05Z"\}


=== members that the module does not know are kept byte for byte
--- request eval
qq(POST /events\n{ "id":"e-2",\t"type":"a","timestamp":"2026-01-02T03:04:05Z",)
. qq("dup":1,"dup":2,"\\u0064eep":{"a":[{"b":null}]},)
. qq("text":"\\u00e9\xc3\xa9\\/" })
--- records eval
qq(e-2 { "id":"e-2",\t"type":"a","timestamp":"2026-01-02T03:04:05Z",)
. qq("dup":1,"dup":2,"\\u0064eep":{"a":[{"b":null}]},)
. qq("text":"\\u00e9\xc3\xa9\\/" })


=== numbers of any size and precision pass unchanged
--- request eval
qq(POST /events\n{"id":"e-3","type":"a","timestamp":"2026-01-02T03:04:05Z",)
. qq("n":[9007199254740993,1e999,-0.0,0.1000000000000000055511151231257827,)
. ('9' x 400) . ']}'
--- records eval
qq(e-3 {"id":"e-3","type":"a","timestamp":"2026-01-02T03:04:05Z",)
. qq("n":[9007199254740993,1e999,-0.0,0.1000000000000000055511151231257827,)
. ('9' x 400) . ']}'


=== an id with an escape is decoded for the key, and escaped in the answer
--- request eval
qq(POST /events\n{"id":"a\\u0022b\\\\c\\u00e9","type":"a",)
. qq("timestamp":"2026-01-02T03:04:05Z"})
--- response_headers eval
qq(X-Request-ID: a"b\\c\xc3\xa9)
--- response_body eval
qq({"status":"accepted","id":"a\\"b\\\\c\xc3\xa9"})
--- records eval
qq(a"b\\c\xc3\xa9 {"id":"a\\u0022b\\\\c\\u00e9","type":"a",)
. qq("timestamp":"2026-01-02T03:04:05Z"})


=== an id may have 255 bytes
--- request eval
qq(POST /events\n{"id":") . 'i' x 255
. qq(","type":"a","timestamp":"2026-01-02T03:04:05Z"})
--- response_headers eval
'X-Request-ID: ' . 'i' x 255
--- records eval
'i' x 255 . qq( {"id":") . 'i' x 255
. qq(","type":"a","timestamp":"2026-01-02T03:04:05Z"})


=== white space around an event is no part of it
--- request eval
qq(POST /events\n \r\n\t{"id":"e-4","type":"a",)
. qq("timestamp":"2026-01-02T03:04:05Z"}\r\n )
--- records
e-4 {"id":"e-4","type":"a","timestamp":"2026-01-02T03:04:05Z"}


=== a null payload is one
--- request eval
qq(POST /events\n{"id":"e-5","type":"a","timestamp":"2026-01-02T03:04:05Z",)
. '"payload":null}'
--- records
e-5 {"id":"e-5","type":"a","timestamp":"2026-01-02T03:04:05Z","payload":null}


=== any content type that is no list of lines holds one event
--- request eval
qq(POST /events\n{"id":"e-6","type":"a","timestamp":"2026-01-02T03:04:05Z"})
--- more_headers
Content-Type: text/plain; charset=utf-8
--- records
e-6 {"id":"e-6","type":"a","timestamp":"2026-01-02T03:04:05Z"}


=== ingest in an if is the same
--- server
    location = /if { if ($arg_x) { ingest events; } }
--- request eval
qq(POST /if?x=1\n{"id":"e-7","type":"a","timestamp":"2026-01-02T03:04:05Z"})
--- records
e-7 {"id":"e-7","type":"a","timestamp":"2026-01-02T03:04:05Z"}


=== what limit_except lets pass is an event
--- location
    limit_except GET { allow all; }
--- request eval
qq(POST /events\n{"id":"e-9","type":"a","timestamp":"2026-01-02T03:04:05Z"})
--- records
e-9 {"id":"e-9","type":"a","timestamp":"2026-01-02T03:04:05Z"}


=== limit_except leaves ingest where it is
--- location
    limit_except POST { deny all; }
--- request eval
qq(POST /events\n{"id":"e-8","type":"a","timestamp":"2026-01-02T03:04:05Z"})
--- records
e-8 {"id":"e-8","type":"a","timestamp":"2026-01-02T03:04:05Z"}


=== health is 200
--- request
GET /health
--- error_code: 200
--- response_body chomp
{"status":"ok"}
