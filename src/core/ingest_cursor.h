
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * What the files of the reader share: how it looks at a segment, a record, and
 * the bit that says whether the record is in flight.
 */


#ifndef INGEST_CURSOR_H
#define INGEST_CURSOR_H


#include "ingest_reader.h"


#define INGEST_NONE  UINT32_MAX     /* no segment, no offset */


/* a segment as its event loop shows it */

typedef struct {
    bool      sealed;
    uint32_t  committed;
} ingest_shown_t;


/* sealed is looked at first: then committed is the last one if it is set */

static inline ingest_shown_t
ingest_reader_state(ingest_reader_t *reader, uint32_t index)
{
    ingest_shown_t     shown;
    ingest_segment_t  *segment;

    segment = ingest_ring_segment(reader->ring, index);

    /* acquire: pairs with the release in ingest_writer_seal_at() */

    shown.sealed = atomic_load_explicit(&segment->sealed,
                                        memory_order_acquire);

    /* acquire: pairs with the release in ingest_writer_commit() */

    shown.committed = atomic_load_explicit(&segment->committed,
                                           memory_order_acquire);

    return shown;
}


static inline ingest_record_t *
ingest_reader_at(ingest_reader_t *reader, uint32_t index, uint32_t offset)
{
    return (ingest_record_t *) (ingest_ring_data(reader->ring, index)
                                + offset);
}


static inline bool
ingest_reader_is_done(const ingest_record_t *record)
{
    /* relaxed: see ingest_reader_done() */

    return atomic_load_explicit((_Atomic uint32_t *) &record->state,
                                memory_order_relaxed) == INGEST_RECORD_DONE;
}


static inline uint64_t *
ingest_reader_bit(ingest_reader_t *reader, uint32_t index, uint32_t offset,
    uint64_t *mask)
{
    uint32_t  unit;

    unit = offset / INGEST_RECORD_ALIGN;

    *mask = (uint64_t) 1 << (unit % 64);

    return &reader->in_flight[(size_t) index * reader->nwords + unit / 64];
}


/* Links the segment in front of another one, or at the end (INGEST_NONE). */

void ingest_reader_hold(ingest_reader_t *reader, uint32_t index,
    uint32_t before);

/* The same for one whose records, up to committed, count as seen. */

void ingest_reader_hold_seen(ingest_reader_t *reader, uint32_t index);

/* Frees a segment of which nothing is left, whatever it was. */

void ingest_reader_release(ingest_reader_t *reader, uint32_t index);

/* The next record that is due to be sent again in that mode, or NULL. */

ingest_record_t *ingest_reader_again(ingest_reader_t *reader,
    ingest_mode_e mode, uint64_t now_ms, ingest_ref_t *ref);

/* The record at offset is to be sent again, at due_ms. */

void ingest_reader_wait(ingest_reader_t *reader, uint32_t index,
    uint32_t offset, uint64_t due_ms);

/* ingest_reader_hasten() of one segment. */

void ingest_reader_hasten_segment(ingest_reader_t *reader, uint32_t index,
    uint64_t now_ms);

/* Whether the record of a suspect segment may be sent now. */

bool ingest_reader_may_try(const ingest_reader_t *reader,
    const ingest_cursor_t *cursor, const ingest_record_t *record,
    uint64_t now_ms);

/* ingest_reader_tried() of all that are in flight. */

void ingest_reader_tried_all(ingest_reader_t *reader);

/* The same when they have been in flight for so long. */

void ingest_reader_try_long(ingest_reader_t *reader, uint64_t now_ms);


#endif /* INGEST_CURSOR_H */
