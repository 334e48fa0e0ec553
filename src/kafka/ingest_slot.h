
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * Who holds a slot: a byte lock (fcntl, F_SETLK) on a memfd that is born with
 * the zone.  The kernel drops it when the process is really gone, whatever
 * killed it, and not a moment before: no pid can be taken for another one.
 *
 * The descriptor is inherited by all workers and kept over reloads; its
 * number stands in the superblock.  A process that closed any descriptor of
 * that inode would lose its locks, so nobody but the master ever does.
 *
 * A worker never unlocks its own slot, it dies.  The sender of another one
 * adopts the slot then: takes the lock, makes its segments those of its own
 * slot, and unlocks it.
 */


#ifndef INGEST_SLOT_H
#define INGEST_SLOT_H


#include "../core/ingest_ring.h"


/* A new lock file, as a descriptor that exec() closes; -1 and errno. */

int ingest_slot_file(void);

/*
 * The slots that this process holds: a lock that it has would be granted to
 * it again.  Zeroed memory holds none.  Its own slot is taken by the event
 * loop, before the sender thread starts, which alone uses it from then on.
 */

typedef struct {
    uint64_t             bits[INGEST_SLOTS / 64];
} ingest_held_t;


/*
 * Takes the lowest slot that nobody holds and that has no segments, for a
 * worker of that generation.  Returns its number, or -1 when there is none.
 */

int ingest_slot_take(ingest_ring_t *ring, ingest_held_t *held,
    uint32_t generation);

/*
 * Makes the counters of a slot say that nothing is in it.  The caller has its
 * lock; received, published and the like stay as they are.
 */

void ingest_slot_clear(ingest_slot_t *slot);

/* Takes the lowest slot that nobody holds and that has segments; or -1. */

int ingest_slot_adopt(ingest_ring_t *ring, ingest_held_t *held);

/*
 * For a worker that ends, with its own slot's number: whether there is a living
 * worker of that generation or a newer one, other than the caller, that is not
 * ending itself.  It will adopt what the caller leaves behind: should it begin
 * to end now, ingest_slot_has_estate() says so there.
 */

bool ingest_slot_leave(ingest_ring_t *ring, uint32_t number,
    const ingest_held_t *held, uint32_t generation);

/*
 * For a worker that has begun to end: whether there is a slot to adopt, or may
 * be one soon.  Its worker is of an older generation and has events that it may
 * leave behind, or does so right now.
 */

bool ingest_slot_has_estate(ingest_ring_t *ring, const ingest_held_t *held,
    uint32_t generation);

/* Gives an adopted slot back. */

void ingest_slot_release(ingest_ring_t *ring, ingest_held_t *held,
    uint32_t slot);

bool ingest_slot_is_held(const ingest_held_t *held, uint32_t slot);
bool ingest_slot_has_segments(ingest_ring_t *ring, uint32_t slot);


#endif /* INGEST_SLOT_H */
