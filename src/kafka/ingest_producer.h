
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * From the ring to Kafka: hands the records of a reader to librdkafka, and
 * makes of each delivery report what has to follow.
 *
 *     delivered         the record is DONE
 *     refused for good  it goes to the dead-letter topic, then it is DONE
 *     a batch refused   its records go one by one, to find out which it was
 *     anything else     it is sent again after a back-off, for ever or, when
 *                       brokers have answered so, max_attempts times
 *     a fatal error     librdkafka is started anew, and all is sent again
 *
 * All of it in one thread, which never waits in here.
 */


#ifndef INGEST_PRODUCER_H
#define INGEST_PRODUCER_H


#include "../core/ingest_reader.h"
#include "ingest_handles.h"
#include "ingest_slot.h"


typedef struct {
    ingest_ring_t           *ring;
    uint32_t                 slot;
    uint32_t                 generation;    /* of the worker */
    const ingest_held_t     *held;          /* its slot */
    ingest_claims_t         *claims;
    const ingest_options_t  *options;
    uint32_t                 max_attempts;  /* 0: for ever */
    ingest_str_t             dead_letter_topic;     /* empty: there is none */
    int                      fd;        /* eventfd for ingest_client_create() */
    ingest_journal_t        *journal;
    _Atomic uint32_t        *hand;      /* ingest_hand_e */
} ingest_producer_conf_t;


typedef struct ingest_producer_s  ingest_producer_t;


/* what conf points to must outlive the producer; NULL: out of memory */

ingest_producer_t *ingest_producer_create(const ingest_producer_conf_t *conf);

/* As ingest_client_destroy(): may take seconds.  Records stay as they are. */

void ingest_producer_destroy(ingest_producer_t *producer);

/*
 * Serves reports, sends what is to be sent, frees what can be freed.  Returns
 * whether there was anything to do.
 */

bool ingest_producer_turn(ingest_producer_t *producer);

/*
 * Whether the event loop has committed something that the next turn would
 * send, or given segments back; not what waits for room in librdkafka, whose
 * reports will wake us.
 */

bool ingest_producer_has_work(ingest_producer_t *producer);

/* How long the next turn may wait for others to wake us, at most max_ms. */

unsigned ingest_producer_idle_ms(ingest_producer_t *producer,
    unsigned max_ms);

/*
 * Its worker ends: what is left by others that end is adopted at once.
 * Nothing is committed any more.
 */

void ingest_producer_drain(ingest_producer_t *producer);

/*
 * Behind ingest_producer_drain(), when a turn has found nothing to send: what
 * is in librdkafka waits for no company any more.  Takes up to timeout_ms;
 * false: there is nothing.
 */

bool ingest_producer_flush(ingest_producer_t *producer, int timeout_ms);

/*
 * Behind ingest_producer_drain(): whether there is nothing more to do, and
 * ingest_producer_settle() must follow; see ingest_adopter_is_over().
 */

bool ingest_producer_is_over(ingest_producer_t *producer, uint64_t late_ms);

/*
 * The last thing before ingest_producer_destroy(): what could not be delivered
 * is left to other workers, and where there are none it is dropped, counted,
 * and said with its number.  The thread, or who has taken it from it.
 */

void ingest_producer_settle(ingest_producer_t *producer);

/*
 * Behind ingest_producer_settle(), by who has taken the producer from its
 * thread: the same for what others have left to us.  INGEST_AGAIN: somebody
 * leaves more, call again.
 */

ingest_rc_e ingest_producer_inherit(ingest_producer_t *producer);


#endif /* INGEST_PRODUCER_H */
