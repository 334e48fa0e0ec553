
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#include "ingest_reason.h"


static const char  *ingest_reason_names[INGEST_REASONS] = {
    [INGEST_ACCEPTED]               = "accepted",
    [INGEST_INVALID_JSON]           = "invalid_json",
    [INGEST_INVALID_EVENT]          = "invalid_event",
    [INGEST_MISSING_MEMBER]         = "missing_member",
    [INGEST_EMPTY_BODY]             = "empty_body",
    [INGEST_NOT_SUPPORTED]          = "not_supported",
    [INGEST_EVENT_TOO_LARGE]        = "event_too_large",
    [INGEST_METHOD_NOT_ALLOWED]     = "method_not_allowed",
    [INGEST_UNSUPPORTED_MEDIA_TYPE] = "unsupported_media_type",
    [INGEST_QUEUE_FULL]             = "queue_full",
    [INGEST_UNAVAILABLE]            = "unavailable",
    [INGEST_BAD_REQUEST]            = "bad_request",
    [INGEST_UNAUTHORIZED]           = "unauthorized",
    [INGEST_FORBIDDEN]              = "forbidden",
    [INGEST_REQUEST_TIMEOUT]        = "request_timeout",
    [INGEST_BODY_TOO_LARGE]         = "body_too_large",
    [INGEST_RATE_LIMITED]           = "rate_limited",
    [INGEST_CLIENT_CLOSED]          = "client_closed",
    [INGEST_CLIENT_ERROR]           = "client_error",
    [INGEST_SERVER_ERROR]           = "server_error"
};


static const char  *ingest_drop_names[INGEST_DROPS] = {
    [INGEST_DROP_REFUSED]           = "refused",
    [INGEST_DROP_DEAD_LETTER]       = "dead_letter_refused",
    [INGEST_DROP_CORRUPT]           = "corrupt",
    [INGEST_DROP_SHUTDOWN]          = "shutdown"
};


const char *
ingest_reason_name(ingest_reason_e reason)
{
    return ingest_reason_names[reason];
}


const char *
ingest_drop_name(ingest_drop_e drop)
{
    return ingest_drop_names[drop];
}
