
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#include <stdlib.h>

#include "ring_fixture.h"


#define NSEGMENTS  8
#define NONE       ((ingest_record_t *) NULL)


static ingest_ring_t  *ring;
static worker_t        worker;


static void
setup(void)
{
    ring = ring_create(NSEGMENTS, SEGMENT);
    worker_init(&worker, ring, 0);
}


static void
teardown(void)
{
    worker_free(&worker);
    ring_destroy(ring);
}


static size_t
segments(double n)
{
    return record_value_len((size_t) (n * SEGMENT));
}


static void
put(uint64_t number, size_t value_len)
{
    ck_assert_int_eq(worker_put(&worker, number, value_len), INGEST_OK);
}


/* sends the next record, which must have this number */

static ingest_ref_t
send_number(uint64_t number, uint64_t now_ms)
{
    ingest_ref_t      ref;
    ingest_record_t  *record;

    record = worker_send(&worker, now_ms, &ref);
    ck_assert_ptr_ne(record, NONE);
    ck_assert_uint_eq(record_check(record), number);

    return ref;
}


static void
send_nothing(uint64_t now_ms)
{
    ingest_ref_t  ref;

    ck_assert_ptr_eq(worker_send(&worker, now_ms, &ref), NONE);
}


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


START_TEST(a_hint_of_room_claims_nothing)
{
    ck_assert(ingest_writer_room(worker.writer, SEGMENT));
    ck_assert_uint_eq(ring_nfree(ring), NSEGMENTS);

    put(0, 100);
    ck_assert(ingest_writer_room(worker.writer, 100));
    ck_assert_uint_eq(ring_nfree(ring), NSEGMENTS - 1);
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
    ck_assert_uint_eq(worker.reader->nflight, 3);

    /* the walk that looks for the first one passes the other two */

    ingest_reader_retry(worker.reader, refs[0], 10);
    ck_assert_ptr_eq(ingest_reader_find(worker.reader, refs[0]), NONE);
    ck_assert_uint_eq(worker.reader->nflight, 2);
    refs[0] = send_number(0, 10);
    send_nothing(1000);

    ingest_reader_done(worker.reader, refs[1]);
    ingest_reader_retry(worker.reader, refs[2], 10);
    (void) send_number(2, 1000);
    send_nothing(10000);
}
END_TEST


START_TEST(records_that_fail_during_a_walk_wait_for_their_own_time)
{
    unsigned      i;
    ingest_ref_t  refs[4];

    for (i = 0; i < 4; i++) {
        put(i, 100);
        refs[i] = send_number(i, 0);
    }

    ingest_reader_retry(worker.reader, refs[0], 100);
    ingest_reader_retry(worker.reader, refs[1], 100);
    ingest_reader_retry(worker.reader, refs[2], 100);

    /* one behind the walk and one before it */

    refs[0] = send_number(0, 100);
    ingest_reader_retry(worker.reader, refs[0], 300);
    ingest_reader_retry(worker.reader, refs[3], 200);

    refs[1] = send_number(1, 100);
    refs[2] = send_number(2, 100);
    send_nothing(100);
    send_nothing(199);
    ck_assert_uint_eq(ingest_reader_due(worker.reader), 200);

    (void) send_number(3, 200);
    send_nothing(299);
    (void) send_number(0, 300);
    send_nothing(UINT64_MAX);
}
END_TEST


START_TEST(a_record_that_fails_behind_the_walk_is_not_forgotten)
{
    unsigned      i;
    ingest_ref_t  refs[3];

    for (i = 0; i < 3; i++) {
        put(i, 100);
        refs[i] = send_number(i, 0);
    }

    for (i = 0; i < 3; i++) {
        ingest_reader_retry(worker.reader, refs[i], 100);
    }

    refs[0] = send_number(0, 100);
    refs[1] = send_number(1, 100);
    ingest_reader_retry(worker.reader, refs[0], 100);

    refs[0] = send_number(0, 100);
    (void) send_number(2, 100);
    send_nothing(UINT64_MAX);
}
END_TEST


START_TEST(a_segment_is_not_walked_for_each_of_its_records)
{
    unsigned      i;
    ingest_ref_t  ref;

    for (i = 0; i < 20; i++) {
        put(i, 100);
        ref = send_number(i, 0);
        ingest_reader_retry(worker.reader, ref, 100 + i);
    }

    (void) send_number(0, 100);
    send_nothing(100);
    send_nothing(149);
    ck_assert_uint_eq(ingest_reader_due(worker.reader), 150);

    for (i = 1; i < 20; i++) {
        (void) send_number(i, 150);
    }

    send_nothing(UINT64_MAX);
}
END_TEST


START_TEST(records_wait_in_several_segments)
{
    ingest_ref_t  refs[3];

    put(0, segments(1));
    put(1, segments(1));
    put(2, segments(1));

    refs[0] = send_number(0, 0);
    refs[1] = send_number(1, 0);
    refs[2] = send_number(2, 0);

    ingest_reader_retry(worker.reader, refs[0], 300);
    ingest_reader_retry(worker.reader, refs[2], 100);
    ingest_reader_retry(worker.reader, refs[1], 200);

    ck_assert_uint_eq(ingest_reader_due(worker.reader), 100);
    refs[2] = send_number(2, 100);
    ck_assert_uint_eq(ingest_reader_due(worker.reader), 200);
    refs[1] = send_number(1, 200);
    send_nothing(299);
    refs[0] = send_number(0, 300);

    ingest_reader_done(worker.reader, refs[1]);
    ck_assert_uint_eq(ingest_reader_free(worker.reader), 1);
    ingest_reader_done(worker.reader, refs[0]);
    ck_assert_uint_eq(ingest_reader_free(worker.reader), 1);
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


START_TEST(an_odd_segment_size_has_room_for_all_of_its_bits)
{
    uint64_t  n;

    teardown();
    ring = ring_create(3, SEGMENT + 2 * INGEST_RECORD_ALIGN);
    worker_init(&worker, ring, 0);

    /* the last units of each; ASan guards the memory behind the last one */

    for (n = 0; n < 3; n++) {
        put(2 * n, record_value_len(SEGMENT));
        put(2 * n + 1, record_value_len(2 * INGEST_RECORD_ALIGN));
        (void) send_number(2 * n, 0);
        (void) send_number(2 * n + 1, 0);
    }

    ck_assert_uint_eq(worker.reader->nflight, 6);
}
END_TEST


START_TEST(sixty_four_workers_share_a_ring)
{
    unsigned  i, n;
    worker_t  workers[64];

    teardown();
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


START_TEST(a_reader_without_claims_has_nothing)
{
    ingest_ref_t  ref;

    put(0, 100);

    ingest_reader_init(worker.reader, ring, NULL, worker.reader_memory);
    ingest_reader_take(worker.reader);
    ck_assert_ptr_eq(ingest_reader_next(worker.reader, 0, &ref), NONE);
    ck_assert_uint_eq(ingest_reader_free(worker.reader), 0);
    ck_assert(ingest_reader_empty(worker.reader));
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
    int       nfailed;
    Suite    *suite;
    TCase    *tcase;
    SRunner  *runner;

    suite = suite_create("ring");
    tcase = tcase_create("ring");
    tcase_add_checked_fixture(tcase, setup, teardown);

    tcase_add_test(tcase, records_come_out_in_order_with_their_bytes);
    tcase_add_test(tcase, nothing_is_seen_before_the_commit);
    tcase_add_test(tcase, next_hands_out_the_same_record_until_it_is_sent);
    tcase_add_test(tcase, full_ring_refuses_and_keeps_order);
    tcase_add_test(tcase,
        a_full_ring_is_looked_at_again_only_when_something_was_freed);
    tcase_add_test(tcase, a_hint_of_room_claims_nothing);
    tcase_add_test(tcase, segments_live_many_lives);
    tcase_add_test(tcase, lives_are_numbered_past_the_largest_number);
    tcase_add_test(tcase, a_batch_over_several_segments_comes_out_whole);
    tcase_add_test(tcase,
        a_failed_batch_changes_nothing_and_its_segments_come_free);
    tcase_add_test(tcase, failed_batches_come_free_though_nothing_can_be_sent);
    tcase_add_test(tcase, a_reserved_segment_is_not_taken_for_one_given_back);
    tcase_add_test(tcase, failed_batches_in_a_row_never_move_the_open_segment);
    tcase_add_test(tcase, what_can_never_fit_is_too_large);
    tcase_add_test(tcase,
        a_record_as_large_as_a_segment_fits_one_byte_more_does_not);
    tcase_add_test(tcase, a_segment_is_freed_once_and_by_the_sender_only);
    tcase_add_test(tcase,
        a_segment_with_a_record_in_flight_or_waiting_is_not_freed);
    tcase_add_test(tcase, an_open_segment_is_not_freed);
    tcase_add_test(tcase, a_reference_from_an_earlier_life_finds_nothing);
    tcase_add_test(tcase, a_reference_to_no_record_finds_nothing);
    tcase_add_test(tcase, a_reference_holds_the_largest_of_all_its_parts);
    tcase_add_test(tcase, a_ring_over_stale_memory_is_empty);
    tcase_add_test(tcase, a_second_life_shows_nothing_of_the_first);
    tcase_add_test(tcase, a_failed_record_comes_again_when_due_and_not_before);
    tcase_add_test(tcase, a_record_in_flight_is_never_handed_out);
    tcase_add_test(tcase,
        records_that_fail_during_a_walk_wait_for_their_own_time);
    tcase_add_test(tcase,
                   a_record_that_fails_behind_the_walk_is_not_forgotten);
    tcase_add_test(tcase, a_segment_is_not_walked_for_each_of_its_records);
    tcase_add_test(tcase, records_wait_in_several_segments);
    tcase_add_test(tcase, the_oldest_is_the_first_that_is_not_done);
    tcase_add_test(tcase,
        a_reader_is_empty_when_all_that_was_committed_is_done);
    tcase_add_test(tcase, an_odd_segment_size_has_room_for_all_of_its_bits);
    tcase_add_test(tcase, sixty_four_workers_share_a_ring);
    tcase_add_test(tcase,
        events_are_counted_over_the_slots_and_never_below_zero);
    tcase_add_test(tcase, a_ring_fits_its_memory_to_the_byte);
    tcase_add_test(tcase, a_ring_of_another_kind_is_not_valid);
    tcase_add_test(tcase, a_reader_without_claims_has_nothing);
    tcase_add_test(tcase,
        headers_are_taken_off_one_by_one_and_never_past_the_end);

    suite_add_tcase(suite, tcase);

    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    nfailed = srunner_ntests_failed(runner);
    srunner_free(runner);

    return nfailed == 0 ? 0 : 1;
}
