
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#include "ingest_fault.h"
#include "ingest_writer.h"


#define INGEST_WRITER_TRUST  64     /* times that it is full without a look */


static ingest_open_t *ingest_writer_open(ingest_writer_t *writer,
    uint64_t number);
static uint32_t ingest_writer_first(const ingest_writer_t *writer);
static ingest_rc_e ingest_writer_claim(ingest_writer_t *writer);
static bool ingest_writer_looks_full(ingest_writer_t *writer);
static void ingest_writer_give_back(ingest_writer_t *writer);
static void ingest_writer_advance(ingest_writer_t *writer);
static void ingest_writer_seal_at(ingest_writer_t *writer, uint64_t number);


size_t
ingest_writer_memory(const ingest_ring_t *ring)
{
    return ring->nsegments * (sizeof(ingest_open_t) + sizeof(uint32_t));
}


void
ingest_writer_init(ingest_writer_t *writer, ingest_ring_t *ring,
    uint32_t slot, void *memory)
{
    memset(writer, 0, sizeof(ingest_writer_t));

    writer->ring = ring;
    writer->slot = slot;
    writer->opens = memory;
    writer->claims.segments = (uint32_t *) (writer->opens + ring->nsegments);
    writer->claims.size = ring->nsegments;

    /* no segment: as if the one before the first claim were full */

    writer->offset = ring->segment_bytes;
    writer->first = 1;
    writer->current = 0;
    writer->next = 1;
    writer->last = 1;

    atomic_init(&writer->claims.head, 1);
}


ingest_rc_e
ingest_writer_reserve(ingest_writer_t *writer, const size_t *sizes, size_t n)
{
    size_t       i, offset;
    uint64_t     need;
    ingest_rc_e  rc;

    /* the segments the records need, as ingest_writer_append() will fill */

    need = 0;
    offset = writer->offset;

    for (i = 0; i < n; i++) {
        if (sizes[i] > writer->ring->segment_bytes) {
            return INGEST_TOO_LARGE;
        }

        if (sizes[i] > writer->ring->segment_bytes - offset) {
            offset = 0;
            need++;
        }

        offset += sizes[i];
    }

    if (need > writer->ring->nsegments - ingest_writer_first(writer)) {
        return INGEST_TOO_LARGE;
    }

    while (writer->last - writer->next < need) {
        rc = ingest_writer_claim(writer);

        if (rc != INGEST_OK) {
            ingest_writer_give_back(writer);
            return rc;
        }
    }

    return INGEST_OK;
}


bool
ingest_writer_room(ingest_writer_t *writer, size_t size)
{
    if (size <= writer->ring->segment_bytes - writer->offset) {
        return true;
    }

    if (ingest_writer_looks_full(writer)) {
        return false;
    }

    writer->full = ingest_ring_free(writer->ring, 1) == 0;

    return !writer->full;
}


uint8_t *
ingest_writer_append(ingest_writer_t *writer, const ingest_draft_t *draft)
{
    size_t            size;
    uint8_t          *p;
    ingest_open_t    *open;
    ingest_record_t  *record;

    size = ingest_record_size(draft);

    if (size > writer->ring->segment_bytes - writer->offset) {
        ingest_writer_advance(writer);
    }

    open = ingest_writer_open(writer, writer->current);

    p = ingest_ring_data(writer->ring, open->segment) + writer->offset;
    record = (ingest_record_t *) p;

    /* the whole line: what stood here in an earlier life is gone */

    memset(record, 0, sizeof(ingest_record_t));

    record->seq = writer->seq;
    record->size = (uint32_t) size;
    record->value_len = (uint32_t) draft->value_len;
    record->headers_len = (uint32_t) draft->headers.len;
    record->topic_len = (uint16_t) draft->topic.len;
    record->key_len = (uint16_t) draft->key.len;
    record->time_ms = draft->time_ms;
    record->accepted_ms = draft->accepted_ms;
    record->partition = -1;

    /* relaxed: made visible by the release of committed */

    atomic_store_explicit(&record->state, INGEST_RECORD_PENDING,
                          memory_order_relaxed);

    p += sizeof(ingest_record_t);

    memcpy(p, draft->topic.data, draft->topic.len);
    p += draft->topic.len;

    memcpy(p, draft->key.data, draft->key.len);
    p += draft->key.len;

    memcpy(p, draft->headers.data, draft->headers.len);
    p += draft->headers.len;

    writer->offset += (uint32_t) size;
    open->end = writer->offset;

    return p;
}


void
ingest_writer_commit(ingest_writer_t *writer)
{
    uint64_t           number;
    ingest_open_t     *open;
    ingest_segment_t  *segment;

    if (writer->first > writer->current) {
        return;
    }

    for (number = writer->first; number <= writer->current; number++) {
        open = ingest_writer_open(writer, number);
        segment = ingest_ring_segment(writer->ring, open->segment);

        INGEST_FAULT("append");

        /* pairs with the acquire in ingest_reader_state() */

        atomic_store_explicit(&segment->committed, open->end,
                              memory_order_release);

        INGEST_FAULT("commit");

        if (number != writer->current) {
            ingest_writer_seal_at(writer, number);
        }
    }

    writer->first = writer->current;
}


void
ingest_writer_seal(ingest_writer_t *writer)
{
    if (writer->first > writer->current) {
        return;
    }

    ingest_writer_seal_at(writer, writer->current);

    writer->first = writer->next;
    writer->offset = writer->ring->segment_bytes;
}


static ingest_open_t *
ingest_writer_open(ingest_writer_t *writer, uint64_t number)
{
    return &writer->opens[number % writer->ring->nsegments];
}


/* Those before it are for parking. */

static uint32_t
ingest_writer_first(const ingest_writer_t *writer)
{
    return atomic_load_explicit(&writer->ring->reserve, memory_order_relaxed);
}


static ingest_rc_e
ingest_writer_claim(ingest_writer_t *writer)
{
    int64_t         segment;
    uint64_t        head;
    ingest_open_t  *open;

    if (ingest_writer_looks_full(writer)) {
        return INGEST_AGAIN;
    }

    segment = ingest_ring_claim(writer->ring, writer->slot,
                                ingest_writer_first(writer));

    if (segment == -1) {
        writer->full = true;
        return INGEST_AGAIN;
    }

    open = ingest_writer_open(writer, writer->last++);
    open->segment = (uint32_t) segment;
    open->end = 0;

    /* relaxed: written by this thread */

    head = atomic_load_explicit(&writer->claims.head, memory_order_relaxed);

    writer->claims.segments[head % writer->claims.size] = open->segment;

    /* pairs with the acquire in ingest_reader_take() */

    atomic_store_explicit(&writer->claims.head, head + 1,
                          memory_order_release);

    return INGEST_OK;
}


/*
 * A full ring is asked once for each refused request: as long as nothing was
 * freed since the last look, there is nothing to find.  But for a while only: a
 * process that was killed behind its store of owner has not counted.
 */

static bool
ingest_writer_looks_full(ingest_writer_t *writer)
{
    uint32_t  freed;

    /* acquire: pairs with the release of freed in ingest_reader_release() */

    freed = atomic_load_explicit(&writer->ring->freed, memory_order_acquire);

    if (writer->full
        && freed == writer->full_at
        && ++writer->refused < INGEST_WRITER_TRUST)
    {
        return true;
    }

    writer->full = false;
    writer->refused = 0;
    writer->full_at = freed;

    return false;
}


/* A batch that found too few segments: the sender frees the empty ones. */

static void
ingest_writer_give_back(ingest_writer_t *writer)
{
    if (writer->last == writer->next) {
        return;
    }

    while (writer->last > writer->next) {
        ingest_writer_seal_at(writer, --writer->last);
    }

    /* pairs with the acquire in ingest_reader_free_returned() */

    atomic_fetch_add_explicit(&writer->claims.returned, 1,
                              memory_order_release);
}


/* The segment left behind is sealed by the commit. */

static void
ingest_writer_advance(ingest_writer_t *writer)
{
    ingest_open_t     *open;
    ingest_segment_t  *segment;

    writer->current = writer->next++;

    open = ingest_writer_open(writer, writer->current);
    segment = ingest_ring_segment(writer->ring, open->segment);

    /* relaxed: written before the release of owner that the claim acquired */

    writer->seq = atomic_load_explicit(&segment->seq, memory_order_relaxed);
    writer->offset = 0;
}


static void
ingest_writer_seal_at(ingest_writer_t *writer, uint64_t number)
{
    ingest_open_t     *open;
    ingest_segment_t  *segment;

    open = ingest_writer_open(writer, number);
    segment = ingest_ring_segment(writer->ring, open->segment);

    /*
     * Pairs with the acquire in ingest_reader_state(): who sees it also sees
     * the last value of committed.
     */

    atomic_store_explicit(&segment->sealed, 1, memory_order_release);

    INGEST_FAULT("seal");
}
