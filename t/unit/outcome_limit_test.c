
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/* What is no error, what is one too many, and how long each of them waits. */


#include <librdkafka/rdkafka.h>

#include "../../src/kafka/ingest_error.h"
#include "outcome_fixture.h"


START_TEST(what_was_taken_back_is_no_error_and_is_sent_again_soon)
{
    ingest_record_t  *record;

    accept_event(0);

    record = fails(0, RD_KAFKA_RESP_ERR__PURGE_QUEUE, 1000);
    send_nothing(1199);
    record = fails(0, RD_KAFKA_RESP_ERR__PURGE_INFLIGHT, 1200);
    send_nothing(1399);

    ck_assert_uint_eq(record->attempts, 0);
    ck_assert_int_eq(slot->delivery.errors[0].key, 0);
    logs_nothing();

    (void) delivers(0, 1400);
}
END_TEST


START_TEST(the_back_off_begins_with_the_one_that_is_set)
{
    size_t    i, n;
    uint64_t  now_ms;

    static const uint32_t  backoffs_ms[][5] = {
        { 1, 2, 4, 8, 16 },
        { 750, 1500, 3000, 5000, 5000 },
        { 5000, 5000, 5000, 5000, 5000 },
        { 300000, 300000, 300000, 300000, 300000 }
    };

    now_ms = 1000;

    for (i = 0; i < sizeof(backoffs_ms) / sizeof(backoffs_ms[0]); i++) {
        outcome.backoff_ms = backoffs_ms[i][0];
        accept_event(i);

        for (n = 0; n < 5; n++) {
            (void) fails(i, RD_KAFKA_RESP_ERR__TRANSPORT, now_ms);

            now_ms += backoffs_ms[i][n];
            ck_assert_uint_eq(ingest_reader_due(worker.reader), now_ms);
        }

        (void) delivers(i, now_ms);
    }
}
END_TEST


START_TEST(the_shortest_back_off_grows_to_five_seconds_too)
{
    unsigned  i;
    uint64_t  now_ms;

    outcome.backoff_ms = 1;

    accept_event(0);
    now_ms = 1000;

    for (i = 0; i < 100; i++) {
        (void) fails(0, RD_KAFKA_RESP_ERR__TRANSPORT, now_ms);

        now_ms += i < 13 ? 1 << i : 5000;
        ck_assert_uint_eq(ingest_reader_due(worker.reader), now_ms);
    }
}
END_TEST


START_TEST(in_a_hurry_the_back_off_does_not_grow)
{
    unsigned  i;
    uint64_t  now_ms;

    static const unsigned  first_ms[] = { 100, 5000, 7 };
    static const unsigned  third_ms[] = { 100, 100, 28 };

    outcome.hurry = true;
    now_ms = 1000;

    for (i = 0; i < 3; i++) {
        outcome.backoff_ms = first_ms[i];
        accept_event(i);

        (void) fails(i, RD_KAFKA_RESP_ERR__TRANSPORT, now_ms);
        (void) fails(i, RD_KAFKA_RESP_ERR__TRANSPORT, now_ms + 100);
        (void) fails(i, RD_KAFKA_RESP_ERR__TRANSPORT, now_ms + 200);
        ck_assert_uint_eq(ingest_reader_due(worker.reader),
                          now_ms + 200 + third_ms[i]);

        (void) delivers(i, now_ms + 300);
        now_ms += 1000;
    }

    accept_event(i);
    (void) fails(i, RD_KAFKA_RESP_ERR__PURGE_QUEUE, now_ms);
    ck_assert_uint_eq(ingest_reader_due(worker.reader), now_ms + 100);
}
END_TEST


START_TEST(max_attempts_counts_what_brokers_have_answered)
{
    ingest_record_t  *record;

    outcome.max_attempts = 3;

    accept_event(0);
    record = fails(0, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, 10000);
    (void) fails(0, RD_KAFKA_RESP_ERR__MSG_TIMED_OUT, 20000);
    (void) fails(0, RD_KAFKA_RESP_ERR__TRANSPORT, 30000);
    (void) fails(0, RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE, 40000);
    (void) fails(0, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, 50000);
    (void) fails(0, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, 60000);
    (void) fails(0, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, 70000);
    goes_to(record, "t");

    (void) fails(0, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, 80000);
    goes_to(record, "d");
    ck_assert_int_eq(record->error, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS);

    /* a dead letter is not given up */

    (void) fails(0, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, 90000);
    (void) fails(0, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, 100000);
    (void) fails(0, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, 110000);
    (void) fails(0, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, 120000);
    ended((ends_t) { .published = 0 });

    (void) delivers(0, 130000);
    ended((ends_t) { .dead_lettered = 1 });
}
END_TEST


START_TEST(a_record_that_killed_five_workers_is_a_dead_letter)
{
    ingest_ref_t      ref;
    ingest_record_t  *record;

    accept_event(0);

    ingest_reader_take(worker.reader);
    record = ingest_reader_next(worker.reader, 0, &ref);

    record->crashes = 4;
    ck_assert(!ingest_outcome_is_poison(&outcome, record, ref));

    record->crashes = 5;
    ck_assert(ingest_outcome_is_poison(&outcome, record, ref));
    logs(INGEST_LOG_ALERT, "event \"the key\": 5 workers died sending it");
    logs(INGEST_LOG_WARN, "event \"the key\" refused by Kafka, goes to the "
         "dead-letter topic: Local: Workers that sent the event died "
         "(0 more before)");

    goes_to(record, "d");
    ck_assert_int_eq(record->error, INGEST_ERROR_POISON);

    (void) delivers(0, 1000);
    ended((ends_t) { .dead_lettered = 1 });
}
END_TEST


START_TEST(a_dead_letter_that_killed_five_workers_is_dropped)
{
    ingest_ref_t      ref;
    ingest_record_t  *record;

    accept_event(0);

    ingest_reader_take(worker.reader);
    record = ingest_reader_next(worker.reader, 0, &ref);

    record->crashes = 5;
    ck_assert(ingest_outcome_is_poison(&outcome, record, ref));

    record = ingest_reader_next(worker.reader, 0, &ref);
    record->crashes = 5;
    ck_assert(ingest_outcome_is_poison(&outcome, record, ref));

    ck_assert_uint_eq(record->state, INGEST_RECORD_DONE);
    ended((ends_t) { .dead_letter_refused = 1 });
}
END_TEST


/* A reload may take the dead-letter topic away. */

START_TEST(a_dead_letter_without_a_topic_any_more_is_dropped_for_its_event)
{
    ingest_ref_t      ref;
    ingest_record_t  *record;

    accept_event(0);
    (void) fails(0, RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION, 1000);
    logs(INGEST_LOG_WARN, "event \"the key\" refused by Kafka, goes to the "
         "dead-letter topic: Broker: Invalid topic (0 more before)");

    record = ingest_reader_next(worker.reader, 1000, &ref);
    ck_assert(!ingest_outcome_is_stranded(&outcome, record, ref));

    outcome.dead_letter_topic.len = 0;
    ck_assert(ingest_outcome_is_stranded(&outcome, record, ref));

    logs(INGEST_LOG_ERROR, "event \"the key\" lost, refused: Broker: Invalid "
                           "topic (0 more before)");
    ck_assert_uint_eq(record->state, INGEST_RECORD_DONE);
    ended((ends_t) { .refused = 1 });
}
END_TEST


/* 60 of one reason within a second have a line with an id, and a number. */

START_TEST(of_what_is_lost_every_event_is_told_of)
{
    unsigned  i;

    outcome.dead_letter_topic.len = 0;

    for (i = 0; i < 60; i++) {
        accept_event(i);
        (void) fails(i, RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION, 1000);
    }

    logs(INGEST_LOG_ERROR, "event \"the key\" lost, refused: Broker: Invalid "
                           "topic (0 more before)");

    ingest_outcome_tell(&outcome, 1999);
    logs_nothing();

    ingest_outcome_tell(&outcome, 2000);
    logs(INGEST_LOG_ERROR, "59 events lost: refused");

    ingest_outcome_tell(&outcome, UINT64_MAX);
    logs_nothing();

    for (i = 0; i < 3; i++) {
        accept_event(60 + i);
        (void) fails(60 + i, RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION, 2000);
    }

    logs(INGEST_LOG_ERROR, "event \"the key\" lost, refused: Broker: Invalid "
                           "topic (0 more before)");

    /* at the end it is not waited for the second */

    ingest_outcome_tell(&outcome, UINT64_MAX);
    logs(INGEST_LOG_ERROR, "2 events lost: refused");
    logs_nothing();
}
END_TEST


int
main(void)
{
    const TTest  *tests[] = {
        what_was_taken_back_is_no_error_and_is_sent_again_soon,
        the_back_off_begins_with_the_one_that_is_set,
        the_shortest_back_off_grows_to_five_seconds_too,
        in_a_hurry_the_back_off_does_not_grow,
        max_attempts_counts_what_brokers_have_answered,
        a_record_that_killed_five_workers_is_a_dead_letter,
        a_dead_letter_that_killed_five_workers_is_dropped,
        a_dead_letter_without_a_topic_any_more_is_dropped_for_its_event,
        of_what_is_lost_every_event_is_told_of,
        NULL
    };

    return unit_run_each("outcome_limit", tests, outcome_setup,
                         outcome_teardown);
}
