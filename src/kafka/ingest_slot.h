
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
 * A worker whose sender runs never unlocks its own slot: it dies, or ends the
 * sender first.  The sender of another one adopts the slot then: takes the
 * lock, makes its segments those of its own slot, and unlocks it.
 */


/*
 * The end of a worker: what it leaves must have one heir that knows of it, or
 * be counted as lost.  Each side writes one word and then reads the other's,
 * so both have a full fence between the two:
 *
 *     who leaves events              who ends itself
 *     own stage = LEAVES             own stage = ENDS
 *     fence seq_cst                  fence seq_cst
 *     another one SERVES: leave      another one LEAVES: wait for its end
 *     else: lost                     and adopt
 *
 * Either the first sees that the second ends, or the second sees that the
 * first leaves.  Who LEAVES waits for nobody before it unlocks its slot, not
 * even for other queues of its process, and leaves only to those that end later
 * than it: nobody waits in a circle.
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
 * Others do not count on that worker before ingest_slot_serve().
 */

int ingest_slot_take(ingest_ring_t *ring, ingest_held_t *held,
    uint32_t generation);

/* Its sender runs, and will adopt what others leave. */

void ingest_slot_serve(ingest_slot_t *slot);

/*
 * Its worker ends.  Before any look at what others leave; any thread of that
 * worker.
 */

void ingest_slot_retire(ingest_slot_t *slot);

/*
 * Makes the counters of a slot say that nothing is in it.  The caller has its
 * lock; received, published and the like stay as they are.
 */

void ingest_slot_clear(ingest_slot_t *slot);

/* Takes the lowest slot that nobody holds and that has segments; or -1. */

int ingest_slot_adopt(ingest_ring_t *ring, ingest_held_t *held);

/*
 * For a worker that ends and holds that slot: says that it leaves its events,
 * and returns whether there is an heir that will adopt them: another worker
 * that lives, is of the newest generation, and serves.  Then that is its last
 * word, since the heir may end too and wait for it.  If not, the caller goes
 * on as if nobody had asked, and nobody waits for it.
 */

bool ingest_slot_leave(ingest_ring_t *ring, const ingest_held_t *held,
    uint32_t slot);


typedef enum {
    INGEST_ESTATE_NONE = 0,
    INGEST_ESTATE_LIKELY,   /* a worker of an older generation has events */
    INGEST_ESTATE_CERTAIN   /* one is gone, or leaves what it has */
} ingest_estate_e;


/*
 * For a worker of that generation that ends: whether there is, or will be, a
 * slot to adopt.  For what is certain nobody but the caller may be there.
 */

ingest_estate_e ingest_slot_estate(ingest_ring_t *ring,
    const ingest_held_t *held, uint32_t generation);

/* Gives an adopted slot back, or the own one when its sender has ended. */

void ingest_slot_release(ingest_ring_t *ring, ingest_held_t *held,
    uint32_t slot);

bool ingest_slot_is_held(const ingest_held_t *held, uint32_t slot);
bool ingest_slot_has_segments(ingest_ring_t *ring, uint32_t slot);


#endif /* INGEST_SLOT_H */
