
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#include <librdkafka/rdkafka.h>

#include "ingest_error.h"


_Static_assert(INGEST_ERROR_FULL == RD_KAFKA_RESP_ERR__QUEUE_FULL
               && INGEST_ERROR_NO_HANDLE
                  == RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE,
               "the header does not include librdkafka's");


ingest_verdict_e
ingest_error_verdict(int error)
{
    switch (error) {

    case RD_KAFKA_RESP_ERR_NO_ERROR:
        return INGEST_VERDICT_DELIVERED;

    case RD_KAFKA_RESP_ERR__PURGE_QUEUE:
    case RD_KAFKA_RESP_ERR__PURGE_INFLIGHT:
    case RD_KAFKA_RESP_ERR__QUEUE_FULL:
        return INGEST_VERDICT_ASIDE;

    /* said of a batch, which may hold one bad record and many good ones */

    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_INVALID_MSG:
    case RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE:
    case RD_KAFKA_RESP_ERR_INVALID_RECORD:
    case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
        return INGEST_VERDICT_ALONE;

    /* clocks that differ, or a long outage: no fault of the event's */

    case RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP:
        return INGEST_VERDICT_RETIME;

    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
        return INGEST_VERDICT_UNKNOWN;

    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
        return INGEST_VERDICT_REFUSED;

    default:
        return INGEST_VERDICT_AGAIN;
    }
}


bool
ingest_error_is_answer(int error)
{
    switch (error) {

    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION:
        return false;
    }

    return error > 0;
}


const char *
ingest_error_name(int error)
{
    return error == INGEST_ERROR_POISON ? "_POISON"
                                        : rd_kafka_err2name(error);
}


const char *
ingest_error_text(int error)
{
    return error == INGEST_ERROR_POISON
           ? "Local: Workers that sent the event died"
           : rd_kafka_err2str(error);
}
