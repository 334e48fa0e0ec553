
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#include <stdlib.h>
#include <string.h>

#include "ingest_unknown.h"


#define INGEST_UNKNOWN_TOPICS  16   /* that there is room for at first */


static ingest_unknown_t *ingest_unknowns_find(ingest_unknowns_t *unknowns,
    const ingest_str_t *topic);
static ingest_unknown_t *ingest_unknowns_add(ingest_unknowns_t *unknowns,
    const ingest_str_t *topic, uint64_t now_ms);


void
ingest_unknowns_destroy(ingest_unknowns_t *unknowns)
{
    free(unknowns->topics);
}


uint64_t
ingest_unknowns_hear(ingest_unknowns_t *unknowns, const ingest_str_t *topic,
    uint64_t now_ms, uint64_t pause_ms)
{
    ingest_unknown_t  *unknown;

    unknown = ingest_unknowns_find(unknowns, topic);

    if (unknown == NULL) {
        unknown = ingest_unknowns_add(unknowns, topic, now_ms);
        if (unknown == NULL) {
            return 0;
        }
    }

    if (now_ms - unknown->last_ms > pause_ms) {
        unknown->since_ms = now_ms;
    }

    unknown->last_ms = now_ms;

    return now_ms - unknown->since_ms;
}


void
ingest_unknowns_forget(ingest_unknowns_t *unknowns, const ingest_str_t *topic)
{
    ingest_unknown_t  *unknown;

    unknown = ingest_unknowns_find(unknowns, topic);

    if (unknown != NULL) {
        *unknown = unknowns->topics[--unknowns->n];
    }
}


static ingest_unknown_t *
ingest_unknowns_find(ingest_unknowns_t *unknowns, const ingest_str_t *topic)
{
    unsigned           i;
    ingest_unknown_t  *unknown;

    for (i = 0; i < unknowns->n; i++) {
        unknown = &unknowns->topics[i];

        if (unknown->len == topic->len
            && memcmp(unknown->name, topic->data, topic->len) == 0)
        {
            return unknown;
        }
    }

    return NULL;
}


static ingest_unknown_t *
ingest_unknowns_add(ingest_unknowns_t *unknowns, const ingest_str_t *topic,
    uint64_t now_ms)
{
    unsigned           n;
    ingest_unknown_t  *unknown;

    if (topic->len > INGEST_TOPIC_NAME) {
        return NULL;
    }

    if (unknowns->n == unknowns->max) {
        n = unknowns->max == 0 ? INGEST_UNKNOWN_TOPICS : 2 * unknowns->max;

        unknown = realloc(unknowns->topics, n * sizeof(ingest_unknown_t));
        if (unknown == NULL) {
            return NULL;
        }

        unknowns->topics = unknown;
        unknowns->max = n;
    }

    unknown = &unknowns->topics[unknowns->n++];

    memcpy(unknown->name, topic->data, topic->len);
    unknown->len = topic->len;
    unknown->since_ms = now_ms;
    unknown->last_ms = now_ms;

    return unknown;
}
