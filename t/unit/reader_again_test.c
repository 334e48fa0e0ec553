
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/* What is to be sent again: when, in which order, and what it holds up. */


#include "worker_fixture.h"


#define ROUNDS  10


/* So many records in flight, for the first time. */

static void
sent(unsigned n, ingest_ref_t *refs)
{
    unsigned  i;

    for (i = 0; i < n; i++) {
        put(i, 100);
        refs[i] = send_number(i, 0);
    }
}


/* n segments of so many records, sent in vain, and due at that time. */

static void
failed(unsigned n, unsigned each, uint64_t due_ms)
{
    unsigned      i;
    ingest_ref_t  ref;

    for (i = 0; i < n * each; i++) {
        put(i, 100);

        if (i % each == each - 1) {
            ingest_writer_seal(worker.writer);
        }

        ref = send_number(i, 0);
        ingest_reader_retry(worker.reader, ref, due_ms);
    }
}


/*
 * There is room for two, whose turn comes when the last two have failed and are
 * due again; whether each of n has its turn.
 */

static void
all_have_their_turn(unsigned n)
{
    unsigned          i, round, came[20];
    ingest_ref_t      refs[2];
    ingest_record_t  *record;

    memset(came, 0, sizeof(came));
    worker.reader->retries_max = 2;

    for (round = 1; round <= ROUNDS; round++) {

        for (i = 0; i < 2; i++) {
            record = worker_send(&worker, 1000 * round, &refs[i]);
            ck_assert_ptr_nonnull(record);
            came[record_check(record)]++;
        }

        send_nothing(1000 * round);

        for (i = 0; i < 2; i++) {
            ingest_reader_retry(worker.reader, refs[i], 1000 * round + 1);
        }
    }

    for (i = 0; i < n; i++) {
        ck_assert_uint_ge(came[i], 2 * ROUNDS / n);
    }
}


START_TEST(all_of_one_segment_have_their_turn)
{
    failed(1, 5, 10);
    all_have_their_turn(5);
}
END_TEST


START_TEST(all_segments_have_their_turn)
{
    failed(5, 1, 10);
    all_have_their_turn(5);
}
END_TEST


START_TEST(a_segment_that_is_freed_passes_its_turn_on)
{
    ingest_ref_t  ref;

    failed(4, 2, 10);

    ingest_reader_done(worker.reader, send_number(0, 10));
    ref = send_number(1, 10);
    ingest_reader_done(worker.reader, ref);
    ck_assert_uint_eq(ingest_reader_free(worker.reader), 1);

    (void) send_number(2, 10);
    (void) send_number(3, 10);
    (void) send_number(4, 10);
}
END_TEST


/* Neither for the share of what failed, nor for a handle that is full. */

START_TEST(what_goes_alone_does_not_wait_for_room_of_batches)
{
    unsigned      i;
    ingest_ref_t  refs[5];

    worker.reader->retries_max = 2;

    sent(5, refs);

    for (i = 0; i < 3; i++) {
        ingest_reader_retry(worker.reader, refs[i], 10);
    }

    (void) send_number(0, 10);
    (void) send_number(1, 10);
    send_nothing(10);

    ingest_reader_flag(worker.reader, refs[3], INGEST_RECORD_DEAD);
    ingest_reader_retry(worker.reader, refs[3], 10);
    (void) send_number(3, 10);
    send_nothing(10);

    worker.reader->retries_max = UINT32_MAX;
    worker.reader->full[INGEST_MODE_BATCHES] = true;

    ingest_reader_flag(worker.reader, refs[4], INGEST_RECORD_ALONE);
    ingest_reader_retry(worker.reader, refs[4], 10);
    (void) send_number(4, 10);
    send_nothing(10);

    worker.reader->full[INGEST_MODE_BATCHES] = false;
    (void) send_number(2, 10);
}
END_TEST


START_TEST(batches_do_not_wait_for_room_of_what_goes_alone)
{
    ingest_ref_t  refs[3];

    sent(3, refs);

    ingest_reader_flag(worker.reader, refs[0], INGEST_RECORD_ALONE);
    ingest_reader_retry(worker.reader, refs[0], 10);
    ingest_reader_retry(worker.reader, refs[1], 10);

    worker.reader->full[INGEST_MODE_ALONE] = true;
    (void) send_number(1, 10);

    put(3, 100);
    (void) send_number(3, 10);
    send_nothing(10);

    worker.reader->full[INGEST_MODE_ALONE] = false;
    (void) send_number(0, 10);
}
END_TEST


/* What was in flight may be flagged only when it has landed. */

START_TEST(what_comes_to_go_alone_leaves_its_room_to_others)
{
    unsigned      i;
    ingest_ref_t  refs[3];

    worker.reader->retries_max = 1;

    for (i = 0; i < 3; i++) {
        put(i, 100);
        refs[i] = send_number(i, 0);
        ingest_reader_retry(worker.reader, refs[i], 10);
    }

    for (i = 0; i < 3; i++) {
        refs[i] = send_number(i, 10);
        send_nothing(10);
        ingest_reader_flag(worker.reader, refs[i], INGEST_RECORD_DEAD);
        ingest_reader_retry(worker.reader, refs[i], 20);
    }

    ck_assert_uint_eq(worker.reader->nretries, 0);
}
END_TEST


/* However many new records are in flight, and behind them. */

START_TEST(records_that_failed_come_before_new_ones)
{
    unsigned      i;
    ingest_ref_t  refs[6];

    worker.reader->retries_max = 2;

    for (i = 0; i < 8; i++) {
        put(i, 100);
    }

    for (i = 0; i < 6; i++) {
        refs[i] = send_number(i, 1);
    }

    ingest_reader_retry(worker.reader, refs[1], 10);
    ingest_reader_retry(worker.reader, refs[2], 10);

    (void) send_number(1, 10);
    (void) send_number(2, 10);
    (void) send_number(6, 10);
}
END_TEST


START_TEST(records_that_failed_do_not_take_all_the_room)
{
    unsigned      i;
    ingest_ref_t  refs[3];

    worker.reader->retries_max = 2;

    for (i = 0; i < 5; i++) {
        put(i, 100);
    }

    for (i = 0; i < 3; i++) {
        refs[i] = send_number(i, 1);
        ingest_reader_retry(worker.reader, refs[i], 10);
    }

    refs[0] = send_number(0, 10);
    refs[1] = send_number(1, 10);
    (void) send_number(3, 10);

    /* the one ends, the other waits again, and there is room for both */

    ingest_reader_retry(worker.reader, refs[1], 20);
    refs[2] = send_number(2, 10);
    (void) send_number(4, 10);
    ingest_reader_done(worker.reader, refs[0]);
    (void) send_number(1, 1000);
    send_nothing(1000);

    /* nor does a new producer begin with less */

    ingest_reader_rewind(worker.reader);
    (void) send_number(1, 1000);
    (void) send_number(2, 1000);
}
END_TEST


START_TEST(records_that_fail_during_a_walk_wait_for_their_own_time)
{
    ingest_ref_t  refs[4];

    sent(4, refs);

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


START_TEST(a_walk_comes_to_its_end_before_it_begins_anew)
{
    unsigned      i;
    ingest_ref_t  refs[3];

    sent(3, refs);

    for (i = 0; i < 3; i++) {
        ingest_reader_retry(worker.reader, refs[i], 100);
    }

    refs[0] = send_number(0, 100);
    refs[1] = send_number(1, 100);
    ingest_reader_retry(worker.reader, refs[0], 100);

    (void) send_number(2, 100);
    refs[0] = send_number(0, 100);
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


int
main(void)
{
    const TTest  *tests[] = {
        records_that_failed_come_before_new_ones,
        records_that_failed_do_not_take_all_the_room,
        records_that_fail_during_a_walk_wait_for_their_own_time,
        a_walk_comes_to_its_end_before_it_begins_anew,
        a_segment_is_not_walked_for_each_of_its_records,
        records_wait_in_several_segments,
        all_of_one_segment_have_their_turn,
        all_segments_have_their_turn,
        a_segment_that_is_freed_passes_its_turn_on,
        what_goes_alone_does_not_wait_for_room_of_batches,
        batches_do_not_wait_for_room_of_what_goes_alone,
        what_comes_to_go_alone_leaves_its_room_to_others,
        NULL
    };

    return unit_run_each("reader_again", tests, worker_setup, worker_teardown);
}
