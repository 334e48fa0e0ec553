
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/* The sender's half of the ring: in flight, retries, references, free. */


#include "worker_fixture.h"


START_TEST(next_hands_out_the_same_record_until_it_is_sent)
{
    ingest_ref_t      ref, again;
    ingest_record_t  *record;

    put(1, 100);
    put(2, 100);

    ingest_reader_take(worker.reader);
    record = ingest_reader_next(worker.reader, 0, &ref);
    ck_assert_ptr_eq(ingest_reader_next(worker.reader, 0, &again), record);
    ck_assert_uint_eq(ref, again);
    ck_assert_ptr_eq(ingest_reader_find(worker.reader, ref), NONE);

    /* or until it is given up without having been sent */

    ingest_reader_done(worker.reader, ref);
    ck_assert_uint_eq(worker_drain(&worker, 2), 1);
    ck_assert(ingest_reader_empty(worker.reader));
}
END_TEST


START_TEST(a_segment_with_a_record_in_flight_or_waiting_is_not_freed)
{
    ingest_ref_t  refs[3];

    put(0, segments(0.25));
    put(1, segments(0.25));
    put(2, segments(0.25));
    put(3, segments(1));

    refs[0] = send_number(0, 0);
    refs[1] = send_number(1, 0);
    refs[2] = send_number(2, 0);
    (void) send_number(3, 0);

    ingest_reader_done(worker.reader, refs[2]);
    ck_assert_uint_eq(ingest_reader_free(worker.reader), 0);

    ingest_reader_retry(worker.reader, refs[0], 100);
    ingest_reader_done(worker.reader, refs[1]);
    ck_assert_uint_eq(ingest_reader_free(worker.reader), 0);

    refs[0] = send_number(0, 100);
    ck_assert_uint_eq(ingest_reader_free(worker.reader), 0);

    ingest_reader_done(worker.reader, refs[0]);
    ck_assert_uint_eq(ingest_reader_free(worker.reader), 1);
}
END_TEST


START_TEST(an_open_segment_is_not_freed)
{
    put(0, 100);
    ck_assert_uint_eq(worker_drain(&worker, 0), 1);
    ck_assert_uint_eq(ring_nfree(ring), NSEGMENTS - 1);

    put(1, 100);
    ck_assert_uint_eq(ring_nfree(ring), NSEGMENTS - 1);

    ingest_writer_seal(worker.writer);
    ck_assert_uint_eq(worker_drain(&worker, 1), 1);
    ck_assert_uint_eq(ring_nfree(ring), NSEGMENTS);

    put(2, 100);
    ck_assert_uint_eq(worker_drain(&worker, 2), 1);
}
END_TEST


START_TEST(a_reference_from_an_earlier_life_finds_nothing)
{
    ingest_ref_t  old, ref;

    put(0, segments(1));
    old = send_number(0, 0);
    ck_assert_ptr_ne(ingest_reader_find(worker.reader, old), NONE);

    ingest_reader_done(worker.reader, old);
    ingest_writer_seal(worker.writer);
    send_nothing(0);
    ck_assert_uint_eq(ingest_reader_free(worker.reader), 1);
    ck_assert_ptr_eq(ingest_reader_find(worker.reader, old), NONE);

    /* nor when a record of the next life is in flight at its place */

    put(1, segments(1));
    ref = send_number(1, 0);
    ck_assert_uint_eq(ingest_ref_segment(ref), ingest_ref_segment(old));
    ck_assert_uint_eq(ingest_ref_offset(ref), ingest_ref_offset(old));
    ck_assert_ptr_eq(ingest_reader_find(worker.reader, old), NONE);
    ck_assert_ptr_ne(ingest_reader_find(worker.reader, ref), NONE);
}
END_TEST


START_TEST(a_reference_to_no_record_finds_nothing)
{
    ingest_ref_t  ref;

    put(0, 1000);
    ref = send_number(0, 0);

    ck_assert_ptr_eq(ingest_reader_find(worker.reader, ref + (1ull << 32)),
                     NONE);
    ck_assert_ptr_eq(ingest_reader_find(worker.reader,
                         ingest_ref(NSEGMENTS, 0, 1)), NONE);
    ck_assert_ptr_eq(ingest_reader_find(worker.reader,
                         ingest_ref(NSEGMENTS - 1, SEGMENT, 0)), NONE);
    ck_assert_ptr_eq(ingest_reader_find(worker.reader, ~ (ingest_ref_t) 0),
                     NONE);
}
END_TEST


START_TEST(a_reference_holds_the_largest_of_all_its_parts)
{
    ingest_ref_t  ref;

    ref = ingest_ref(INGEST_SEGMENTS_MAX - 1,
                     INGEST_SEGMENT_MAX - INGEST_RECORD_ALIGN, UINT32_MAX);

    ck_assert_uint_eq(ingest_ref_segment(ref), INGEST_SEGMENTS_MAX - 1);
    ck_assert_uint_eq(ingest_ref_offset(ref),
                      INGEST_SEGMENT_MAX - INGEST_RECORD_ALIGN);
    ck_assert_uint_eq(ingest_ref_seq(ref), UINT32_MAX);
}
END_TEST


START_TEST(a_failed_record_comes_again_when_due_and_not_before)
{
    ingest_ref_t  ref;

    put(0, 100);
    put(1, 100);

    ref = send_number(0, 1000);
    ck_assert_uint_eq(ingest_reader_due(worker.reader), 0);

    ingest_reader_retry(worker.reader, ref, 1100);
    ck_assert_uint_eq(ingest_reader_due(worker.reader), 1100);

    /* others have their turn meanwhile */

    (void) send_number(1, 1099);
    send_nothing(1099);

    ck_assert_uint_eq(send_number(0, 1100), ref);
    ck_assert_uint_eq(ingest_reader_due(worker.reader), 0);
    send_nothing(UINT64_MAX);
}
END_TEST


START_TEST(a_record_in_flight_is_never_handed_out)
{
    ingest_ref_t  refs[3];

    put(0, 100);
    put(1, 100);
    put(2, 100);

    refs[0] = send_number(0, 0);
    refs[1] = send_number(1, 0);
    refs[2] = send_number(2, 0);

    /* the walk that looks for the first one passes the other two */

    ingest_reader_retry(worker.reader, refs[0], 10);
    ck_assert_ptr_eq(ingest_reader_find(worker.reader, refs[0]), NONE);
    refs[0] = send_number(0, 10);
    send_nothing(1000);

    ingest_reader_done(worker.reader, refs[1]);
    ingest_reader_retry(worker.reader, refs[2], 10);
    (void) send_number(2, 1000);
    send_nothing(10000);
}
END_TEST


START_TEST(the_oldest_is_the_first_that_is_not_done)
{
    unsigned      i;
    ingest_ref_t  refs[4];

    ck_assert_uint_eq(ingest_reader_oldest(worker.reader), 0);

    for (i = 0; i < 4; i++) {
        put(10 + i, i == 3 ? segments(0.99) : 100);
        refs[i] = send_number(10 + i, 0);
    }

    ck_assert_uint_eq(ingest_reader_oldest(worker.reader), 1010);
    ingest_reader_done(worker.reader, refs[1]);
    ck_assert_uint_eq(ingest_reader_oldest(worker.reader), 1010);
    ingest_reader_done(worker.reader, refs[0]);
    ck_assert_uint_eq(ingest_reader_oldest(worker.reader), 1012);
    ingest_reader_retry(worker.reader, refs[2], 0);
    ck_assert_uint_eq(ingest_reader_oldest(worker.reader), 1012);
    refs[2] = send_number(12, 0);
    ingest_reader_done(worker.reader, refs[2]);
    ck_assert_uint_eq(ingest_reader_oldest(worker.reader), 1013);
    ck_assert(!ingest_reader_empty(worker.reader));
    ingest_reader_done(worker.reader, refs[3]);
    ck_assert_uint_eq(ingest_reader_oldest(worker.reader), 0);
    ck_assert(ingest_reader_empty(worker.reader));
}
END_TEST


START_TEST(a_reader_is_empty_when_all_that_was_committed_is_done)
{
    ingest_ref_t  ref;

    ck_assert(ingest_reader_empty(worker.reader));

    put(0, 100);
    ingest_reader_take(worker.reader);
    ck_assert(!ingest_reader_empty(worker.reader));

    ref = send_number(0, 0);
    ck_assert(!ingest_reader_empty(worker.reader));
    ingest_reader_retry(worker.reader, ref, 100);
    ck_assert(!ingest_reader_empty(worker.reader));
    ref = send_number(0, 100);
    ingest_reader_done(worker.reader, ref);
    ck_assert(ingest_reader_empty(worker.reader));
}
END_TEST


/* In one walk, since a ring may have many thousand segments. */

START_TEST(what_is_given_up_is_found_once_and_nothing_before_it_is_looked_at)
{
    unsigned      i;
    ingest_ref_t  ref, second;

    for (i = 0; i < 6; i++) {
        put(i, segments(0.45));
    }

    (void) send_number(0, 0);
    (void) send_number(1, 0);
    second = send_number(2, 0);

    ref = second;
    ck_assert_uint_eq(record_check(ingest_reader_last(worker.reader, &ref)), 2);
    ck_assert_uint_eq(ref, second);

    for (i = 0, ref = 0; i < 6; i++) {
        ck_assert_uint_eq(record_check(ingest_reader_last(worker.reader, &ref)),
                          i);
        ingest_reader_done(worker.reader, ref);
    }

    ck_assert_ptr_eq(ingest_reader_last(worker.reader, &ref), NONE);
}
END_TEST


START_TEST(an_odd_segment_size_has_room_for_all_of_its_bits)
{
    uint64_t      n;
    ingest_ref_t  ref;

    worker_teardown();
    ring = ring_create(3, SEGMENT + 2 * INGEST_RECORD_ALIGN);
    worker_init(&worker, ring, 0);

    /* the last units of each; ASan guards the memory behind the last one */

    for (n = 0; n < 3; n++) {
        put(2 * n, record_value_len(SEGMENT));
        put(2 * n + 1, record_value_len(2 * INGEST_RECORD_ALIGN));
        (void) send_number(2 * n, 0);
        ref = send_number(2 * n + 1, 0);
        ck_assert_ptr_ne(ingest_reader_find(worker.reader, ref), NONE);
    }
}
END_TEST


START_TEST(a_reader_without_claims_has_nothing)
{
    ingest_ref_t  ref;

    put(0, 100);

    ingest_reader_init(worker.reader, ring, 0, NULL, worker.reader_memory);
    ingest_reader_take(worker.reader);
    ck_assert_ptr_eq(ingest_reader_next(worker.reader, 0, &ref), NONE);
    ck_assert_uint_eq(ingest_reader_free(worker.reader), 0);
    ck_assert(ingest_reader_empty(worker.reader));
}
END_TEST


int
main(void)
{
    const TTest  *tests[] = {
        next_hands_out_the_same_record_until_it_is_sent,
        a_segment_with_a_record_in_flight_or_waiting_is_not_freed,
        an_open_segment_is_not_freed,
        a_reference_from_an_earlier_life_finds_nothing,
        a_reference_to_no_record_finds_nothing,
        a_reference_holds_the_largest_of_all_its_parts,
        a_failed_record_comes_again_when_due_and_not_before,
        a_record_in_flight_is_never_handed_out,
        the_oldest_is_the_first_that_is_not_done,
        a_reader_is_empty_when_all_that_was_committed_is_done,
        what_is_given_up_is_found_once_and_nothing_before_it_is_looked_at,
        an_odd_segment_size_has_room_for_all_of_its_bits,
        a_reader_without_claims_has_nothing,
        NULL
    };

    return unit_run_each("reader", tests, worker_setup, worker_teardown);
}
