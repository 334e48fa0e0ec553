
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/* Segments of a process that is gone. */


#include "ingest_cursor.h"
#include "ingest_fault.h"


#define INGEST_SUSPECT         3        /* adoptions */
#define INGEST_REST_MS         1000
#define INGEST_REST_DOUBLINGS  3
#define INGEST_ASIDE_MS        300      /* time to park it */


static void ingest_reader_resolve_record(ingest_reader_t *reader,
    uint32_t slot, ingest_ref_t ref);
static void ingest_reader_adopt_segment(ingest_reader_t *reader,
    uint32_t index, bool aside, uint64_t now_ms, ingest_census_t *census);
static void ingest_reader_hold_aside(ingest_reader_t *reader, uint32_t index,
    uint16_t flags, uint64_t due_ms);
static void ingest_reader_suspect(ingest_reader_t *reader, uint32_t index,
    uint32_t adoptions, uint64_t now_ms);
static void ingest_reader_count(ingest_reader_t *reader, uint32_t index,
    ingest_census_t *census);
static bool ingest_reader_is_sound(const ingest_record_t *record,
    uint32_t seq, uint32_t room);


void
ingest_reader_resolve(ingest_reader_t *reader, uint32_t slot)
{
    uint32_t           i;
    ingest_ref_t       ref;
    ingest_segment_t  *segment;

    for (i = 0; i < reader->ring->nsegments; i++) {
        segment = ingest_ring_segment(reader->ring, i);

        /* relaxed, all of it: by the slot's lock nobody else writes it */

        if (atomic_load_explicit(&segment->owner, memory_order_relaxed)
            != slot + 1)
        {
            continue;
        }

        ref = atomic_load_explicit(&segment->copy_of, memory_order_relaxed);

        /* the end says whether the copy was committed */

        if (ref != 0
            && atomic_load_explicit(&segment->copy_end, memory_order_relaxed)
               == ingest_reader_state(reader, i).committed)
        {
            ingest_reader_resolve_record(reader, slot, ref);
        }
    }
}


/* The original may be DONE, or its segment in another life. */

static void
ingest_reader_resolve_record(ingest_reader_t *reader, uint32_t slot,
    ingest_ref_t ref)
{
    uint32_t           index;
    ingest_record_t   *record;
    ingest_segment_t  *segment;

    index = ingest_ref_segment(ref);
    segment = ingest_ring_segment(reader->ring, index);

    if (index >= reader->ring->nsegments
        || ingest_ref_offset(ref) >= ingest_reader_state(reader,
                                                         index).committed
        || atomic_load_explicit(&segment->owner, memory_order_relaxed)
           != slot + 1
        || atomic_load_explicit(&segment->seq, memory_order_relaxed)
           != ingest_ref_seq(ref))
    {
        return;
    }

    record = ingest_reader_at(reader, index, ingest_ref_offset(ref));

    atomic_store_explicit(&record->state, INGEST_RECORD_DONE,
                          memory_order_relaxed);
}


void
ingest_reader_leave(ingest_reader_t *reader)
{
    uint32_t           i, adoptions;
    ingest_segment_t  *segment;

    ingest_reader_tried_all(reader);

    for (i = reader->first; i != INGEST_NONE; i = reader->cursors[i].next) {
        segment = ingest_ring_segment(reader->ring, i);

        /* relaxed: by the slot's lock nobody else writes it */

        adoptions = atomic_load_explicit(&segment->adoptions,
                                         memory_order_relaxed);

        if (adoptions != 0) {
            atomic_store_explicit(&segment->adoptions, adoptions - 1,
                                  memory_order_relaxed);
        }
    }
}


void
ingest_reader_adopt(ingest_reader_t *reader, uint32_t slot, uint64_t now_ms,
    ingest_census_t *census)
{
    bool               aside;
    uint32_t           i;
    ingest_segment_t  *segment;

    aside = !reader->hurry && ingest_ring_is_tight(reader->ring);

    for (i = 0; i < reader->ring->nsegments; i++) {
        segment = ingest_ring_segment(reader->ring, i);

        /* relaxed: by the slot's lock nobody else writes this value now */

        if (atomic_load_explicit(&segment->owner, memory_order_relaxed)
            == slot + 1)
        {
            ingest_reader_adopt_segment(reader, i, aside, now_ms, census);
        }
    }
}


static void
ingest_reader_adopt_segment(ingest_reader_t *reader, uint32_t index,
    bool aside, uint64_t now_ms, ingest_census_t *census)
{
    uint32_t           adoptions;
    uint64_t           events;
    ingest_segment_t  *segment;

    segment = ingest_ring_segment(reader->ring, index);

    /* its event loop is gone: nothing will be appended */

    INGEST_FAULT("adopt");

    atomic_store_explicit(&segment->sealed, 1, memory_order_release);

    INGEST_FAULT("adopt_sealed");

    /* relaxed: by the slot's lock nobody else writes it */

    adoptions = atomic_load_explicit(&segment->adoptions,
                                     memory_order_relaxed) + 1;
    atomic_store_explicit(&segment->adoptions, adoptions,
                          memory_order_relaxed);

    events = census->events;

    ingest_reader_count(reader, index, census);

    INGEST_FAULT("adopt_counted");

    if (adoptions >= INGEST_SUSPECT) {
        ingest_reader_suspect(reader, index, adoptions, now_ms);

    } else if (aside) {
        ingest_reader_hold_aside(reader, index, 0, now_ms + INGEST_ASIDE_MS);

    } else {
        ingest_reader_hold(reader, index, reader->walk);
    }

    if (reader->hurry) {
        ingest_reader_hasten_segment(reader, index, now_ms);
    }

    if (census->events == events) {
        ingest_reader_release(reader, index);
        return;
    }

    /*
     * From the dead slot to the reader's own: both locks are held.  Release:
     * who adopts it from there sees what was written here.
     */

    atomic_store_explicit(&segment->owner, reader->slot + 1,
                          memory_order_release);

    INGEST_FAULT("adopt_owned");
}


/* Its records count as seen and wait, so that it can be parked. */

static void
ingest_reader_hold_aside(ingest_reader_t *reader, uint32_t index,
    uint16_t flags, uint64_t due_ms)
{
    uint32_t          offset;
    ingest_cursor_t  *cursor;
    ingest_record_t  *record;

    ingest_reader_hold_seen(reader, index);

    cursor = &reader->cursors[index];

    for (offset = 0; offset < cursor->cursor; offset += record->size) {
        record = ingest_reader_at(reader, index, offset);

        if (!ingest_reader_is_done(record)) {
            cursor->undone++;
            cursor->live += record->size;
            record->flags |= flags;
            ingest_reader_wait(reader, index, offset, due_ms);
        }
    }
}


/*
 * All of its records are to be sent again, after a rest.  Half of that is left
 * to chance: what kills workers at regular times does not find the same record
 * each time.
 */

static void
ingest_reader_suspect(ingest_reader_t *reader, uint32_t index,
    uint32_t adoptions, uint64_t now_ms)
{
    uint32_t          doublings, rest_ms;
    ingest_cursor_t  *cursor;

    /* in batches of their own they are not waited for, nor wait for room */

    ingest_reader_hold_aside(reader, index, INGEST_RECORD_ALONE, now_ms);

    cursor = &reader->cursors[index];
    cursor->suspect = true;

    doublings = adoptions - INGEST_SUSPECT;

    if (doublings > INGEST_REST_DOUBLINGS) {
        doublings = INGEST_REST_DOUBLINGS;
    }

    rest_ms = INGEST_REST_MS << doublings;

    cursor->rest_ms = now_ms + rest_ms
                      + ((now_ms + index * 31) * 2654435761u >> 7) % rest_ms;
}


static void
ingest_reader_count(ingest_reader_t *reader, uint32_t index,
    ingest_census_t *census)
{
    uint32_t           offset, seq;
    ingest_shown_t     shown;
    ingest_record_t   *record;
    ingest_segment_t  *segment;

    segment = ingest_ring_segment(reader->ring, index);
    seq = atomic_load_explicit(&segment->seq, memory_order_relaxed);
    shown = ingest_reader_state(reader, index);

    for (offset = 0; offset < shown.committed; offset += record->size) {
        record = ingest_reader_at(reader, index, offset);

        if (!ingest_reader_is_sound(record, seq, shown.committed - offset)) {

            /* nothing behind it can be believed, not even where it begins */

            atomic_store_explicit(&segment->committed, offset,
                                  memory_order_release);
            census->corrupt++;
            return;
        }

        if (!ingest_reader_is_done(record)) {
            census->events++;
            census->bytes += record->size;
        }
    }
}


static bool
ingest_reader_is_sound(const ingest_record_t *record, uint32_t seq,
    uint32_t room)
{
    uint64_t  size;

    if (room < sizeof(ingest_record_t)
        || record->seq != seq
        || record->size < sizeof(ingest_record_t)
        || record->size > room
        || record->size % INGEST_RECORD_ALIGN != 0)
    {
        return false;
    }

    size = (uint64_t) sizeof(ingest_record_t) + record->topic_len
           + record->key_len + record->headers_len + record->value_len;

    return size <= record->size;
}
