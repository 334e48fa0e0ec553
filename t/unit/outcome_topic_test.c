
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/* Topics that Kafka says it does not have. */


#include <stdio.h>
#include <string.h>

#include "outcome_fixture.h"


#define UNKNOWN    RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART
#define MINUTE_MS  60000
#define TOPICS     (INGEST_UNKNOWN_TOPICS + 1)


/* Fails again and again, until a second before now_ms. */

static void
fails_until(uint64_t number, uint64_t from_ms, uint64_t now_ms)
{
    ingest_record_t  *record;

    while (from_ms + 1000 < now_ms) {
        record = fails(number, UNKNOWN, from_ms);
        ck_assert_uint_eq(record->flags & INGEST_RECORD_DEAD, 0);

        from_ms = ingest_reader_due(worker.reader);
    }
}


START_TEST(an_unknown_topic_may_be_on_its_way_for_a_minute)
{
    ingest_record_t  *record;

    accept_event(0);
    record = fails(0, UNKNOWN, 1000);
    ck_assert_uint_eq(record->flags, 0);

    record = fails(0, UNKNOWN, 1000 + MINUTE_MS - 1);
    ck_assert_uint_eq(record->flags, 0);

    /* once it has been unknown so long others need not wait, too */

    accept_event(1);
    record = fails(1, UNKNOWN, 1000 + MINUTE_MS);
    ck_assert_uint_eq(record->flags, INGEST_RECORD_DEAD);
    goes_to(record, "d");

    (void) delivers(1, 1000 + MINUTE_MS);
    ended((ends_t) { .dead_lettered = 1 });
}
END_TEST


START_TEST(librdkafkas_own_word_for_it_counts_as_the_brokers)
{
    ingest_record_t  *record;

    accept_event(0);
    (void) fails(0, RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, 1000);
    record = fails(0, UNKNOWN, 1000 + MINUTE_MS);
    ck_assert_uint_eq(record->flags, INGEST_RECORD_DEAD);
    ck_assert_int_eq(record->error, UNKNOWN);
}
END_TEST


START_TEST(an_event_delivered_to_the_topic_ends_the_minute)
{
    ingest_record_t  *record;

    accept_event(0);
    (void) fails(0, UNKNOWN, 1000);
    accept_event(1);
    (void) delivers(1, 1050);

    record = fails(0, UNKNOWN, 1000 + 2 * MINUTE_MS);
    ck_assert_uint_eq(record->flags, 0);
    record = fails(0, UNKNOWN, 1000 + 3 * MINUTE_MS - 1);
    ck_assert_uint_eq(record->flags, 0);
    record = fails(0, UNKNOWN, 1000 + 4 * MINUTE_MS);
    ck_assert_uint_eq(record->flags, INGEST_RECORD_DEAD);
}
END_TEST


START_TEST(an_event_that_is_sent_all_the_while_is_refused_after_the_minute)
{
    ingest_record_t  *record;

    accept_event(0);
    fails_until(0, 1000, 1000 + MINUTE_MS);

    record = fails(0, UNKNOWN, ingest_reader_due(worker.reader));
    ck_assert_uint_eq(record->flags, INGEST_RECORD_DEAD);
}
END_TEST


START_TEST(a_dead_letter_topic_has_a_minute_of_its_own)
{
    accept_event(0);
    (void) fails(0, RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION, 1000);
    (void) fails(0, UNKNOWN, 2000);
    (void) fails(0, UNKNOWN, 2000 + MINUTE_MS - 1);
    ended((ends_t) { .dead_letter_refused = 0 });

    (void) fails(0, UNKNOWN, 2000 + MINUTE_MS + 10000);
    ended((ends_t) { .dead_letter_refused = 1 });
}
END_TEST


START_TEST(topics_are_told_apart_and_more_than_there_is_room_for_wait)
{
    char              topic[TOPICS][16];
    unsigned          i;
    ingest_ref_t      refs[TOPICS];
    ingest_record_t  *records[TOPICS];

    for (i = 0; i < TOPICS; i++) {
        snprintf(topic[i], sizeof(topic[i]), "topic-%u", i);
        accept_event_of(topic[i]);

        records[i] = takes_next(1000, &refs[i]);
        ingest_outcome_failed(&outcome, records[i], refs[i], UNKNOWN);
    }

    /* one of them takes an event, and is unknown afterwards */

    accept_event_of(topic[3]);
    (void) takes_next(1001, &refs[0]);
    ingest_outcome_delivered(&outcome,
                             ingest_reader_find(worker.reader, refs[0]),
                             refs[0]);

    for (i = 0; i < TOPICS; i++) {
        ck_assert_ptr_eq(takes_next(2000 + MINUTE_MS, &refs[i]), records[i]);
    }

    for (i = 0; i < TOPICS; i++) {
        ingest_outcome_failed(&outcome, records[i], refs[i], UNKNOWN);
        ck_assert_msg(((records[i]->flags & INGEST_RECORD_DEAD) != 0)
                      == (i != 3 && i != INGEST_UNKNOWN_TOPICS), "%u", i);
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
        ck_assert_uint_eq(outcome.nunknown, 0);
    }

    accept_event(0);
    (void) fails(0, UNKNOWN, 1000000);
    record = fails(0, UNKNOWN, 1000000 + MINUTE_MS);
    ck_assert_uint_eq(record->flags, INGEST_RECORD_DEAD);
}
END_TEST


int
main(void)
{
    const TTest  *tests[] = {
        an_unknown_topic_may_be_on_its_way_for_a_minute,
        librdkafkas_own_word_for_it_counts_as_the_brokers,
        an_event_delivered_to_the_topic_ends_the_minute,
        an_event_that_is_sent_all_the_while_is_refused_after_the_minute,
        a_dead_letter_topic_has_a_minute_of_its_own,
        topics_are_told_apart_and_more_than_there_is_room_for_wait,
        a_topic_gives_its_place_to_the_next_one,
        NULL
    };

    return unit_run_each("outcome_topic", tests, outcome_setup,
                         outcome_teardown);
}
