
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * Says when brokers come and go, by what librdkafka's statistics tell each
 * second.  The sender thread only.
 */


#ifndef INGEST_WATCH_H
#define INGEST_WATCH_H


#include "../core/ingest_ring.h"
#include "ingest_journal.h"
#include "ingest_stats.h"


/* zeroed memory is a watch that has seen nothing, but for its pointers */

typedef struct {
    ingest_slot_t           *slot;
    ingest_broker_t         *brokers;   /* the ring's */
    ingest_journal_t        *journal;

    uint64_t                 said_up;   /* bits: ingest_broker_index() */
    uint64_t                 said_down;
    uint64_t                 away;      /* at the last look */
} ingest_watch_t;


/*
 * Reads librdkafka's statistics, tells the slot's reader which brokers there
 * are, and has a look.  INGEST_ERROR when it is no such text.
 */

ingest_rc_e ingest_watch_stats(ingest_watch_t *watch, const char *json,
    size_t len, ingest_brokers_t *brokers);

/*
 * A broker is up at once, and down when two looks have found it so: at the
 * first one librdkafka may be connecting.  One that it does not need any more
 * is neither.
 */

void ingest_watch_look(ingest_watch_t *watch, const ingest_brokers_t *brokers);


#endif /* INGEST_WATCH_H */
