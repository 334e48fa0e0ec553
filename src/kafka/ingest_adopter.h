
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * Slots of senders that are gone: their segments come to the reader of one that
 * lives, and what is in them is delivered.  And the other side: when a sender
 * that ends may leave its own.
 *
 * Only senders of the newest generation adopt: after a reload these are the
 * new workers, with the new settings.  The counters of a process that died
 * are not believed: what lies in its segments is counted.
 *
 * The sender thread only.
 */


#ifndef INGEST_ADOPTER_H
#define INGEST_ADOPTER_H


#include "../core/ingest_reader.h"
#include "ingest_journal.h"
#include "ingest_slot.h"


typedef struct {
    ingest_ring_t           *ring;
    ingest_reader_t         *reader;
    ingest_journal_t        *journal;
    uint32_t                 slot;          /* the sender's own */
    uint32_t                 generation;    /* of its worker */

    ingest_held_t            held;
    uint64_t                 look_ms;
    bool                     hurry;         /* looks at every turn */
    bool                     left;          /* an heir waits for its slot */
} ingest_adopter_t;


/*
 * Looks, a few times a second, for a slot to adopt; its segments become the
 * own slot's.  now_ms is CLOCK_MONOTONIC.  Returns whether it found one.
 */

bool ingest_adopter_turn(ingest_adopter_t *adopter, uint64_t now_ms);

/*
 * For a worker that ends: whether there is, or will be, a slot that only this
 * generation can adopt.  What comes when it has left its own is its heir's.
 */

ingest_estate_e ingest_adopter_expects(const ingest_adopter_t *adopter);

/*
 * For a worker that drains: whether there is nothing more to do.  Before the
 * deadline (late_ms is 0) that is when all that was committed is DONE and
 * nobody may leave more to us, or when others need the room and one of them
 * takes what we have.  Behind it what others leave for certain is waited for,
 * until they have let go of it: nobody else would say what becomes of it; and
 * so are heirs that are being started, for a moment.
 */

bool ingest_adopter_is_over(ingest_adopter_t *adopter, uint64_t late_ms);

/*
 * ingest_slot_leave() of its slot, until there is an heir: that one may end
 * too, but knows then that it is to wait.
 */

bool ingest_adopter_leave(ingest_adopter_t *adopter);

/* Whether nobody else is to come but workers like this one. */

bool ingest_adopter_is_newest(const ingest_adopter_t *adopter);


#endif /* INGEST_ADOPTER_H */
