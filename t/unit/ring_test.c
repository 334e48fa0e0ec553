
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/* The ring itself: its format, the lives of its segments, what is counted. */


#include "worker_fixture.h"


START_TEST(a_ring_fits_its_memory_to_the_byte)
{
    size_t  bytes;

    bytes = ring->data + (size_t) NSEGMENTS * SEGMENT;

    ck_assert_uint_eq(ingest_ring_fit(bytes, SEGMENT), NSEGMENTS);
    ck_assert_uint_eq(ingest_ring_fit(bytes - 1, SEGMENT), NSEGMENTS - 1);
    ck_assert_uint_eq(ingest_ring_fit(SEGMENT, SEGMENT), 0);
    ck_assert_uint_eq(ingest_ring_fit(0, SEGMENT), 0);
    ck_assert_uint_eq(ingest_ring_fit(1ull << 40, SEGMENT),
                      INGEST_SEGMENTS_MAX - 1);
    ck_assert_int_eq(ingest_ring_format(ring, SEGMENT, SEGMENT, -1),
                     INGEST_TOO_LARGE);
}
END_TEST


START_TEST(a_ring_of_another_kind_is_not_valid)
{
    ck_assert(!ingest_ring_valid(ring, ring->bytes + 1));

    ring->version++;
    ck_assert(!ingest_ring_valid(ring, ring->bytes));
    ring->version--;
    ck_assert(ingest_ring_valid(ring, ring->bytes));

    ring->magic++;
    ck_assert(!ingest_ring_valid(ring, ring->bytes));
}
END_TEST


START_TEST(a_ring_over_stale_memory_is_empty)
{
    uint32_t           i;
    ingest_slot_t     *slot;
    ingest_segment_t  *segment;

    ck_assert(ingest_ring_valid(ring, ring->bytes));
    ck_assert_uint_eq(ingest_ring_events(ring), 0);

    for (i = 0; i < NSEGMENTS; i++) {
        segment = ingest_ring_segment(ring, i);
        ck_assert_uint_eq(segment->owner, 0);
        ck_assert_uint_eq(segment->committed, 0);
        ck_assert_uint_eq(segment->sealed, 0);
        ck_assert_uint_eq(segment->seq, 1);
    }

    for (i = 0; i < INGEST_SLOTS; i++) {
        slot = ingest_ring_slot(ring, i);
        ck_assert_uint_eq(slot->events_in, 0);
        ck_assert_uint_eq(slot->events_out, 0);
        ck_assert_uint_eq(slot->delivery.latency.sum_ms, 0);
    }

    ck_assert_uint_eq(ring_nfree(ring), NSEGMENTS);
    send_nothing(0);
}
END_TEST


START_TEST(segments_live_many_lives)
{
    uint32_t  i, seq;
    uint64_t  n;

    for (n = 0; n < 5000; n++) {
        check_fast(worker_put(&worker, n, segments(0.4)) == INGEST_OK);
        check_fast(worker_drain(&worker, n) == 1);
    }

    seq = 0;

    for (i = 0; i < NSEGMENTS; i++) {
        seq += ingest_ring_segment(ring, i)->seq - 1;
    }

    ck_assert_uint_eq(seq, 5000 / 2 - 1);
    ck_assert_uint_eq(ring->freed, seq);
}
END_TEST


START_TEST(lives_are_numbered_past_the_largest_number)
{
    ring->freed = UINT32_MAX;
    ingest_ring_segment(ring, 0)->seq = UINT32_MAX;

    put(0, segments(1));
    ck_assert_uint_eq(worker_drain(&worker, 0), 1);
    ingest_writer_seal(worker.writer);
    ck_assert_uint_eq(worker_drain(&worker, 0), 0);

    ck_assert_uint_eq(ingest_ring_segment(ring, 0)->seq, 1);
    put(1, segments(1));
    ck_assert_uint_eq(worker_drain(&worker, 1), 1);
}
END_TEST


START_TEST(a_segment_is_freed_once_and_by_the_sender_only)
{
    ingest_ref_t  ref;

    put(0, segments(1));
    put(1, segments(1));

    ref = send_number(0, 0);
    ingest_reader_done(worker.reader, ref);
    (void) send_number(1, 0);

    /* all of it is done, and it is still owned */

    ck_assert_uint_eq(ring_nfree(ring), NSEGMENTS - 2);
    put(2, segments(1));
    ck_assert_uint_eq(ring_nfree(ring), NSEGMENTS - 3);

    ck_assert_uint_eq(ingest_reader_free(worker.reader), 1);
    ck_assert_uint_eq(ingest_reader_free(worker.reader), 0);
    ck_assert_uint_eq(ring->freed, 1);
    ck_assert_uint_eq(ingest_ring_segment(ring, 0)->owner, 0);
    ck_assert_uint_eq(ingest_ring_segment(ring, 0)->committed, 0);
    ck_assert_uint_eq(ingest_ring_segment(ring, 0)->sealed, 0);
    ck_assert_uint_eq(ingest_ring_segment(ring, 0)->seq, 2);
}
END_TEST


START_TEST(a_second_life_shows_nothing_of_the_first)
{
    uint64_t          i, n;
    ingest_ref_t      ref;
    ingest_record_t  *record;

    /* the first life: failed, flagged, DONE; 0xff where nothing was written */

    for (n = 0; n < SEGMENT / 128; n++) {
        put(n, record_value_len(128));
        ref = send_number(n, 0);
        ingest_reader_retry(worker.reader, ref, 7);
        ref = send_number(n, 7);

        record = ingest_reader_find(worker.reader, ref);
        record->attempts = 9;
        record->flags = INGEST_RECORD_ALONE|INGEST_RECORD_DEAD;
        record->error = -1;
        record->partition = 3;
        ingest_reader_done(worker.reader, ref);
    }

    ingest_writer_seal(worker.writer);
    send_nothing(7);
    ck_assert_uint_eq(ingest_reader_free(worker.reader), 1);

    for (i = 0; i < 100; i++) {
        put(n + i, VALUE_MIN);
        ref = send_number(n + i, 7);
        ck_assert_uint_eq(ingest_ref_segment(ref), 0);
        ck_assert_uint_eq(ingest_ref_seq(ref), 2);

        record = ingest_reader_find(worker.reader, ref);
        ck_assert_uint_eq(record->seq, 2);
        ck_assert_uint_eq(record->state, INGEST_RECORD_PENDING);
        ck_assert_uint_eq(record->attempts, 0);
        ck_assert_uint_eq(record->flags, 0);
        ck_assert_int_eq(record->error, 0);
        ck_assert_int_eq(record->partition, -1);
        ck_assert_uint_eq(record->due_ms, 0);
    }

    /* behind them there are still records of the first life */

    send_nothing(7);
}
END_TEST


START_TEST(sixty_four_workers_share_a_ring)
{
    unsigned  i, n;
    worker_t  workers[64];

    worker_teardown();
    ring = ring_create(5 * 64, SEGMENT);
    worker_init(&worker, ring, 255);

    for (i = 0; i < 64; i++) {
        worker_init(&workers[i], ring, i);
    }

    for (n = 0; n < 20; n++) {
        for (i = 0; i < 64; i++) {
            ck_assert_int_eq(worker_put(&workers[i], 1000 * i + n,
                                        segments(0.25)), INGEST_OK);
        }
    }

    ck_assert_uint_eq(ring_nfree(ring), 0);
    ck_assert_int_eq(worker_put(&worker, 0, 100), INGEST_AGAIN);

    for (i = 0; i < 64; i++) {
        ck_assert_uint_eq(worker_drain(&workers[i], 1000 * i), 20);
        worker_free(&workers[i]);
    }

    ck_assert_uint_eq(ring_nfree(ring), 4 * 64);
    put(0, 100);
}
END_TEST


START_TEST(events_are_counted_over_the_slots_and_never_below_zero)
{
    worker_t  other;

    worker_init(&other, ring, 7);

    ingest_counter_add(&ingest_ring_slot(ring, 0)->events_in, 5);
    ingest_counter_add(&ingest_ring_slot(ring, 7)->events_in, 7);
    ingest_counter_add(&ingest_ring_slot(ring, 7)->events_out, 2);
    ck_assert_uint_eq(ingest_ring_events(ring), 10);

    /* a slot that nobody ever took is not looked at */

    ingest_counter_add(&ingest_ring_slot(ring, 8)->events_in, 3);
    ck_assert_uint_eq(ingest_ring_events(ring), 10);

    ingest_counter_add(&ingest_ring_slot(ring, 0)->events_out, 11);
    ck_assert_uint_eq(ingest_ring_events(ring), 0);

    worker_free(&other);
}
END_TEST


START_TEST(headers_are_taken_off_one_by_one_and_never_past_the_end)
{
    size_t           len;
    uint8_t          bytes[64], *p;
    ingest_str_t     headers;
    ingest_header_t  a = { ingest_string("a"), ingest_string("") };
    ingest_header_t  b = { ingest_string("trace_id"), ingest_string("42") };
    ingest_header_t  header;

    p = ingest_header_write(&a, bytes);
    ck_assert_uint_eq(p - bytes, ingest_header_size(&a));
    p = ingest_header_write(&b, p);
    ck_assert_uint_eq(p - bytes, ingest_header_size(&a)
                                 + ingest_header_size(&b));

    headers.data = bytes;
    headers.len = p - bytes;

    ck_assert(ingest_header_next(&headers, &header));
    ck_assert_uint_eq(header.name.len, 1);
    ck_assert_uint_eq(header.value.len, 0);
    ck_assert(ingest_header_next(&headers, &header));
    ck_assert_mem_eq(header.name.data, "trace_id", 8);
    ck_assert_uint_eq(header.value.len, 2);
    ck_assert_mem_eq(header.value.data, "42", 2);
    ck_assert(!ingest_header_next(&headers, &header));

    for (len = 0; len < ingest_header_size(&b); len++) {
        headers.data = bytes + ingest_header_size(&a);
        headers.len = len;
        ck_assert(!ingest_header_next(&headers, &header));
    }
}
END_TEST


int
main(void)
{
    const TTest  *tests[] = {
        a_ring_fits_its_memory_to_the_byte,
        a_ring_of_another_kind_is_not_valid,
        a_ring_over_stale_memory_is_empty,
        segments_live_many_lives,
        lives_are_numbered_past_the_largest_number,
        a_segment_is_freed_once_and_by_the_sender_only,
        a_second_life_shows_nothing_of_the_first,
        sixty_four_workers_share_a_ring,
        events_are_counted_over_the_slots_and_never_below_zero,
        headers_are_taken_off_one_by_one_and_never_past_the_end,
        NULL
    };

    return unit_run_each("ring", tests, worker_setup, worker_teardown);
}
