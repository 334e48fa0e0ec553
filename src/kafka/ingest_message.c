
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#include "ingest_clock.h"
#include "ingest_message.h"


void
ingest_message_write(ingest_message_t *message, ingest_deadletter_t *letter,
    const ingest_record_t *record, ingest_ref_t ref)
{
    message->key = ingest_record_key(record);
    message->value = ingest_record_value(record);
    message->headers = ingest_record_headers(record);
    message->more = NULL;
    message->nmore = 0;
    message->ref = ref;

    message->time_ms = record->flags & INGEST_RECORD_RETIMED
                       ? ingest_clock_ms(CLOCK_REALTIME) : record->time_ms;

    if (record->flags & INGEST_RECORD_DEAD) {
        ingest_deadletter_write(letter, record);
        message->more = letter->headers;
        message->nmore = letter->nheaders;
    }
}
