
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/* When brokers are said to be up or down. */


#include <string.h>

#include "../../src/kafka/ingest_watch.h"
#include "unit.h"


static ingest_journal_t  journal;
static ingest_broker_t   brokers[INGEST_BROKERS];
static ingest_watch_t    watch;


static void
setup(void)
{
    memset(&watch, 0, sizeof(watch));

    ingest_journal_init(&journal, -1);
    strcpy(brokers[0].name, "a:9092");
    strcpy(brokers[63].name, "z:9092");

    watch.brokers = brokers;
    watch.journal = &journal;
}


static void
teardown(void)
{
    ck_assert_ptr_null(ingest_journal_peek(&journal));
}


static void
look(uint64_t known, uint64_t up)
{
    ingest_brokers_t  seen = { .known = known, .up = up };

    ingest_watch_look(&watch, &seen);
}


static void
says(ingest_level_e level, const char *text)
{
    const ingest_line_t  *line;

    line = ingest_journal_peek(&journal);
    ck_assert_ptr_nonnull(line);
    ck_assert_str_eq(line->text, text);
    ck_assert_int_eq(line->level, level);
    ck_assert_str_eq(line->fields[0].name, "broker");
    ingest_journal_release(&journal);
}


START_TEST(a_broker_that_comes_and_goes_is_said_once_each)
{
    look(1, 1);
    says(INGEST_LOG_NOTICE, "broker a:9092 is up");
    look(1, 1);

    look(1, 0);
    look(1, 0);
    says(INGEST_LOG_WARN, "broker a:9092 is down");
    look(1, 0);
    look(1, 0);

    look(1, 1);
    says(INGEST_LOG_NOTICE, "broker a:9092 is up");
}
END_TEST


START_TEST(a_look_while_librdkafka_connects_says_nothing)
{
    look(1, 0);
    look(1, 1);
    says(INGEST_LOG_NOTICE, "broker a:9092 is up");

    look(1, 0);
    look(1, 1);
    look(1, 0);
    look(1, 1);
}
END_TEST


START_TEST(a_broker_that_never_came_is_down)
{
    look(1, 0);
    look(1, 0);
    says(INGEST_LOG_WARN, "broker a:9092 is down");
}
END_TEST


START_TEST(a_broker_that_nobody_needs_is_neither)
{
    look(1, 1);
    says(INGEST_LOG_NOTICE, "broker a:9092 is up");

    look(0, 0);
    look(0, 0);
    look(1, 1);
}
END_TEST


START_TEST(each_broker_is_looked_at_alone)
{
    uint64_t  last = (uint64_t) 1 << 63;

    look(1 | last, 1);
    says(INGEST_LOG_NOTICE, "broker a:9092 is up");

    look(1 | last, last);
    says(INGEST_LOG_NOTICE, "broker z:9092 is up");
    look(1 | last, last);
    says(INGEST_LOG_WARN, "broker a:9092 is down");
}
END_TEST


int
main(void)
{
    const TTest  *tests[] = {
        a_broker_that_comes_and_goes_is_said_once_each,
        a_look_while_librdkafka_connects_says_nothing,
        a_broker_that_never_came_is_down,
        a_broker_that_nobody_needs_is_neither,
        each_broker_is_looked_at_alone,
        NULL
    };

    return unit_run_each("watch", tests, setup, teardown);
}
