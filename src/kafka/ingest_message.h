
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/* A record as librdkafka gets it. */


#ifndef INGEST_MESSAGE_H
#define INGEST_MESSAGE_H


#include "ingest_client.h"
#include "ingest_deadletter.h"


/*
 * All of the message but its topic.  letter is room for the headers of a dead
 * letter; the message points into it and into the record.  The sender thread
 * only.
 */

void ingest_message_write(ingest_message_t *message,
    ingest_deadletter_t *letter, const ingest_record_t *record,
    ingest_ref_t ref);


#endif /* INGEST_MESSAGE_H */
