
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * What is done about records that may have killed the processes that sent
 * them.
 *
 * Workers are also killed from outside, and that must not make dead letters of
 * good events.  So a segment is suspect only when it was adopted for the third
 * time, and a record is guilty of a death only if it was just being sent, with
 * a broker to send it to, and five times in a row.
 *
 * Records of suspect segments are sent in rounds, of 1, 2, 4 ... of them as
 * long as we live.  Those that were in one when their sender died are sent
 * alone from then on, until they survive it.
 */


#include "ingest_cursor.h"


#define INGEST_TRIAL_MS  1000


static void ingest_reader_acquit(ingest_reader_t *reader, uint32_t i);


bool
ingest_reader_may_try(const ingest_reader_t *reader,
    const ingest_cursor_t *cursor, const ingest_record_t *record,
    uint64_t now_ms)
{
    const ingest_trials_t  *trials;

    trials = &reader->trials;

    if (!reader->reachable
        || (cursor->rest_ms > now_ms && !reader->hurry))
    {
        return false;
    }

    if (trials->n == 0) {
        return true;
    }

    return !trials->alone
           && record->crashes == 0
           && trials->joined < trials->max;
}


void
ingest_reader_try(ingest_reader_t *reader, ingest_ref_t ref, uint64_t now_ms)
{
    ingest_record_t  *record;
    ingest_trials_t  *trials;

    if (!reader->cursors[ingest_ref_segment(ref)].suspect) {
        return;
    }

    trials = &reader->trials;
    record = ingest_reader_at(reader, ingest_ref_segment(ref),
                              ingest_ref_offset(ref));

    if (trials->n == 0) {
        trials->joined = 0;
        trials->alone = record->crashes != 0;
        trials->since_ms = now_ms;
    }

    trials->refs[trials->n++] = ref;
    trials->joined++;

    /* as of all that was adopted so; a parked copy may have come to it */

    record->flags |= INGEST_RECORD_ALONE;
    record->crashes++;

    /* written before anything is done with the record */

    atomic_signal_fence(memory_order_seq_cst);
}


void
ingest_reader_tried(ingest_reader_t *reader, ingest_ref_t ref)
{
    uint32_t  i;

    for (i = 0; i < reader->trials.n; i++) {

        if (reader->trials.refs[i] == ref) {
            ingest_reader_acquit(reader, i);
            return;
        }
    }
}


void
ingest_reader_untried(ingest_reader_t *reader, ingest_ref_t ref)
{
    uint32_t          i;
    ingest_trials_t  *trials;

    trials = &reader->trials;

    for (i = 0; i < trials->n; i++) {

        if (trials->refs[i] == ref) {
            trials->refs[i] = trials->refs[--trials->n];
            trials->joined--;

            ingest_reader_at(reader, ingest_ref_segment(ref),
                             ingest_ref_offset(ref))
                ->crashes--;
            return;
        }
    }
}


void
ingest_reader_tried_all(ingest_reader_t *reader)
{
    while (reader->trials.n != 0) {
        ingest_reader_acquit(reader, reader->trials.n - 1);
    }
}


void
ingest_reader_try_long(ingest_reader_t *reader, uint64_t now_ms)
{
    if (reader->trials.n != 0
        && now_ms - reader->trials.since_ms >= INGEST_TRIAL_MS)
    {
        ingest_reader_tried_all(reader);
    }
}


/* Whatever it was suspected of before happened by chance. */

static void
ingest_reader_acquit(ingest_reader_t *reader, uint32_t i)
{
    ingest_ref_t      ref;
    ingest_trials_t  *trials;

    trials = &reader->trials;
    ref = trials->refs[i];

    trials->refs[i] = trials->refs[--trials->n];

    if (trials->n == 0 && !trials->alone && trials->max < INGEST_TRIALS) {
        trials->max *= 2;
    }

    ingest_reader_at(reader, ingest_ref_segment(ref), ingest_ref_offset(ref))
        ->crashes = 0;
}
