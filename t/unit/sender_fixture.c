
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "../../src/kafka/ingest_clock.h"
#include "holder_fixture.h"
#include "sender_fixture.h"


ingest_sender_t          *sender;
int                       fd;
rd_kafka_mock_cluster_t  *cluster;

static rd_kafka_t        *kafka;
static ingest_options_t  *options;
static holder_t           heir;

uint32_t                  max_attempts;
static char               error[INGEST_OPTIONS_ERROR];


void
sender_setup(void)
{
    worker_setup();

    options = ingest_options_create();
    fd = eventfd(0, EFD_NONBLOCK);
}


void
sender_teardown(void)
{
    if (cluster != NULL) {
        rd_kafka_mock_cluster_destroy(cluster);
        rd_kafka_destroy(kafka);
    }

    if (heir.pid != 0) {
        end(&heir);
        close(ring->lock_fd);
    }

    ingest_options_destroy(options);
    close(fd);
    worker_teardown();
}


/* the sender's own slot is 0 */

static int
take_another(void)
{
    int            number;
    ingest_held_t  held;

    memset(&held, 0, sizeof(ingest_held_t));
    held.bits[0] = 1;

    number = ingest_slot_take(ring, &held, 0);

    if (number != -1) {
        ingest_slot_serve(ingest_ring_slot(ring, (uint32_t) number));
    }

    return number;
}


int
accept_in_another(void)
{
    int       number;
    uint64_t  i;
    worker_t  other;

    number = take_another();

    if (number == -1) {
        return -1;
    }

    worker_init(&other, ring, (uint32_t) number);

    for (i = 0; i < OTHERS; i++) {

        if (worker_put(&other, i, VALUE) != INGEST_OK) {
            return -1;
        }

        ingest_counter_add(&ingest_ring_slot(ring, number)->events_in, 1);
    }

    return number;
}


void
with_heir(void)
{
    ring->lock_fd = ingest_slot_file();
    ck_assert_int_ne(ring->lock_fd, -1);

    heir = hold(take_another);
    ck_assert_int_eq(heir.result, 1);
}


void
set(const char *name, const char *value)
{
    ck_assert_msg(ingest_options_set(options, name, value, error)
                  == INGEST_OK, "%s", error);
}


void
set_report_each(void)
{
    ck_assert_msg(ingest_options_report_each(options, error) == INGEST_OK,
                  "%s", error);
}


void
start(const char *brokers)
{
    ingest_str_t          dead_letter_topic = ingest_string("d");
    ingest_held_t         held;
    ingest_sender_conf_t  conf;

    memset(&held, 0, sizeof(ingest_held_t));
    held.bits[0] = 1;

    ck_assert_int_eq(ingest_options_brokers(options, brokers, error),
                     INGEST_OK);

    conf.ring = ring;
    conf.slot = 0;
    conf.generation = 0;
    conf.held = &held;
    conf.claims = &worker.writer->claims;
    conf.options = options;
    conf.max_attempts = max_attempts;
    conf.dead_letter_topic = dead_letter_topic;
    conf.journal_fd = fd;

    sender = ingest_sender_create(&conf);
    ck_assert_ptr_nonnull(sender);
}


void
start_with_brokers(void)
{
    brokers_of(1);
    start(rd_kafka_mock_cluster_bootstraps(cluster));
}


void
start_with_two_brokers(void)
{
    brokers_of(2);

    ck_assert_int_eq(rd_kafka_mock_partition_set_leader(cluster, "t", 0, 1), 0);
    ck_assert_int_eq(rd_kafka_mock_partition_set_leader(cluster, "t", 1, 2), 0);

    start(rd_kafka_mock_cluster_bootstraps(cluster));
}


void
brokers_of(int nbrokers)
{
    rd_kafka_conf_t  *conf;

    /* it has no brokers, and need not say so */

    conf = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(conf, NULL);

    kafka = rd_kafka_new(RD_KAFKA_PRODUCER, conf, NULL, 0);
    ck_assert_ptr_nonnull(kafka);

    cluster = rd_kafka_mock_cluster_new(kafka, nbrokers);
    ck_assert_ptr_nonnull(cluster);
    ck_assert_int_eq(rd_kafka_mock_topic_create(cluster, "t", nbrokers, 1), 0);
    ck_assert_int_eq(rd_kafka_mock_topic_create(cluster, "d", 4, 1), 0);
}


void
commit(uint64_t number)
{
    commit_of(number, VALUE);
}


void
commit_of(uint64_t number, size_t value_len)
{
    put(number, value_len);
    ingest_counter_add(&slot->events_in, 1);
    ingest_sender_wake(sender);
}


uint64_t
now(void)
{
    return ingest_clock_ms(CLOCK_MONOTONIC);
}


void
reaches(ingest_counter_t *counter, uint64_t value)
{
    uint64_t  end_ms;

    end_ms = now() + DEADLINE_MS;

    while (ingest_counter_get(counter) < value) {
        ck_assert_msg(now() < end_ms, "%llu of %llu",
                      (unsigned long long) ingest_counter_get(counter),
                      (unsigned long long) value);
        (void) poll(NULL, 0, POLL_MS);
    }
}


uint64_t
errors_of(int code)
{
    unsigned  i;

    for (i = 0; i < INGEST_ERRORS; i++) {
        if (slot->delivery.errors[i].key == code) {
            return ingest_counter_get(&slot->delivery.errors[i].count);
        }
    }

    return 0;
}


void
reaches_error(int code, uint64_t value)
{
    uint64_t  end_ms;

    end_ms = now() + DEADLINE_MS;

    while (errors_of(code) < value) {
        ck_assert_uint_lt(now(), end_ms);
        (void) poll(NULL, 0, POLL_MS);
    }
}


uint64_t
stop(unsigned drain_ms)
{
    uint64_t  start_ms;

    start_ms = now();

    ingest_writer_seal(worker.writer);
    ingest_sender_wake(sender);
    ingest_sender_drain(sender, drain_ms);

    ck_assert_int_eq(ingest_sender_join(sender, DEADLINE_MS), INGEST_OK);
    ingest_sender_destroy(sender);

    return now() - start_ms;
}
