
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/* What librdkafka gets of a record. */


#include "../../src/kafka/ingest_clock.h"
#include "../../src/kafka/ingest_message.h"
#include "worker_fixture.h"


static ingest_message_t     message;
static ingest_deadletter_t  letter;


/* The only record, with these flags, as a message. */

static ingest_record_t *
written(uint16_t flags)
{
    ingest_ref_t      ref;
    ingest_record_t  *record;

    put(1795622565123, 100);
    ref = send_number(1795622565123, 0);
    record = ingest_reader_find(worker.reader, ref);
    record->flags = flags;

    ingest_message_write(&message, &letter, record, ref);
    ck_assert_uint_eq(message.ref, ref);

    return record;
}


START_TEST(a_message_points_to_what_the_record_holds)
{
    ingest_record_t  *record;

    record = written(0);

    ck_assert_ptr_eq(message.key.data, ingest_record_key(record).data);
    ck_assert_ptr_eq(message.value.data, ingest_record_value(record).data);
    ck_assert_ptr_eq(message.headers.data, ingest_record_headers(record).data);
    ck_assert_uint_eq(message.value.len, 100);
    ck_assert_uint_eq(message.nmore, 0);
}
END_TEST


START_TEST(its_time_is_that_at_which_the_event_was_accepted)
{
    ingest_record_t  *record;

    record = written(INGEST_RECORD_ALONE);

    ck_assert_uint_ne(record->time_ms, 0);
    ck_assert_uint_eq(message.time_ms, record->time_ms);
}
END_TEST


START_TEST(once_that_was_refused_it_is_that_of_the_attempt)
{
    uint64_t  before_ms;

    before_ms = ingest_clock_ms(CLOCK_REALTIME);
    (void) written(INGEST_RECORD_RETIMED);

    ck_assert_uint_ge(message.time_ms, before_ms);
    ck_assert_uint_le(message.time_ms, ingest_clock_ms(CLOCK_REALTIME));
}
END_TEST


START_TEST(a_dead_letter_has_its_headers_behind_those_of_the_event)
{
    ingest_record_t  *record;

    record = written(INGEST_RECORD_DEAD);

    ck_assert_ptr_eq(message.headers.data, ingest_record_headers(record).data);
    ck_assert_ptr_eq(message.more, letter.headers);
    ck_assert_uint_eq(message.nmore, INGEST_DEADLETTER_HEADERS);
}
END_TEST


int
main(void)
{
    const TTest  *tests[] = {
        a_message_points_to_what_the_record_holds,
        its_time_is_that_at_which_the_event_was_accepted,
        once_that_was_refused_it_is_that_of_the_attempt,
        a_dead_letter_has_its_headers_behind_those_of_the_event,
        NULL
    };

    return unit_run_each("message", tests, worker_setup, worker_teardown);
}
