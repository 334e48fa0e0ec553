
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * The thread between a worker's half of the ring and Kafka.  The event loop
 * makes it, wakes it, and ends it; the thread runs a producer and sleeps.
 *
 *     asleep: the thread says that it needs an eventfd to wake up.  Both
 *     sides write one word and then read the other's (committed, asleep), so
 *     both have a full fence between the two, on x86 too:
 *
 *         event loop                     thread
 *         commit                         asleep = 1
 *         fence seq_cst                  fence seq_cst
 *         asleep == 1: write eventfd     nothing committed: poll eventfd
 *
 *     word            written by    order    pairs with
 *     asleep          both          relaxed  the fences above
 *     drain_ms        event loop    release  the acquire of the thread
 *     hand            both          see ingest_handles.h
 */


#ifndef INGEST_SENDER_H
#define INGEST_SENDER_H


#include "../core/ingest_writer.h"
#include "ingest_journal.h"
#include "ingest_options.h"
#include "ingest_slot.h"


typedef struct {
    ingest_ring_t           *ring;
    uint32_t                 slot;
    uint32_t                 generation;    /* of the worker */
    const ingest_held_t     *held;          /* its slot; copied */
    ingest_claims_t         *claims;
    const ingest_options_t  *options;
    uint32_t                 max_attempts;  /* 0: for ever */
    ingest_str_t             dead_letter_topic;
    int                      journal_fd;    /* eventfd of the event loop */
} ingest_sender_conf_t;


typedef struct ingest_sender_s  ingest_sender_t;


/*
 * Starts the thread, with all signals blocked in it.  What conf points to
 * must outlive the sender; the descriptor stays the caller's.  NULL and errno
 * on failure.
 */

ingest_sender_t *ingest_sender_create(const ingest_sender_conf_t *conf);

/* The event loop, after each commit or seal; a system call at most rarely. */

void ingest_sender_wake(ingest_sender_t *sender);

/* The event loop: lines for nginx's log, see ingest_journal.h. */

ingest_journal_t *ingest_sender_journal(ingest_sender_t *sender);

/*
 * The worker ends, and others no longer count on it: the event loop, for all of
 * a process's senders before the first ingest_sender_drain().
 */

void ingest_sender_retire(ingest_sender_t *sender);

/*
 * Asks the thread to deliver what is committed, for at most timeout_ms, and
 * then to end.  It also stays until workers that have left events to it have
 * let go of them.  Nothing may be appended any more, the writer is sealed.  A
 * second call sets a new limit.
 */

void ingest_sender_drain(ingest_sender_t *sender, uint64_t timeout_ms);

/*
 * Waits up to timeout_ms for the end that ingest_sender_drain() asked for.
 * INGEST_OK: the thread is gone.  INGEST_AGAIN: not yet; it may hang in
 * librdkafka, and a process that does not wait longer must leave by _exit():
 * exit() would take from under the thread what it uses.
 */

ingest_rc_e ingest_sender_join(ingest_sender_t *sender, unsigned timeout_ms);

/*
 * Behind the limit, by the event loop: whether what could not be delivered is
 * left to others or counted as lost, and said in the journal.  INGEST_OK: it
 * is, and all that a thread that is not gone may still do is to let go of
 * librdkafka; if it hung in there before, this call has done it in its place,
 * and that for what others have left to it.  INGEST_AGAIN: the thread is at
 * work, or others are about to leave more.
 */

ingest_rc_e ingest_sender_settle(ingest_sender_t *sender);

/* After ingest_sender_join() has returned INGEST_OK. */

void ingest_sender_destroy(ingest_sender_t *sender);


#endif /* INGEST_SENDER_H */
