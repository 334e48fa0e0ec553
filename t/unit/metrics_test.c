
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#define _GNU_SOURCE

#include <check.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../src/core/ingest_metrics.h"


#define PROCESSES  4
#define NAMES      8
#define ROUNDS     200


typedef struct {
    _Atomic uint32_t  ready;
    ingest_broker_t   brokers[INGEST_BROKERS];
} shared_t;


static shared_t        *shared;
static ingest_tally_t   tally[4];


static void
setup(void)
{
    memset(tally, 0, sizeof(tally));

    shared = mmap(NULL, sizeof(shared_t), PROT_READ|PROT_WRITE,
                  MAP_SHARED|MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(shared, MAP_FAILED);
}


static void
teardown(void)
{
    ck_assert_int_eq(munmap(shared, sizeof(shared_t)), 0);
}


static const char *
broker_name(unsigned nth)
{
    static char  name[16];

    memcpy(name, "broker-0:9092", 14);
    name[7] = (char) ('0' + nth);

    return name;
}


/* all names, each process from another one on; all begin at the same time */

static void
meet_brokers(unsigned process)
{
    int         index;
    unsigned    i;
    const char *name;

    atomic_fetch_add(&shared->ready, 1);

    while (atomic_load(&shared->ready) < PROCESSES) {
        sched_yield();
    }

    for (i = 0; i < NAMES; i++) {
        name = broker_name((i + process / 2) % NAMES);
        index = ingest_broker_index(shared->brokers, name);

        if (index < 0 || strcmp(shared->brokers[index].name, name) != 0) {
            _exit(1);
        }
    }

    _exit(0);
}


START_TEST(a_counter_adds_up)
{
    ingest_counter_t  counter;

    atomic_init(&counter, 0);
    ingest_counter_add(&counter, 3);
    ingest_counter_add(&counter, UINT32_MAX);
    ck_assert_uint_eq(ingest_counter_get(&counter), UINT32_MAX + 3ull);
}
END_TEST


START_TEST(a_tally_counts_by_key)
{
    ingest_tally_add(tally, 4, 202);
    ingest_tally_add(tally, 4, -185);
    ingest_tally_add(tally, 4, 202);

    ck_assert_int_eq(tally[0].key, 202);
    ck_assert_uint_eq(tally[0].count, 2);
    ck_assert_int_eq(tally[1].key, -185);
    ck_assert_uint_eq(tally[1].count, 1);
    ck_assert_int_eq(tally[2].key, 0);
    ck_assert_uint_eq(tally[2].count, 0);
}
END_TEST


START_TEST(a_full_tally_counts_the_rest_at_its_end)
{
    int64_t   key;
    unsigned  i;

    for (key = 1; key <= 9; key++) {
        ingest_tally_add(tally, 3, key);
    }

    ingest_tally_add(tally, 3, 1);

    for (i = 0; i < 3; i++) {
        ck_assert_int_eq(tally[i].key, i + 1);
    }

    ck_assert_uint_eq(tally[0].count, 2);
    ck_assert_uint_eq(tally[1].count, 1);
    ck_assert_uint_eq(tally[2].count, 7);
    ck_assert_int_eq(tally[3].key, 0);
    ck_assert_uint_eq(tally[3].count, 0);
}
END_TEST


START_TEST(a_bucket_holds_what_is_not_above_its_edge)
{
    unsigned             i;
    uint64_t             sum_ms;
    ingest_histogram_t   histogram;

    memset(&histogram, 0, sizeof(histogram));

    ingest_histogram_add(&histogram, 0);
    sum_ms = 0;

    /* each edge, and one above it, which is in the next bucket */

    for (i = 0; i < INGEST_LATENCY_BUCKETS; i++) {
        ingest_histogram_add(&histogram, 1u << i);
        ingest_histogram_add(&histogram, (1u << i) + 1);
        sum_ms += 2 * (1u << i) + 1;
    }

    ingest_histogram_add(&histogram, UINT32_MAX);
    sum_ms += UINT32_MAX;

    ck_assert_uint_eq(histogram.buckets[0], 2);     /* 0 1 */
    ck_assert_uint_eq(histogram.buckets[1], 2);     /* 2 2 */
    ck_assert_uint_eq(histogram.buckets[2], 2);     /* 3 4 */

    for (i = 3; i < INGEST_LATENCY_BUCKETS; i++) {
        ck_assert_uint_eq(histogram.buckets[i], 2);
    }

    ck_assert_uint_eq(histogram.buckets[INGEST_LATENCY_BUCKETS], 2);
    ck_assert_uint_eq(histogram.sum_ms, sum_ms);
}
END_TEST


START_TEST(a_broker_keeps_its_index)
{
    ck_assert_int_eq(ingest_broker_index(shared->brokers, "a:9092"), 0);
    ck_assert_int_eq(ingest_broker_index(shared->brokers, "a:909"), 1);
    ck_assert_int_eq(ingest_broker_index(shared->brokers, "a:90922"), 2);
    ck_assert_int_eq(ingest_broker_index(shared->brokers, "a:9092"), 0);
    ck_assert_int_eq(ingest_broker_index(shared->brokers, "a:90922"), 2);
}
END_TEST


START_TEST(a_full_table_of_brokers_takes_no_more)
{
    char  name[3];
    int   i;

    for (i = 0; i < INGEST_BROKERS; i++) {
        name[0] = (char) ('a' + i / 16);
        name[1] = (char) ('a' + i % 16);
        name[2] = '\0';
        ck_assert_int_eq(ingest_broker_index(shared->brokers, name), i);
    }

    ck_assert_int_eq(ingest_broker_index(shared->brokers, "z"), -1);
    ck_assert_int_eq(ingest_broker_index(shared->brokers, "aa"), 0);
    ck_assert_int_eq(ingest_broker_index(shared->brokers, name),
                     INGEST_BROKERS - 1);
}
END_TEST


START_TEST(a_name_that_does_not_fit_is_not_entered)
{
    char  name[INGEST_BROKER_NAME + 1];

    memset(name, 'x', sizeof(name));
    name[INGEST_BROKER_NAME] = '\0';

    ck_assert_int_eq(ingest_broker_index(shared->brokers, name), -1);
    ck_assert_uint_eq(shared->brokers[0].state, INGEST_BROKER_FREE);

    name[INGEST_BROKER_NAME - 1] = '\0';
    ck_assert_int_eq(ingest_broker_index(shared->brokers, name), 0);
    ck_assert_str_eq(shared->brokers[0].name, name);
    ck_assert_uint_eq(shared->brokers[1].state, INGEST_BROKER_FREE);
}
END_TEST


START_TEST(an_entry_whose_writer_died_is_passed_over)
{
    atomic_store(&shared->brokers[0].state, INGEST_BROKER_WRITING);
    memcpy(shared->brokers[0].name, "a:9092", 7);

    ck_assert_int_eq(ingest_broker_index(shared->brokers, "a:9092"), 1);
    ck_assert_int_eq(ingest_broker_index(shared->brokers, "a:9092"), 1);
}
END_TEST


START_TEST(processes_that_meet_the_same_brokers_name_them_alike)
{
    int       i, status;
    pid_t     pids[PROCESSES];
    unsigned  process, round;

    for (round = 0; round < ROUNDS; round++) {
        memset(shared, 0, sizeof(shared_t));

        for (process = 0; process < PROCESSES; process++) {
            pids[process] = fork();
            ck_assert_int_ne(pids[process], -1);

            if (pids[process] == 0) {
                meet_brokers(process);
            }
        }

        for (process = 0; process < PROCESSES; process++) {
            ck_assert_int_eq(waitpid(pids[process], &status, 0),
                             pids[process]);
            ck_assert_int_eq(status, 0);
        }

        /* now nobody writes: each name has one index, and no entry is torn */

        for (i = 0; i < NAMES; i++) {
            ck_assert_int_ge(ingest_broker_index(shared->brokers,
                                                 broker_name(i)), 0);
        }

        for (i = 0; i < INGEST_BROKERS; i++) {
            if (shared->brokers[i].state != INGEST_BROKER_FREE) {
                ck_assert_uint_eq(shared->brokers[i].state,
                                  INGEST_BROKER_READY);
                ck_assert_uint_eq(strlen(shared->brokers[i].name), 13);
            }
        }
    }
}
END_TEST


START_TEST(every_reason_and_drop_has_a_name_of_its_own)
{
    unsigned  i, k;

    for (i = 0; i < INGEST_REASONS; i++) {
        ck_assert_ptr_ne(ingest_reason_name(i), NULL);

        for (k = 0; k < i; k++) {
            ck_assert_str_ne(ingest_reason_name(i), ingest_reason_name(k));
        }
    }

    for (i = 0; i < INGEST_DROPS; i++) {
        ck_assert_ptr_ne(ingest_drop_name(i), NULL);

        for (k = 0; k < i; k++) {
            ck_assert_str_ne(ingest_drop_name(i), ingest_drop_name(k));
        }
    }
}
END_TEST


int
main(void)
{
    int       nfailed;
    Suite    *suite;
    TCase    *tcase;
    SRunner  *runner;

    suite = suite_create("metrics");
    tcase = tcase_create("metrics");
    tcase_add_checked_fixture(tcase, setup, teardown);

    tcase_add_test(tcase, a_counter_adds_up);
    tcase_add_test(tcase, a_tally_counts_by_key);
    tcase_add_test(tcase, a_full_tally_counts_the_rest_at_its_end);
    tcase_add_test(tcase, a_bucket_holds_what_is_not_above_its_edge);
    tcase_add_test(tcase, a_broker_keeps_its_index);
    tcase_add_test(tcase, a_full_table_of_brokers_takes_no_more);
    tcase_add_test(tcase, a_name_that_does_not_fit_is_not_entered);
    tcase_add_test(tcase, an_entry_whose_writer_died_is_passed_over);
    tcase_add_test(tcase,
                   processes_that_meet_the_same_brokers_name_them_alike);
    tcase_add_test(tcase, every_reason_and_drop_has_a_name_of_its_own);

    suite_add_tcase(suite, tcase);

    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    nfailed = srunner_ntests_failed(runner);
    srunner_free(runner);

    return nfailed == 0 ? 0 : 1;
}
