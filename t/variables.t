# Copyright (C) The ngx_http_ingest_module authors

# $ingest_id, $ingest_count and $ingest_result in a log, for events that were
# accepted, refused by the module, and refused by nginx.

use v5.36;
use lib 't/lib';
use TestIngest;


sub id_is_logged($block) {
    my $answer = http('POST', '/events', '{"type":"a"}');
    my $id = $answer->{headers}{'x-request-id'};

    ok(await(sub {
        grep { $_ eq "POST 202 accepted 1 $id" } logged_lines()
    }), 'the id of the answer is logged');
}


run_suite();

__DATA__

=== an accepted event has an id, a count and the result accepted
--- request eval
qq(POST /events\n{"id":"v-1","type":"a"})
--- logged
POST 202 accepted 1 v-1


=== an id that the module made is the one of the answer
--- check: id_is_logged
--- restart


=== a decoded id is logged
--- request eval
qq(POST /events\n{"id":"v\\u002d2","type":"a"})
--- logged
POST 202 accepted 1 v-2


=== an event that the module refuses has a result alone
--- request eval
["POST /events\n{", "POST /events\n{}", qq(POST /events\n{"type":1}),
 "POST /events\n[]", "GET /events"]
--- error_code eval
[400, 400, 400, 400, 405]
--- logged
POST 400 invalid_json 0 -
POST 400 missing_member 0 -
POST 400 invalid_event 0 -
POST 400 not_supported 0 -
GET 405 method_not_allowed 0 -


=== a request that nginx refuses has a result alone
--- location
    if ($arg_code = 403) { return 403; }
    if ($arg_code = 404) { return 404; }
    if ($arg_code = 500) { return 500; }
    client_max_body_size 1k;
--- request eval
["POST /events?code=403\n{}", "POST /events?code=404\n{}",
 "POST /events?code=500\n{}", "POST /events\n" . "x" x 2000]
--- error_code eval
[403, 404, 500, 413]
--- log_may: client intended to send too large body
--- logged
POST 403 forbidden 0 -
POST 404 client_error 0 -
POST 500 server_error 0 -
POST 413 body_too_large 0 -


=== a user's error_page leaves a refusal its result
--- location
    error_page 400 = @mine;
    error_page 405 /mine;
--- server
    location @mine { return 200 "mine"; }
    location = /mine { return 200 "mine"; }
--- request eval
["POST /events\n{", "PUT /events"]
--- error_code eval
[200, 405]
--- logged
POST 200 invalid_json 0 -
GET 405 method_not_allowed 0 -


=== so does one that names an address elsewhere
--- location
    error_page 400 https://localhost/;
    error_page 405 =307 https://localhost/;
--- request eval
["POST /events\n{", "PUT /events"]
--- error_code eval
[302, 307]
--- logged
POST 302 invalid_json 0 -
PUT 307 method_not_allowed 0 -
--- metrics
http_requests_total{queue="events",status="302"} 1
http_requests_total{queue="events",status="307"} 1
ingest_rejected_total{queue="events",reason="invalid_json"} 1
ingest_rejected_total{queue="events",reason="method_not_allowed"} 1


=== an error_page to another ingest location begins anew
--- http eval
main::queue_block('full', "brokers 127.0.0.1:1;\nmax_events 1;\n"
                          . 'drain_timeout 10ms;')
--- server
    location = /full { ingest full; error_page 503 = @second; }
    location @second { ingest events; }
--- request eval
[qq(POST /full\n{"id":"v-4","type":"a"}),
 qq(POST /full\n{"id":"v-5","type":"a"}), "POST /full\n{"]
--- error_code eval
[202, 202, 400]
--- response_headers eval
["X-Request-ID: v-4\nRetry-After:", "X-Request-ID: v-5\nRetry-After:",
 "Content-Type: application/problem+json\nRetry-After:"]
--- logged
POST 202 accepted 1 v-4
POST 202 accepted 1 v-5
POST 400 invalid_json 0 -
--- metrics
http_requests_total{queue="full",status="202"} 1
http_requests_total{queue="events",status="202"} 1
http_requests_total{queue="events",status="400"} 1
ingest_rejected_total{queue="full",reason="queue_full"} 0
ingest_rejected_total{queue="events",reason="invalid_json"} 1
--- log_may: \[error\] .* 1 events lost: shutdown


=== a rewrite takes the request out of the location
--- location
    rewrite ^ /other last;
--- server
    location = /other { return 204; }
--- request
GET /events
--- error_code: 204
--- logged
GET 204 - - -


=== OPTIONS has no result
--- request
OPTIONS /events
--- error_code: 204
--- logged
OPTIONS 204 - 0 -


=== a location without ingest has none of them
--- server
    location = /other { return 204; }
--- request
GET /other
--- error_code: 204
--- logged
GET 204 - - -


=== they can stand in a header of the answer
--- location
    add_header X-Result "$ingest_result/$ingest_count/$ingest_id" always;
--- request eval
[qq(POST /events\n{"id":"v-3","type":"a"}), "POST /events\n{"]
--- error_code eval
[202, 400]
--- response_headers eval
["X-Result: accepted/1/v-3", "X-Result: invalid_json/0/"]
