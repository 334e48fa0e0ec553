
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * A sender whose thread hangs in librdkafka, at the end of a handle that a
 * fatal error has spoiled.
 */


#define _GNU_SOURCE

#include <dlfcn.h>
#include <poll.h>
#include <unistd.h>

#include "holder_fixture.h"
#include "sender_fixture.h"


#define EVENTS    10
#define LOOK_MS   50
#define BACK_MS   2000      /* for what a thread must not do */


static _Atomic bool  hangs;
static _Atomic bool  is_inside;


/* In the place of librdkafka's own. */

void
rd_kafka_destroy_flags(rd_kafka_t *rk, int flags)
{
    void  (*destroy)(rd_kafka_t *, int);

    is_inside = true;

    while (hangs) {
        (void) poll(NULL, 0, POLL_MS);
    }

    *(void **) &destroy = dlsym(RTLD_NEXT, "rd_kafka_destroy_flags");
    destroy(rk, flags);
}


static bool
says(const char *text)
{
    bool                  found;
    ingest_journal_t     *journal;
    const ingest_line_t  *line;

    journal = ingest_sender_journal(sender);
    found = false;

    while ((line = ingest_journal_peek(journal)) != NULL) {
        found |= strcmp(line->text, text) == 0;
        ingest_journal_release(journal);
    }

    return found;
}


/* The thread is in there, and events are not delivered. */

static void
hang(void)
{
    uint64_t  i, end_ms;

    set("enable.idempotence", "true");
    start_with_brokers();

    commit(0);
    reaches(&slot->delivery.published, 1);

    hangs = true;

    rd_kafka_mock_push_request_errors(cluster, PRODUCE, 1,
                              RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER);

    for (i = 1; i < EVENTS; i++) {
        commit(i);
    }

    end_ms = now() + DEADLINE_MS;

    while (!is_inside) {
        ck_assert_msg(now() < end_ms, "no handle is destroyed");
        (void) poll(NULL, 0, POLL_MS);
    }

    ingest_writer_seal(worker.writer);
    ingest_sender_retire(sender);
    ingest_sender_drain(sender, 0);

    ck_assert_int_eq(ingest_sender_join(sender, LOOK_MS), INGEST_AGAIN);
}


START_TEST(what_a_thread_holds_that_hangs_is_lost_with_its_number)
{
    hang();

    ck_assert_int_eq(ingest_sender_settle(sender), INGEST_OK);

    ck_assert_uint_eq(slot->delivery.published, 1);
    ck_assert_uint_eq(worker_lost(), EVENTS - 1);
    ck_assert_uint_eq(slot->events_out, EVENTS);
    ck_assert(says("9 events lost: shutdown"));

    /* once, and the thread does not go on when it comes back */

    hangs = false;

    ck_assert_int_eq(ingest_sender_join(sender, BACK_MS), INGEST_AGAIN);
    ck_assert_int_eq(ingest_sender_settle(sender), INGEST_OK);
    ck_assert_uint_eq(worker_lost(), EVENTS - 1);
    ck_assert(!says("9 events lost: shutdown"));
}
END_TEST


/* Whoever had counted on it is gone, and there is nobody else. */

START_TEST(so_is_what_others_leave_to_it_when_they_have_let_go)
{
    holder_t  other;

    ring->lock_fd = ingest_slot_file();
    other = hold(accept_in_another);
    ck_assert_int_eq(other.result, 1);

    hang();

    atomic_store(&ingest_ring_slot(ring, 1)->stage, INGEST_STAGE_LEAVES);

    ck_assert_int_eq(ingest_sender_settle(sender), INGEST_AGAIN);
    ck_assert_uint_eq(worker_lost(), EVENTS - 1);

    end(&other);

    ck_assert_int_eq(ingest_sender_settle(sender), INGEST_OK);
    ck_assert_uint_eq(worker_lost(), EVENTS - 1 + OTHERS);
    ck_assert(says("10 events lost: shutdown"));

    close(ring->lock_fd);
}
END_TEST


START_TEST(a_thread_that_comes_back_in_time_goes_on)
{
    hang();

    hangs = false;

    ck_assert_int_eq(ingest_sender_join(sender, DEADLINE_MS), INGEST_OK);
    ck_assert_uint_eq(slot->delivery.published + worker_lost(), EVENTS);
    ingest_sender_destroy(sender);
}
END_TEST


START_TEST(of_a_thread_at_work_nothing_is_taken)
{
    start(NOBODY);
    commit(0);

    ck_assert_int_eq(ingest_sender_settle(sender), INGEST_AGAIN);
    ck_assert_uint_eq(slot->events_out, 0);

    (void) stop(0);
    ck_assert_uint_eq(worker_lost(), 1);
}
END_TEST


int
main(void)
{
    const TTest  *tests[] = {
        what_a_thread_holds_that_hangs_is_lost_with_its_number,
        so_is_what_others_leave_to_it_when_they_have_let_go,
        a_thread_that_comes_back_in_time_goes_on,
        of_a_thread_at_work_nothing_is_taken,
        NULL
    };

    return unit_run_each("sender_hang", tests, sender_setup,
                         sender_teardown);
}
