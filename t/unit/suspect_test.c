
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * Segments whose senders died again and again.  Worker 0 left them; whoever
 * adopts them may be the next to die.
 */


#include "worker_fixture.h"


#define VALUE    100
#define RECORDS  3


static worker_t         heir;
static ingest_census_t  census;


/* Another process takes all of it over at that time. */

static void
adopts(uint64_t now_ms)
{
    uint32_t  i;

    worker_free(&heir);
    worker_init(&heir, ring, 1);

    memset(&census, 0, sizeof(ingest_census_t));

    for (i = 0; i < NSEGMENTS; i++) {
        if (atomic_load(&ingest_ring_segment(ring, i)->owner) != 0) {
            ingest_reader_adopt(heir.reader, i, now_ms, &census);
        }
    }
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

    worker_setup();
    worker_init(&heir, ring, 1);

    for (i = 0; i < RECORDS; i++) {
        put(i, VALUE);
    }
}


static void
teardown(void)
{
    worker_free(&heir);
    worker_teardown();
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
        (void) comes(0, rest_ms[i]);
        record_of(0)->crashes = 0;
    }
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


START_TEST(then_its_records_are_sent_one_at_a_time)
{
    ingest_ref_t  ref;

    adopts_times(3, 0);

    ref = comes(0, 1000);
    ck_assert_uint_eq(record_of(0)->flags, INGEST_RECORD_ALONE);
    nothing_comes(1000);

    ingest_reader_done(heir.reader, ref);
    ref = comes(1, 1001);
    nothing_comes(1001);

    /* one that fails has not killed us either */

    ingest_reader_retry(heir.reader, ref, 3000);
    ref = comes(2, 1002);
    ingest_reader_done(heir.reader, ref);

    ref = comes(1, 3100);
    ingest_reader_done(heir.reader, ref);
    nothing_comes(10000);

    ck_assert_uint_eq(ingest_reader_free(heir.reader), 1);
    ck_assert_uint_eq(ring_nfree(ring), NSEGMENTS);
}
END_TEST


START_TEST(others_are_sent_meanwhile)
{
    adopts_times(3, 0);

    (void) comes(0, 1000);

    ck_assert_int_eq(worker_put(&heir, 100, VALUE), INGEST_OK);
    (void) comes(100, 1000);
    nothing_comes(1000);
}
END_TEST


START_TEST(a_record_is_marked_only_while_it_is_tried)
{
    ingest_ref_t  ref;

    adopts_times(3, 0);

    nothing_comes(999);
    ck_assert_uint_eq(record_of(0)->crashes, 0);

    ref = comes(0, 1000);
    ck_assert_uint_eq(record_of(0)->crashes, 1);
    ck_assert_uint_eq(record_of(1)->crashes, 0);

    ingest_reader_retry(heir.reader, ref, 5000);
    ck_assert_uint_eq(record_of(0)->crashes, 0);

    ref = comes(1, 1000);
    ck_assert_uint_eq(record_of(1)->crashes, 1);
    ingest_reader_done(heir.reader, ref);
    ck_assert_uint_eq(record_of(1)->crashes, 0);
}
END_TEST


START_TEST(a_record_that_is_handed_out_twice_is_marked_once)
{
    ingest_ref_t  ref;

    adopts_times(3, 0);

    ck_assert_ptr_nonnull(ingest_reader_next(heir.reader, 1000, &ref));
    ck_assert_ptr_nonnull(ingest_reader_next(heir.reader, 1000, &ref));
    ck_assert_uint_eq(record_of(0)->crashes, 1);
}
END_TEST


START_TEST(a_second_in_flight_clears_a_record)
{
    adopts_times(3, 0);

    (void) comes(0, 1000);
    nothing_comes(1999);
    ck_assert_uint_eq(record_of(0)->crashes, 1);

    (void) comes(1, 2000);
    ck_assert_uint_eq(record_of(0)->crashes, 0);
    ck_assert_uint_eq(record_of(1)->crashes, 1);

    nothing_comes(2999);
    (void) comes(2, 3000);
    nothing_comes(4000);
    ck_assert_uint_eq(record_of(2)->crashes, 0);
}
END_TEST


START_TEST(each_death_of_its_sender_leaves_a_mark)
{
    unsigned  i;

    adopts_times(2, 0);

    for (i = 1; i <= 5; i++) {
        adopts(0);
        (void) comes(0, 8000);
        ck_assert_uint_eq(record_of(0)->crashes, i);
        ck_assert_uint_eq(record_of(1)->crashes, 0);
    }
}
END_TEST


START_TEST(a_segment_that_came_free_is_not_suspect_any_more)
{
    unsigned  i;

    adopts_times(3, 0);

    for (i = 0; i < RECORDS; i++) {
        ingest_reader_done(heir.reader, comes(i, 1000));
    }

    ck_assert_uint_eq(ingest_reader_free(heir.reader), 1);
    ck_assert_uint_eq(atomic_load(&ingest_ring_segment(ring, 0)->adoptions),
                      0);
}
END_TEST


START_TEST(a_suspect_segment_is_not_parked)
{
    adopts_times(3, 0);
    ck_assert_uint_eq(ingest_reader_sparse(heir.reader), 0);
}
END_TEST


START_TEST(a_new_handle_sends_all_again_still_one_by_one)
{
    adopts_times(3, 0);

    (void) comes(0, 1000);
    ingest_reader_rewind(heir.reader);
    ck_assert_uint_eq(record_of(0)->crashes, 0);

    (void) comes(0, 1000);
    nothing_comes(1000);
}
END_TEST


int
main(void)
{
    const TTest  *tests[] = {
        after_two_deaths_all_is_sent_at_once,
        from_the_third_death_on_it_rests_longer_and_longer,
        workers_that_leave_in_peace_make_nothing_suspect,
        then_its_records_are_sent_one_at_a_time,
        others_are_sent_meanwhile,
        a_record_is_marked_only_while_it_is_tried,
        a_record_that_is_handed_out_twice_is_marked_once,
        a_second_in_flight_clears_a_record,
        each_death_of_its_sender_leaves_a_mark,
        a_segment_that_came_free_is_not_suspect_any_more,
        a_suspect_segment_is_not_parked,
        a_new_handle_sends_all_again_still_one_by_one,
        NULL
    };

    return unit_run_each("suspect", tests, setup, teardown);
}
