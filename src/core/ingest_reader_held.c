
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * The segments that a reader holds: how they come, in the order of their
 * claims, and how they are freed.
 */


#include "ingest_cursor.h"
#include "ingest_fault.h"


static ingest_record_t *ingest_reader_lowest(ingest_reader_t *reader,
    uint32_t index);
static void ingest_reader_drop(ingest_reader_t *reader, uint32_t index);
static uint32_t ingest_reader_free_returned(ingest_reader_t *reader);


void
ingest_reader_take(ingest_reader_t *reader)
{
    uint64_t          head;
    ingest_claims_t  *claims;

    claims = reader->claims;

    if (claims == NULL) {
        return;
    }

    /* acquire: pairs with the release in ingest_writer_claim() */

    head = atomic_load_explicit(&claims->head, memory_order_acquire);

    for ( /* void */ ; reader->tail < head; reader->tail++) {
        ingest_reader_hold(reader,
                           claims->segments[reader->tail % claims->size],
                           INGEST_NONE);
    }
}


uint32_t
ingest_reader_free(ingest_reader_t *reader)
{
    uint32_t  i, next, n;

    n = ingest_reader_free_returned(reader);

    if (!reader->freeable) {
        return n;
    }

    reader->freeable = false;

    /* those before the walk are sealed, and all of their records were seen */

    for (i = reader->first; i != reader->walk; i = next) {
        next = reader->cursors[i].next;

        if (reader->cursors[i].undone == 0) {
            ingest_reader_release(reader, i);
            n++;
        }
    }

    return n;
}


uint64_t
ingest_reader_oldest(ingest_reader_t *reader)
{
    uint32_t          i;
    uint64_t          oldest_ms;
    ingest_record_t  *record;

    oldest_ms = 0;

    for (i = reader->first; i != INGEST_NONE; i = reader->cursors[i].next) {
        record = ingest_reader_lowest(reader, i);

        if (record != NULL
            && (oldest_ms == 0 || record->time_ms < oldest_ms))
        {
            oldest_ms = record->time_ms;
        }
    }

    return oldest_ms;
}


uint64_t
ingest_reader_left(ingest_reader_t *reader)
{
    uint32_t          i, offset, committed;
    uint64_t          n;
    ingest_record_t  *record;

    n = 0;

    for (i = reader->first; i != INGEST_NONE; i = reader->cursors[i].next) {
        committed = ingest_reader_state(reader, i).committed;

        for (offset = reader->cursors[i].low;
             offset < committed;
             offset += record->size)
        {
            record = ingest_reader_at(reader, i, offset);

            n += !ingest_reader_is_done(record);
        }
    }

    return n;
}


ingest_record_t *
ingest_reader_last(ingest_reader_t *reader, ingest_ref_t *ref)
{
    uint32_t          i;
    ingest_cursor_t  *cursor;
    ingest_record_t  *record;

    /* 0 is no reference: a life's number is never 0 */

    i = *ref == 0 ? reader->first : ingest_ref_segment(*ref);

    for ( /* void */ ; i != INGEST_NONE; i = cursor->next) {
        cursor = &reader->cursors[i];
        record = ingest_reader_lowest(reader, i);

        if (record != NULL) {

            /* those before it are DONE, whether they were seen or not */

            if (cursor->cursor < cursor->low) {
                cursor->cursor = cursor->low;
            }

            *ref = ingest_ref(i, cursor->low, cursor->seq);
            return record;
        }
    }

    return NULL;
}


bool
ingest_reader_empty(ingest_reader_t *reader)
{
    uint32_t          i;
    ingest_shown_t    shown;
    ingest_cursor_t  *cursor;

    for (i = reader->first; i != INGEST_NONE; i = cursor->next) {
        cursor = &reader->cursors[i];
        shown = ingest_reader_state(reader, i);

        if (cursor->undone != 0 || cursor->cursor != shown.committed) {
            return false;
        }
    }

    return true;
}


/* The first record of a segment that is not DONE. */

static ingest_record_t *
ingest_reader_lowest(ingest_reader_t *reader, uint32_t index)
{
    uint32_t          committed;
    ingest_cursor_t  *cursor;
    ingest_record_t  *record;

    cursor = &reader->cursors[index];
    committed = ingest_reader_state(reader, index).committed;

    while (cursor->low < committed) {
        record = ingest_reader_at(reader, index, cursor->low);

        if (!ingest_reader_is_done(record)) {
            return record;
        }

        cursor->low += record->size;
    }

    return NULL;
}


void
ingest_reader_hold(ingest_reader_t *reader, uint32_t index, uint32_t before)
{
    uint32_t           seq;
    unsigned           mode;
    ingest_cursor_t   *cursor;
    ingest_segment_t  *segment;

    segment = ingest_ring_segment(reader->ring, index);
    cursor = &reader->cursors[index];

    /* relaxed: the owner's claim acquired it, and handed it on by head */

    seq = atomic_load_explicit(&segment->seq, memory_order_relaxed);

    memset(cursor, 0, sizeof(ingest_cursor_t));

    cursor->seq = seq;

    for (mode = 0; mode < INGEST_MODES; mode++) {
        cursor->walks[mode].again = INGEST_NONE;
        cursor->walks[mode].wait = INGEST_NONE;
    }

    cursor->next = before;
    cursor->prev = before == INGEST_NONE ? reader->last
                                         : reader->cursors[before].prev;

    if (cursor->prev == INGEST_NONE) {
        reader->first = index;

    } else {
        reader->cursors[cursor->prev].next = index;
    }

    if (before == INGEST_NONE) {
        reader->last = index;

    } else {
        reader->cursors[before].prev = index;
    }

    /* what is sealed goes first: the walk ends at an open segment */

    if (reader->walk == before) {
        reader->walk = index;
    }
}


/* Behind those that were walked, and never walked itself. */

void
ingest_reader_hold_seen(ingest_reader_t *reader, uint32_t index)
{
    ingest_cursor_t  *cursor;

    ingest_reader_hold(reader, index, reader->walk);

    cursor = &reader->cursors[index];
    reader->walk = cursor->next;
    cursor->cursor = ingest_reader_state(reader, index).committed;
}


static void
ingest_reader_drop(ingest_reader_t *reader, uint32_t index)
{
    unsigned          mode;
    ingest_walks_t   *walks;
    ingest_cursor_t  *cursor;

    cursor = &reader->cursors[index];

    if (reader->walk == index) {
        reader->walk = cursor->next;
    }

    for (mode = 0; mode < INGEST_MODES; mode++) {
        walks = &reader->walks[mode];

        walks->nwaiting -= cursor->walks[mode].wait != INGEST_NONE;
        walks->nagain -= cursor->walks[mode].again != INGEST_NONE;

        if (walks->turn == index) {
            walks->turn = cursor->next;
        }
    }

    if (cursor->prev == INGEST_NONE) {
        reader->first = cursor->next;

    } else {
        reader->cursors[cursor->prev].next = cursor->next;
    }

    if (cursor->next == INGEST_NONE) {
        reader->last = cursor->prev;

    } else {
        reader->cursors[cursor->next].prev = cursor->prev;
    }

    if (reader->parking == index) {
        reader->parking = INGEST_NONE;
    }

    /* a late report finds no record */

    cursor->seq = 0;
}


void
ingest_reader_release(ingest_reader_t *reader, uint32_t index)
{
    uint32_t           seq;
    ingest_segment_t  *segment;

    seq = reader->cursors[index].seq + 1;

    ingest_reader_drop(reader, index);

    segment = ingest_ring_segment(reader->ring, index);

    /* relaxed: the next life, published by the release of owner */

    INGEST_FAULT("free");

    atomic_store_explicit(&segment->committed, 0, memory_order_relaxed);
    INGEST_FAULT("free_committed");

    atomic_store_explicit(&segment->sealed, 0, memory_order_relaxed);
    INGEST_FAULT("free_sealed");

    atomic_store_explicit(&segment->adoptions, 0, memory_order_relaxed);
    atomic_store_explicit(&segment->copy_of, 0, memory_order_relaxed);
    INGEST_FAULT("free_adoptions");

    /* a process that is killed leaves no old records under a new number */

    atomic_signal_fence(memory_order_seq_cst);

    atomic_store_explicit(&segment->seq, seq != 0 ? seq : 1,
                          memory_order_relaxed);

    INGEST_FAULT("free_seq");

    /* pairs with the acquire in ingest_ring_claim() */

    atomic_store_explicit(&segment->owner, 0, memory_order_release);

    INGEST_FAULT("free_owner");

    /* pairs with the acquire in ingest_writer_looks_full() */

    atomic_fetch_add_explicit(&reader->ring->freed, 1, memory_order_release);
}


/*
 * What failed batches gave back lies behind the open segment, where the walk
 * does not come before that is sealed; and it may never be if these are the
 * segments that its worker waits for.
 */

static uint32_t
ingest_reader_free_returned(ingest_reader_t *reader)
{
    uint32_t        i, next, n, returned;
    ingest_shown_t  shown;

    if (reader->claims == NULL) {
        return 0;
    }

    /* acquire: pairs with the release in ingest_writer_give_back() */

    returned = atomic_load_explicit(&reader->claims->returned,
                                    memory_order_acquire);

    if (returned == reader->returned) {
        return 0;
    }

    reader->returned = returned;

    ingest_reader_take(reader);

    if (reader->walk == INGEST_NONE) {
        return 0;
    }

    n = 0;

    for (i = reader->cursors[reader->walk].next; i != INGEST_NONE; i = next) {
        next = reader->cursors[i].next;
        shown = ingest_reader_state(reader, i);

        if (shown.sealed && shown.committed == 0) {
            ingest_reader_release(reader, i);
            n++;
        }
    }

    return n;
}
