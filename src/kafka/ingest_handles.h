
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * The librdkafka handles of a producer, one for each mode: made when they are
 * first needed, since not every producer meets a record that must go alone.
 *
 * The sender thread only.
 */


#ifndef INGEST_HANDLES_H
#define INGEST_HANDLES_H


#include "ingest_client.h"
#include "ingest_journal.h"


/*
 * In whose hand the producer is.  Behind a fatal error librdkafka's handles
 * are destroyed, which may hang: meanwhile somebody else may take it, by a
 * CAS, and settle it.  A thread that comes back then stays where it is, and
 * the process must end by _exit().
 *
 *     value     from     written by      order    pairs with
 *     LIBRARY   THREAD   the thread      release  the acquire of LOOP
 *     THREAD    LIBRARY  the thread      relaxed  nothing was written meanwhile
 *     LOOP      LIBRARY  the event loop  acquire  the release of LIBRARY
 *     SETTLED   THREAD   the thread      release  the acquire of the event loop
 */

typedef enum {
    INGEST_HAND_THREAD = 0,
    INGEST_HAND_LIBRARY,
    INGEST_HAND_LOOP,
    INGEST_HAND_SETTLED
} ingest_hand_e;


typedef struct {
    const ingest_options_t  *options;
    int                      fd;            /* see ingest_client_create() */
    ingest_journal_t        *journal;
    ingest_callbacks_t       callbacks;

    ingest_client_t         *clients[INGEST_MODES];     /* NULL: not there */
    uint64_t                 create_ms[INGEST_MODES];   /* next try */
} ingest_handles_t;


/*
 * The handle of that mode, or NULL when it cannot be made: that is logged, and
 * tried again a second later.  now_ms is CLOCK_MONOTONIC.
 */

ingest_client_t *ingest_handles_get(ingest_handles_t *handles,
    ingest_mode_e mode, uint64_t now_ms);

/* ingest_client_poll() of all that are there. */

unsigned ingest_handles_poll(ingest_handles_t *handles);

/* ingest_client_flush() of what is sent in batches: the rest has no linger. */

bool ingest_handles_flush(ingest_handles_t *handles, int timeout_ms);

/* ingest_client_purge() of all that are there. */

void ingest_handles_purge(ingest_handles_t *handles);

/* Whether one is beyond help, and librdkafka's code for it. */

bool ingest_handles_is_fatal(ingest_handles_t *handles, int *error);

/* As ingest_client_destroy(); new ones are made on demand. */

void ingest_handles_destroy(ingest_handles_t *handles);

/*
 * The same for a producer that will go on.  Does not return when somebody else
 * has taken the producer meanwhile: see ingest_hand_e.
 */

void ingest_handles_renew(ingest_handles_t *handles, _Atomic uint32_t *hand);


#endif /* INGEST_HANDLES_H */
