
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/* Kafka refuses the time of a record: no fault of the event's. */


#include "../../src/kafka/ingest_error.h"
#include "outcome_fixture.h"


/* Of the one event, which has these flags then, and is delivered at last. */

static void
refuses_its_time_for_long(uint16_t flags)
{
    unsigned          i;
    uint64_t          now_ms;
    ingest_record_t  *record;

    now_ms = 1000;

    for (i = 0; i < 20; i++) {
        record = fails(0, RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP, now_ms);
        ck_assert_uint_eq(record->flags, flags);
        now_ms = ingest_reader_due(worker.reader);
    }

    (void) delivers(0, now_ms);
}


START_TEST(an_event_whose_time_is_refused_gets_another_one_and_is_never_dead)
{
    accept_event(0);
    refuses_its_time_for_long(INGEST_RECORD_RETIMED);
    ended((ends_t) { .published = 1 });
}
END_TEST


START_TEST(a_dead_letter_whose_time_is_refused_gets_another_one_and_is_not_lost)
{
    accept_event(0);
    (void) fails(0, RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION, 1000);
    refuses_its_time_for_long(INGEST_RECORD_DEAD|INGEST_RECORD_RETIMED);
    ended((ends_t) { .dead_lettered = 1 });
}
END_TEST


/* It may have been in one batch with others, whose time was the old one. */

START_TEST(refused_times_do_not_count_for_max_attempts)
{
    outcome.max_attempts = 1;

    accept_event(0);
    refuses_its_time_for_long(INGEST_RECORD_RETIMED);
    ended((ends_t) { .published = 1 });
}
END_TEST


int
main(void)
{
    const TTest  *tests[] = {
        an_event_whose_time_is_refused_gets_another_one_and_is_never_dead,
        a_dead_letter_whose_time_is_refused_gets_another_one_and_is_not_lost,
        refused_times_do_not_count_for_max_attempts,
        NULL
    };

    return unit_run_each("outcome_time", tests, outcome_setup,
                         outcome_teardown);
}
