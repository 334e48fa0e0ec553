
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#include "../core/ingest_fault.h"
#include "ingest_adopter.h"


/* between two looks, and up to as much more by chance */

#define INGEST_LOOK_MS  200


static bool ingest_adopter_is_newest(const ingest_adopter_t *adopter);
static void ingest_adopter_adopt(ingest_adopter_t *adopter, uint32_t slot,
    uint64_t now_ms);
static void ingest_adopter_balance(ingest_ring_t *ring, uint32_t slot,
    const ingest_census_t *census);
static void ingest_adopter_set(ingest_counter_t *in,
    ingest_counter_t *moved, ingest_counter_t *out, uint64_t left);
static void ingest_adopter_give_back(ingest_adopter_t *adopter);


bool
ingest_adopter_turn(ingest_adopter_t *adopter, uint64_t now_ms)
{
    int  slot;

    if (now_ms < adopter->look_ms) {
        return false;
    }

    /* spread over the workers: not all of them try the same slot at once */

    if (!adopter->hurry) {
        adopter->look_ms = now_ms + INGEST_LOOK_MS
                           + ((now_ms + adopter->slot * 31) * 2654435761u >> 7)
                             % INGEST_LOOK_MS;
    }

    ingest_adopter_give_back(adopter);

    if (!ingest_adopter_is_newest(adopter)) {
        return false;
    }

    slot = ingest_slot_adopt(adopter->ring, &adopter->held);

    if (slot == -1) {
        return false;
    }

    ingest_adopter_adopt(adopter, (uint32_t) slot, now_ms);

    return true;
}


bool
ingest_adopter_expects(const ingest_adopter_t *adopter)
{
    return ingest_adopter_is_newest(adopter)
           && ingest_slot_has_estate(adopter->ring, &adopter->held,
                                     adopter->generation);
}


bool
ingest_adopter_has_heir(const ingest_adopter_t *adopter)
{
    return ingest_slot_has_heir(adopter->ring, &adopter->held,
                                adopter->generation);
}


static bool
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
    uint32_t           i;
    ingest_slot_t     *own;
    ingest_census_t    census;
    ingest_segment_t  *segment;

    memset(&census, 0, sizeof(ingest_census_t));

    for (i = 0; i < adopter->ring->nsegments; i++) {
        segment = ingest_ring_segment(adopter->ring, i);

        /* relaxed: by the slot's lock nobody else writes this value now */

        if (atomic_load_explicit(&segment->owner, memory_order_relaxed)
            == slot + 1)
        {
            ingest_reader_adopt(adopter->reader, i, now_ms, &census);
        }
    }

    INGEST_FAULT("adopt_unbalanced");

    ingest_adopter_balance(adopter->ring, slot, &census);

    INGEST_FAULT("adopted");

    adopter->adopted.bits[slot / 64] |= (uint64_t) 1 << (slot % 64);

    if (census.corrupt != 0) {
        own = ingest_ring_slot(adopter->ring, adopter->slot);
        ingest_counter_add(&own->delivery.dropped[INGEST_DROP_CORRUPT],
                           census.corrupt);

        ingest_journal_write(adopter->journal, INGEST_LOG_ALERT,
                             "%llu segments of slot %u end with a corrupt "
                             "record", (unsigned long long) census.corrupt,
                             slot);
    }

    ingest_journal_write(adopter->journal, INGEST_LOG_NOTICE,
                         "adopted slot %u with %llu events", slot,
                         (unsigned long long) census.events);
}


/* What is left in the slot is what was found there, whatever it counted. */

static void
ingest_adopter_balance(ingest_ring_t *ring, uint32_t slot,
    const ingest_census_t *census)
{
    ingest_slot_t  *dead;

    dead = ingest_ring_slot(ring, slot);

    ingest_adopter_set(&dead->events_in, &dead->events_moved,
                       &dead->events_out, census->events);
    ingest_adopter_set(&dead->bytes_in, &dead->bytes_moved,
                       &dead->bytes_out, census->bytes);

    /* from now on the adopter tells their age, and the brokers' states */

    atomic_store_explicit(&dead->oldest_ms, 0, memory_order_relaxed);
    atomic_store_explicit(&dead->seen_ms, 0, memory_order_relaxed);
}


static void
ingest_adopter_set(ingest_counter_t *in, ingest_counter_t *moved,
    ingest_counter_t *out, uint64_t left)
{
    uint64_t  n;

    n = ingest_counter_get(in) + ingest_counter_get(moved);

    if (n < left) {
        ingest_counter_add(in, left - n);
        n = left;
    }

    atomic_store_explicit(out, n - left, memory_order_relaxed);
}


static void
ingest_adopter_give_back(ingest_adopter_t *adopter)
{
    uint32_t  slot;

    for (slot = 0; slot < INGEST_SLOTS; slot++) {

        if (!ingest_slot_is_held(&adopter->adopted, slot)
            || ingest_slot_has_segments(adopter->ring, slot))
        {
            continue;
        }

        adopter->adopted.bits[slot / 64] &= ~((uint64_t) 1 << (slot % 64));

        ingest_slot_release(adopter->ring, &adopter->held, slot);
    }
}
