
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#include "ingest_cursor.h"
#include "ingest_fault.h"


static ingest_record_t *ingest_reader_unseen(ingest_reader_t *reader,
    ingest_ref_t *ref);
static bool ingest_reader_is_new(const ingest_cursor_t *cursor,
    uint32_t offset);
static void ingest_reader_landed(ingest_reader_t *reader, ingest_ref_t ref);
static bool ingest_reader_is_retry(const ingest_record_t *record);
static uint32_t ingest_reader_nwords(const ingest_ring_t *ring);


size_t
ingest_reader_memory(const ingest_ring_t *ring)
{
    return ring->nsegments * (sizeof(ingest_cursor_t)
                              + ingest_reader_nwords(ring) * sizeof(uint64_t));
}


void
ingest_reader_init(ingest_reader_t *reader, ingest_ring_t *ring,
    uint32_t slot, ingest_claims_t *claims, void *memory)
{
    unsigned  mode;

    memset(reader, 0, sizeof(ingest_reader_t));
    memset(memory, 0, ingest_reader_memory(ring));

    reader->ring = ring;
    reader->slot = slot;
    reader->claims = claims;
    reader->tail = 1;
    reader->nwords = ingest_reader_nwords(ring);
    reader->cursors = memory;
    reader->in_flight = (uint64_t *) (reader->cursors + ring->nsegments);
    reader->first = INGEST_NONE;
    reader->last = INGEST_NONE;
    reader->walk = INGEST_NONE;
    reader->parking = INGEST_NONE;
    reader->retries_max = UINT32_MAX;
    reader->trials.max = 1;

    for (mode = 0; mode < INGEST_MODES; mode++) {
        reader->walks[mode].turn = INGEST_NONE;
    }
}


ingest_record_t *
ingest_reader_next(ingest_reader_t *reader, uint64_t now_ms,
    ingest_ref_t *ref)
{
    ingest_record_t  *record;

    ingest_reader_try_long(reader, now_ms);

    record = ingest_reader_again(reader, INGEST_MODE_ALONE, now_ms, ref);
    if (record != NULL) {
        return record;
    }

    record = ingest_reader_again(reader, INGEST_MODE_BATCHES, now_ms, ref);
    if (record != NULL) {
        return record;
    }

    if (reader->full[INGEST_MODE_BATCHES]) {
        return NULL;
    }

    return ingest_reader_unseen(reader, ref);
}


void
ingest_reader_sent(ingest_reader_t *reader, ingest_ref_t ref)
{
    uint64_t         *word, mask;
    unsigned          mode;
    uint32_t          offset;
    ingest_cursor_t  *cursor;
    ingest_record_t  *record;

    cursor = &reader->cursors[ingest_ref_segment(ref)];
    offset = ingest_ref_offset(ref);
    record = ingest_reader_at(reader, ingest_ref_segment(ref), offset);

    word = ingest_reader_bit(reader, ingest_ref_segment(ref), offset, &mask);
    *word |= mask;
    reader->nretries += ingest_reader_is_retry(record);
    cursor->flying++;

    if (ingest_reader_is_new(cursor, offset)) {
        cursor->cursor += record->size;
        cursor->undone++;
        cursor->live += record->size;
        return;
    }

    /* the mode may be another one by now */

    for (mode = 0; mode < INGEST_MODES; mode++) {
        if (cursor->walks[mode].again == offset) {
            cursor->walks[mode].again = offset + record->size;
        }
    }
}


ingest_record_t *
ingest_reader_find(ingest_reader_t *reader, ingest_ref_t ref)
{
    uint32_t   index;
    uint64_t  *word, mask;

    index = ingest_ref_segment(ref);

    if (index >= reader->ring->nsegments
        || ingest_ref_offset(ref) >= reader->ring->segment_bytes
        || reader->cursors[index].seq != ingest_ref_seq(ref))
    {
        return NULL;
    }

    word = ingest_reader_bit(reader, index, ingest_ref_offset(ref), &mask);

    if ((*word & mask) == 0) {
        return NULL;
    }

    return ingest_reader_at(reader, index, ingest_ref_offset(ref));
}


void
ingest_reader_done(ingest_reader_t *reader, ingest_ref_t ref)
{
    uint32_t          offset;
    ingest_cursor_t  *cursor;
    ingest_record_t  *record;

    cursor = &reader->cursors[ingest_ref_segment(ref)];
    offset = ingest_ref_offset(ref);
    record = ingest_reader_at(reader, ingest_ref_segment(ref), offset);

    ingest_reader_landed(reader, ref);

    /*
     * relaxed: only senders read it, one after the other, by the slot's lock.
     * The fence keeps it behind the counters of the report, for the case that
     * the process is killed here.
     */

    atomic_signal_fence(memory_order_seq_cst);

    INGEST_FAULT("undone");

    atomic_store_explicit(&record->state, INGEST_RECORD_DONE,
                          memory_order_relaxed);

    INGEST_FAULT("done");

    if (ingest_reader_is_new(cursor, offset)) {
        cursor->cursor += record->size;

    } else {
        cursor->undone--;
        cursor->live -= record->size;
    }

    if (cursor->undone == 0) {
        reader->freeable = true;
    }
}


void
ingest_reader_flag(ingest_reader_t *reader, ingest_ref_t ref, uint16_t flags)
{
    /* it was counted in the mode that it had */

    ingest_reader_landed(reader, ref);

    ingest_reader_at(reader, ingest_ref_segment(ref), ingest_ref_offset(ref))
        ->flags |= flags;
}


void
ingest_reader_retry(ingest_reader_t *reader, ingest_ref_t ref,
    uint64_t due_ms)
{
    uint32_t  index, offset;

    index = ingest_ref_segment(ref);
    offset = ingest_ref_offset(ref);

    ingest_reader_landed(reader, ref);

    ingest_reader_at(reader, index, offset)->due_ms = due_ms;

    ingest_reader_wait(reader, index, offset, due_ms);
}


void
ingest_reader_rewind(ingest_reader_t *reader)
{
    uint32_t          i;
    unsigned          mode;
    ingest_cursor_t  *cursor;

    memset(reader->in_flight, 0,
           (size_t) reader->ring->nsegments * reader->nwords
           * sizeof(uint64_t));

    reader->nretries = 0;

    ingest_reader_tried_all(reader);

    for (i = reader->first; i != INGEST_NONE; i = cursor->next) {
        cursor = &reader->cursors[i];
        cursor->flying = 0;

        if (cursor->undone == 0) {
            continue;
        }

        for (mode = 0; mode < INGEST_MODES; mode++) {
            reader->walks[mode].nagain
                += cursor->walks[mode].again == INGEST_NONE;
            cursor->walks[mode].again = 0;
        }
    }
}


static ingest_record_t *
ingest_reader_unseen(ingest_reader_t *reader, ingest_ref_t *ref)
{
    ingest_shown_t    shown;
    ingest_cursor_t  *cursor;
    ingest_record_t  *record;

    while (reader->walk != INGEST_NONE) {
        cursor = &reader->cursors[reader->walk];
        shown = ingest_reader_state(reader, reader->walk);

        while (cursor->cursor < shown.committed) {
            record = ingest_reader_at(reader, reader->walk, cursor->cursor);

            if (!ingest_reader_is_done(record)) {
                *ref = ingest_ref(reader->walk, cursor->cursor, cursor->seq);
                return record;
            }

            cursor->cursor += record->size;
        }

        if (!shown.sealed) {
            return NULL;
        }

        reader->walk = cursor->next;
        reader->freeable = true;
    }

    return NULL;
}


/* Whether it comes from ingest_reader_unseen(), and was not sent. */

static bool
ingest_reader_is_new(const ingest_cursor_t *cursor, uint32_t offset)
{
    return offset == cursor->cursor;
}


static void
ingest_reader_landed(ingest_reader_t *reader, ingest_ref_t ref)
{
    uint32_t   index, offset;
    uint64_t  *word, mask;

    index = ingest_ref_segment(ref);
    offset = ingest_ref_offset(ref);

    word = ingest_reader_bit(reader, index, offset, &mask);

    if (*word & mask) {
        *word &= ~mask;
        reader->nretries -= ingest_reader_is_retry(
                                ingest_reader_at(reader, index, offset));
        reader->cursors[index].flying--;
    }

    ingest_reader_tried(reader, ref);
}


/*
 * Whether it takes room of what was never tried: what goes alone has a handle
 * of its own.  That stays while it is in flight.
 */

static bool
ingest_reader_is_retry(const ingest_record_t *record)
{
    return record->due_ms != 0
           && ingest_record_mode(record) == INGEST_MODE_BATCHES;
}


static uint32_t
ingest_reader_nwords(const ingest_ring_t *ring)
{
    return (ring->segment_bytes / INGEST_RECORD_ALIGN + 63) / 64;
}
