
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * Topics that Kafka says it does not have, and for how long it has said so.
 * The sender thread only.
 */


#ifndef INGEST_UNKNOWN_H
#define INGEST_UNKNOWN_H


#include "ingest_client.h"


typedef struct {
    size_t                   len;
    uint8_t                  name[INGEST_TOPIC_NAME];
    uint64_t                 since_ms;  /* the first answer without a pause */
    uint64_t                 last_ms;   /* the last one */
} ingest_unknown_t;


/*
 * Zeroed memory is none of them.  It grows with the topics that are unknown at
 * one time, at most those of the configurations that the ring has records of.
 */

typedef struct {
    unsigned                 n;
    unsigned                 max;       /* entries there is room for */
    ingest_unknown_t        *topics;    /* its own */
} ingest_unknowns_t;


void ingest_unknowns_destroy(ingest_unknowns_t *unknowns);

/*
 * One more answer that there is no such topic, at now_ms of a clock that never
 * goes back.  Returns the ms since the first one, of answers with no more than
 * pause_ms between any two; 0 when there is no memory for it.
 */

uint64_t ingest_unknowns_hear(ingest_unknowns_t *unknowns,
    const ingest_str_t *topic, uint64_t now_ms, uint64_t pause_ms);

/* The next answer will be the first one. */

void ingest_unknowns_forget(ingest_unknowns_t *unknowns,
    const ingest_str_t *topic);


#endif /* INGEST_UNKNOWN_H */
