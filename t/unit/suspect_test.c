
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * Segments whose senders died again and again.  Worker 0 left them; whoever
 * adopts them may be the next to die.
 */


#include "heir_fixture.h"


#define VALUE    100
#define RECORDS  3
#define RESTED   20000  /* ms: more than any segment does */


static ingest_census_t  census;
static bool             ending;     /* the process that adopts */


/* Another process takes all of it over at that time. */

static void
adopts(uint64_t now_ms)
{
    worker_free(&heir);
    worker_init(&heir, ring, 1);

    heir.reader->hurry = ending;

    memset(&census, 0, sizeof(ingest_census_t));

    /* those of the heir before it, and the worker's */

    ingest_reader_adopt(heir.reader, 1, now_ms, &census);
    ingest_reader_adopt(heir.reader, 0, now_ms, &census);
}


static void
adopts_times(unsigned n, uint64_t now_ms)
{
    while (n-- > 0) {
        adopts(now_ms);
    }
}


static void
setup(void)
{
    unsigned  i;

    heir_setup();

    for (i = 0; i < RECORDS; i++) {
        put(i, VALUE);
    }
}


static ingest_record_t *
record_of(unsigned number)
{
    uint8_t  *p;

    for (p = ingest_ring_data(ring, 0); number > 0; number--) {
        p += ((ingest_record_t *) p)->size;
    }

    return (ingest_record_t *) p;
}


static ingest_ref_t
comes(unsigned number, uint64_t now_ms)
{
    ingest_ref_t      ref;
    ingest_record_t  *record;

    record = worker_send(&heir, now_ms, &ref);
    ck_assert_ptr_nonnull(record);
    ck_assert_uint_eq(record_check(record), number);

    return ref;
}


static void
nothing_comes(uint64_t now_ms)
{
    ingest_ref_t  ref;

    ck_assert_ptr_null(worker_send(&heir, now_ms, &ref));
}


START_TEST(after_two_deaths_all_is_sent_at_once)
{
    adopts_times(2, 0);

    (void) comes(0, 0);
    (void) comes(1, 0);
    (void) comes(2, 0);
    ck_assert_uint_eq(record_of(0)->crashes, 0);
}
END_TEST


START_TEST(from_the_third_death_on_it_rests_longer_and_longer)
{
    unsigned  i, rest_ms[] = { 1000, 2000, 4000, 8000, 8000, 8000 };

    adopts_times(2, 0);

    for (i = 0; i < 6; i++) {
        adopts(0);
        nothing_comes(rest_ms[i] - 1);
        (void) comes(0, 2 * rest_ms[i]);
        record_of(0)->crashes = 0;
    }
}
END_TEST


/* Each time the same time after the death, as if something counted to it. */

START_TEST(how_long_it_rests_is_a_matter_of_chance)
{
    unsigned  i, n;

    adopts_times(5, 0);

    for (i = 0, n = 0; i < 1000; i++) {
        adopts(i * 60000);
        n += heir.reader->cursors[0].rest_ms - i * 60000 < 8800;
    }

    /* a tenth, give or take */

    ck_assert_uint_gt(n, 50);
    ck_assert_uint_lt(n, 200);
}
END_TEST


/* As reloads do while Kafka is away. */

START_TEST(workers_that_leave_in_peace_make_nothing_suspect)
{
    unsigned  i;

    for (i = 0; i < 10; i++) {
        adopts(0);
        ingest_reader_leave(heir.reader);
    }

    adopts(0);
    (void) comes(0, 0);
    (void) comes(1, 0);
    (void) comes(2, 0);
}
END_TEST


/* A reader that ends in the middle of it, as on a reload. */

START_TEST(who_leaves_in_peace_takes_the_marks_back)
{
    adopts_times(3, 0);
    (void) comes(0, RESTED);
    ck_assert_uint_eq(record_of(0)->crashes, 1);

    ingest_reader_leave(heir.reader);
    ck_assert_uint_eq(record_of(0)->crashes, 0);
}
END_TEST


START_TEST(then_its_records_are_sent_in_growing_rounds)
{
    unsigned      i, n, round;
    ingest_ref_t  refs[INGEST_TRIALS];

    for (i = RECORDS; i < 200; i++) {
        put(i, VALUE);
    }

    adopts_times(3, 0);

    for (i = 0, round = 1; i < 127; i += n, round *= 2) {

        for (n = 0; n < round; n++) {
            refs[n] = comes(i + n, RESTED);
            ck_assert_uint_eq(record_of(i + n)->flags, INGEST_RECORD_ALONE);
            ck_assert_uint_eq(record_of(i + n)->crashes, 1);
        }

        nothing_comes(RESTED);

        while (n > 1) {
            ingest_reader_done(heir.reader, refs[--n]);
            nothing_comes(RESTED);
        }

        ingest_reader_done(heir.reader, refs[0]);
        n = round;
    }

    ck_assert_uint_eq(round, 2 * INGEST_TRIALS);

    for (n = 0; n < INGEST_TRIALS; n++) {
        (void) comes(i + n, RESTED);
    }

    nothing_comes(RESTED);
}
END_TEST


START_TEST(one_that_fails_has_not_killed_us_either)
{
    ingest_ref_t  ref;

    adopts_times(3, 0);

    ref = comes(0, RESTED);
    ingest_reader_retry(heir.reader, ref, RESTED + 5000);
    ck_assert_uint_eq(record_of(0)->crashes, 0);

    (void) comes(1, RESTED);
    (void) comes(2, RESTED);
    nothing_comes(RESTED);
    (void) comes(0, RESTED + 6000);
}
END_TEST


START_TEST(one_that_was_there_at_a_death_is_sent_alone)
{
    ingest_ref_t  ref;

    adopts_times(3, 0);
    ingest_reader_done(heir.reader, comes(0, RESTED));
    (void) comes(1, RESTED);
    (void) comes(2, RESTED);

    adopts(0);
    ref = comes(1, RESTED);
    ck_assert_uint_eq(record_of(1)->crashes, 2);
    nothing_comes(RESTED);

    ingest_reader_done(heir.reader, ref);
    (void) comes(2, RESTED);
    ck_assert_uint_eq(record_of(2)->crashes, 2);
}
END_TEST


START_TEST(others_do_not_join_one_that_is_alone)
{
    adopts_times(3, 0);
    (void) comes(0, RESTED);

    adopts(0);
    (void) comes(0, RESTED);
    ck_assert_uint_eq(record_of(0)->crashes, 2);
    nothing_comes(RESTED);
}
END_TEST


START_TEST(others_are_sent_meanwhile)
{
    adopts_times(3, 0);

    (void) comes(0, RESTED);

    ck_assert_int_eq(worker_put(&heir, 100, VALUE), INGEST_OK);
    (void) comes(100, RESTED);
    nothing_comes(RESTED);
}
END_TEST


/* What nobody can send says nothing of the death of its sender. */

START_TEST(nothing_is_tried_while_no_broker_is_there)
{
    adopts_times(3, 0);

    heir.reader->reachable = false;
    nothing_comes(RESTED);

    heir.reader->reachable = true;
    heir.reader->full[INGEST_MODE_BATCHES] = true;
    (void) comes(0, RESTED);
}
END_TEST


START_TEST(nothing_rests_when_the_last_worker_ends)
{
    adopts_times(3, 0);

    nothing_comes(0);
    heir.reader->hurry = true;
    ingest_reader_retry(heir.reader, comes(0, 0), RESTED);

    ending = true;
    adopts(0);
    (void) comes(0, 0);
}
END_TEST


START_TEST(a_look_marks_nothing)
{
    ingest_ref_t  ref;

    adopts_times(3, 0);

    ck_assert_ptr_nonnull(ingest_reader_next(heir.reader, RESTED, &ref));
    ck_assert_ptr_nonnull(ingest_reader_next(heir.reader, RESTED, &ref));
    ck_assert_uint_eq(record_of(0)->crashes, 0);

    ingest_reader_try(heir.reader, ref, RESTED);
    ck_assert_uint_eq(record_of(0)->crashes, 1);

    /* librdkafka had no room for it */

    ingest_reader_tried(heir.reader, ref);
    ck_assert_uint_eq(record_of(0)->crashes, 0);
    ck_assert_ptr_nonnull(ingest_reader_next(heir.reader, RESTED, &ref));
}
END_TEST


START_TEST(a_second_in_flight_clears_a_record)
{
    adopts_times(3, 0);

    (void) comes(0, RESTED);
    nothing_comes(RESTED + 999);
    ck_assert_uint_eq(record_of(0)->crashes, 1);

    (void) comes(1, RESTED + 1000);
    ck_assert_uint_eq(record_of(0)->crashes, 0);
    ck_assert_uint_eq(record_of(1)->crashes, 1);
}
END_TEST


START_TEST(each_death_of_its_sender_leaves_a_mark)
{
    unsigned  i;

    adopts_times(2, 0);

    for (i = 1; i <= 5; i++) {
        adopts(0);
        (void) comes(0, RESTED);
        ck_assert_uint_eq(record_of(0)->crashes, i);
        ck_assert_uint_eq(record_of(1)->crashes, 0);
    }
}
END_TEST


START_TEST(one_that_was_survived_begins_anew)
{
    unsigned  i;

    adopts_times(2, 0);

    for (i = 1; i <= 4; i++) {
        adopts(0);
        (void) comes(0, RESTED);
    }

    ck_assert_uint_eq(record_of(0)->crashes, 4);

    (void) comes(1, RESTED + 1000);
    ck_assert_uint_eq(record_of(0)->crashes, 0);
}
END_TEST


START_TEST(a_segment_that_came_free_is_not_suspect_any_more)
{
    unsigned  i;

    adopts_times(3, 0);

    for (i = 0; i < RECORDS; i++) {
        ingest_reader_done(heir.reader, comes(i, RESTED));
    }

    ck_assert_uint_eq(ingest_reader_free(heir.reader), 1);
    ck_assert_uint_eq(atomic_load(&ingest_ring_segment(ring, 0)->adoptions),
                      0);
}
END_TEST


/* Room is made, and what is suspect stays it. */

START_TEST(suspect_segments_are_parked_with_their_past)
{
    unsigned          i;
    ingest_ref_t      ref;
    ingest_record_t  *record;

    ingest_writer_seal(worker.writer);
    put(RECORDS, VALUE);
    ingest_writer_seal(worker.writer);

    adopts_times(3, 0);
    record_of(1)->crashes = 2;

    ck_assert_uint_eq(ingest_reader_sparse(heir.reader, 0, 0), 2);
    ck_assert_uint_eq(ingest_reader_park(heir.reader, 8), 2);
    ck_assert_uint_eq(ingest_reader_free(heir.reader), 2);
    ck_assert_uint_eq(ring_nfree(ring), NSEGMENTS - 1);

    nothing_comes(999);

    ingest_reader_done(heir.reader, comes(0, RESTED));

    record = worker_send(&heir, RESTED, &ref);
    ck_assert_uint_eq(record_check(record), 1);
    ck_assert_uint_eq(record->crashes, 3);
    nothing_comes(RESTED);
    ingest_reader_done(heir.reader, ref);

    (void) comes(2, RESTED);
    (void) comes(3, RESTED);

    for (i = 0; i < NSEGMENTS; i++) {
        if (atomic_load(&ingest_ring_segment(ring, i)->owner) != 0) {
            ck_assert_uint_eq(
                atomic_load(&ingest_ring_segment(ring, i)->adoptions), 3);
        }
    }
}
END_TEST


START_TEST(a_new_handle_sends_all_again_still_by_rounds)
{
    adopts_times(3, 0);

    (void) comes(0, RESTED);
    ingest_reader_rewind(heir.reader);
    ck_assert_uint_eq(record_of(0)->crashes, 0);

    (void) comes(0, RESTED);
    (void) comes(1, RESTED);
    nothing_comes(RESTED);
}
END_TEST


int
main(void)
{
    const TTest  *tests[] = {
        after_two_deaths_all_is_sent_at_once,
        from_the_third_death_on_it_rests_longer_and_longer,
        how_long_it_rests_is_a_matter_of_chance,
        workers_that_leave_in_peace_make_nothing_suspect,
        who_leaves_in_peace_takes_the_marks_back,
        then_its_records_are_sent_in_growing_rounds,
        one_that_fails_has_not_killed_us_either,
        one_that_was_there_at_a_death_is_sent_alone,
        others_do_not_join_one_that_is_alone,
        others_are_sent_meanwhile,
        nothing_is_tried_while_no_broker_is_there,
        nothing_rests_when_the_last_worker_ends,
        a_look_marks_nothing,
        a_second_in_flight_clears_a_record,
        each_death_of_its_sender_leaves_a_mark,
        one_that_was_survived_begins_anew,
        a_segment_that_came_free_is_not_suspect_any_more,
        suspect_segments_are_parked_with_their_past,
        a_new_handle_sends_all_again_still_by_rounds,
        NULL
    };

    return unit_run_each("suspect", tests, setup, heir_teardown);
}
