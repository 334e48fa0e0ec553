
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#include <stdio.h>

#include "ingest_deadletter.h"
#include "ingest_error.h"


static void ingest_deadletter_add(ingest_deadletter_t *letter,
    const char *name, const void *value, size_t len);
static void ingest_deadletter_text(ingest_deadletter_t *letter,
    const char *name, const char *text);


void
ingest_deadletter_write(ingest_deadletter_t *letter,
    const ingest_record_t *record)
{
    ingest_str_t  topic;

    letter->nheaders = 0;

    topic = ingest_record_topic(record);

    ingest_time_format(record->time_ms, letter->received_at);
    snprintf(letter->code, sizeof(letter->code), "%d", record->error);
    snprintf(letter->partition, sizeof(letter->partition), "%d",
             record->partition);

    ingest_deadletter_text(letter, "error",
                           ingest_error_text(record->error));
    ingest_deadletter_text(letter, "ingest.error.code", letter->code);
    ingest_deadletter_add(letter, "ingest.received_at", letter->received_at,
                          INGEST_TIME_TEXT);

    ingest_deadletter_add(letter, "__connect.errors.topic", topic.data,
                          topic.len);
    ingest_deadletter_text(letter, "__connect.errors.partition",
                           letter->partition);
    ingest_deadletter_text(letter, "__connect.errors.exception.class.name",
                           ingest_error_name(record->error));
    ingest_deadletter_text(letter, "__connect.errors.exception.message",
                           ingest_error_text(record->error));
}


static void
ingest_deadletter_text(ingest_deadletter_t *letter, const char *name,
    const char *text)
{
    ingest_deadletter_add(letter, name, text, strlen(text));
}


static void
ingest_deadletter_add(ingest_deadletter_t *letter, const char *name,
    const void *value, size_t len)
{
    ingest_header_t  *header;

    header = &letter->headers[letter->nheaders++];

    header->name.data = (const uint8_t *) name;
    header->name.len = strlen(name);
    header->value.data = value;
    header->value.len = len;
}
