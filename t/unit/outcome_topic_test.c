
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/* Topics that Kafka says it does not have. */


#include <stdio.h>
#include <string.h>

#include "outcome_fixture.h"


#define UNKNOWN    RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART
#define MINUTE_MS  60000
#define PAUSE_MS   15000
#define TOPICS     40


/* Fails from from_ms on, with the longest pauses, and remains an event. */

static void
fails_until(uint64_t number, uint64_t from_ms, uint64_t end_ms)
{
    ingest_record_t  *record;

    for ( /* void */ ; from_ms < end_ms; from_ms += PAUSE_MS) {
        record = fails(number, UNKNOWN, from_ms);
        ck_assert_uint_eq(record->flags, 0);
    }
}


static void
fails_for_good(uint64_t number, uint64_t now_ms)
{
    ingest_record_t  *record;

    record = fails(number, UNKNOWN, now_ms);
    ck_assert_uint_eq(record->flags, INGEST_RECORD_DEAD);
    ck_assert_int_eq(record->error, UNKNOWN);
    goes_to(record, "d");
}


START_TEST(an_unknown_topic_may_be_on_its_way_for_a_minute)
{
    ingest_record_t  *record;

    accept_event(0);
    fails_until(0, 1000, 1000 + MINUTE_MS);
    record = fails(0, UNKNOWN, 1000 + MINUTE_MS - 1);
    ck_assert_uint_eq(record->flags, 0);

    /* once it has been unknown so long others need not wait, too */

    accept_event(1);
    fails_for_good(1, 1000 + MINUTE_MS);

    (void) delivers(1, 1000 + MINUTE_MS);
    ended((ends_t) { .dead_lettered = 1 });
}
END_TEST


START_TEST(librdkafkas_own_word_for_it_counts_as_the_brokers)
{
    accept_event(0);
    (void) fails(0, RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, 1000);
    fails_until(0, 1000 + PAUSE_MS, 1000 + MINUTE_MS);
    fails_for_good(0, 1000 + MINUTE_MS);
}
END_TEST


START_TEST(answers_are_as_far_apart_as_back_offs_that_are_set)
{
    outcome.backoff_ms = 20000;

    accept_event(0);
    (void) fails(0, UNKNOWN, 1000);
    (void) fails(0, UNKNOWN, 21000);
    (void) fails(0, UNKNOWN, 41000);
    fails_for_good(0, 1000 + MINUTE_MS);
}
END_TEST


START_TEST(an_event_delivered_to_the_topic_ends_the_minute)
{
    accept_event(0);
    (void) fails(0, UNKNOWN, 1000);
    accept_event(1);
    (void) delivers(1, 1050);

    fails_until(0, 10000, 10000 + MINUTE_MS);
    fails_for_good(0, 10000 + MINUTE_MS);
}
END_TEST


/* Nothing was said in between, so it may have been there, or no broker. */

START_TEST(a_pause_begins_the_minute_anew)
{
    uint64_t  now_ms;

    accept_event(0);
    fails_until(0, 1000, 1000 + MINUTE_MS);

    now_ms = 1000 + MINUTE_MS + 1;

    fails_until(0, now_ms, now_ms + MINUTE_MS);
    fails_for_good(0, now_ms + MINUTE_MS);
}
END_TEST


START_TEST(two_answers_with_an_outage_between_are_no_minute)
{
    ingest_record_t  *record;

    accept_event(0);
    (void) fails(0, UNKNOWN, 1000);
    (void) fails(0, RD_KAFKA_RESP_ERR__MSG_TIMED_OUT, 301000);
    record = fails(0, UNKNOWN, 601000);
    ck_assert_uint_eq(record->flags, 0);
}
END_TEST


START_TEST(what_librdkafka_says_without_a_broker_is_no_answer)
{
    accept_event(0);
    fails_until(0, 0, MINUTE_MS);

    outcome.connected = false;
    fails_until(0, MINUTE_MS, 10 * MINUTE_MS);

    /* the minute begins with the first answer behind it */

    outcome.connected = true;
    fails_until(0, 10 * MINUTE_MS, 11 * MINUTE_MS);
    fails_for_good(0, 11 * MINUTE_MS);
}
END_TEST


/* As the back-off has it. */

START_TEST(an_event_that_is_sent_all_the_while_is_refused_after_the_minute)
{
    uint64_t          now_ms;
    ingest_record_t  *record;

    accept_event(0);
    record = fails(0, UNKNOWN, 1000);

    while (!(record->flags & INGEST_RECORD_DEAD)) {
        now_ms = ingest_reader_due(worker.reader);
        record = fails(0, UNKNOWN, now_ms);
    }

    ck_assert_uint_ge(now_ms, 1000 + MINUTE_MS);
    ck_assert_uint_le(now_ms, 1000 + MINUTE_MS + 5000);
}
END_TEST


START_TEST(a_dead_letter_topic_has_a_minute_of_its_own)
{
    uint64_t  now_ms;

    accept_event(0);
    (void) fails(0, RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION, 1000);

    for (now_ms = 2000; now_ms < 2000 + MINUTE_MS; now_ms += PAUSE_MS) {
        (void) fails(0, UNKNOWN, now_ms);
        ended((ends_t) { .dead_letter_refused = 0 });
    }

    (void) fails(0, UNKNOWN, 2000 + MINUTE_MS);
    ended((ends_t) { .dead_letter_refused = 1 });
}
END_TEST


START_TEST(topics_are_told_apart_however_many_they_are)
{
    char              topic[TOPICS][16];
    unsigned          i;
    uint64_t          now_ms;
    ingest_ref_t      refs[TOPICS], ref;
    ingest_record_t  *records[TOPICS];

    for (i = 0; i < TOPICS; i++) {
        snprintf(topic[i], sizeof(topic[i]), "topic-%u", i);
        accept_event_of(topic[i]);

        records[i] = takes_next(1000, &refs[i]);
        ingest_outcome_failed(&outcome, records[i], refs[i], UNKNOWN);
    }

    /* one of them takes an event, and is unknown afterwards */

    accept_event_of(topic[3]);
    (void) takes_next(1001, &ref);
    ingest_outcome_delivered(&outcome, ingest_reader_find(worker.reader, ref),
                             ref);

    for (now_ms = 1000 + PAUSE_MS; now_ms <= 1000 + MINUTE_MS;
         now_ms += PAUSE_MS)
    {
        for (i = 0; i < TOPICS; i++) {
            ck_assert_uint_eq(records[i]->flags, 0);
            ck_assert_ptr_eq(takes_next(now_ms, &refs[i]), records[i]);
        }

        for (i = 0; i < TOPICS; i++) {
            ingest_outcome_failed(&outcome, records[i], refs[i], UNKNOWN);
        }
    }

    for (i = 0; i < TOPICS; i++) {
        ck_assert_msg(((records[i]->flags & INGEST_RECORD_DEAD) != 0)
                      == (i != 3), "%u", i);
    }
}
END_TEST


START_TEST(a_topic_gives_its_place_to_the_next_one)
{
    char              topic[16];
    unsigned          i;
    ingest_ref_t      ref;
    ingest_record_t  *record;

    /* each of them is unknown for a while, and then is there */

    for (i = 0; i < 3 * TOPICS; i++) {
        snprintf(topic, sizeof(topic), "topic-%u", i);
        accept_event_of(topic);

        record = takes_next(1000 * (i + 1), &ref);
        ingest_outcome_failed(&outcome, record, ref, UNKNOWN);
        record = takes_next(1000 * (i + 1) + 100, &ref);
        ingest_outcome_delivered(&outcome, record, ref);
        ck_assert_uint_eq(outcome.unknowns.n, 0);
    }

    accept_event(0);
    fails_until(0, 1000000, 1000000 + MINUTE_MS);
    fails_for_good(0, 1000000 + MINUTE_MS);
}
END_TEST


int
main(void)
{
    const TTest  *tests[] = {
        an_unknown_topic_may_be_on_its_way_for_a_minute,
        librdkafkas_own_word_for_it_counts_as_the_brokers,
        an_event_delivered_to_the_topic_ends_the_minute,
        answers_are_as_far_apart_as_back_offs_that_are_set,
        a_pause_begins_the_minute_anew,
        two_answers_with_an_outage_between_are_no_minute,
        what_librdkafka_says_without_a_broker_is_no_answer,
        an_event_that_is_sent_all_the_while_is_refused_after_the_minute,
        a_dead_letter_topic_has_a_minute_of_its_own,
        topics_are_told_apart_however_many_they_are,
        a_topic_gives_its_place_to_the_next_one,
        NULL
    };

    return unit_run_each("outcome_topic", tests, outcome_setup,
                         outcome_teardown);
}
