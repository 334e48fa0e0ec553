
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#include "ingest_reader.h"


#define INGEST_NONE     UINT32_MAX
#define INGEST_WALK_MS  50      /* between two walks of the same segment */


/* a segment as its event loop shows it */

typedef struct {
    bool      sealed;
    uint32_t  committed;
} ingest_shown_t;


static ingest_shown_t ingest_reader_state(ingest_reader_t *reader,
    uint32_t index);
static void ingest_reader_hold(ingest_reader_t *reader, uint32_t index);
static void ingest_reader_drop(ingest_reader_t *reader, uint32_t index);
static void ingest_reader_release(ingest_reader_t *reader, uint32_t index);
static uint32_t ingest_reader_free_returned(ingest_reader_t *reader);
static ingest_record_t *ingest_reader_again(ingest_reader_t *reader,
    uint64_t now_ms, ingest_ref_t *ref);
static void ingest_reader_wait(ingest_reader_t *reader, uint32_t index,
    uint32_t offset, uint64_t due_ms);
static void ingest_reader_wake(ingest_reader_t *reader, uint64_t now_ms);
static ingest_record_t *ingest_reader_unseen(ingest_reader_t *reader,
    ingest_ref_t *ref);
static ingest_record_t *ingest_reader_at(ingest_reader_t *reader,
    uint32_t index, uint32_t offset);
static bool ingest_reader_is_done(const ingest_record_t *record);
static uint64_t *ingest_reader_bit(ingest_reader_t *reader, uint32_t index,
    uint32_t offset, uint64_t *mask);
static void ingest_reader_landed(ingest_reader_t *reader, ingest_ref_t ref);
static uint32_t ingest_reader_nwords(const ingest_ring_t *ring);


size_t
ingest_reader_memory(const ingest_ring_t *ring)
{
    return ring->nsegments * (sizeof(ingest_cursor_t)
                              + ingest_reader_nwords(ring) * sizeof(uint64_t));
}


void
ingest_reader_init(ingest_reader_t *reader, ingest_ring_t *ring,
    ingest_claims_t *claims, void *memory)
{
    memset(reader, 0, sizeof(ingest_reader_t));
    memset(memory, 0, ingest_reader_memory(ring));

    reader->ring = ring;
    reader->claims = claims;
    reader->tail = 1;
    reader->nwords = ingest_reader_nwords(ring);
    reader->cursors = memory;
    reader->in_flight = (uint64_t *) (reader->cursors + ring->nsegments);
    reader->first = INGEST_NONE;
    reader->last = INGEST_NONE;
    reader->walk = INGEST_NONE;
}


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
                           claims->segments[reader->tail % claims->size]);
    }
}


ingest_record_t *
ingest_reader_next(ingest_reader_t *reader, uint64_t now_ms,
    ingest_ref_t *ref)
{
    ingest_record_t  *record;

    if (reader->nwaiting != 0 && reader->wait_ms <= now_ms) {
        ingest_reader_wake(reader, now_ms);
    }

    if (reader->nagain != 0) {
        record = ingest_reader_again(reader, now_ms, ref);
        if (record != NULL) {
            return record;
        }
    }

    return ingest_reader_unseen(reader, ref);
}


void
ingest_reader_sent(ingest_reader_t *reader, ingest_ref_t ref)
{
    uint64_t         *word, mask;
    uint32_t          offset, size;
    ingest_cursor_t  *cursor;

    cursor = &reader->cursors[ingest_ref_segment(ref)];
    offset = ingest_ref_offset(ref);
    size = ingest_reader_at(reader, ingest_ref_segment(ref), offset)->size;

    word = ingest_reader_bit(reader, ingest_ref_segment(ref), offset, &mask);
    *word |= mask;
    reader->nflight++;

    if (offset == cursor->cursor) {
        cursor->cursor += size;
        cursor->undone++;

    } else {
        cursor->again = offset + size;
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

    /* relaxed: only senders read it, one after the other, by the slot's lock */

    atomic_store_explicit(&record->state, INGEST_RECORD_DONE,
                          memory_order_relaxed);

    if (offset == cursor->cursor) {
        cursor->cursor += record->size;

    } else {
        cursor->undone--;
    }

    if (cursor->undone == 0) {
        reader->freeable = true;
    }
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


uint64_t
ingest_reader_due(ingest_reader_t *reader)
{
    return reader->nwaiting != 0 ? reader->wait_ms : 0;
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
    ingest_shown_t    shown;
    ingest_cursor_t  *cursor;
    ingest_record_t  *record;

    oldest_ms = 0;

    for (i = reader->first; i != INGEST_NONE; i = cursor->next) {
        cursor = &reader->cursors[i];
        shown = ingest_reader_state(reader, i);

        while (cursor->low < shown.committed) {
            record = ingest_reader_at(reader, i, cursor->low);

            if (!ingest_reader_is_done(record)) {
                break;
            }

            cursor->low += record->size;
        }

        if (cursor->low == shown.committed) {
            continue;
        }

        record = ingest_reader_at(reader, i, cursor->low);

        if (oldest_ms == 0 || record->time_ms < oldest_ms) {
            oldest_ms = record->time_ms;
        }
    }

    return oldest_ms;
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


/* sealed is looked at first: then committed is the last one if it is set */

static ingest_shown_t
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


static void
ingest_reader_hold(ingest_reader_t *reader, uint32_t index)
{
    uint32_t           seq;
    ingest_cursor_t   *cursor;
    ingest_segment_t  *segment;

    segment = ingest_ring_segment(reader->ring, index);
    cursor = &reader->cursors[index];

    /* relaxed: the owner's claim acquired it, and handed it on by head */

    seq = atomic_load_explicit(&segment->seq, memory_order_relaxed);

    memset(cursor, 0, sizeof(ingest_cursor_t));

    cursor->seq = seq;
    cursor->again = INGEST_NONE;
    cursor->wait = INGEST_NONE;
    cursor->prev = reader->last;
    cursor->next = INGEST_NONE;

    if (reader->last == INGEST_NONE) {
        reader->first = index;

    } else {
        reader->cursors[reader->last].next = index;
    }

    reader->last = index;

    if (reader->walk == INGEST_NONE) {
        reader->walk = index;
    }
}


static void
ingest_reader_drop(ingest_reader_t *reader, uint32_t index)
{
    ingest_cursor_t  *cursor;

    cursor = &reader->cursors[index];

    if (cursor->wait != INGEST_NONE) {
        reader->nwaiting--;
    }

    if (cursor->again != INGEST_NONE) {
        reader->nagain--;
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

    /* a late report finds no record */

    cursor->seq = 0;
}


static void
ingest_reader_release(ingest_reader_t *reader, uint32_t index)
{
    uint32_t           seq;
    ingest_segment_t  *segment;

    seq = reader->cursors[index].seq + 1;

    ingest_reader_drop(reader, index);

    segment = ingest_ring_segment(reader->ring, index);

    /* relaxed: the next life, published by the release of owner */

    atomic_store_explicit(&segment->committed, 0, memory_order_relaxed);
    atomic_store_explicit(&segment->sealed, 0, memory_order_relaxed);
    atomic_store_explicit(&segment->seq, seq != 0 ? seq : 1,
                          memory_order_relaxed);

    /* pairs with the acquire in ingest_writer_claim() */

    atomic_store_explicit(&segment->owner, 0, memory_order_release);

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


/* Starts the walks that are due, and finds out when the next one is. */

static void
ingest_reader_wake(ingest_reader_t *reader, uint64_t now_ms)
{
    uint32_t          i;
    uint64_t          wait_ms;
    ingest_cursor_t  *cursor;

    wait_ms = UINT64_MAX;

    for (i = reader->first; i != INGEST_NONE; i = cursor->next) {
        cursor = &reader->cursors[i];

        if (cursor->wait == INGEST_NONE) {
            continue;
        }

        if (cursor->wait_ms > now_ms) {
            if (cursor->wait_ms < wait_ms) {
                wait_ms = cursor->wait_ms;
            }

            continue;
        }

        if (cursor->again == INGEST_NONE) {
            reader->nagain++;
        }

        if (cursor->again > cursor->wait) {
            cursor->again = cursor->wait;
        }

        cursor->wait = INGEST_NONE;
        reader->nwaiting--;
    }

    reader->wait_ms = wait_ms;
}


static void
ingest_reader_wait(ingest_reader_t *reader, uint32_t index, uint32_t offset,
    uint64_t due_ms)
{
    ingest_cursor_t  *cursor;

    cursor = &reader->cursors[index];

    if (reader->nwaiting == 0 || due_ms < reader->wait_ms) {
        reader->wait_ms = due_ms;
    }

    if (cursor->wait == INGEST_NONE) {
        cursor->wait = offset;
        cursor->wait_ms = due_ms;
        reader->nwaiting++;
        return;
    }

    if (offset < cursor->wait) {
        cursor->wait = offset;
    }

    if (due_ms < cursor->wait_ms) {
        cursor->wait_ms = due_ms;
    }
}


static ingest_record_t *
ingest_reader_again(ingest_reader_t *reader, uint64_t now_ms,
    ingest_ref_t *ref)
{
    uint32_t          i;
    uint64_t         *word, mask, soon_ms;
    ingest_cursor_t  *cursor;
    ingest_record_t  *record;

    for (i = reader->first; i != INGEST_NONE; i = cursor->next) {
        cursor = &reader->cursors[i];

        if (cursor->again == INGEST_NONE) {
            continue;
        }

        while (cursor->again < cursor->cursor) {
            record = ingest_reader_at(reader, i, cursor->again);
            word = ingest_reader_bit(reader, i, cursor->again, &mask);

            if (!ingest_reader_is_done(record) && (*word & mask) == 0) {

                if (record->due_ms <= now_ms) {
                    *ref = ingest_ref(i, cursor->again, cursor->seq);
                    return record;
                }

                soon_ms = now_ms + INGEST_WALK_MS;

                ingest_reader_wait(reader, i, cursor->again,
                                   record->due_ms > soon_ms ? record->due_ms
                                                            : soon_ms);
            }

            cursor->again += record->size;
        }

        cursor->again = INGEST_NONE;
        reader->nagain--;
    }

    return NULL;
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


static ingest_record_t *
ingest_reader_at(ingest_reader_t *reader, uint32_t index, uint32_t offset)
{
    return (ingest_record_t *) (ingest_ring_data(reader->ring, index)
                                + offset);
}


static bool
ingest_reader_is_done(const ingest_record_t *record)
{
    /* relaxed: see ingest_reader_done() */

    return atomic_load_explicit((_Atomic uint32_t *) &record->state,
                                memory_order_relaxed) == INGEST_RECORD_DONE;
}


static uint64_t *
ingest_reader_bit(ingest_reader_t *reader, uint32_t index, uint32_t offset,
    uint64_t *mask)
{
    uint32_t  unit;

    unit = offset / INGEST_RECORD_ALIGN;

    *mask = (uint64_t) 1 << (unit % 64);

    return &reader->in_flight[(size_t) index * reader->nwords + unit / 64];
}


static void
ingest_reader_landed(ingest_reader_t *reader, ingest_ref_t ref)
{
    uint64_t  *word, mask;

    word = ingest_reader_bit(reader, ingest_ref_segment(ref),
                             ingest_ref_offset(ref), &mask);

    if (*word & mask) {
        *word &= ~mask;
        reader->nflight--;
    }
}


static uint32_t
ingest_reader_nwords(const ingest_ring_t *ring)
{
    return (ring->segment_bytes / INGEST_RECORD_ALIGN + 63) / 64;
}
