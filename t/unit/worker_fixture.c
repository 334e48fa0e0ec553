
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#include "worker_fixture.h"


ingest_ring_t  *ring;
worker_t        worker;
ingest_slot_t  *slot;


void
worker_setup(void)
{
    ring = ring_create(NSEGMENTS, SEGMENT);
    worker_init(&worker, ring, 0);
    slot = ingest_ring_slot(ring, 0);
}


void
worker_teardown(void)
{
    worker_free(&worker);
    ring_destroy(ring);
}


size_t
segments(double n)
{
    return record_value_len((size_t) (n * SEGMENT));
}


void
put(uint64_t number, size_t value_len)
{
    ck_assert_int_eq(worker_put(&worker, number, value_len), INGEST_OK);
}


ingest_ref_t
send_number(uint64_t number, uint64_t now_ms)
{
    ingest_ref_t      ref;
    ingest_record_t  *record;

    record = worker_send(&worker, now_ms, &ref);
    ck_assert_ptr_ne(record, NONE);
    ck_assert_uint_eq(record_check(record), number);

    return ref;
}


void
send_nothing(uint64_t now_ms)
{
    ingest_ref_t  ref;

    ck_assert_ptr_eq(worker_send(&worker, now_ms, &ref), NONE);
}


void
worker_arrivals(worker_t *from, uint64_t now_ms, unsigned *times, unsigned n)
{
    uint64_t          number;
    ingest_ref_t      ref;
    ingest_record_t  *record;

    memset(times, 0, n * sizeof(unsigned));

    while ((record = worker_send(from, now_ms, &ref)) != NULL) {
        number = record_check(record);
        ck_assert_uint_lt(number, n);
        times[number]++;
        ingest_reader_done(from->reader, ref);
    }

    (void) ingest_reader_free(from->reader);
}


uint64_t
worker_adopts(worker_t *heir, uint32_t slot)
{
    ingest_census_t  census;

    memset(&census, 0, sizeof(ingest_census_t));

    ingest_reader_resolve(heir->reader, slot);
    ingest_reader_adopt(heir->reader, slot, 0, &census);

    ck_assert_uint_eq(census.corrupt, 0);

    return census.events;
}


uint64_t
worker_lost(void)
{
    return ingest_counter_get(&slot->delivery.dropped[INGEST_DROP_SHUTDOWN]);
}
