
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/* When what librdkafka holds is taken back, because it keeps others waiting. */


#include "../../src/kafka/ingest_parker.h"
#include "worker_fixture.h"


#define LEAST  100      /* deliveries in a second, else it is stuck */


static ingest_parker_t    parker;
static ingest_options_t  *options;
static ingest_handles_t   handles;


static void
ignore_report(void *data, const ingest_report_t *report)
{
    (void) data;
    (void) report;
}


static void
ignore_log(void *data, int level, const char *text)
{
    (void) data;
    (void) level;
    (void) text;
}


static void
setup(void)
{
    char                error[INGEST_OPTIONS_ERROR];
    ingest_callbacks_t  callbacks;

    worker_setup();

    memset(&parker, 0, sizeof(ingest_parker_t));
    parker.reader = worker.reader;
    parker.slot = slot;
    parker.purges = true;
    parker.nbrokers = 2;
    parker.queue_max = 100 * LEAST - 100;

    memset(&callbacks, 0, sizeof(ingest_callbacks_t));
    callbacks.report = ignore_report;
    callbacks.log = ignore_log;

    options = ingest_options_create();
    ck_assert_int_eq(ingest_options_brokers(options, "127.0.0.1:1", error),
                     INGEST_OK);

    memset(&handles, 0, sizeof(ingest_handles_t));
    handles.options = options;
    handles.fd = -1;
    handles.callbacks = callbacks;

    ck_assert_ptr_nonnull(ingest_handles_get(&handles, INGEST_MODE_BATCHES,
                                             0));
}


static void
teardown(void)
{
    ingest_handles_destroy(&handles);
    ingest_options_destroy(options);
    worker_teardown();
}


/*
 * Turns each ms of (from, to], in which librdkafka is full, and so many events
 * of each second are delivered; whether it was taken back.
 */

static bool
is_taken_back(uint64_t from_ms, uint64_t to_ms, uint64_t each_second)
{
    uint64_t  ms, purge_ms;

    purge_ms = parker.purge_ms;

    for (ms = from_ms + 1; ms <= to_ms; ms++) {

        if (ms % 1000 < each_second) {
            ingest_counter_add(&slot->delivery.published, 1);
        }

        ck_assert_uint_eq(ingest_parker_turn(&parker, &handles, true, ms), 0);
    }

    return parker.purge_ms != purge_ms;
}


START_TEST(a_full_queue_that_nothing_leaves_is_taken_back)
{
    ck_assert(!is_taken_back(0, 1000, 0));
    ck_assert(is_taken_back(1000, 1200, 0));

    /* not again at once */

    ck_assert(!is_taken_back(1200, 2000, 0));
    ck_assert(is_taken_back(2000, 2200, 0));
}
END_TEST


START_TEST(a_full_queue_that_moves_is_left_alone)
{
    ck_assert(!is_taken_back(0, 20000, LEAST + 1));
    ck_assert(is_taken_back(20000, 23000, LEAST / 2));
}
END_TEST


START_TEST(a_thousand_a_second_are_enough_for_any_queue)
{
    parker.queue_max = INT32_MAX;

    ck_assert(!is_taken_back(0, 20000, 1000));
    ck_assert(is_taken_back(20000, 23000, 900));
}
END_TEST


START_TEST(a_queue_that_had_room_meanwhile_is_left_alone)
{
    uint64_t  ms;

    for (ms = 0; ms < 10000; ms += 900) {
        ck_assert(!is_taken_back(ms, ms + 900, 0));
        (void) ingest_parker_turn(&parker, &handles, false, ms + 900);
    }
}
END_TEST


START_TEST(with_one_broker_a_full_queue_is_left_alone)
{
    parker.nbrokers = 1;

    ck_assert(!is_taken_back(0, 20000, 0));
}
END_TEST


START_TEST(with_idempotence_nothing_is_taken_back)
{
    parker.purges = false;

    ck_assert(!is_taken_back(0, 20000, 0));
}
END_TEST


/* All but one segment of the ring, each with a few records in flight. */

#define FLYING  20

static ingest_ref_t  refs[NSEGMENTS - 1][FLYING];


static void
nearly_full_ring(void)
{
    unsigned  i, k;

    for (i = 0; i < NSEGMENTS - 1; i++) {
        for (k = 0; k < FLYING; k++) {
            put(i * FLYING + k, 100);
            refs[i][k] = send_number(i * FLYING + k, 0);
        }

        ingest_writer_seal(worker.writer);
    }

    send_nothing(0);
}


/* Looks at it for so long; of each segment one is delivered in between. */

static bool
is_taken_back_from_ring(unsigned from, unsigned looks, bool moves)
{
    unsigned  i, k;

    for (k = from; k < from + looks; k++) {
        ck_assert_uint_eq(ingest_parker_turn(&parker, &handles, false,
                                             10000 + 100 * k), 0);

        for (i = 0; moves && i < NSEGMENTS - 1; i++) {
            ingest_reader_done(worker.reader, refs[i][k]);
        }
    }

    return parker.purge_ms != 0;
}


START_TEST(a_ring_that_is_full_of_what_moves_is_left_alone)
{
    nearly_full_ring();

    ck_assert(!is_taken_back_from_ring(0, FLYING - 1, true));
    ck_assert(!is_taken_back_from_ring(FLYING - 1, 5, false));
    ck_assert(is_taken_back_from_ring(FLYING + 4, 1, false));
}
END_TEST


START_TEST(at_the_end_nothing_is_taken_back)
{
    worker.reader->hurry = true;
    nearly_full_ring();

    ck_assert(!is_taken_back_from_ring(0, FLYING, false));
}
END_TEST


int
main(void)
{
    const TTest  *tests[] = {
        a_full_queue_that_nothing_leaves_is_taken_back,
        a_full_queue_that_moves_is_left_alone,
        a_thousand_a_second_are_enough_for_any_queue,
        a_queue_that_had_room_meanwhile_is_left_alone,
        with_one_broker_a_full_queue_is_left_alone,
        with_idempotence_nothing_is_taken_back,
        a_ring_that_is_full_of_what_moves_is_left_alone,
        at_the_end_nothing_is_taken_back,
        NULL
    };

    return unit_run_each("parker", tests, setup, teardown);
}
