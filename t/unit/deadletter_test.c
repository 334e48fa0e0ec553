
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/* What a dead letter says about itself. */


#include <librdkafka/rdkafka.h>

#include "../../src/kafka/ingest_deadletter.h"
#include "worker_fixture.h"


static ingest_deadletter_t  letter;


/* The record that is next, with this error. */

static ingest_record_t *
record_of(uint64_t number, int error, int32_t partition)
{
    ingest_ref_t      ref;
    ingest_record_t  *record;

    put(number, 100);
    ref = send_number(number, 0);
    record = ingest_reader_find(worker.reader, ref);
    record->error = error;
    record->partition = partition;

    return record;
}


/* There is one header of this name, with this value. */

static void
says(const char *name, const char *value)
{
    unsigned          i, n;
    ingest_header_t  *header;

    n = 0;

    for (i = 0; i < letter.nheaders; i++) {
        header = &letter.headers[i];

        if (header->name.len != strlen(name)
            || memcmp(header->name.data, name, header->name.len) != 0)
        {
            continue;
        }

        n++;
        ck_assert_msg(header->value.len == strlen(value)
                      && memcmp(header->value.data, value, strlen(value)) == 0,
                      "%s: \"%.*s\"", name, (int) header->value.len,
                      (const char *) header->value.data);
    }

    ck_assert_msg(n == 1, "%s: %u times", name, n);
}


START_TEST(a_dead_letter_says_why_when_and_where_it_was_refused)
{
    const char  *text;

    ingest_deadletter_write(&letter, record_of(1795622565123,
                                RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, 2));

    text = rd_kafka_err2str(RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);

    ck_assert_uint_eq(letter.nheaders, INGEST_DEADLETTER_HEADERS);
    says("error", text);
    says("ingest.error.code", "10");
    says("ingest.received_at", "2026-11-25T16:02:46.123Z");
    says("__connect.errors.topic", "t");
    says("__connect.errors.partition", "2");
    says("__connect.errors.exception.class.name", "MSG_SIZE_TOO_LARGE");
    says("__connect.errors.exception.message", text);
}
END_TEST


START_TEST(a_record_that_never_had_a_partition_says_minus_one)
{
    ingest_deadletter_write(&letter, record_of(7,
                                RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, -1));

    says("__connect.errors.partition", "-1");
    says("ingest.error.code", "-188");
    says("__connect.errors.exception.class.name", "_UNKNOWN_TOPIC");
}
END_TEST


START_TEST(the_largest_numbers_have_room)
{
    ingest_deadletter_write(&letter, record_of(7, INT32_MIN, INT32_MIN));

    says("ingest.error.code", "-2147483648");
    says("__connect.errors.partition", "-2147483648");
    says("ingest.received_at", "1970-01-01T00:00:01.007Z");
}
END_TEST


START_TEST(a_letter_that_is_written_again_begins_anew)
{
    ingest_record_t  *record;

    record = record_of(7, RD_KAFKA_RESP_ERR_INVALID_RECORD, 1);

    ingest_deadletter_write(&letter, record);
    record->partition = 3;
    ingest_deadletter_write(&letter, record);

    ck_assert_uint_eq(letter.nheaders, INGEST_DEADLETTER_HEADERS);
    says("__connect.errors.partition", "3");
}
END_TEST


int
main(void)
{
    const TTest  *tests[] = {
        a_dead_letter_says_why_when_and_where_it_was_refused,
        a_record_that_never_had_a_partition_says_minus_one,
        the_largest_numbers_have_room,
        a_letter_that_is_written_again_begins_anew,
        NULL
    };

    return unit_run_each("deadletter", tests, worker_setup, worker_teardown);
}
