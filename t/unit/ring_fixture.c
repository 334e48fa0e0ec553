
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#define _GNU_SOURCE

#include <stdlib.h>
#include <sys/mman.h>

#include "ring_fixture.h"


#define PAGE        4096
#define NAMES       "trace_id"


static uint8_t record_byte(uint64_t number, size_t i);


ingest_ring_t *
ring_create(uint32_t nsegments, uint32_t segment_bytes)
{
    size_t          bytes;
    ingest_ring_t  *ring;

    bytes = PAGE;

    while (ingest_ring_fit(bytes, segment_bytes) < nsegments) {
        bytes += PAGE;
    }

    ring = mmap(NULL, bytes, PROT_READ|PROT_WRITE, MAP_SHARED|MAP_ANONYMOUS,
                -1, 0);
    ck_assert_ptr_ne(ring, MAP_FAILED);

    memset(ring, 0xff, bytes);

    ck_assert_int_eq(ingest_ring_format(ring, bytes, segment_bytes, -1),
                     INGEST_OK);
    ck_assert_uint_eq(ring->nsegments, nsegments);

    return ring;
}


void
ring_destroy(ingest_ring_t *ring)
{
    ck_assert_int_eq(munmap(ring, ring->bytes), 0);
}


uint32_t
ring_nfree(ingest_ring_t *ring)
{
    uint32_t           i, n;
    ingest_segment_t  *segment;

    n = 0;

    for (i = 0; i < ring->nsegments; i++) {
        segment = ingest_ring_segment(ring, i);

        if (atomic_load_explicit(&segment->owner, memory_order_relaxed) == 0) {
            n++;
        }
    }

    return n;
}


void
worker_init(worker_t *worker, ingest_ring_t *ring, uint32_t slot)
{
    uint32_t  nslots;

    worker->ring = ring;
    worker->writer = aligned_alloc(64, sizeof(ingest_writer_t));
    worker->reader = malloc(sizeof(ingest_reader_t));
    worker->writer_memory = malloc(ingest_writer_memory(ring));
    worker->reader_memory = malloc(ingest_reader_memory(ring));

    ingest_writer_init(worker->writer, ring, slot, worker->writer_memory);
    ingest_reader_init(worker->reader, ring, slot, &worker->writer->claims,
                       worker->reader_memory);

    worker->reader->reachable = true;

    nslots = atomic_load(&ring->nslots);

    while (nslots < slot + 1
           && !atomic_compare_exchange_weak(&ring->nslots, &nslots, slot + 1))
    {
        /* void */
    }
}


void
worker_free(worker_t *worker)
{
    free(worker->reader_memory);
    free(worker->writer_memory);
    free(worker->reader);
    free(worker->writer);
}


ingest_draft_t
record_draft(uint64_t number, size_t value_len)
{
    ingest_str_t    topic = ingest_string("t");
    ingest_str_t    key = ingest_string("the key");
    ingest_draft_t  draft;

    memset(&draft, 0, sizeof(ingest_draft_t));

    draft.topic = topic;
    draft.key = key;
    draft.headers.data = (const uint8_t *) NAMES;
    draft.headers.len = sizeof(NAMES) - 1;
    draft.value_len = value_len;
    draft.time_ms = 1000 + number;
    draft.accepted_ms = 500 + number;

    return draft;
}


size_t
record_value_len(size_t size)
{
    ingest_draft_t  draft;

    draft = record_draft(0, 0);

    return size - sizeof(ingest_record_t) - draft.topic.len - draft.key.len
           - draft.headers.len;
}


ingest_rc_e
worker_put(worker_t *worker, uint64_t number, size_t value_len)
{
    ingest_rc_e  rc;

    rc = worker_reserve(worker, 1, value_len);
    if (rc != INGEST_OK) {
        return rc;
    }

    worker_append(worker, number, value_len);
    ingest_writer_commit(worker->writer);

    return INGEST_OK;
}


void
worker_append(worker_t *worker, uint64_t number, size_t value_len)
{
    size_t           i;
    uint8_t         *p;
    ingest_draft_t   draft;

    draft = record_draft(number, value_len);

    p = ingest_writer_append(worker->writer, &draft);

    memcpy(p, &number, sizeof(number));

    for (i = sizeof(number); i < value_len; i++) {
        p[i] = record_byte(number, i);
    }
}


ingest_rc_e
worker_reserve(worker_t *worker, size_t n, size_t value_len)
{
    size_t           i, *sizes;
    ingest_rc_e      rc;
    ingest_draft_t   draft;

    draft = record_draft(0, value_len);
    sizes = malloc(n * sizeof(size_t));

    for (i = 0; i < n; i++) {
        sizes[i] = ingest_record_size(&draft);
    }

    rc = ingest_writer_reserve(worker->writer, sizes, n);

    free(sizes);

    return rc;
}


ingest_record_t *
worker_send(worker_t *worker, uint64_t now_ms, ingest_ref_t *ref)
{
    ingest_record_t  *record;

    ingest_reader_take(worker->reader);

    record = ingest_reader_next(worker->reader, now_ms, ref);

    if (record != NULL) {
        ingest_reader_try(worker->reader, *ref, now_ms);
        ingest_reader_sent(worker->reader, *ref);
    }

    return record;
}


uint64_t
worker_drain(worker_t *worker, uint64_t first)
{
    uint64_t          n;
    ingest_ref_t      ref;
    ingest_record_t  *record;

    for (n = 0; ; n++) {
        record = worker_send(worker, 0, &ref);
        if (record == NULL) {
            break;
        }

        check_fast(record_check(record) == first + n);
        check_fast(ingest_reader_find(worker->reader, ref) == record);
        ingest_reader_done(worker->reader, ref);
    }

    (void) ingest_reader_free(worker->reader);

    return n;
}


uint64_t
record_check(const ingest_record_t *record)
{
    size_t          i;
    uint64_t        number;
    ingest_str_t    s, value;
    ingest_draft_t  draft;

    value = ingest_record_value(record);

    check_fast(value.len >= sizeof(number));

    memcpy(&number, value.data, sizeof(number));

    draft = record_draft(number, value.len);

    check_fast(record->size == ingest_record_size(&draft));
    check_fast(record->time_ms == draft.time_ms);
    check_fast(record->accepted_ms == draft.accepted_ms);

    s = ingest_record_topic(record);
    check_fast(s.len == draft.topic.len);
    check_fast(memcmp(s.data, draft.topic.data, s.len) == 0);

    s = ingest_record_key(record);
    check_fast(s.len == draft.key.len);
    check_fast(memcmp(s.data, draft.key.data, s.len) == 0);

    s = ingest_record_headers(record);
    check_fast(s.len == draft.headers.len);
    check_fast(memcmp(s.data, draft.headers.data, s.len) == 0);

    for (i = sizeof(number); i < value.len; i++) {
        if (value.data[i] != record_byte(number, i)) {
            ck_abort_msg("record %llu: byte %zu is wrong",
                         (unsigned long long) number, i);
        }
    }

    return number;
}


static uint8_t
record_byte(uint64_t number, size_t i)
{
    return (uint8_t) (number * 31 + i * 7 + (number >> 8));
}
