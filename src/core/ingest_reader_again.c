
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * What is to be sent again.
 *
 * Each of it waits in its segment, and each mode has its own walks through the
 * segments: what waits for a dead partition must not hold up what goes alone.
 * Room is given to one segment after the other, and a walk goes to its end
 * before it begins anew.  So all has its turn, however much fails again and
 * again before it.
 */


#include "ingest_cursor.h"


#define INGEST_WALK_MS  50      /* between two walks of the same segment */


static void ingest_reader_wake(ingest_reader_t *reader, ingest_mode_e mode,
    uint64_t now_ms);
static ingest_record_t *ingest_reader_turn(ingest_reader_t *reader,
    ingest_mode_e mode, uint64_t now_ms, ingest_ref_t *ref);
static ingest_record_t *ingest_reader_walk(ingest_reader_t *reader,
    ingest_mode_e mode, uint32_t index, uint64_t now_ms, ingest_ref_t *ref);


void
ingest_reader_wait(ingest_reader_t *reader, uint32_t index, uint32_t offset,
    uint64_t due_ms)
{
    ingest_mode_e    mode;
    ingest_walk_t   *walk;
    ingest_walks_t  *walks;

    mode = ingest_record_mode(ingest_reader_at(reader, index, offset));
    walk = &reader->cursors[index].walks[mode];
    walks = &reader->walks[mode];

    if (walks->nwaiting == 0 || due_ms < walks->wait_ms) {
        walks->wait_ms = due_ms;
    }

    if (walk->wait == INGEST_NONE) {
        walk->wait = offset;
        walk->wait_ms = due_ms;
        walks->nwaiting++;
        return;
    }

    if (offset < walk->wait) {
        walk->wait = offset;
    }

    if (due_ms < walk->wait_ms) {
        walk->wait_ms = due_ms;
    }
}


void
ingest_reader_hasten(ingest_reader_t *reader, uint64_t now_ms)
{
    uint32_t  i;

    for (i = reader->first; i != INGEST_NONE; i = reader->cursors[i].next) {
        ingest_reader_hasten_segment(reader, i, now_ms);
    }
}


void
ingest_reader_hasten_segment(ingest_reader_t *reader, uint32_t index,
    uint64_t now_ms)
{
    uint32_t          offset;
    uint64_t         *word, mask;
    ingest_cursor_t  *cursor;
    ingest_record_t  *record;

    cursor = &reader->cursors[index];

    for (offset = cursor->low;
         offset < cursor->cursor;
         offset += record->size)
    {
        record = ingest_reader_at(reader, index, offset);
        word = ingest_reader_bit(reader, index, offset, &mask);

        if (ingest_reader_is_done(record) || (*word & mask) != 0) {
            continue;
        }

        if (record->due_ms > now_ms) {
            record->due_ms = now_ms;
        }

        ingest_reader_wait(reader, index, offset, now_ms);
    }
}


uint64_t
ingest_reader_due(ingest_reader_t *reader)
{
    unsigned         mode;
    uint64_t         due_ms;
    ingest_walks_t  *walks;

    due_ms = 0;

    for (mode = 0; mode < INGEST_MODES; mode++) {
        walks = &reader->walks[mode];

        if (walks->nwaiting != 0 && (due_ms == 0 || walks->wait_ms < due_ms)) {
            due_ms = walks->wait_ms;
        }
    }

    return due_ms;
}


ingest_record_t *
ingest_reader_again(ingest_reader_t *reader, ingest_mode_e mode,
    uint64_t now_ms, ingest_ref_t *ref)
{
    ingest_walks_t   *walks;
    ingest_record_t  *record;

    walks = &reader->walks[mode];

    do {
        if (walks->nwaiting != 0 && walks->wait_ms <= now_ms) {
            ingest_reader_wake(reader, mode, now_ms);
        }

        /* what fails again and again must not take all the room */

        if (reader->full[mode]
            || (mode == INGEST_MODE_BATCHES
                && reader->nretries >= reader->retries_max))
        {
            return NULL;
        }

        record = ingest_reader_turn(reader, mode, now_ms, ref);
        if (record != NULL) {
            return record;
        }

        /* a walk that has come to its end may be due again */

    } while (walks->nwaiting != 0 && walks->wait_ms <= now_ms);

    return NULL;
}


/* Segment after segment, from where the last one came from. */

static ingest_record_t *
ingest_reader_turn(ingest_reader_t *reader, ingest_mode_e mode,
    uint64_t now_ms, ingest_ref_t *ref)
{
    uint32_t          i, left;
    ingest_walks_t   *walks;
    ingest_record_t  *record;

    walks = &reader->walks[mode];
    i = walks->turn;

    for (left = walks->nagain; left > 0; i = reader->cursors[i].next) {

        if (i == INGEST_NONE) {
            i = reader->first;
        }

        if (reader->cursors[i].walks[mode].again == INGEST_NONE) {
            continue;
        }

        record = ingest_reader_walk(reader, mode, i, now_ms, ref);

        if (record != NULL) {
            walks->turn = i;
            return record;
        }

        left--;
    }

    return NULL;
}


static ingest_record_t *
ingest_reader_walk(ingest_reader_t *reader, ingest_mode_e mode, uint32_t index,
    uint64_t now_ms, ingest_ref_t *ref)
{
    uint64_t         *word, mask, soon_ms;
    ingest_walk_t    *walk;
    ingest_walks_t   *walks;
    ingest_cursor_t  *cursor;
    ingest_record_t  *record;

    cursor = &reader->cursors[index];
    walk = &cursor->walks[mode];
    soon_ms = now_ms + INGEST_WALK_MS;

    for ( /* void */ ; walk->again < cursor->cursor;
         walk->again += record->size)
    {
        record = ingest_reader_at(reader, index, walk->again);
        word = ingest_reader_bit(reader, index, walk->again, &mask);

        if (ingest_reader_is_done(record)
            || (*word & mask) != 0
            || ingest_record_mode(record) != mode)
        {
            continue;
        }

        if (record->due_ms > now_ms) {
            ingest_reader_wait(reader, index, walk->again,
                               record->due_ms > soon_ms ? record->due_ms
                                                        : soon_ms);
            continue;
        }

        if (cursor->suspect
            && !ingest_reader_may_try(reader, cursor, record, now_ms))
        {
            return NULL;
        }

        *ref = ingest_ref(index, walk->again, cursor->seq);

        return record;
    }

    walks = &reader->walks[mode];

    walk->again = INGEST_NONE;
    walks->nagain--;

    if (walk->wait != INGEST_NONE && walk->wait_ms < walks->wait_ms) {
        walks->wait_ms = walk->wait_ms;
    }

    return NULL;
}


/* Starts the walks that are due, and finds out when the next one is. */

static void
ingest_reader_wake(ingest_reader_t *reader, ingest_mode_e mode,
    uint64_t now_ms)
{
    uint32_t          i;
    ingest_walk_t    *walk;
    ingest_walks_t   *walks;
    ingest_cursor_t  *cursor;

    walks = &reader->walks[mode];
    walks->wait_ms = UINT64_MAX;

    for (i = reader->first; i != INGEST_NONE; i = cursor->next) {
        cursor = &reader->cursors[i];
        walk = &cursor->walks[mode];

        if (walk->wait == INGEST_NONE || walk->again != INGEST_NONE) {
            continue;
        }

        if (walk->wait_ms > now_ms) {
            if (walk->wait_ms < walks->wait_ms) {
                walks->wait_ms = walk->wait_ms;
            }

            continue;
        }

        walk->again = walk->wait;
        walk->wait = INGEST_NONE;

        walks->nagain++;
        walks->nwaiting--;
    }
}
