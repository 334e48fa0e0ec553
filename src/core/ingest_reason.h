
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * Why a request was refused and why an event was dropped.  The names are one
 * vocabulary for senders and operators: `code` of an error answer,
 * $ingest_result, and the label `reason` of the metrics.  They are stable.
 */


#ifndef INGEST_REASON_H
#define INGEST_REASON_H


#include "ingest_core.h"


typedef enum {
    INGEST_ACCEPTED = 0,

    /* said by the module */

    INGEST_INVALID_JSON,
    INGEST_INVALID_EVENT,
    INGEST_MISSING_MEMBER,
    INGEST_EMPTY_BODY,
    INGEST_NOT_SUPPORTED,
    INGEST_EVENT_TOO_LARGE,
    INGEST_METHOD_NOT_ALLOWED,
    INGEST_UNSUPPORTED_MEDIA_TYPE,
    INGEST_QUEUE_FULL,
    INGEST_UNAVAILABLE,

    /* said by nginx for an ingest location */

    INGEST_BAD_REQUEST,
    INGEST_UNAUTHORIZED,
    INGEST_FORBIDDEN,
    INGEST_REQUEST_TIMEOUT,
    INGEST_BODY_TOO_LARGE,
    INGEST_RATE_LIMITED,
    INGEST_CLIENT_CLOSED,
    INGEST_CLIENT_ERROR,
    INGEST_SERVER_ERROR,

    INGEST_REASONS
} ingest_reason_e;


typedef enum {
    INGEST_DROP_REFUSED = 0,    /* by Kafka; no dead-letter topic */
    INGEST_DROP_DEAD_LETTER,    /* by Kafka, and so was its dead letter */
    INGEST_DROP_CORRUPT,        /* found so in the memory of a dead worker */
    INGEST_DROP_SHUTDOWN,       /* not delivered when the last worker ended */

    INGEST_DROPS
} ingest_drop_e;


/* Terminated, static, never NULL. */

const char *ingest_reason_name(ingest_reason_e reason);
const char *ingest_drop_name(ingest_drop_e drop);


#endif /* INGEST_REASON_H */
