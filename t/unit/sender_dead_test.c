
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/* Dead letters that nobody takes keep nothing else waiting. */


#include <poll.h>

#include "sender_fixture.h"


#define QUEUE  40       /* messages that librdkafka takes */


/* The dead-letter topic has lost its leaders, and nothing times out. */

static void
start_with_nobody_for_dead_letters(void)
{
    int  i;

    set("message.timeout.ms", "300000");
    brokers_of(1);

    for (i = 0; i < 4; i++) {
        ck_assert_int_eq(rd_kafka_mock_partition_set_leader(cluster, "d", i,
                                                            -1), 0);
    }

    start(rd_kafka_mock_cluster_bootstraps(cluster));
}


/* The next request of the sender is refused, whatever is in it. */

static void
refuse_next(void)
{
    rd_kafka_mock_push_request_errors(cluster, PRODUCE, 1,
                                      RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION);
}


/* What an heir finds of it. */

static uint64_t
left(void)
{
    uint64_t  n;
    worker_t  heir;

    worker_init(&heir, ring, 2);
    n = worker_adopts(&heir, 0);
    worker_free(&heir);

    return n;
}


/* One of each segment is refused, three times as many as the ring has. */

START_TEST(they_do_not_fill_the_ring)
{
    uint64_t  i, end_ms;

    with_heir();
    start_with_nobody_for_dead_letters();

    for (i = 0; i < 3 * NSEGMENTS; i++) {

        for (end_ms = now() + DEADLINE_MS;
             ring_nfree(ring) < 2;
             (void) poll(NULL, 0, POLL_MS))
        {
            ck_assert_msg(now() < end_ms, "full after %u", (unsigned) i);
        }

        refuse_next();
        commit(2 * i);
        reaches_error(RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION, i + 1);

        commit(2 * i + 1);
        ingest_writer_seal(worker.writer);
        reaches(&slot->delivery.published, i + 1);
    }

    (void) stop(0);

    ck_assert_uint_eq(slot->events_out, i);
    ck_assert_uint_eq(left(), i);
}
END_TEST


/* More of them than their handle takes, as they are adopted. */

START_TEST(they_do_not_keep_new_events_waiting)
{
    uint64_t          i;
    ingest_ref_t      ref;
    ingest_record_t  *record;

    with_heir();

    for (i = 0; i < 2 * QUEUE; i++) {
        put(i, VALUE);
    }

    while ((record = worker_send(&worker, 0, &ref)) != NULL) {
        record->flags |= INGEST_RECORD_DEAD;
    }

    set("queue.buffering.max.messages", "40");
    start_with_nobody_for_dead_letters();

    commit(i);
    reaches(&slot->delivery.published, 1);
    (void) stop(0);

    ck_assert_uint_eq(slot->events_out, 1);
    ck_assert_uint_eq(left(), 2 * QUEUE);
}
END_TEST


/* All that librdkafka takes of what is sent again, but in another handle. */

START_TEST(they_do_not_keep_what_is_sent_again_waiting)
{
    uint64_t  i;

    set("queue.buffering.max.messages", "40");
    set("linger.ms", "200");
    with_heir();
    start_with_nobody_for_dead_letters();

    refuse_next();

    for (i = 0; i < QUEUE; i++) {
        commit(i);
    }

    reaches_error(RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION, QUEUE);

    rd_kafka_mock_push_request_errors(cluster, PRODUCE, 1,
                                      RD_KAFKA_RESP_ERR_INVALID_REQUIRED_ACKS);
    commit(i);

    reaches(&slot->delivery.published, 1);
    ck_assert_uint_eq(errors_of(RD_KAFKA_RESP_ERR_INVALID_REQUIRED_ACKS), 1);
    (void) stop(0);

    ck_assert_uint_eq(slot->events_out, 1);
    ck_assert_uint_eq(left(), QUEUE);
}
END_TEST


int
main(void)
{
    const TTest  *tests[] = {
        they_do_not_fill_the_ring,
        they_do_not_keep_new_events_waiting,
        they_do_not_keep_what_is_sent_again_waiting,
        NULL
    };

    return unit_run_each("sender_dead", tests, sender_setup, sender_teardown);
}
