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


=== a user's error_page takes the request out of the location
--- location
    error_page 400 = @mine;
--- server
    location @mine { return 200 "mine"; }
--- request eval
"POST /events\n{"
--- error_code: 200
--- logged
POST 200 - - -


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
