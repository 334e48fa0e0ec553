
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#define _GNU_SOURCE

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ingest_slot.h"


static bool ingest_slot_lock(ingest_ring_t *ring, uint32_t slot, short type);
static bool ingest_slot_has_segments(ingest_ring_t *ring, uint32_t slot);
static void ingest_slot_used(ingest_ring_t *ring, uint32_t slot);


int
ingest_slot_file(void)
{
    return memfd_create("ingest-slots", MFD_CLOEXEC);
}


int
ingest_slot_take(ingest_ring_t *ring)
{
    uint32_t  slot;

    for (slot = 0; slot < INGEST_SLOTS; slot++) {

        if (!ingest_slot_lock(ring, slot, F_WRLCK)) {
            continue;
        }

        if (!ingest_slot_has_segments(ring, slot)) {
            ingest_slot_used(ring, slot);
            return (int) slot;
        }

        (void) ingest_slot_lock(ring, slot, F_UNLCK);
    }

    return -1;
}


static bool
ingest_slot_lock(ingest_ring_t *ring, uint32_t slot, short type)
{
    struct flock  lock;

    memset(&lock, 0, sizeof(struct flock));

    lock.l_type = type;
    lock.l_whence = SEEK_SET;
    lock.l_start = slot;
    lock.l_len = 1;

    return fcntl(ring->lock_fd, F_SETLK, &lock) == 0;
}


static bool
ingest_slot_has_segments(ingest_ring_t *ring, uint32_t slot)
{
    uint32_t           i;
    ingest_segment_t  *segment;

    for (i = 0; i < ring->nsegments; i++) {
        segment = ingest_ring_segment(ring, i);

        /* relaxed: only the holder of the slot's lock writes this value */

        if (atomic_load_explicit(&segment->owner, memory_order_relaxed)
            == slot + 1)
        {
            return true;
        }
    }

    return false;
}


static void
ingest_slot_used(ingest_ring_t *ring, uint32_t slot)
{
    uint32_t  n;

    n = atomic_load_explicit(&ring->nslots, memory_order_relaxed);

    /* relaxed: only how far others look, the slots are never uninitialised */

    while (n < slot + 1
           && !atomic_compare_exchange_weak_explicit(&ring->nslots, &n,
                   slot + 1, memory_order_relaxed, memory_order_relaxed))
    {
        /* void */
    }
}
