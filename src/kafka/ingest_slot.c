
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#define _GNU_SOURCE

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../core/ingest_fault.h"
#include "ingest_slot.h"


static int ingest_slot_find(ingest_ring_t *ring, ingest_held_t *held,
    bool segments);
static void ingest_slot_owners(ingest_ring_t *ring, ingest_held_t *owners);
static bool ingest_slot_has_heir(ingest_ring_t *ring,
    const ingest_held_t *held);
static bool ingest_slot_lock(ingest_ring_t *ring, uint32_t slot, short type);
static void ingest_slot_empty(const ingest_counter_t *in,
    const ingest_counter_t *moved, ingest_counter_t *out);
static bool ingest_slot_is_locked(ingest_ring_t *ring, uint32_t slot);
static void ingest_slot_used(ingest_ring_t *ring, uint32_t slot);


int
ingest_slot_file(void)
{
    return memfd_create("ingest-slots", MFD_CLOEXEC);
}


int
ingest_slot_take(ingest_ring_t *ring, ingest_held_t *held,
    uint32_t generation)
{
    int             number;
    ingest_slot_t  *slot;

    number = ingest_slot_find(ring, held, false);

    if (number != -1) {
        slot = ingest_ring_slot(ring, (uint32_t) number);

        ingest_slot_clear(slot);

        /* relaxed: words that others read to find out who is there */

        atomic_store_explicit(&slot->stage, INGEST_STAGE_ENDS,
                              memory_order_relaxed);
        atomic_store_explicit(&slot->generation, generation,
                              memory_order_relaxed);
    }

    return number;
}


void
ingest_slot_serve(ingest_slot_t *slot)
{
    /* relaxed: who sees it late counts on others, or on nobody */

    atomic_store_explicit(&slot->stage, INGEST_STAGE_SERVES,
                          memory_order_relaxed);
}


void
ingest_slot_retire(ingest_slot_t *slot)
{
    atomic_store_explicit(&slot->stage, INGEST_STAGE_ENDS,
                          memory_order_relaxed);

    /* pairs with the fence in ingest_slot_leave() */

    atomic_thread_fence(memory_order_seq_cst);
}


void
ingest_slot_clear(ingest_slot_t *slot)
{
    ingest_slot_empty(&slot->events_in, &slot->events_moved,
                      &slot->events_out);
    ingest_slot_empty(&slot->bytes_in, &slot->bytes_moved, &slot->bytes_out);

    /* relaxed: nobody tells of it now */

    atomic_store_explicit(&slot->oldest_ms, 0, memory_order_relaxed);
    atomic_store_explicit(&slot->seen_ms, 0, memory_order_relaxed);
}


static void
ingest_slot_empty(const ingest_counter_t *in, const ingest_counter_t *moved,
    ingest_counter_t *out)
{
    atomic_store_explicit(out,
                          ingest_counter_get(in) + ingest_counter_get(moved),
                          memory_order_relaxed);
}


int
ingest_slot_adopt(ingest_ring_t *ring, ingest_held_t *held)
{
    int             number;
    ingest_slot_t  *slot;

    number = ingest_slot_find(ring, held, true);

    if (number != -1) {
        slot = ingest_ring_slot(ring, (uint32_t) number);

        /*
         * relaxed: its sender is gone and no heir.  If the adopter dies too
         * the slot is without a lock again, which is as good as LEAVES.
         */

        atomic_store_explicit(&slot->stage, INGEST_STAGE_ENDS,
                              memory_order_relaxed);
    }

    return number;
}


bool
ingest_slot_leave(ingest_ring_t *ring, const ingest_held_t *held,
    uint32_t slot)
{
    ingest_slot_t  *own;

    own = ingest_ring_slot(ring, slot);

    atomic_store_explicit(&own->stage, INGEST_STAGE_LEAVES,
                          memory_order_relaxed);

    /* pairs with the fence in ingest_slot_retire() */

    atomic_thread_fence(memory_order_seq_cst);

    if (ingest_slot_has_heir(ring, held)) {
        return true;
    }

    /* relaxed: who waited for us in vain stops it */

    atomic_store_explicit(&own->stage, INGEST_STAGE_ENDS,
                          memory_order_relaxed);

    return false;
}


/* Another worker of the newest generation that serves: nobody else adopts. */

static bool
ingest_slot_has_heir(ingest_ring_t *ring, const ingest_held_t *held)
{
    uint32_t        i, n, generation;
    ingest_slot_t  *slot;

    /* acquire: pairs with the release in ngx_http_ingest_zones_commit() */

    generation = atomic_load_explicit(&ring->generation, memory_order_acquire);

    n = atomic_load_explicit(&ring->nslots, memory_order_relaxed);

    for (i = 0; i < n; i++) {
        slot = ingest_ring_slot(ring, i);

        if (!ingest_slot_is_held(held, i)
            && atomic_load_explicit(&slot->generation, memory_order_relaxed)
               == generation
            && atomic_load_explicit(&slot->stage, memory_order_relaxed)
               == INGEST_STAGE_SERVES
            && ingest_slot_is_locked(ring, i))
        {
            return true;
        }
    }

    return false;
}


ingest_estate_e
ingest_slot_estate(ingest_ring_t *ring, const ingest_held_t *held,
    uint32_t generation)
{
    uint32_t          i, n;
    ingest_held_t     owners;
    ingest_slot_t    *slot;
    ingest_estate_e   estate;

    estate = INGEST_ESTATE_NONE;

    ingest_slot_owners(ring, &owners);

    n = atomic_load_explicit(&ring->nslots, memory_order_relaxed);

    for (i = 0; i < n; i++) {
        slot = ingest_ring_slot(ring, i);

        if (ingest_slot_is_held(held, i) || !ingest_slot_is_held(&owners, i)) {
            continue;
        }

        if (atomic_load_explicit(&slot->stage, memory_order_relaxed)
            == INGEST_STAGE_LEAVES
            || !ingest_slot_is_locked(ring, i))
        {
            return INGEST_ESTATE_CERTAIN;
        }

        if (atomic_load_explicit(&slot->generation, memory_order_relaxed)
            < generation
            && ingest_ring_slot_events(slot) != 0)
        {
            estate = INGEST_ESTATE_LIKELY;
        }
    }

    return estate;
}


void
ingest_slot_release(ingest_ring_t *ring, ingest_held_t *held, uint32_t slot)
{
    held->bits[slot / 64] &= ~((uint64_t) 1 << (slot % 64));

    INGEST_FAULT("unlock");

    (void) ingest_slot_lock(ring, slot, F_UNLCK);

    INGEST_FAULT("unlocked");
}


bool
ingest_slot_is_held(const ingest_held_t *held, uint32_t slot)
{
    return (held->bits[slot / 64] >> (slot % 64)) & 1;
}


bool
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


/*
 * Whether a slot has segments is certain only under its lock, but most slots
 * can be passed over without a system call.
 */

static int
ingest_slot_find(ingest_ring_t *ring, ingest_held_t *held, bool segments)
{
    uint32_t       slot;
    ingest_held_t  owners;

    ingest_slot_owners(ring, &owners);

    for (slot = 0; slot < INGEST_SLOTS; slot++) {

        if (ingest_slot_is_held(held, slot)
            || ingest_slot_is_held(&owners, slot) != segments
            || !ingest_slot_lock(ring, slot, F_WRLCK))
        {
            continue;
        }

        if (ingest_slot_has_segments(ring, slot) == segments) {
            held->bits[slot / 64] |= (uint64_t) 1 << (slot % 64);
            ingest_slot_used(ring, slot);
            return (int) slot;
        }

        (void) ingest_slot_lock(ring, slot, F_UNLCK);
    }

    return -1;
}


/* The slots that have segments, by one walk over the table. */

static void
ingest_slot_owners(ingest_ring_t *ring, ingest_held_t *owners)
{
    uint32_t           i, owner;
    ingest_segment_t  *segment;

    memset(owners, 0, sizeof(ingest_held_t));

    for (i = 0; i < ring->nsegments; i++) {
        segment = ingest_ring_segment(ring, i);

        /* relaxed: a hint, looked at again under the lock */

        owner = atomic_load_explicit(&segment->owner, memory_order_relaxed);

        if (owner != 0) {
            owner--;
            owners->bits[owner / 64] |= (uint64_t) 1 << (owner % 64);
        }
    }
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


/* By another process: one's own locks do not count. */

static bool
ingest_slot_is_locked(ingest_ring_t *ring, uint32_t slot)
{
    struct flock  lock;

    memset(&lock, 0, sizeof(struct flock));

    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    lock.l_start = slot;
    lock.l_len = 1;

    return fcntl(ring->lock_fd, F_GETLK, &lock) == 0
           && lock.l_type != F_UNLCK;
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
