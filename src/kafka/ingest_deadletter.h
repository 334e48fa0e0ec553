
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * What a dead letter says about itself, in headers behind those the event
 * had: `error`, the module's own, and the ones that Kafka Connect's tools
 * read.  Any thread.
 */


#ifndef INGEST_DEADLETTER_H
#define INGEST_DEADLETTER_H


#include "../core/ingest_record.h"
#include "../core/ingest_time.h"


#define INGEST_DEADLETTER_HEADERS  7


/* headers point into the record and into this struct */

typedef struct {
    ingest_header_t      headers[INGEST_DEADLETTER_HEADERS];
    unsigned             nheaders;
    uint8_t              received_at[INGEST_TIME_TEXT];
    char                 code[12];
    char                 partition[12];
} ingest_deadletter_t;


/* record->error is why it was refused, record->partition where, or -1. */

void ingest_deadletter_write(ingest_deadletter_t *letter,
    const ingest_record_t *record);


#endif /* INGEST_DEADLETTER_H */
