
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#include "../core/ingest_fault.h"
#include "ingest_adopter.h"


/* between two looks, and up to as much more by chance */

#define INGEST_LOOK_MS      200

/* with workers that are being started, less than the grace of a TERM */

#define INGEST_PATIENCE_MS  400


static bool ingest_adopter_makes_room(const ingest_adopter_t *adopter);
static bool ingest_adopter_awaits(const ingest_adopter_t *adopter,
    uint64_t late_ms);
static void ingest_adopter_adopt(ingest_adopter_t *adopter, uint32_t slot,
    uint64_t now_ms);


bool
ingest_adopter_turn(ingest_adopter_t *adopter, uint64_t now_ms)
{
    int  slot;

    if (adopter->left || now_ms < adopter->look_ms) {
        return false;
    }

    slot = ingest_adopter_is_newest(adopter)
           ? ingest_slot_adopt(adopter->ring, &adopter->held) : -1;

    /* there may be more: many generations of workers end at once */

    if (slot != -1) {
        ingest_adopter_adopt(adopter, (uint32_t) slot, now_ms);
        return true;
    }

    /* spread over the workers: not all of them try the same slot at once */

    if (!adopter->hurry) {
        adopter->look_ms = now_ms + INGEST_LOOK_MS
                           + ((now_ms + adopter->slot * 31) * 2654435761u >> 7)
                             % INGEST_LOOK_MS;
    }

    return false;
}


bool
ingest_adopter_is_over(ingest_adopter_t *adopter, uint64_t late_ms)
{
    ingest_estate_e  estate;

    estate = ingest_adopter_expects(adopter);

    if (late_ms == 0) {
        return (estate == INGEST_ESTATE_NONE
                && ingest_reader_empty(adopter->reader))
               || (ingest_adopter_makes_room(adopter)
                   && ingest_adopter_leave(adopter));
    }

    return estate != INGEST_ESTATE_CERTAIN
           && (ingest_adopter_leave(adopter)
               || !ingest_adopter_awaits(adopter, late_ms));
}


ingest_estate_e
ingest_adopter_expects(const ingest_adopter_t *adopter)
{
    if (adopter->left || !ingest_adopter_is_newest(adopter)) {
        return INGEST_ESTATE_NONE;
    }

    return ingest_slot_estate(adopter->ring, &adopter->held,
                              adopter->generation);
}


/*
 * Whether events should be left at once: no broker is there to deliver to, and
 * the segments of each generation that waits for its deadline would fill a ring
 * that is nearly full of segments.  An heir moves many of them into one.
 */

static bool
ingest_adopter_makes_room(const ingest_adopter_t *adopter)
{
    return !adopter->reader->reachable
           && ingest_ring_is_tight(adopter->ring);
}


/*
 * With no heir there, whether to look again: workers of a newer generation are
 * being started.  It does not wait for ever.
 */

static bool
ingest_adopter_awaits(const ingest_adopter_t *adopter, uint64_t late_ms)
{
    return late_ms <= INGEST_PATIENCE_MS
           && !ingest_adopter_is_newest(adopter);
}


bool
ingest_adopter_leave(ingest_adopter_t *adopter)
{
    if (!adopter->left) {
        adopter->left = ingest_slot_leave(adopter->ring, &adopter->held,
                                          adopter->slot);
    }

    return adopter->left;
}


bool
ingest_adopter_is_newest(const ingest_adopter_t *adopter)
{
    /* acquire: pairs with the release in ngx_http_ingest_zones_commit() */

    return atomic_load_explicit(&adopter->ring->generation,
                                memory_order_acquire)
           == adopter->generation;
}


static void
ingest_adopter_adopt(ingest_adopter_t *adopter, uint32_t slot,
    uint64_t now_ms)
{
    ingest_slot_t    *own;
    ingest_census_t   census;

    memset(&census, 0, sizeof(ingest_census_t));

    ingest_reader_resolve(adopter->reader, slot);

    INGEST_FAULT("adopt_resolved");

    /*
     * Whatever that process has counted: nothing will be left in its slot, and
     * a slot without segments is adopted by nobody if we die behind them.
     */

    ingest_slot_clear(ingest_ring_slot(adopter->ring, slot));

    INGEST_FAULT("adopt_cleared");

    ingest_reader_adopt(adopter->reader, slot, now_ms, &census);

    INGEST_FAULT("adopt_uncounted");

    own = ingest_ring_slot(adopter->ring, adopter->slot);

    ingest_counter_add(&own->events_moved, census.events);
    ingest_counter_add(&own->bytes_moved, census.bytes);

    INGEST_FAULT("adopted");

    /* nothing is left in it */

    ingest_slot_release(adopter->ring, &adopter->held, slot);

    if (census.corrupt != 0) {
        ingest_counter_add(&own->delivery.dropped[INGEST_DROP_CORRUPT],
                           census.corrupt);

        ingest_journal_write(adopter->journal, INGEST_LOG_ALERT,
                             "corrupt segments",
                             "{segments} segments of slot {slot} end with a "
                             "corrupt record",
                             ingest_fields(
                                 ingest_field_number("segments",
                                                     census.corrupt),
                                 ingest_field_number("slot", slot)));
    }

    ingest_journal_write(adopter->journal, INGEST_LOG_NOTICE,
                         "slot adopted",
                         "adopted slot {slot} with {events} events",
                         ingest_fields(
                             ingest_field_number("slot", slot),
                             ingest_field_number("events", census.events)));
}
