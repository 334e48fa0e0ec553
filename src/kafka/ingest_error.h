
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * What librdkafka's codes mean for the message that they were reported for.
 * Any thread.
 */


#ifndef INGEST_ERROR_H
#define INGEST_ERROR_H


#include <stdbool.h>


/* librdkafka has no room: its RD_KAFKA_RESP_ERR__QUEUE_FULL */

#define INGEST_ERROR_FULL  (-184)

/* there is no handle for it: RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE */

#define INGEST_ERROR_NO_HANDLE  (-194)

/* no code of librdkafka's: workers died of the event */

#define INGEST_ERROR_POISON  (-9000)


typedef enum {
    INGEST_VERDICT_DELIVERED = 0,
    INGEST_VERDICT_AGAIN,       /* send it again later */
    INGEST_VERDICT_ASIDE,       /* not sent: again in a moment, no error */
    INGEST_VERDICT_ALONE,       /* the batch was refused: find out which */
    INGEST_VERDICT_RETIME,      /* its time, or one of its batch, was refused */
    INGEST_VERDICT_UNKNOWN,     /* no such topic: wait, then refused */
    INGEST_VERDICT_REFUSED      /* for good */
} ingest_verdict_e;


/* What an error means for the message that it was reported for. */

ingest_verdict_e ingest_error_verdict(int error);

/*
 * Whether a broker has said it of the message, and not of what it is looking
 * for: a topic or a leader that is not there yet.
 */

bool ingest_error_is_answer(int error);

/* Static, terminated: the code's name ("_MSG_TIMED_OUT") and its sentence. */

const char *ingest_error_name(int error);
const char *ingest_error_text(int error);


#endif /* INGEST_ERROR_H */
