
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/* A sender that delivers, and what becomes of what its broker refuses. */


#include <poll.h>

#include "line_fixture.h"
#include "sender_fixture.h"


#define WAKES      20
#define ASLEEP_MS  20


START_TEST(a_broker_in_reach_is_up)
{
    start_with_brokers();
    commit(0);
    reaches(&slot->brokers_up, 1);
    (void) stop(DEADLINE_MS);
}
END_TEST


START_TEST(events_are_delivered_each_once_and_their_segments_come_free)
{
    uint64_t  i;

    start_with_brokers();

    for (i = 0; i < 1000; i++) {
        commit(i);
    }

    ck_assert_uint_lt(stop(DEADLINE_MS), DEADLINE_MS / 2);

    ck_assert_uint_eq(slot->delivery.published, 1000);
    ck_assert_uint_eq(slot->events_out, 1000);
    ck_assert_int_eq(slot->delivery.errors[0].key, 0);
}
END_TEST


START_TEST(an_end_does_not_wait_for_linger)
{
    set("linger.ms", "20000");
    start_with_brokers();

    commit(0);
    commit(1);

    ck_assert_uint_lt(stop(DEADLINE_MS), 10000);

    ck_assert_uint_eq(slot->delivery.published, 2);
}
END_TEST


/* The pause is longer than any end, and the broker is back. */

START_TEST(an_end_does_not_wait_for_what_is_to_be_sent_again_later)
{
    set("message.timeout.ms", "1000");
    set("retry.backoff.ms", "300000");
    start_with_brokers();

    commit(0);
    reaches(&slot->delivery.published, 1);

    ck_assert_int_eq(rd_kafka_mock_broker_set_down(cluster, 1), 0);
    commit(1);
    reaches_error(RD_KAFKA_RESP_ERR__MSG_TIMED_OUT, 1);
    ck_assert_int_eq(rd_kafka_mock_broker_set_up(cluster, 1), 0);

    (void) stop(DEADLINE_MS);

    ck_assert_uint_eq(slot->delivery.published, 2);
}
END_TEST


START_TEST(an_event_larger_than_all_of_librdkafka_s_queue_is_delivered)
{
    set("queue.buffering.max.kbytes", "1");
    start_with_brokers();

    commit(0);
    commit_of(1, 3000);
    commit(2);

    reaches(&slot->delivery.published, 3);
    (void) stop(DEADLINE_MS);

    ck_assert_uint_eq(slot->delivery.published, 3);
    ck_assert_uint_eq(errors_of(RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE), 1);
}
END_TEST


/* What waits for a dead broker fills librdkafka's queue, again and again. */

START_TEST(a_dead_broker_does_not_keep_the_other_from_its_events)
{
    uint64_t  i, end_ms;

    set("queue.buffering.max.messages", "80");
    set("message.timeout.ms", "300000");

    /* all have the same key: each goes to either broker */

    set("partitioner", "random");
    set("sticky.partitioning.linger.ms", "0");
    start_with_two_brokers();

    for (i = 0; i < 100; i++) {
        commit(i);
    }

    reaches(&slot->delivery.published, 100);
    reaches(&slot->brokers_known, 3);
    ck_assert_int_eq(rd_kafka_mock_broker_set_down(cluster, 1), 0);

    for (end_ms = now() + DEADLINE_MS;
         ingest_counter_get(&slot->brokers_up) == 3;
         (void) poll(NULL, 0, POLL_MS))
    {
        ck_assert_uint_lt(now(), end_ms);
    }

    /* half of them can be delivered, but 80 before the queue is full */

    for (/* void */ ; i < 500; i++) {
        commit(i);
    }

    reaches(&slot->delivery.published, 100 + 140);
    (void) stop(0);
}
END_TEST


START_TEST(many_more_events_than_the_ring_holds_pass_through_it)
{
    uint64_t  n, end_ms;

    start_with_brokers();

    end_ms = now() + DEADLINE_MS;

    for (n = 0; n < 10000; /* void */ ) {

        if (worker_put(&worker, n, VALUE) == INGEST_OK) {
            ingest_counter_add(&slot->events_in, 1);
            n++;

        } else {
            ck_assert_uint_lt(now(), end_ms);
            (void) poll(NULL, 0, POLL_MS);
        }

        ingest_sender_wake(sender);
    }

    reaches(&slot->delivery.published, n);
    (void) stop(DEADLINE_MS);
    ck_assert_uint_eq(slot->delivery.published, n);
}
END_TEST


START_TEST(a_commit_wakes_the_thread_each_time)
{
    uint64_t  i, waited_ms, start_ms;

    set("linger.ms", "0");
    start_with_brokers();

    commit(0);
    reaches(&slot->delivery.published, 1);

    waited_ms = 0;

    for (i = 1; i <= WAKES; i++) {

        /* time to fall asleep; with less of it the test sees less */

        (void) poll(NULL, 0, ASLEEP_MS);

        start_ms = now();
        commit(i);
        reaches(&slot->delivery.published, i + 1);
        waited_ms += now() - start_ms;
    }

    /* a wake-up that is lost costs half a second */

    ck_assert_uint_lt(waited_ms, WAKES * 500 / 4);
    (void) stop(DEADLINE_MS);
}
END_TEST


/* Of a batch of 20 the one event that is refused alone, too, is at fault. */

START_TEST(a_batch_that_is_refused_goes_again_one_by_one)
{
    uint64_t  i;

    set("linger.ms", "500");
    start_with_brokers();

    rd_kafka_mock_push_request_errors(cluster, PRODUCE, 2,
                                      RD_KAFKA_RESP_ERR_INVALID_RECORD,
                                      RD_KAFKA_RESP_ERR_INVALID_RECORD);

    for (i = 0; i < 20; i++) {
        commit(i);
    }

    reaches(&slot->events_out, 20);
    (void) stop(DEADLINE_MS);

    ck_assert_uint_eq(slot->delivery.published, 19);
    ck_assert_uint_eq(slot->delivery.dead_lettered, 1);
    ck_assert_uint_eq(errors_of(RD_KAFKA_RESP_ERR_INVALID_RECORD), 21);
}
END_TEST


START_TEST(an_event_that_is_refused_for_good_reaches_the_dead_letter_topic)
{
    start_with_brokers();

    rd_kafka_mock_push_request_errors(cluster, PRODUCE, 1,
                                 RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);

    commit(0);
    reaches(&slot->delivery.dead_lettered, 1);

    /* librdkafka itself refuses the topic now, without asking again */

    commit(1);
    reaches(&slot->delivery.dead_lettered, 2);
    (void) stop(DEADLINE_MS);

    ck_assert_uint_eq(slot->events_out, 2);
    ck_assert_uint_eq(slot->delivery.published, 0);
    ck_assert_uint_eq(errors_of(RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED),
                      2);
}
END_TEST


/* The one event fits, and its dead letter would not. */

START_TEST(the_headers_of_a_dead_letter_do_not_make_it_too_large)
{
    set("message.max.bytes", "1500");
    start_with_brokers();

    rd_kafka_mock_push_request_errors(cluster, PRODUCE, 1,
                                      RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION);

    commit_of(0, 1300);
    reaches(&slot->events_out, 1);
    (void) stop(DEADLINE_MS);

    ck_assert_uint_eq(slot->delivery.dead_lettered, 1);
    ck_assert_uint_eq(errors_of(RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE), 0);
}
END_TEST


START_TEST(a_dead_letter_that_fails_still_says_where_the_event_was_refused)
{
    ingest_ref_t      ref;
    ingest_record_t  *record;

    with_heir();
    start_with_brokers();

    rd_kafka_mock_push_request_errors(cluster, PRODUCE, 4,
                                  RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
                                  RD_KAFKA_RESP_ERR_INVALID_REQUIRED_ACKS,
                                  RD_KAFKA_RESP_ERR_INVALID_REQUIRED_ACKS,
                                  RD_KAFKA_RESP_ERR_INVALID_REQUIRED_ACKS);

    commit(0);
    reaches_error(RD_KAFKA_RESP_ERR_INVALID_REQUIRED_ACKS, 1);
    (void) stop(0);

    /* "t" has one partition, and the key is for another one of "d" */

    record = worker_send(&worker, UINT64_MAX, &ref);
    ck_assert_ptr_nonnull(record);
    ck_assert_uint_eq(record->flags, INGEST_RECORD_DEAD);
    ck_assert_int_eq(record->partition, 0);
    ck_assert_int_eq(record->error,
                     RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
    ck_assert_uint_eq(slot->events_out, 0);
}
END_TEST


START_TEST(after_max_attempts_answers_of_brokers_an_event_is_a_dead_letter)
{
    max_attempts = 3;
    set_report_each();
    start_with_brokers();

    rd_kafka_mock_push_request_errors(cluster, PRODUCE, 3,
                                      RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
                                      RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
                                      RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS);

    commit(0);
    reaches(&slot->delivery.dead_lettered, 1);
    (void) stop(DEADLINE_MS);

    ck_assert_uint_eq(slot->delivery.published, 0);
    ck_assert_uint_eq(errors_of(RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS), 3);
}
END_TEST


/* Whether a line of the journal begins so; takes all of them, as JSON too. */

static bool
logged(const char *text)
{
    bool                 found;
    ingest_journal_t    *journal;
    const ingest_line_t *line;

    found = false;
    journal = ingest_sender_journal(sender);

    while ((line = ingest_journal_peek(journal)) != NULL) {
        cJSON_Delete(line_object(line));
        found |= strncmp(line->text, text, strlen(text)) == 0;
        ingest_journal_release(journal);
    }

    return found;
}


/* The broker has lost count of its messages: librdkafka gives up for good. */

START_TEST(after_a_fatal_error_all_is_sent_by_a_new_handle)
{
    uint64_t  i;

    set("enable.idempotence", "true");
    start_with_brokers();

    commit(0);
    reaches(&slot->delivery.published, 1);

    rd_kafka_mock_push_request_errors(cluster, PRODUCE, 1,
                              RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER);

    for (i = 1; i < 20; i++) {
        commit(i);
    }

    reaches(&slot->delivery.published, 20);
    ck_assert(logged("fatal error of librdkafka, starting it anew"));
    (void) stop(DEADLINE_MS);

    ck_assert_uint_eq(slot->events_out, 20);
    ck_assert_uint_eq(slot->delivery.dead_lettered, 0);
    ck_assert_uint_eq(ring_nfree(ring), NSEGMENTS);
}
END_TEST


int
main(void)
{
    const TTest  *tests[] = {
        a_broker_in_reach_is_up,
        events_are_delivered_each_once_and_their_segments_come_free,
        an_end_does_not_wait_for_linger,
        an_end_does_not_wait_for_what_is_to_be_sent_again_later,
        an_event_larger_than_all_of_librdkafka_s_queue_is_delivered,
        a_dead_broker_does_not_keep_the_other_from_its_events,
        many_more_events_than_the_ring_holds_pass_through_it,
        a_commit_wakes_the_thread_each_time,
        a_batch_that_is_refused_goes_again_one_by_one,
        an_event_that_is_refused_for_good_reaches_the_dead_letter_topic,
        the_headers_of_a_dead_letter_do_not_make_it_too_large,
        a_dead_letter_that_fails_still_says_where_the_event_was_refused,
        after_max_attempts_answers_of_brokers_an_event_is_a_dead_letter,
        after_a_fatal_error_all_is_sent_by_a_new_handle,
        NULL
    };

    return unit_run_each("sender_delivery", tests, sender_setup,
                         sender_teardown);
}
