
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#include "ingest_fault.h"
#include "ingest_ring.h"


#define INGEST_RING_PAGE  4096
#define INGEST_RING_LOW   4     /* a quarter of it */


static uint64_t ingest_ring_align(uint64_t offset);
static uint64_t ingest_ring_data_offset(uint32_t nsegments);


uint32_t
ingest_ring_fit(uint64_t bytes, uint32_t segment_bytes)
{
    uint64_t  n;

    n = bytes / segment_bytes;

    if (n > INGEST_SEGMENTS_MAX - 1) {
        n = INGEST_SEGMENTS_MAX - 1;
    }

    while (n > 0
           && ingest_ring_data_offset((uint32_t) n) + n * segment_bytes
              > bytes)
    {
        n--;
    }

    return (uint32_t) n;
}


ingest_rc_e
ingest_ring_format(ingest_ring_t *ring, uint64_t bytes,
    uint32_t segment_bytes, int lock_fd)
{
    uint32_t           i, nsegments;
    ingest_segment_t  *segment;

    nsegments = ingest_ring_fit(bytes, segment_bytes);

    if (nsegments == 0) {
        return INGEST_TOO_LARGE;
    }

    memset(ring, 0, ingest_ring_data_offset(nsegments));

    ring->version = INGEST_RING_VERSION;
    ring->lock_fd = lock_fd;
    ring->bytes = bytes;
    ring->slots = ingest_ring_align(sizeof(ingest_ring_t));
    ring->segments = ring->slots + INGEST_SLOTS * sizeof(ingest_slot_t);
    ring->data = ingest_ring_data_offset(nsegments);
    ring->nsegments = nsegments;
    ring->segment_bytes = segment_bytes;

    for (i = 0; i < nsegments; i++) {
        segment = ingest_ring_segment(ring, i);
        atomic_init(&segment->seq, 1);
    }

    ring->magic = INGEST_RING_MAGIC;

    return INGEST_OK;
}


bool
ingest_ring_valid(const ingest_ring_t *ring, uint64_t bytes)
{
    return ring->magic == INGEST_RING_MAGIC
           && ring->version == INGEST_RING_VERSION
           && ring->bytes == bytes;
}


int64_t
ingest_ring_claim(ingest_ring_t *ring, uint32_t slot, uint32_t first)
{
    uint32_t           i, owner;
    ingest_segment_t  *segment;

    for (i = first; i < ring->nsegments; i++) {
        segment = ingest_ring_segment(ring, i);

        if (atomic_load_explicit(&segment->owner, memory_order_relaxed) != 0) {
            continue;
        }

        owner = 0;

        /* acquire: pairs with the release in ingest_reader_release() */

        if (atomic_compare_exchange_strong_explicit(&segment->owner, &owner,
                slot + 1, memory_order_acquire, memory_order_relaxed))
        {
            INGEST_FAULT("claim");
            return i;
        }
    }

    return -1;
}


uint32_t
ingest_ring_free(ingest_ring_t *ring, uint32_t n)
{
    uint32_t           i, nfree;
    ingest_segment_t  *segment;

    nfree = 0;

    for (i = atomic_load_explicit(&ring->reserve, memory_order_relaxed);
         i < ring->nsegments && nfree < n;
         i++)
    {
        segment = ingest_ring_segment(ring, i);

        nfree += atomic_load_explicit(&segment->owner, memory_order_relaxed)
                 == 0;
    }

    return nfree;
}


bool
ingest_ring_is_tight(ingest_ring_t *ring)
{
    uint32_t  low;

    low = ring->nsegments / INGEST_RING_LOW;

    return ingest_ring_free(ring, low) < low;
}


uint64_t
ingest_ring_events(ingest_ring_t *ring)
{
    uint64_t        in, out;
    uint32_t        i, n;
    ingest_slot_t  *slot;

    in = 0;
    out = 0;

    n = atomic_load_explicit(&ring->nslots, memory_order_relaxed);

    for (i = 0; i < n; i++) {
        slot = ingest_ring_slot(ring, i);

        out += ingest_counter_get(&slot->events_out);
        in += ingest_counter_get(&slot->events_in)
              + ingest_counter_get(&slot->events_moved);
    }

    return in > out ? in - out : 0;
}


uint32_t
ingest_ring_used(ingest_ring_t *ring, uint64_t max_events)
{
    uint64_t  total, used, events;

    /* relaxed: it has not changed since the zone was made, or a reload does */

    total = ring->nsegments
            - atomic_load_explicit(&ring->reserve, memory_order_relaxed);

    used = (total - ingest_ring_free(ring, total)) * 1000 / total;

    if (max_events != 0) {
        events = ingest_ring_events(ring) * 1000 / max_events;
        used = events > used ? events : used;
    }

    return used < 1000 ? (uint32_t) used : 1000;
}


static uint64_t
ingest_ring_data_offset(uint32_t nsegments)
{
    return ingest_ring_align(ingest_ring_align(sizeof(ingest_ring_t))
                             + INGEST_SLOTS * sizeof(ingest_slot_t)
                             + nsegments * sizeof(ingest_segment_t));
}


static uint64_t
ingest_ring_align(uint64_t offset)
{
    return (offset + INGEST_RING_PAGE - 1)
           & ~ (uint64_t) (INGEST_RING_PAGE - 1);
}
