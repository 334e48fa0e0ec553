
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * Slots of processes that are gone: their segments come to the reader of a
 * sender that lives, and what is in them is delivered.
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
 * generation can adopt.
 */

ingest_estate_e ingest_adopter_expects(const ingest_adopter_t *adopter);

/*
 * ingest_slot_leave() of its slot, until there is an heir: that one may end
 * too, but knows then that it is to wait.
 */

bool ingest_adopter_leave(ingest_adopter_t *adopter);

/*
 * Whether it should leave its events at once: no broker is there to deliver to,
 * and the segments of each generation that waits for its deadline would fill a
 * ring that is nearly full of segments.  An heir moves many of them into one.
 */

bool ingest_adopter_makes_room(const ingest_adopter_t *adopter);

/*
 * With no heir there, whether to look again: workers of a newer generation are
 * being started.  late_ms is the time since the deadline; it does not wait for
 * ever.
 */

bool ingest_adopter_awaits(const ingest_adopter_t *adopter, uint64_t late_ms);

/* Whether nobody else is to come but workers like this one. */

bool ingest_adopter_is_newest(const ingest_adopter_t *adopter);


#endif /* INGEST_ADOPTER_H */
