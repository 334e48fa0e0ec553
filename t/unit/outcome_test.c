
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/* What follows from a delivery report. */


#include <stdio.h>

#include "../../src/kafka/ingest_error.h"
#include "outcome_fixture.h"


#define MIXED   2000
#define CODES   9


static uint32_t
pseudo_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;

    return *state;
}


/* The fixture accepts event n at 500 + n on the monotonic clock. */

START_TEST(a_delivered_event_is_done_and_counted_with_its_latency)
{
    accept_event(0);
    accept_event(1);
    ended((ends_t) { .published = 0 });

    (void) delivers(0, 520);
    ended((ends_t) { .published = 1 });
    (void) delivers(1, 501 + 513);
    ended((ends_t) { .published = 2 });

    ck_assert_uint_eq(slot->delivery.latency.buckets[5], 1);
    ck_assert_uint_eq(slot->delivery.latency.buckets[INGEST_LATENCY_BUCKETS],
                      1);
    ck_assert_uint_eq(slot->delivery.latency.sum_ms, 20 + 513);
    ck_assert_uint_eq(slot->bytes_out, slot->bytes_in);
    ck_assert_int_eq(slot->delivery.errors[0].key, 0);
    logs_nothing();
}
END_TEST


START_TEST(a_latency_is_never_below_zero)
{
    accept_event(0);
    (void) delivers(0, 400);

    ck_assert_uint_eq(slot->delivery.latency.buckets[0], 1);
    ck_assert_uint_eq(slot->delivery.latency.sum_ms, 0);
}
END_TEST


START_TEST(what_may_pass_is_sent_again_after_a_back_off_and_goes_nowhere_else)
{
    size_t            i;
    uint64_t          now_ms;
    ingest_record_t  *record;

    static const int  errors[] = {
        RD_KAFKA_RESP_ERR__MSG_TIMED_OUT,
        RD_KAFKA_RESP_ERR__TIMED_OUT,
        RD_KAFKA_RESP_ERR__TRANSPORT,
        RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN,
        RD_KAFKA_RESP_ERR__AUTHENTICATION,
        RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION,
        RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC,
        RD_KAFKA_RESP_ERR__FATAL,
        RD_KAFKA_RESP_ERR_UNKNOWN,
        RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART,
        RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE,
        RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
        RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
        RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE,
        RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION,
        RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
        RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND,
        RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED,
        RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR,
        RD_KAFKA_RESP_ERR_THROTTLING_QUOTA_EXCEEDED,
        9999
    };

    for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        now_ms = 1000 * (i + 1);

        accept_event(i);
        record = fails(i, errors[i], now_ms);

        ck_assert_msg(record->state == INGEST_RECORD_PENDING
                      && record->flags == 0, "%d", errors[i]);
        goes_to(record, "t");
        send_nothing(now_ms + 99);

        (void) delivers(i, now_ms + 100);
        ended((ends_t) { .published = i + 1 });
    }
}
END_TEST


START_TEST(what_is_refused_for_good_goes_to_the_dead_letters_at_once)
{
    size_t            i;
    ingest_record_t  *record;

    static const int  errors[] = {
        RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION,
        RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED
    };

    for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        accept_event(i);
        record = fails(i, errors[i], 1000);

        ck_assert_uint_eq(record->state, INGEST_RECORD_PENDING);
        ck_assert_int_eq(record->error, errors[i]);
        goes_to(record, "d");

        (void) delivers(i, 1000);
        ended((ends_t) { .dead_lettered = i + 1 });
    }

    /* a dead letter has no latency */

    ck_assert_uint_eq(slot->delivery.latency.buckets[9], 0);
    ck_assert_uint_eq(slot->delivery.latency.sum_ms, 0);

    logs(INGEST_LOG_WARN, "event \"the key\" refused by Kafka, goes to the "
                          "dead-letter topic: Broker: Invalid topic "
                          "(0 more before)");
    logs(INGEST_LOG_WARN, "event \"the key\" refused by Kafka, goes to the "
                          "dead-letter topic: Broker: Topic authorization "
                          "failed (0 more before)");
    logs_nothing();
}
END_TEST


START_TEST(what_is_said_of_a_batch_sends_its_events_again_one_by_one)
{
    size_t            i;
    ingest_record_t  *record;

    static const int  errors[] = {
        RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE,
        RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE,
        RD_KAFKA_RESP_ERR_INVALID_MSG,
        RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE,
        RD_KAFKA_RESP_ERR_INVALID_RECORD,
        RD_KAFKA_RESP_ERR_POLICY_VIOLATION
    };

    for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        accept_event(i);
        record = fails(i, errors[i], 1000);
        ck_assert_uint_eq(record->flags, INGEST_RECORD_ALONE);
        goes_to(record, "t");

        record = fails(i, errors[i], 1000);
        ck_assert(record->flags & INGEST_RECORD_DEAD);
        goes_to(record, "d");

        (void) delivers(i, 1000);
        ended((ends_t) { .dead_lettered = i + 1 });
    }
}
END_TEST


START_TEST(one_event_that_is_too_large_does_not_take_its_batch_with_it)
{
    unsigned          i;
    ingest_ref_t      refs[3];
    ingest_record_t  *records[3];

    for (i = 0; i < 3; i++) {
        accept_event(i);
        records[i] = takes_next(1000, &refs[i]);
    }

    for (i = 0; i < 3; i++) {
        ingest_outcome_failed(&outcome, records[i], refs[i],
                              RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
        ck_assert_uint_eq(records[i]->flags, INGEST_RECORD_ALONE);
    }

    (void) delivers(0, 1000);
    (void) fails(1, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, 1000);
    (void) delivers(2, 1000);
    (void) delivers(1, 1000);

    ended((ends_t) { .published = 2, .dead_lettered = 1 });
    ck_assert_int_eq(records[1]->error, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
}
END_TEST


START_TEST(an_event_alone_that_fails_for_now_stays_alone)
{
    ingest_record_t  *record;

    accept_event(0);
    (void) fails(0, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, 1000);
    record = fails(0, RD_KAFKA_RESP_ERR__TRANSPORT, 1000);
    ck_assert_uint_eq(record->flags, INGEST_RECORD_ALONE);
    send_nothing(1199);
    (void) delivers(0, 1200);
    ended((ends_t) { .published = 1 });
}
END_TEST


START_TEST(the_back_off_doubles_up_to_five_seconds_and_never_ends)
{
    unsigned  i;
    uint64_t  now_ms;

    static const unsigned  backoffs_ms[] = {
        100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000
    };

    accept_event(0);
    now_ms = 1000;

    for (i = 0; i < 100; i++) {
        (void) fails(0, RD_KAFKA_RESP_ERR__TRANSPORT, now_ms);

        now_ms += backoffs_ms[i < 8 ? i : 8];
        ck_assert_uint_eq(ingest_reader_due(worker.reader), now_ms);
        send_nothing(now_ms - 1);
    }

    ended((ends_t) { .published = 0 });
    (void) delivers(0, now_ms);
    ended((ends_t) { .published = 1 });
}
END_TEST


START_TEST(a_dead_letter_that_fails_for_now_waits_like_any_event)
{
    ingest_record_t  *record;

    accept_event(0);
    (void) fails(0, RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION, 1000);
    record = fails(0, RD_KAFKA_RESP_ERR__MSG_TIMED_OUT, 1000);

    ended((ends_t) { .dead_lettered = 0 });
    goes_to(record, "d");
    send_nothing(1199);

    /* and still says why the event was refused, not the letter */

    ck_assert_int_eq(record->error, RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION);

    (void) delivers(0, 1200);
    ended((ends_t) { .dead_lettered = 1 });
}
END_TEST


/* It says why the letter was refused; a line before said why the event was. */

START_TEST(a_dead_letter_refused_for_good_is_dropped_with_one_error_line)
{
    char    line[INGEST_LINE_TEXT];
    size_t  i;

    static const int  errors[] = {
        RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
        RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE
    };

    for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        accept_event(i);
        (void) fails(i, RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION, 1000 * (i + 1));
        (void) fails(i, errors[i], 1000 * (i + 1));
        ended((ends_t) { .dead_letter_refused = i + 1 });
        send_nothing(UINT64_MAX);

        logs(INGEST_LOG_WARN, "event \"the key\" refused by Kafka, goes to "
                              "the dead-letter topic: Broker: Invalid topic "
                              "(0 more before)");
        snprintf(line, sizeof(line), "event \"the key\" lost, "
                 "dead_letter_refused: %s (0 more before)",
                 ingest_error_text(errors[i]));
        logs(INGEST_LOG_ERROR, line);
        logs_nothing();
    }

    ck_assert_uint_eq(slot->bytes_out, slot->bytes_in);
}
END_TEST


START_TEST(without_a_dead_letter_topic_what_is_refused_is_dropped)
{
    outcome.dead_letter_topic.len = 0;

    accept_event(0);
    (void) fails(0, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, 1000);
    ended((ends_t) { .refused = 1 });

    logs(INGEST_LOG_ERROR, "event \"the key\" lost, refused: "
                           "Broker: Topic authorization failed "
                           "(0 more before)");
    logs_nothing();
}
END_TEST


START_TEST(lines_about_single_events_are_one_a_second)
{
    unsigned  i;

    outcome.dead_letter_topic.len = 0;

    for (i = 0; i < 5; i++) {
        accept_event(i);
        (void) fails(i, RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION, 1000 + i);
    }

    accept_event(5);
    (void) fails(5, RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION, 2000);

    logs(INGEST_LOG_ERROR, "event \"the key\" lost, refused: "
                           "Broker: Invalid topic (0 more before)");
    logs(INGEST_LOG_ERROR, "event \"the key\" lost, refused: "
                           "Broker: Invalid topic (4 more before)");
    logs_nothing();

    accept_event(6);
    (void) fails(6, RD_KAFKA_RESP_ERR__TRANSPORT, 2000);
    (void) fails(6, RD_KAFKA_RESP_ERR__TRANSPORT, 2100);
    (void) fails(6, RD_KAFKA_RESP_ERR__MSG_TIMED_OUT, 2900);

    /* one for each error */

    logs(INGEST_LOG_WARN, "event \"the key\" will be sent again: "
                          "Local: Broker transport failure (0 more before)");
    logs(INGEST_LOG_WARN, "event \"the key\" will be sent again: "
                          "Local: Message timed out (0 more before)");
    logs_nothing();
}
END_TEST


START_TEST(errors_are_counted_by_their_code)
{
    accept_event(0);
    (void) fails(0, RD_KAFKA_RESP_ERR__TRANSPORT, 1000);
    (void) fails(0, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, 1100);
    (void) fails(0, RD_KAFKA_RESP_ERR__TRANSPORT, 1100);

    ck_assert_int_eq(slot->delivery.errors[0].key,
                     RD_KAFKA_RESP_ERR__TRANSPORT);
    ck_assert_uint_eq(slot->delivery.errors[0].count, 2);
    ck_assert_int_eq(slot->delivery.errors[1].key,
                     RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
    ck_assert_uint_eq(slot->delivery.errors[1].count, 1);
}
END_TEST


START_TEST(every_event_ends_in_exactly_one_counter)
{
    uint32_t          state, n;
    uint64_t          now_ms;
    ingest_ref_t      ref;
    ingest_record_t  *record;

    static const int  errors[CODES] = {
        0, 0, 0, RD_KAFKA_RESP_ERR__TRANSPORT,
        RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE,
        RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE,
        RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION,
        RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
        RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC
    };

    for (n = 0; n < MIXED; n++) {
        accept_event(n);
    }

    state = 1;
    now_ms = 1000;

    ingest_reader_take(worker.reader);

    while (!ingest_reader_empty(worker.reader)) {
        record = takes_next(now_ms, &ref);

        if (record == NULL) {
            now_ms = ingest_reader_due(worker.reader);
            ck_assert_uint_ne(now_ms, 0);
            continue;
        }

        n = pseudo_random(&state) % CODES;

        if (errors[n] == 0) {
            ingest_outcome_delivered(&outcome, record, ref);

        } else {
            ingest_outcome_failed(&outcome, record, ref, errors[n]);
        }
    }

    ended((ends_t) {
        .published = slot->delivery.published,
        .dead_lettered = slot->delivery.dead_lettered,
        .dead_letter_refused
            = slot->delivery.dropped[INGEST_DROP_DEAD_LETTER]
    });

    ck_assert_uint_eq(slot->events_out, MIXED);
    ck_assert_uint_eq(slot->bytes_out, slot->bytes_in);
    ck_assert_uint_gt(slot->delivery.published, 0);
    ck_assert_uint_gt(slot->delivery.dead_lettered, 0);
    ck_assert_uint_gt(slot->delivery.dropped[INGEST_DROP_DEAD_LETTER], 0);
}
END_TEST


int
main(void)
{
    const TTest  *tests[] = {
        a_delivered_event_is_done_and_counted_with_its_latency,
        a_latency_is_never_below_zero,
        what_may_pass_is_sent_again_after_a_back_off_and_goes_nowhere_else,
        what_is_refused_for_good_goes_to_the_dead_letters_at_once,
        what_is_said_of_a_batch_sends_its_events_again_one_by_one,
        one_event_that_is_too_large_does_not_take_its_batch_with_it,
        an_event_alone_that_fails_for_now_stays_alone,
        the_back_off_doubles_up_to_five_seconds_and_never_ends,
        a_dead_letter_that_fails_for_now_waits_like_any_event,
        a_dead_letter_refused_for_good_is_dropped_with_one_error_line,
        without_a_dead_letter_topic_what_is_refused_is_dropped,
        lines_about_single_events_are_one_a_second,
        errors_are_counted_by_their_code,
        every_event_ends_in_exactly_one_counter,
        NULL
    };

    return unit_run_each("outcome", tests, outcome_setup, outcome_teardown);
}
