
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/* Segments that wait for a few of their records, and what becomes of them. */


#include "heir_fixture.h"


#define LATER  5000     /* ms: when what waits is due */


/*
 * n segments of four records each, of which all but those with these last
 * numbers of four are delivered; the others wait.
 */

static void
waiting(unsigned n, unsigned first, unsigned last)
{
    unsigned      i;
    ingest_ref_t  ref;

    for (i = 0; i < 4 * n; i++) {
        put(i, segments(0.25));
    }

    ingest_writer_seal(worker.writer);

    for (i = 0; i < 4 * n; i++) {
        ref = send_number(i, 0);

        if (i % 4 >= first && i % 4 <= last) {
            ingest_reader_retry(worker.reader, ref, LATER);

        } else {
            ingest_reader_done(worker.reader, ref);
        }
    }

    send_nothing(0);
    (void) ingest_reader_free(worker.reader);
}


static void
each_fourth_comes_once(worker_t *from, unsigned n)
{
    unsigned  i, times[4 * NSEGMENTS];

    worker_arrivals(from, LATER, times, 4 * NSEGMENTS);

    for (i = 0; i < 4 * NSEGMENTS; i++) {
        ck_assert_uint_eq(times[i], i % 4 == 3 && i < 4 * n);
    }
}


START_TEST(what_waits_in_many_segments_is_moved_into_few)
{
    waiting(6, 3, 3);
    ck_assert_uint_eq(ring_nfree(ring), 2);

    ck_assert_uint_eq(ingest_reader_sparse(worker.reader, 0, 0), 6);
    ck_assert_uint_eq(ingest_reader_park(worker.reader, 8), 6);
    (void) ingest_reader_free(worker.reader);

    ck_assert_uint_eq(ring_nfree(ring), 6);
    ck_assert_uint_eq(ingest_reader_left(worker.reader), 6);

    send_nothing(0);
    each_fourth_comes_once(&worker, 6);
    ck_assert_uint_eq(ring_nfree(ring), 8);
    ck_assert(ingest_reader_empty(worker.reader));
}
END_TEST


START_TEST(no_more_segments_are_cleared_than_asked_for)
{
    waiting(6, 3, 3);

    ck_assert_uint_eq(ingest_reader_park(worker.reader, 2), 2);
    (void) ingest_reader_free(worker.reader);
    ck_assert_uint_eq(ring_nfree(ring), 3);

    each_fourth_comes_once(&worker, 6);
}
END_TEST


START_TEST(a_segment_that_is_half_full_stays)
{
    waiting(4, 2, 3);

    ck_assert_uint_eq(ingest_reader_sparse(worker.reader, 0, 0), 0);
    ck_assert_uint_eq(ingest_reader_park(worker.reader, 8), 0);
    ck_assert_uint_eq(ring_nfree(ring), 4);
}
END_TEST


START_TEST(one_segment_alone_is_not_moved)
{
    waiting(1, 3, 3);

    ck_assert_uint_eq(ingest_reader_park(worker.reader, 8), 0);
    ck_assert_uint_eq(ring_nfree(ring), 7);
}
END_TEST


START_TEST(a_segment_with_a_record_in_flight_stays)
{
    ingest_ref_t  ref;

    waiting(3, 3, 3);

    ck_assert_ptr_nonnull(worker_send(&worker, LATER, &ref));

    ck_assert_uint_eq(ingest_reader_sparse(worker.reader, 0, 0), 3);
    ck_assert_uint_eq(ingest_reader_park(worker.reader, 8), 2);

    /* its report still finds it */

    ck_assert_uint_eq(record_check(ingest_reader_find(worker.reader, ref)),
                      3);
}
END_TEST


START_TEST(what_comes_behind_is_still_sent)
{
    waiting(3, 3, 3);

    ck_assert_uint_eq(ingest_reader_park(worker.reader, 8), 3);

    put(100, segments(0.25));
    ingest_reader_done(worker.reader, send_number(100, 0));
    put(101, segments(0.25));
    ingest_reader_done(worker.reader, send_number(101, 0));

    each_fourth_comes_once(&worker, 3);
}
END_TEST


START_TEST(a_full_parking_segment_is_followed_by_another)
{
    waiting(6, 3, 3);

    ck_assert_uint_eq(ingest_reader_park(worker.reader, 8), 6);
    (void) ingest_reader_free(worker.reader);

    /* six quarters */

    ck_assert_uint_eq(ring_nfree(ring), NSEGMENTS - 2);
    each_fourth_comes_once(&worker, 6);
}
END_TEST


START_TEST(without_a_free_segment_nothing_is_moved_and_nothing_lost)
{
    waiting(7, 3, 3);
    put(100, segments(0.25));
    ck_assert_uint_eq(ring_nfree(ring), 0);

    ck_assert_uint_eq(ingest_reader_park(worker.reader, 8), 0);

    ingest_reader_done(worker.reader, send_number(100, 0));
    each_fourth_comes_once(&worker, 7);
}
END_TEST


START_TEST(the_reserve_is_for_parking_alone)
{
    atomic_store(&ring->reserve, 1);

    waiting(7, 3, 3);
    ck_assert_int_eq(worker_put(&worker, 100, segments(0.25)), INGEST_AGAIN);
    ck_assert(!ingest_writer_room(worker.writer, segments(0.25)));
    ck_assert_uint_eq(ingest_ring_free(ring, NSEGMENTS), 0);

    ck_assert_uint_ge(ingest_reader_park(worker.reader, 8), 4);
    ck_assert_uint_ne(atomic_load(&ingest_ring_segment(ring, 0)->owner), 0);

    (void) ingest_reader_free(worker.reader);
    put(100, segments(0.25));
}
END_TEST


START_TEST(a_copy_says_of_itself_what_the_record_did)
{
    ingest_ref_t      ref;
    ingest_record_t  *record;

    waiting(2, 3, 3);

    record = (ingest_record_t *) (ingest_ring_data(ring, 0)
                                  + SEGMENT / 4 * 3);
    record->flags = INGEST_RECORD_DEAD;
    record->attempts = 7;
    record->answers = 3;
    record->crashes = 2;
    record->error = 29;
    record->partition = 5;

    ck_assert_uint_eq(ingest_reader_park(worker.reader, 8), 2);
    ck_assert_uint_eq(record->state, INGEST_RECORD_DONE);

    send_nothing(LATER - 1);

    record = worker_send(&worker, LATER, &ref);
    ck_assert_uint_eq(record_check(record), 3);
    ck_assert_uint_eq(record->flags, INGEST_RECORD_DEAD);
    ck_assert_uint_eq(record->attempts, 7);
    ck_assert_uint_eq(record->answers, 3);
    ck_assert_uint_eq(record->crashes, 2);
    ck_assert_int_eq(record->error, 29);
    ck_assert_int_eq(record->partition, 5);
}
END_TEST


START_TEST(a_copy_takes_over_how_often_its_segment_was_adopted)
{
    waiting(2, 3, 3);
    atomic_store(&ingest_ring_segment(ring, 0)->adoptions, 1);
    atomic_store(&ingest_ring_segment(ring, 1)->adoptions, 2);

    ck_assert_uint_eq(ingest_reader_park(worker.reader, 8), 2);
    ck_assert_uint_eq(atomic_load(&ingest_ring_segment(ring, 2)->adoptions),
                      2);
}
END_TEST


START_TEST(parked_records_are_adopted)
{
    waiting(6, 3, 3);
    (void) ingest_reader_park(worker.reader, 8);

    ck_assert_uint_eq(worker_adopts(&heir, 0), 6);
    each_fourth_comes_once(&heir, 6);
    ck_assert_uint_eq(ring_nfree(ring), NSEGMENTS);
}
END_TEST


/* As if it had been killed before the last record was DONE. */

START_TEST(a_death_while_parking_neither_doubles_nor_loses_a_record)
{
    ingest_record_t  *record;

    waiting(2, 3, 3);
    (void) ingest_reader_park(worker.reader, 8);

    record = (ingest_record_t *) (ingest_ring_data(ring, 1)
                                  + SEGMENT / 4 * 3);
    ck_assert_uint_eq(record_check(record), 7);
    atomic_store(&record->state, INGEST_RECORD_PENDING);

    ck_assert_uint_eq(worker_adopts(&heir, 0), 2);
    each_fourth_comes_once(&heir, 2);
}
END_TEST


/* As if it had been killed before the last copy was committed. */

START_TEST(a_copy_that_was_not_committed_leaves_the_original)
{
    ingest_record_t   *record;
    ingest_segment_t  *parking;

    waiting(2, 3, 3);
    (void) ingest_reader_park(worker.reader, 8);

    record = (ingest_record_t *) (ingest_ring_data(ring, 1)
                                  + SEGMENT / 4 * 3);
    atomic_store(&record->state, INGEST_RECORD_PENDING);
    parking = ingest_ring_segment(ring, 2);
    atomic_fetch_sub(&parking->committed, SEGMENT / 4);

    ck_assert_uint_eq(worker_adopts(&heir, 0), 2);
    each_fourth_comes_once(&heir, 2);
}
END_TEST


/* The original's segment was freed and is used again. */

START_TEST(what_stands_in_the_place_of_the_original_now_is_left_alone)
{
    ingest_ref_t  ref;

    waiting(2, 3, 3);
    (void) ingest_reader_park(worker.reader, 8);
    (void) ingest_reader_free(worker.reader);

    put(0, segments(0.25));
    put(0, segments(0.25));
    put(0, segments(0.25));
    put(0, segments(0.25));
    put(0, segments(0.25));
    put(0, segments(0.25));
    put(0, segments(0.25));
    put(0, segments(0.25));

    ck_assert_uint_eq(worker_adopts(&heir, 0), 10);

    while (worker_send(&heir, LATER, &ref) != NULL) {
        ingest_reader_done(heir.reader, ref);
    }

    ck_assert_uint_eq(ingest_reader_left(heir.reader), 0);
}
END_TEST


/* Almost empty segments of several dead workers. */

START_TEST(what_was_adopted_is_moved_too)
{
    uint32_t      i;
    ingest_ref_t  ref;

    waiting(3, 3, 3);
    (void) worker_adopts(&heir, 0);

    for (i = 0; i < 3; i++) {
        ck_assert_ptr_nonnull(worker_send(&heir, 0, &ref));
        ingest_reader_retry(heir.reader, ref, LATER);
    }

    ck_assert_ptr_null(worker_send(&heir, 0, &ref));

    ck_assert_uint_eq(ingest_reader_park(heir.reader, 8), 3);
    (void) ingest_reader_free(heir.reader);
    ck_assert_uint_eq(ring_nfree(ring), NSEGMENTS - 1);

    each_fourth_comes_once(&heir, 3);
}
END_TEST


int
main(void)
{
    const TTest  *tests[] = {
        what_waits_in_many_segments_is_moved_into_few,
        no_more_segments_are_cleared_than_asked_for,
        a_segment_that_is_half_full_stays,
        one_segment_alone_is_not_moved,
        a_segment_with_a_record_in_flight_stays,
        what_comes_behind_is_still_sent,
        a_full_parking_segment_is_followed_by_another,
        without_a_free_segment_nothing_is_moved_and_nothing_lost,
        the_reserve_is_for_parking_alone,
        a_copy_says_of_itself_what_the_record_did,
        a_copy_takes_over_how_often_its_segment_was_adopted,
        parked_records_are_adopted,
        a_death_while_parking_neither_doubles_nor_loses_a_record,
        a_copy_that_was_not_committed_leaves_the_original,
        what_stands_in_the_place_of_the_original_now_is_left_alone,
        what_was_adopted_is_moved_too,
        NULL
    };

    return unit_run_each("park", tests, heir_setup, heir_teardown);
}
