
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * When a producer that drains is over, and what becomes of what it has, with
 * Kafka away: ingest_producer_is_over(), ingest_producer_settle(), with a
 * process for each other worker.
 */


#define _GNU_SOURCE

#include <sys/eventfd.h>
#include <unistd.h>

#include "../../src/kafka/ingest_producer.h"
#include "slot_fixture.h"


#define NOBODY       "127.0.0.1:1"
#define EVENTS       (NSEGMENTS - 1)
#define LATE_MS      1
#define TOO_LATE_MS  401    /* behind the patience with those that start */


static ingest_producer_t  *producer;
static ingest_options_t   *options;
static ingest_held_t       held;
static ingest_journal_t    journal;
static _Atomic uint32_t    hand;
static int                 fd;


static void
setup(void)
{
    char                    error[INGEST_OPTIONS_ERROR];
    ingest_producer_conf_t  conf;

    worker_setup();
    ring->lock_fd = ingest_slot_file();
    ck_assert_int_ne(ring->lock_fd, -1);

    atomic_store(&ring->generation, 1);
    memset(&held, 0, sizeof(ingest_held_t));
    ck_assert_int_eq(ingest_slot_take(ring, &held, 1), 0);

    fd = eventfd(0, EFD_NONBLOCK);
    options = ingest_options_create();
    ck_assert_int_eq(ingest_options_brokers(options, NOBODY, error),
                     INGEST_OK);

    ingest_journal_init(&journal, fd);
    atomic_store(&hand, INGEST_HAND_THREAD);

    memset(&conf, 0, sizeof(ingest_producer_conf_t));
    conf.ring = ring;
    conf.generation = 1;
    conf.held = &held;
    conf.claims = &worker.writer->claims;
    conf.options = options;
    conf.fd = fd;
    conf.journal = &journal;
    conf.hand = &hand;

    producer = ingest_producer_create(&conf);
    ck_assert_ptr_nonnull(producer);
}


static void
teardown(void)
{
    ingest_producer_destroy(producer);
    ingest_options_destroy(options);
    close(fd);
    close(ring->lock_fd);
    worker_teardown();
}


/* Ends with that many events, each in a segment of its own. */

static void
drain(unsigned n)
{
    unsigned  i;

    for (i = 0; i < n; i++) {
        put(i, 100);
        ingest_writer_seal(worker.writer);
    }

    ingest_producer_drain(producer);
}


static uint32_t
stage(void)
{
    return atomic_load(&slot->stage);
}


static void
is_left(void)
{
    ingest_producer_settle(producer);

    ck_assert_uint_eq(stage(), INGEST_STAGE_LEAVES);
    ck_assert_uint_eq(worker_lost(), 0);
    ck_assert_uint_eq(ring_nfree(ring), NSEGMENTS - EVENTS);
}


/*
 * Who found it there may be told to end, and will wait for what we leave: so
 * one look decides, and there is no second.
 */

START_TEST(what_a_producer_decided_to_leave_is_not_lost_when_the_heir_goes)
{
    holder_t  heir;

    heir = hold(slot_serve);
    drain(EVENTS);

    ck_assert(ingest_producer_is_over(producer, 0));
    ck_assert_uint_eq(stage(), INGEST_STAGE_LEAVES);

    end(&heir);
    is_left();
}
END_TEST


START_TEST(the_same_behind_the_deadline)
{
    holder_t  heir;

    heir = hold(slot_serve);
    drain(EVENTS);

    ck_assert(ingest_producer_is_over(producer, LATE_MS));

    end(&heir);
    is_left();
}
END_TEST


START_TEST(before_the_deadline_a_producer_without_an_heir_goes_on)
{
    holder_t  heir;

    drain(EVENTS);

    ck_assert(!ingest_producer_is_over(producer, 0));
    ck_assert_uint_eq(stage(), INGEST_STAGE_ENDS);

    heir = hold(slot_serve);

    ck_assert(ingest_producer_is_over(producer, 0));
    is_left();

    end(&heir);
}
END_TEST


START_TEST(with_room_in_the_ring_a_producer_leaves_at_its_deadline)
{
    holder_t  heir;

    heir = hold(slot_serve);
    drain(1);

    ck_assert(!ingest_producer_is_over(producer, 0));
    ck_assert_uint_eq(stage(), INGEST_STAGE_ENDS);
    ck_assert(ingest_producer_is_over(producer, LATE_MS));

    end(&heir);
}
END_TEST


/* The first that was may be killed at once, and started again. */

START_TEST(workers_that_start_are_waited_for_and_not_for_ever)
{
    holder_t  heir;

    atomic_store(&ring->generation, 2);
    drain(EVENTS);

    ck_assert(!ingest_producer_is_over(producer, LATE_MS));
    ck_assert(!ingest_producer_is_over(producer, TOO_LATE_MS - 1));

    heir = hold(slot_serve);
    atomic_store(&ingest_ring_slot(ring, 1)->generation, 2);

    ck_assert(ingest_producer_is_over(producer, TOO_LATE_MS - 1));
    is_left();

    end(&heir);
}
END_TEST


START_TEST(then_all_is_lost_with_its_number)
{
    const ingest_line_t  *line;

    atomic_store(&ring->generation, 2);
    drain(EVENTS);

    while (ingest_journal_peek(&journal) != NULL) {
        ingest_journal_release(&journal);
    }

    ck_assert(ingest_producer_is_over(producer, TOO_LATE_MS));
    ingest_producer_settle(producer);

    ck_assert_uint_eq(stage(), INGEST_STAGE_ENDS);
    ck_assert_uint_eq(worker_lost(), EVENTS);

    line = ingest_journal_peek(&journal);
    ck_assert_ptr_nonnull(line);
    ck_assert_str_eq(line->text, "7 events lost: shutdown");
}
END_TEST


/* Nobody is to come but those that are there. */

START_TEST(the_newest_waits_for_nobody_that_starts)
{
    drain(EVENTS);

    ck_assert(ingest_producer_is_over(producer, LATE_MS));
}
END_TEST


int
main(void)
{
    const TTest  *tests[] = {
        what_a_producer_decided_to_leave_is_not_lost_when_the_heir_goes,
        the_same_behind_the_deadline,
        before_the_deadline_a_producer_without_an_heir_goes_on,
        with_room_in_the_ring_a_producer_leaves_at_its_deadline,
        workers_that_start_are_waited_for_and_not_for_ever,
        then_all_is_lost_with_its_number,
        the_newest_waits_for_nobody_that_starts,
        NULL
    };

    return unit_run_each("producer_end", tests, setup, teardown);
}
