
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * Parking.  A partition that takes nothing for long pins every segment that
 * has a record for it, and most of such a segment is DONE.  What is left of
 * several of them is moved together into one, and they are free again.
 *
 * Record by record: copied, committed there, and only then DONE here.  A
 * process that is killed in between leaves the record twice, never not at all,
 * and who adopts it is told so by copy_of: ingest_reader_resolve().
 *
 * The segment with the copies stands before the walk: its records were all
 * seen.  It is a free one, of the reserve if there is no other.  When many
 * generations of workers have used that up too, the copies go behind the
 * records of another segment that is held: it is sealed, so nobody else writes
 * there.
 */


#include "ingest_cursor.h"
#include "ingest_fault.h"


static bool ingest_reader_park_pays(ingest_reader_t *reader);
static bool ingest_reader_can_park(ingest_reader_t *reader, uint32_t index);
static bool ingest_reader_is_sparse(ingest_reader_t *reader, uint32_t index);
static bool ingest_reader_park_segment(ingest_reader_t *reader,
    uint32_t index);
static bool ingest_reader_park_room(ingest_reader_t *reader, uint32_t index,
    uint32_t size);
static uint32_t ingest_reader_park_host(ingest_reader_t *reader,
    uint32_t index, uint32_t size);
static void ingest_reader_park_past(ingest_reader_t *reader, uint32_t index);
static void ingest_reader_park_record(ingest_reader_t *reader,
    const ingest_record_t *record, ingest_ref_t ref);
static void ingest_reader_park_seal(ingest_reader_t *reader);


uint32_t
ingest_reader_sparse(ingest_reader_t *reader, uint64_t now_ms,
    uint64_t still_ms)
{
    uint32_t          i, n;
    ingest_cursor_t  *cursor;

    n = 0;

    for (i = reader->first; i != reader->walk; i = cursor->next) {
        cursor = &reader->cursors[i];

        if (cursor->undone != cursor->still) {
            cursor->still = cursor->undone;
            cursor->still_ms = now_ms;
        }

        n += ingest_reader_is_sparse(reader, i)
             && now_ms - cursor->still_ms >= still_ms;
    }

    return n;
}


uint32_t
ingest_reader_park(ingest_reader_t *reader, uint32_t n)
{
    uint32_t  i, next, cleared;

    if (!ingest_reader_park_pays(reader)) {
        return 0;
    }

    cleared = 0;

    for (i = reader->first; i != reader->walk && cleared < n; i = next) {
        next = reader->cursors[i].next;

        if (!ingest_reader_can_park(reader, i)) {
            continue;
        }

        if (!ingest_reader_park_segment(reader, i)) {
            break;
        }

        cleared++;
    }

    return cleared;
}


/*
 * There must be two to make one of them, or one and an open one to put it
 * into.
 */

static bool
ingest_reader_park_pays(ingest_reader_t *reader)
{
    uint32_t  i, n;

    n = reader->parking != INGEST_NONE;

    for (i = reader->first; i != reader->walk; i = reader->cursors[i].next) {
        n += ingest_reader_can_park(reader, i);

        if (n == 2) {
            return true;
        }
    }

    return false;
}


/* A report to come would find its record gone. */

static bool
ingest_reader_can_park(ingest_reader_t *reader, uint32_t index)
{
    return ingest_reader_is_sparse(reader, index)
           && reader->cursors[index].flying == 0;
}


/* Two of them fit into one. */

static bool
ingest_reader_is_sparse(ingest_reader_t *reader, uint32_t index)
{
    ingest_cursor_t  *cursor;

    cursor = &reader->cursors[index];

    return index != reader->parking
           && cursor->undone != 0
           && cursor->live < reader->ring->segment_bytes / 2;
}


/* Whether all of it could be moved. */

static bool
ingest_reader_park_segment(ingest_reader_t *reader, uint32_t index)
{
    uint32_t          offset;
    ingest_ref_t      ref;
    ingest_cursor_t  *cursor;
    ingest_record_t  *record;

    cursor = &reader->cursors[index];

    for (offset = cursor->low;
         offset < cursor->cursor;
         offset += record->size)
    {
        record = ingest_reader_at(reader, index, offset);

        if (ingest_reader_is_done(record)) {
            continue;
        }

        if (!ingest_reader_park_room(reader, index, record->size)) {
            return false;
        }

        ref = ingest_ref(index, offset, cursor->seq);

        ingest_reader_park_past(reader, index);
        ingest_reader_park_record(reader, record, ref);

        /* the copy exists: not before that */

        ingest_reader_done(reader, ref);
    }

    return true;
}


/* Turns to another segment where a record of this one does not fit. */

static bool
ingest_reader_park_room(ingest_reader_t *reader, uint32_t index, uint32_t size)
{
    int64_t  claimed;

    if (reader->parking != INGEST_NONE) {

        if (size <= reader->ring->segment_bytes
                    - reader->cursors[reader->parking].cursor)
        {
            return true;
        }

        ingest_reader_park_seal(reader);
    }

    claimed = ingest_ring_claim(reader->ring, reader->slot, 0);

    if (claimed != -1) {
        reader->parking = (uint32_t) claimed;
        ingest_reader_hold_seen(reader, reader->parking);

    } else {
        reader->parking = ingest_reader_park_host(reader, index, size);
    }

    return reader->parking != INGEST_NONE;
}


/* That with the most room behind its records. */

static uint32_t
ingest_reader_park_host(ingest_reader_t *reader, uint32_t index, uint32_t size)
{
    uint32_t          i, host, room;
    ingest_cursor_t  *cursor;

    host = INGEST_NONE;
    room = size - 1;

    for (i = reader->first; i != reader->walk; i = cursor->next) {
        cursor = &reader->cursors[i];

        if (i != index
            && cursor->undone != 0
            && reader->ring->segment_bytes - cursor->cursor > room)
        {
            room = reader->ring->segment_bytes - cursor->cursor;
            host = i;
        }
    }

    return host;
}


/* A record does not get rid of its segment's past by being moved. */

static void
ingest_reader_park_past(ingest_reader_t *reader, uint32_t index)
{
    uint32_t           adoptions;
    ingest_cursor_t   *cursor, *past;
    ingest_segment_t  *from, *to;

    cursor = &reader->cursors[reader->parking];
    past = &reader->cursors[index];

    if (past->suspect) {
        cursor->suspect = true;

        if (cursor->rest_ms < past->rest_ms) {
            cursor->rest_ms = past->rest_ms;
        }
    }

    from = ingest_ring_segment(reader->ring, index);
    to = ingest_ring_segment(reader->ring, reader->parking);

    /* relaxed: by the slot's lock nobody else writes them */

    adoptions = atomic_load_explicit(&from->adoptions, memory_order_relaxed);

    if (adoptions > atomic_load_explicit(&to->adoptions,
                                         memory_order_relaxed))
    {
        atomic_store_explicit(&to->adoptions, adoptions,
                              memory_order_relaxed);
    }
}


static void
ingest_reader_park_record(ingest_reader_t *reader,
    const ingest_record_t *record, ingest_ref_t ref)
{
    uint32_t           offset;
    ingest_cursor_t   *cursor;
    ingest_record_t   *copy;
    ingest_segment_t  *segment;

    cursor = &reader->cursors[reader->parking];
    offset = cursor->cursor;

    copy = ingest_reader_at(reader, reader->parking, offset);

    memcpy(copy, record, record->size);
    copy->seq = cursor->seq;

    INGEST_FAULT("park_copy");

    segment = ingest_ring_segment(reader->ring, reader->parking);

    cursor->cursor += copy->size;
    cursor->undone++;
    cursor->live += copy->size;

    /*
     * relaxed: read when this process is gone.  The end before the name: with
     * the end of the copy before it the name would be believed too early.
     */

    atomic_store_explicit(&segment->copy_end, cursor->cursor,
                          memory_order_relaxed);
    atomic_signal_fence(memory_order_seq_cst);
    INGEST_FAULT("park_end");

    atomic_store_explicit(&segment->copy_of, ref, memory_order_relaxed);
    INGEST_FAULT("park_named");

    /*
     * The commit of the copy.  Release: pairs with the acquire in
     * ingest_reader_state() of the process that may adopt it.
     */

    atomic_store_explicit(&segment->committed, cursor->cursor,
                          memory_order_release);

    INGEST_FAULT("park_commit");

    ingest_reader_wait(reader, reader->parking, offset, copy->due_ms);
}


static void
ingest_reader_park_seal(ingest_reader_t *reader)
{
    ingest_segment_t  *segment;

    segment = ingest_ring_segment(reader->ring, reader->parking);

    /* pairs with the acquire in ingest_reader_state() */

    atomic_store_explicit(&segment->sealed, 1, memory_order_release);

    reader->parking = INGEST_NONE;
}
