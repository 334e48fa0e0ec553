
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * The ring: a queue of records in shared memory, as a pool of segments.
 *
 *     superblock | slots | segment table | data
 *
 * It holds offsets and fixed-width integers only, so that every process may
 * map it anywhere and a newer one may read it.
 *
 * A slot is the identity of one producer: an event loop that appends and a
 * sender that delivers.  Who holds the slot is not known here, a kernel lock
 * says it (ingest_slot.h).  A segment belongs to one slot from its claim to
 * its free:
 *
 *     claim    event loop  owner 0 -> slot + 1, and nothing after it: who
 *              or sender   freed the segment has prepared its next life
 *     append   event loop  writes records behind committed, nobody sees them
 *     commit   event loop  committed = end of the records: they exist now
 *     seal     event loop  sealed = 1: committed stays as it is
 *     send     sender      records before committed, those PENDING and not
 *                          in flight
 *     report   sender      a record becomes DONE, or waits to be sent again
 *     free     sender      sealed and all DONE: next life, owner = 0
 *
 * Only the sender frees, and only what it alone looks at.  A process may die
 * between any two of these stores; another one goes on from what it finds.
 *
 *     park     sender      one record out of a segment that waits for a few:
 *                          copy, commit there, and only then DONE here
 *     adopt    sender      of another process, under the slot's lock: seal,
 *                          adoptions + 1, count, owner = its own slot + 1
 *
 * The first segments, as many as reserve says, are claimed for parking only:
 * a ring that is full of waiting records can always be tidied up.
 *
 *     word        written by              order    pairs with
 *     owner       claim (CAS)             acquire  the release of free
 *                 free                    release  the acquire of claim
 *                 adopt                   release  by the slot's lock
 *     committed   commit                  release  the acquire of send
 *     sealed      seal                    release  the acquire of send and
 *                                                  free, before committed
 *     seq         free, before owner      relaxed  by the release of owner
 *     freed       free, after owner       release  the acquire of claim
 *     adoptions   adopt, free             relaxed  by the slot's lock
 *     copy_of,    park, before committed  relaxed  by the slot's lock
 *     copy_end
 *     stage       event loop, its sender  relaxed  full fences, see
 *                                                  ingest_slot.h
 *     unavailable any event loop, by add  relaxed  as all counters
 *     state       append, before commit   relaxed  by the release of commit
 *                 report                  relaxed  read by the sender only
 */


#ifndef INGEST_RING_H
#define INGEST_RING_H


#include "ingest_metrics.h"
#include "ingest_record.h"


#define INGEST_RING_MAGIC         0x676e697274736567ull
#define INGEST_RING_VERSION       5
#define INGEST_SLOTS              256
#define INGEST_SEGMENTS_MAX       65535u
#define INGEST_SEGMENT_MIN        (64u * 1024)
#define INGEST_SEGMENT_MAX        (4u * 1024 * 1024)


/* of the worker that holds a slot, for others that end */

typedef enum {
    INGEST_STAGE_SERVES = 0,                /* it will adopt */
    INGEST_STAGE_ENDS,                      /* it counts on nobody's help */
    INGEST_STAGE_LEAVES                     /* it counts on somebody's */
} ingest_stage_e;


/* each writer's words on their own cache line */

typedef struct {
    _Alignas(64)
    _Atomic uint32_t        owner;          /* 0 free, else slot + 1 */
    _Atomic uint32_t        seq;            /* of this life, never 0 */
    _Atomic uint32_t        adoptions;      /* in this life */

    /* of a parking segment: whose copy it is that ends there */

    _Atomic uint32_t        copy_end;
    _Atomic uint64_t        copy_of;        /* ingest_ref_t, or 0 */

    _Alignas(64)
    _Atomic uint32_t        committed;      /* bytes */
    _Atomic uint32_t        sealed;
} ingest_segment_t;


typedef struct {

    /* written by the event loop */

    _Alignas(64)
    ingest_counter_t        events_in;
    ingest_counter_t        bytes_in;
    ingest_intake_t         intake;
    _Atomic uint32_t        generation;     /* of its worker */
    _Atomic uint32_t        stage;          /* ingest_stage_e */

    /* written by the sender */

    _Alignas(64)
    ingest_counter_t        events_out;
    ingest_counter_t        bytes_out;
    ingest_counter_t        events_moved;   /* here, from adopted slots */
    ingest_counter_t        bytes_moved;
    ingest_counter_t        oldest_ms;      /* Unix time, 0 when empty */
    ingest_counter_t        seen_ms;        /* Unix time of its last turn */
    ingest_counter_t        brokers_known;  /* bits: ingest_broker_index() */
    ingest_counter_t        brokers_up;
    ingest_delivery_t       delivery;
} ingest_slot_t;


typedef struct {
    uint64_t                magic;
    uint32_t                version;
    int32_t                 lock_fd;        /* see ingest_slot.h */
    uint64_t                bytes;          /* of all of it */
    uint64_t                slots;          /* offsets */
    uint64_t                segments;
    uint64_t                data;
    uint32_t                nsegments;
    uint32_t                segment_bytes;

    _Alignas(64)
    _Atomic uint32_t        generation;     /* of the configuration */
    _Atomic uint32_t        nslots;         /* highest slot ever taken + 1 */
    _Atomic uint32_t        reserve;        /* segments, for parking alone */
    _Atomic uint64_t        unavailable;    /* requests, of any worker */

    _Alignas(64)
    _Atomic uint32_t        freed;          /* segments, ever */

    _Alignas(64)
    ingest_broker_t         brokers[INGEST_BROKERS];
} ingest_ring_t;


_Static_assert(sizeof(ingest_segment_t) == 128, "two cache lines a segment");
_Static_assert(sizeof(ingest_slot_t) % 64 == 0, "whole cache lines a slot");
_Static_assert(sizeof(_Atomic uint64_t) == 8, "atomics are plain words");


static inline ingest_slot_t *
ingest_ring_slot(ingest_ring_t *ring, uint32_t slot)
{
    return (ingest_slot_t *) ((uint8_t *) ring + ring->slots) + slot;
}


/* Its events that are accepted and not out. */

static inline uint64_t
ingest_ring_slot_events(const ingest_slot_t *slot)
{
    uint64_t  in, out;

    /* out first: it is never more than in was at that moment */

    out = ingest_counter_get(&slot->events_out);
    in = ingest_counter_get(&slot->events_in)
         + ingest_counter_get(&slot->events_moved);

    return in > out ? in - out : 0;
}


static inline ingest_segment_t *
ingest_ring_segment(ingest_ring_t *ring, uint32_t index)
{
    return (ingest_segment_t *) ((uint8_t *) ring + ring->segments) + index;
}


static inline uint8_t *
ingest_ring_data(ingest_ring_t *ring, uint32_t index)
{
    return (uint8_t *) ring + ring->data
           + (uint64_t) index * ring->segment_bytes;
}


/*
 * How many segments of that size go into a zone; 0 when not one does.
 * segment_bytes is a multiple of 64 between INGEST_SEGMENT_MIN and _MAX.
 */

uint32_t ingest_ring_fit(uint64_t bytes, uint32_t segment_bytes);

/*
 * Makes a ring of all the memory, which is page-aligned and not in use by
 * anybody.  Its contents need not be zero.  INGEST_TOO_LARGE: not one segment
 * fits.  lock_fd is only kept.
 */

ingest_rc_e ingest_ring_format(ingest_ring_t *ring, uint64_t bytes,
    uint32_t segment_bytes, int lock_fd);

/* Whether the memory holds a ring that this code can work with. */

bool ingest_ring_valid(const ingest_ring_t *ring, uint64_t bytes);

/*
 * Takes the lowest free segment from that one on for a slot.  Returns its
 * number, or -1 when there is none.  The event loop or the sender that holds
 * the slot's lock.
 */

int64_t ingest_ring_claim(ingest_ring_t *ring, uint32_t slot, uint32_t first);

/* How many segments an event loop could claim now, at most n.  Any thread. */

uint32_t ingest_ring_free(ingest_ring_t *ring, uint32_t n);

/* Whether that is less than a quarter of all.  Any thread. */

bool ingest_ring_is_tight(ingest_ring_t *ring);

/*
 * Events that are accepted and not out, summed over the slots: exact but for
 * what others are appending or reporting at this moment.  Any thread.
 */

uint64_t ingest_ring_events(ingest_ring_t *ring);

/*
 * How much is taken of what decides whether events are accepted, in
 * thousandths: of the segments an event loop may claim, or of max_events if
 * that is more; 0 is no such limit.  Any thread.
 */

uint32_t ingest_ring_used(ingest_ring_t *ring, uint64_t max_events);


#endif /* INGEST_RING_H */
