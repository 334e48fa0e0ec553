
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/* A sender whose handles cannot be made, or not for long. */


#define _GNU_SOURCE

#include <dlfcn.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <threads.h>
#include <unistd.h>

#include "holder_fixture.h"
#include "sender_fixture.h"


#define INIT_PRODUCER_ID  22    /* Kafka's number of the request */
#define CREATE_MS         1000  /* between two handles */
#define REFUSALS          1000
#define DEATHS            3     /* of the senders of a suspect */


/* those that librdkafka may still start */

static _Atomic int   threads = INT_MAX;
static _Atomic int   refused;

static _Atomic bool  refuses_handles;
static _Atomic int   handles;

static unsigned          nsuspects;
static ingest_record_t  *suspects[OTHERS];


/* Instead of libc's. */

int
thrd_create(thrd_t *thread, thrd_start_t run, void *data)
{
    int  (*create)(thrd_t *, thrd_start_t, void *);

    if (threads != INT_MAX && threads-- <= 0) {
        refused++;
        return thrd_error;
    }

    *(void **) &create = dlsym(RTLD_NEXT, "thrd_create");

    return create(thread, run, data);
}


/* Instead of librdkafka's. */

rd_kafka_t *
rd_kafka_new(rd_kafka_type_t type, rd_kafka_conf_t *conf, char *text,
    size_t size)
{
    rd_kafka_t  *(*create)(rd_kafka_type_t, rd_kafka_conf_t *, char *, size_t);

    handles++;

    if (refuses_handles) {
        snprintf(text, size, "the file is gone");
        return NULL;
    }

    *(void **) &create = dlsym(RTLD_NEXT, "rd_kafka_new");

    return create(type, conf, text, size);
}


/* It does not free all of a broker whose thread did not start. */

const char *__lsan_default_suppressions(void);

const char *
__lsan_default_suppressions(void)
{
    return "leak:librdkafka.so";
}


/* Waits until the sender could not start a thread, or needed no more. */

static void
meets_the_limit(void)
{
    uint64_t  end_ms;

    for (end_ms = now() + DEADLINE_MS;
         refused == 0 && ingest_counter_get(&slot->delivery.published) == 0;
         (void) poll(NULL, 0, POLL_MS))
    {
        ck_assert_uint_lt(now(), end_ms);
    }
}


/* With room for n threads of the handle at first. */

static void
short_of_threads(int n)
{
    brokers_of(1);

    refused = 0;
    threads = n;

    start(rd_kafka_mock_cluster_bootstraps(cluster));
    commit(0);
    meets_the_limit();

    /* with none it must have met it, or this stands in for nothing */

    ck_assert(n != 0 || refused != 0);

    threads = INT_MAX;

    reaches(&slot->delivery.published, 1);
    (void) stop(DEADLINE_MS);
}


START_TEST(without_a_thread_it_tries_again)
{
    short_of_threads(0);
}
END_TEST


START_TEST(with_one_thread_it_tries_again)
{
    short_of_threads(1);
}
END_TEST


START_TEST(with_two_threads_it_tries_again)
{
    short_of_threads(2);
}
END_TEST


/* It is to find out which of a batch is wrong. */

START_TEST(without_the_second_handle_others_are_delivered)
{
    uint64_t  i;

    start_with_brokers();
    commit(0);
    reaches(&slot->delivery.published, 1);

    refuses_handles = true;

    rd_kafka_mock_push_request_errors(cluster, 0, 1,
                                      RD_KAFKA_RESP_ERR_INVALID_RECORD);
    commit(1);
    reaches_error(RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE, 1);

    for (i = 2; i < 100; i++) {
        commit(i);
    }

    reaches(&slot->delivery.published, 99);

    refuses_handles = false;

    reaches(&slot->delivery.published, 100);
    (void) stop(DEADLINE_MS);
}
END_TEST


/* A worker's events are suspect, and were there at some deaths. */

static void
suspect(uint32_t number)
{
    uint8_t           *p, *end;
    uint32_t           i;
    ingest_record_t   *record;
    ingest_segment_t  *segment;

    for (i = 0; i < NSEGMENTS; i++) {
        segment = ingest_ring_segment(ring, i);

        if (atomic_load(&segment->owner) != number + 1) {
            continue;
        }

        atomic_store(&segment->adoptions, DEATHS);

        p = ingest_ring_data(ring, i);
        end = p + atomic_load(&segment->committed);

        for ( /* void */ ; p < end; p += record->size) {
            record = (ingest_record_t *) p;
            record->crashes = DEATHS;
            suspects[nsuspects++] = record;
        }
    }
}


/* It was not tried, so nothing speaks for it. */

START_TEST(without_the_second_handle_a_suspect_keeps_its_marks)
{
    unsigned  i;
    holder_t  other;

    ring->lock_fd = ingest_slot_file();

    start_with_brokers();
    commit(0);
    reaches(&slot->delivery.published, 1);

    refuses_handles = true;

    other = hold(accept_in_another);
    ck_assert_int_eq(other.result, 1);

    nsuspects = 0;
    suspect(1);
    ck_assert_uint_eq(nsuspects, OTHERS);

    end(&other);

    reaches_error(RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE, 3);
    (void) stop(0);
    refuses_handles = false;

    for (i = 0; i < nsuspects; i++) {
        ck_assert_uint_eq(suspects[i]->crashes, DEATHS);
    }

    close(ring->lock_fd);
}
END_TEST


START_TEST(fatal_errors_without_end_make_a_handle_a_second)
{
    int       i, first;
    uint64_t  end_ms, start_ms;

    set("enable.idempotence", "true");
    brokers_of(1);

    for (i = 0; i < REFUSALS; i++) {
        rd_kafka_mock_push_request_errors(cluster, INIT_PRODUCER_ID, 1,
                            RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED);
    }

    first = handles;
    start_ms = now();

    start(rd_kafka_mock_cluster_bootstraps(cluster));
    commit(0);

    for (end_ms = now() + DEADLINE_MS;
         handles < first + 3;
         (void) poll(NULL, 0, POLL_MS))
    {
        ck_assert_uint_lt(now(), end_ms);
    }

    ck_assert_uint_ge(now() - start_ms, 2 * CREATE_MS);
    (void) stop(0);
}
END_TEST


int
main(void)
{
    const TTest  *tests[] = {
        without_a_thread_it_tries_again,
        with_one_thread_it_tries_again,
        with_two_threads_it_tries_again,
        without_the_second_handle_others_are_delivered,
        without_the_second_handle_a_suspect_keeps_its_marks,
        fatal_errors_without_end_make_a_handle_a_second,
        NULL
    };

    return unit_run_each("sender_handle", tests, sender_setup,
                         sender_teardown);
}
