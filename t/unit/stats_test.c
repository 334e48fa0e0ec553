
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/* Statistics as librdkafka words them, and what is read from them. */


#include <stdio.h>
#include <string.h>

#include "../../src/kafka/ingest_stats.h"
#include "unit.h"


/* one broker of librdkafka's statistics, among members that it also has */

#define BROKER(source, name, state, more)                                     \
    "\"" name "/1\":{\"name\":\"" name "/1\",\"nodeid\":1,"                   \
    "\"nodename\":\"" name "\",\"source\":\"" source "\","                    \
    "\"state\":\"" state "\"" more ",\"rtt\":{\"min\":0,\"state\":\"x\"}}"

#define STATS(brokers)                                                        \
    "{\"name\":\"rdkafka#producer-1\",\"type\":\"producer\","                 \
    "\"brokers\":{" brokers "},\"topics\":{}}"

#define SECONDS  "000000"       /* behind a number, in microseconds */


static ingest_broker_t   table[INGEST_BROKERS];
static ingest_brokers_t  brokers;


static void
setup(void)
{
    memset(table, 0, sizeof(table));
    memset(&brokers, 0xa5, sizeof(brokers));
}


static void
reads(const char *json, uint64_t known, uint64_t up)
{
    ck_assert_msg(ingest_stats_brokers(json, strlen(json), table, &brokers)
                  == INGEST_OK, "%s", json);
    ck_assert_msg(brokers.known == known && brokers.up == up,
                  "known %llx, up %llx: %s",
                  (unsigned long long) brokers.known,
                  (unsigned long long) brokers.up, json);
}


START_TEST(a_broker_is_up_in_the_state_up_alone)
{
    reads(STATS(BROKER("learned", "a:1", "UP", ",\"connects\":1") ","
                BROKER("learned", "b:1", "DOWN", ",\"connects\":0") ","
                BROKER("learned", "c:1", "TRY_CONNECT", "") ","
                BROKER("learned", "d:1", "APIVERSION_QUERY", "") ","
                BROKER("learned", "e:1", "UPDATE", "") ","
                BROKER("learned", "f:1", "UP", "")), 0x3f, 0x21);

    ck_assert_str_eq(table[0].name, "a:1");
    ck_assert_str_eq(table[5].name, "f:1");
}
END_TEST


START_TEST(a_broker_that_was_never_needed_is_not_known)
{
    reads(STATS(BROKER("learned", "a:1", "INIT",
                       ",\"connects\":0,\"stateage\":5")), 0, 0);
    reads(STATS(BROKER("learned", "a:1", "INIT", "")), 0, 0);
    ck_assert_int_eq(table[0].state, INGEST_BROKER_FREE);
}
END_TEST


START_TEST(a_broker_between_two_tries_is_down_and_one_left_idle_is_not_known)
{
    reads(STATS(BROKER("learned", "a:1", "INIT",
                       ",\"connects\":7,\"stateage\":10" SECONDS)), 1, 0);
    reads(STATS(BROKER("learned", "a:1", "INIT",
                       ",\"connects\":7,\"stateage\":11" SECONDS)), 0, 0);

    /* its connection was closed because nobody used it */

    reads(STATS(BROKER("learned", "a:1", "INIT",
                       ",\"connects\":7,\"stateage\":1" SECONDS
                       ",\"txidle\":600" SECONDS)), 0, 0);
    reads(STATS(BROKER("learned", "a:1", "INIT",
                       ",\"connects\":7,\"stateage\":1" SECONDS
                       ",\"txidle\":299" SECONDS)), 1, 0);
    reads(STATS(BROKER("learned", "a:1", "TRY_CONNECT",
                       ",\"connects\":7,\"stateage\":1" SECONDS
                       ",\"txidle\":600" SECONDS)), 1, 0);

    /* another state may last as long as it wants */

    reads(STATS(BROKER("learned", "a:1", "UP",
                       ",\"connects\":7,\"stateage\":99" SECONDS)), 1, 1);
}
END_TEST


START_TEST(only_brokers_with_an_address_are_counted)
{
    reads(STATS(BROKER("logical", "GroupCoordinator", "UP", "") ","
                BROKER("internal", ":0/internal", "UP", "") ","
                BROKER("configured", "a:1", "UP", "") ","
                BROKER("learned", "", "UP", "") ","
                BROKER("learned", "b:1", "UP", "")), 3, 3);

    ck_assert_str_eq(table[0].name, "a:1");
    ck_assert_str_eq(table[1].name, "b:1");
    ck_assert_int_eq(table[2].state, INGEST_BROKER_FREE);
}
END_TEST


START_TEST(a_name_is_entered_once_and_keeps_its_bit)
{
    reads(STATS(BROKER("configured", "a:1", "UP", "") ","
                BROKER("learned", "a:1", "DOWN", "")), 1, 1);
    reads(STATS(BROKER("learned", "b:1", "UP", "") ","
                BROKER("learned", "a:1", "DOWN", "")), 3, 2);
    reads(STATS(BROKER("learned", "b:1", "UP", "")), 2, 2);
    ck_assert_int_eq(table[2].state, INGEST_BROKER_FREE);
}
END_TEST


START_TEST(a_full_table_takes_no_more_names)
{
    char      name[8];
    unsigned  i;

    for (i = 0; i < INGEST_BROKERS; i++) {
        snprintf(name, sizeof(name), "%u", i);
        ck_assert_int_eq(ingest_broker_index(table, name), i);
    }

    reads(STATS(BROKER("learned", "63", "UP", "") ","
                BROKER("learned", "64", "UP", "") ","
                BROKER("learned", "65", "DOWN", "")), 1ull << 63, 1ull << 63);

    /* they are there all the same */

    ck_assert_uint_eq(brokers.nknown, 3);
    ck_assert_uint_eq(brokers.nup, 2);
}
END_TEST


#define LONG  "a-name-of-fifty-bytes-that-someone-has-made-longer."

START_TEST(a_long_name_is_a_name)
{
    reads(STATS(BROKER("learned", LONG LONG LONG LONG LONG, "UP", "")), 1, 1);
    ck_assert_str_eq(table[0].name, LONG LONG LONG LONG LONG);
    ck_assert_uint_eq(brokers.nknown, 1);
    ck_assert_uint_eq(brokers.nup, 1);
}
END_TEST


START_TEST(what_is_no_broker_is_passed_over)
{
    reads(STATS("\"a\":1,\"b\":null,\"c\":[],\"d\":{},"
                "\"e\":{\"nodename\":1,\"source\":\"learned\","
                         "\"state\":\"UP\"},"
                "\"f\":{\"nodename\":\"f:1\",\"source\":\"learned\"},"
                "\"g\":{\"NodeName\":\"g:1\",\"source\":\"learned\","
                         "\"state\":\"UP\"},"
                BROKER("learned", "h:1", "UP", "")), 1, 1);
    ck_assert_str_eq(table[0].name, "h:1");
    reads(STATS(""), 0, 0);
}
END_TEST


START_TEST(what_is_no_statistics_changes_nothing)
{
    size_t            i, len;
    guard_t           guard;
    const uint8_t    *p;
    ingest_brokers_t  before;

    static const char  whole[] = STATS(BROKER("learned", "a:1", "UP", ""));

    static const char  *texts[] = {
        "", "null", "[]", "{}", "{\"brokers\":[]}", "{\"brokers\":null}",
        "{\"Brokers\":{}}", "no statistics"
    };

    before = brokers;

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        ck_assert_msg(ingest_stats_brokers(texts[i], strlen(texts[i]), table,
                                           &brokers)
                      == INGEST_ERROR, "%s", texts[i]);
    }

    /* no prefix of them, none of which is read past its end */

    guard_init(&guard, sizeof(whole));

    for (len = 0; len < sizeof(whole) - 1; len++) {
        p = guard_put(&guard, whole, len);
        ck_assert_int_eq(ingest_stats_brokers((const char *) p, len, table,
                                              &brokers), INGEST_ERROR);
    }

    guard_free(&guard);

    ck_assert_mem_eq(&brokers, &before, sizeof(brokers));
    ck_assert_int_eq(table[0].state, INGEST_BROKER_FREE);
}
END_TEST


int
main(void)
{
    const TTest  *tests[] = {
        a_broker_is_up_in_the_state_up_alone,
        a_broker_that_was_never_needed_is_not_known,
        a_broker_between_two_tries_is_down_and_one_left_idle_is_not_known,
        only_brokers_with_an_address_are_counted,
        a_name_is_entered_once_and_keeps_its_bit,
        a_full_table_takes_no_more_names,
        a_long_name_is_a_name,
        what_is_no_broker_is_passed_over,
        what_is_no_statistics_changes_nothing,
        NULL
    };

    return unit_run_each("stats", tests, setup, NULL);
}
