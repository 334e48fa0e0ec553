
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * What is done about records that may have killed the processes that sent
 * them.
 *
 * Workers are also killed from outside, and that must not make dead letters of
 * good events.  So a segment is suspect only when it was adopted for the third
 * time, and a record is guilty of a death only if it was the one that was just
 * being sent.
 */


#include "ingest_cursor.h"


#define INGEST_TRIAL_MS  1000


bool
ingest_reader_try(ingest_reader_t *reader, ingest_ref_t ref, uint64_t now_ms)
{
    ingest_record_t  *record;

    if (reader->trial == 0) {
        reader->trial = ref;
        reader->trial_ms = now_ms;

        record = ingest_reader_at(reader, ingest_ref_segment(ref),
                                  ingest_ref_offset(ref));

        /* in a batch of its own it is not waited for */

        record->flags |= INGEST_RECORD_ALONE;
        record->crashes++;

        /* written before anything is done with the record */

        atomic_signal_fence(memory_order_seq_cst);
    }

    return reader->trial == ref;
}


void
ingest_reader_tried(ingest_reader_t *reader)
{
    ingest_ref_t      ref;
    ingest_record_t  *record;

    ref = reader->trial;
    reader->trial = 0;

    if (reader->cursors[ingest_ref_segment(ref)].seq != ingest_ref_seq(ref)) {
        return;
    }

    record = ingest_reader_at(reader, ingest_ref_segment(ref),
                              ingest_ref_offset(ref));

    if (record->crashes != 0) {
        record->crashes--;
    }
}


void
ingest_reader_try_long(ingest_reader_t *reader, uint64_t now_ms)
{
    if (reader->trial != 0 && now_ms - reader->trial_ms >= INGEST_TRIAL_MS) {
        ingest_reader_tried(reader);
    }
}
