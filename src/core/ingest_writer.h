
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * The event loop's half of the ring: claim, append, commit, seal.  One writer
 * a process and queue, used by one thread; it is private memory and dies with
 * the process.
 *
 * The sender of the same process learns of claimed segments, in their order,
 * from the writer's list of claims.
 *
 *     word        written by              order    pairs with
 *     head        claim, after owner      release  the acquire of the sender
 *     returned    give back, after sealed release  the acquire of the sender
 */


#ifndef INGEST_WRITER_H
#define INGEST_WRITER_H


#include "ingest_ring.h"


/*
 * Claims by number for the sender; claim n stands at n % size.  It never
 * overflows, size is the ring's number of segments: one that the sender has
 * not taken yet cannot be freed, so no segment stands in it twice.
 */

typedef struct {
    uint32_t               *segments;
    uint32_t                size;

    _Alignas(64)
    _Atomic uint64_t        head;       /* the next claim's number */
    _Atomic uint32_t        returned;   /* failed batches, ever */
} ingest_claims_t;


/*
 * A segment that the event loop fills or has reserved.  Not the claim: claims
 * that a failed batch gave back go on being numbered, these do not.
 */

typedef struct {
    uint32_t                segment;
    uint32_t                end;        /* of the records in it */
} ingest_open_t;


typedef struct {
    ingest_ring_t          *ring;
    uint32_t                slot;

    uint32_t                seq;        /* of the current segment */
    uint32_t                offset;     /* where the next record goes */
    uint32_t                full_at;    /* ring->freed when nothing was free */
    bool                    full;
    uint32_t                refused;    /* since that look */

    ingest_open_t          *opens;      /* by number, n stands at n % size */
    uint64_t                first;      /* the oldest that is not sealed */
    uint64_t                current;    /* the one being filled */
    uint64_t                next;       /* the one to be filled next */
    uint64_t                last;       /* behind the last one reserved */

    ingest_claims_t         claims;
} ingest_writer_t;


/* Bytes that ingest_writer_init() needs behind the struct. */

size_t ingest_writer_memory(const ingest_ring_t *ring);

/* memory stays the caller's and must outlive the writer and its sender. */

void ingest_writer_init(ingest_writer_t *writer, ingest_ring_t *ring,
    uint32_t slot, void *memory);

/*
 * Sees to it that n records of these sizes (ingest_record_size()) can be
 * appended, all of them or none.  INGEST_AGAIN: not now, nothing has changed
 * but that segments which it got may be sealed empty, for the sender to free;
 * wake it.  INGEST_TOO_LARGE: a record larger than a segment, or more than
 * all segments hold.
 */

ingest_rc_e ingest_writer_reserve(ingest_writer_t *writer,
    const size_t *sizes, size_t n);

/*
 * A hint, without claiming anything: may a record of that size be appended?
 */

bool ingest_writer_room(ingest_writer_t *writer, size_t size);

/*
 * Appends a record that was reserved.  Returns where its value_len bytes of
 * value are to be written before the commit; nobody sees it until then.
 */

uint8_t *ingest_writer_append(ingest_writer_t *writer,
    const ingest_draft_t *draft);

/*
 * Publishes what was appended since the last commit, by one release store a
 * segment.  This is the commit point: what the store made visible exists, even
 * if this process dies at once.  Wake the sender.
 */

void ingest_writer_commit(ingest_writer_t *writer);

/*
 * Seals the open segment: nothing will be appended to it.  Wake the sender.
 * The writer can go on; the next record claims a new segment.
 */

void ingest_writer_seal(ingest_writer_t *writer);


#endif /* INGEST_WRITER_H */
