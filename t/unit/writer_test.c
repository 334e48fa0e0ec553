
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/* The event loop's half of the ring: order, commit, batches, sizes, full. */


#include "worker_fixture.h"


START_TEST(records_come_out_in_order_with_their_bytes)
{
    uint64_t  i;

    for (i = 0; i < 1000; i++) {
        put(i, VALUE_MIN + i % 300);
    }

    ck_assert_uint_eq(worker_drain(&worker, 0), 1000);
    send_nothing(0);
}
END_TEST


START_TEST(nothing_is_seen_before_the_commit)
{
    ck_assert_int_eq(worker_reserve(&worker, 2, 100), INGEST_OK);
    send_nothing(0);

    worker_append(&worker, 1, 100);
    worker_append(&worker, 2, 100);
    send_nothing(0);

    ingest_writer_commit(worker.writer);
    ck_assert_uint_eq(worker_drain(&worker, 1), 2);
}
END_TEST


START_TEST(full_ring_refuses_and_keeps_order)
{
    uint64_t  n;

    for (n = 0; worker_put(&worker, n, 1000) == INGEST_OK; n++) { /* void */ }

    ck_assert_uint_eq(n, NSEGMENTS * (SEGMENT / 1088));
    ck_assert_int_eq(worker_put(&worker, n, 1000), INGEST_AGAIN);
    ck_assert_int_eq(worker_put(&worker, n, VALUE_MIN), INGEST_OK);
    ck_assert(!ingest_writer_room(worker.writer, 1088));
    ck_assert_uint_eq(ring_nfree(ring), 0);

    ck_assert_uint_eq(worker_drain(&worker, 0), n + 1);

    ck_assert_uint_eq(ring_nfree(ring), NSEGMENTS - 1);
    ck_assert(ingest_writer_room(worker.writer, 1088));

    put(n + 1, 1000);
    ck_assert_uint_eq(worker_drain(&worker, n + 1), 1);
}
END_TEST


START_TEST(a_full_ring_is_looked_at_again_only_when_something_was_freed)
{
    uint64_t           n;
    ingest_segment_t  *segment;

    for (n = 0; n < NSEGMENTS; n++) {
        put(n, segments(1));
    }

    ck_assert(!ingest_writer_room(worker.writer, SEGMENT));

    /* freed, but the count of it is not raised yet */

    segment = ingest_ring_segment(ring, 3);
    atomic_store(&segment->owner, 0);
    ck_assert(!ingest_writer_room(worker.writer, SEGMENT));
    ck_assert_int_eq(worker_put(&worker, n, segments(1)), INGEST_AGAIN);

    atomic_fetch_add(&ring->freed, 1);
    ck_assert(ingest_writer_room(worker.writer, SEGMENT));
    ck_assert_int_eq(worker_put(&worker, n, segments(1)), INGEST_OK);
}
END_TEST


/* The process that freed it was killed before it could count. */

START_TEST(a_full_ring_is_looked_at_again_after_a_while)
{
    unsigned   i;
    uint64_t   n;

    for (n = 0; n < NSEGMENTS; n++) {
        put(n, segments(1));
    }

    ck_assert(!ingest_writer_room(worker.writer, SEGMENT));
    atomic_store(&ingest_ring_segment(ring, 3)->owner, 0);

    for (i = 0; i < 100 && !ingest_writer_room(worker.writer, SEGMENT); i++) {
        /* void */
    }

    ck_assert_uint_lt(i, 100);
}
END_TEST


START_TEST(a_hint_of_room_claims_nothing)
{
    ck_assert(ingest_writer_room(worker.writer, SEGMENT));
    ck_assert_uint_eq(ring_nfree(ring), NSEGMENTS);

    put(0, 100);
    ck_assert(ingest_writer_room(worker.writer, 100));
    ck_assert_uint_eq(ring_nfree(ring), NSEGMENTS - 1);
}
END_TEST


START_TEST(a_batch_over_several_segments_comes_out_whole)
{
    unsigned  i;

    put(0, segments(0.5));

    ck_assert_int_eq(worker_reserve(&worker, 9, segments(0.5)), INGEST_OK);

    for (i = 1; i < 10; i++) {
        worker_append(&worker, i, segments(0.5));
    }

    ck_assert_uint_eq(worker_drain(&worker, 0), 1);
    send_nothing(0);

    ingest_writer_commit(worker.writer);
    ck_assert_uint_eq(worker_drain(&worker, 1), 9);
}
END_TEST


START_TEST(a_failed_batch_changes_nothing_and_its_segments_come_free)
{
    uint32_t  open;

    put(0, 100);
    open = ingest_ring_segment(ring, 0)->committed;

    ck_assert_int_eq(worker_reserve(&worker, NSEGMENTS, segments(1)),
                     INGEST_AGAIN);
    ck_assert_uint_eq(ring_nfree(ring), 0);
    ck_assert_uint_eq(ingest_ring_segment(ring, 0)->committed, open);
    ck_assert_uint_eq(ingest_ring_segment(ring, 0)->sealed, 0);

    /* at once, though the open segment before them has records in flight */

    (void) send_number(0, 0);
    ck_assert_uint_eq(ingest_reader_free(worker.reader), NSEGMENTS - 1);
    ck_assert_uint_eq(ring_nfree(ring), NSEGMENTS - 1);

    /* and the open segment goes on being used */

    put(1, 100);
    ck_assert_uint_eq(ring_nfree(ring), NSEGMENTS - 1);
    (void) send_number(1, 0);
}
END_TEST


START_TEST(failed_batches_come_free_though_nothing_can_be_sent)
{
    put(0, 100);

    ck_assert_int_eq(worker_reserve(&worker, NSEGMENTS, segments(1)),
                     INGEST_AGAIN);
    ck_assert_uint_eq(ingest_reader_free(worker.reader), NSEGMENTS - 1);
    ck_assert_uint_eq(ingest_reader_free(worker.reader), 0);
}
END_TEST


START_TEST(a_reserved_segment_is_not_taken_for_one_given_back)
{
    worker_t  other;

    worker_init(&other, ring, 1);
    ck_assert_int_eq(worker_put(&other, 9, segments(1)), INGEST_OK);
    ingest_writer_seal(other.writer);

    put(0, 100);
    ck_assert_int_eq(worker_reserve(&worker, NSEGMENTS - 1, segments(1)),
                     INGEST_AGAIN);

    /* before its sender looks, another one's segment comes free */

    ck_assert_uint_eq(worker_drain(&other, 9), 1);
    ck_assert_int_eq(worker_reserve(&worker, 1, segments(1)), INGEST_OK);

    ck_assert_uint_eq(ingest_reader_free(worker.reader), NSEGMENTS - 2);

    worker_append(&worker, 1, segments(1));
    ingest_writer_commit(worker.writer);
    ck_assert_uint_eq(worker_drain(&worker, 0), 2);

    worker_free(&other);
}
END_TEST


START_TEST(failed_batches_in_a_row_never_move_the_open_segment)
{
    unsigned  i;

    for (i = 0; i < 5 * NSEGMENTS; i++) {
        put(i, 100);
        ck_assert_int_eq(worker_reserve(&worker, NSEGMENTS, segments(1)),
                         INGEST_AGAIN);
        ck_assert_uint_eq(worker_drain(&worker, i), 1);
        ck_assert_uint_eq(ring_nfree(ring), NSEGMENTS - 1);
    }
}
END_TEST


START_TEST(what_can_never_fit_is_too_large)
{
    size_t  size;

    size = SEGMENT + 1;
    ck_assert_int_eq(ingest_writer_reserve(worker.writer, &size, 1),
                     INGEST_TOO_LARGE);
    ck_assert_int_eq(worker_reserve(&worker, NSEGMENTS + 1, segments(1)),
                     INGEST_TOO_LARGE);
    ck_assert_uint_eq(ring_nfree(ring), NSEGMENTS);

    ck_assert_int_eq(worker_reserve(&worker, NSEGMENTS, segments(1)),
                     INGEST_OK);
}
END_TEST


START_TEST(a_record_as_large_as_a_segment_fits_one_byte_more_does_not)
{
    put(0, segments(1));
    put(1, segments(1));
    put(2, VALUE_MIN);
    ck_assert_int_eq(worker_put(&worker, 3, segments(1) + 1),
                     INGEST_TOO_LARGE);
    ck_assert_uint_eq(worker_drain(&worker, 0), 3);
}
END_TEST


int
main(void)
{
    const TTest  *tests[] = {
        records_come_out_in_order_with_their_bytes,
        nothing_is_seen_before_the_commit,
        full_ring_refuses_and_keeps_order,
        a_full_ring_is_looked_at_again_only_when_something_was_freed,
        a_full_ring_is_looked_at_again_after_a_while,
        a_hint_of_room_claims_nothing,
        a_batch_over_several_segments_comes_out_whole,
        a_failed_batch_changes_nothing_and_its_segments_come_free,
        failed_batches_come_free_though_nothing_can_be_sent,
        a_reserved_segment_is_not_taken_for_one_given_back,
        failed_batches_in_a_row_never_move_the_open_segment,
        what_can_never_fit_is_too_large,
        a_record_as_large_as_a_segment_fits_one_byte_more_does_not,
        NULL
    };

    return unit_run_each("writer", tests, worker_setup, worker_teardown);
}
