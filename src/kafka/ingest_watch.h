
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * Says when brokers come and go, by what librdkafka's statistics tell each
 * second.  The sender thread only.
 */


#ifndef INGEST_WATCH_H
#define INGEST_WATCH_H


#include "ingest_journal.h"
#include "ingest_stats.h"


/* zeroed memory is a watch that has seen nothing, but for its pointers */

typedef struct {
    const ingest_broker_t   *brokers;   /* the ring's */
    ingest_journal_t        *journal;

    uint64_t                 said_up;   /* bits: ingest_broker_index() */
    uint64_t                 said_down;
    uint64_t                 away;      /* at the last look */
} ingest_watch_t;


/*
 * A broker is up at once, and down when two looks have found it so: at the
 * first one librdkafka may be connecting.  One that it does not need any more
 * is neither.
 */

void ingest_watch_look(ingest_watch_t *watch, const ingest_brokers_t *brokers);


#endif /* INGEST_WATCH_H */
