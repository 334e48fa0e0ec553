
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "ingest_adopter.h"
#include "ingest_clock.h"
#include "ingest_deadletter.h"
#include "ingest_outcome.h"
#include "ingest_producer.h"
#include "ingest_stats.h"


#define INGEST_TURN_RECORDS     2000    /* sent before reports are served */
#define INGEST_CREATE_MS        1000    /* between tries to make a handle */
#define INGEST_PUBLISH_MS       100


struct ingest_producer_s {
    ingest_producer_conf_t   conf;
    ingest_slot_t           *slot;
    ingest_reader_t          reader;
    void                    *memory;

    ingest_client_t         *clients[2];    /* by ingest_client_mode_e */
    uint64_t                 create_ms[2];

    uint64_t                 now_ms;        /* CLOCK_MONOTONIC, of this turn */
    uint64_t                 publish_ms;
    bool                     full;          /* librdkafka has no room */

    ingest_outcome_t         outcome;
    ingest_adopter_t         adopter;
    ingest_fold_t            library;
};


static ingest_client_t *ingest_producer_client(ingest_producer_t *producer,
    ingest_client_mode_e mode);
static unsigned ingest_producer_send(ingest_producer_t *producer);
static int ingest_producer_hand_over(ingest_producer_t *producer,
    ingest_record_t *record, ingest_ref_t ref);
static void ingest_producer_report(void *data, const ingest_report_t *report);
static void ingest_producer_publish(ingest_producer_t *producer);
static void ingest_producer_log(void *data, int level, const char *text);
static void ingest_producer_stats(void *data, const char *json, size_t len);


ingest_producer_t *
ingest_producer_create(const ingest_producer_conf_t *conf)
{
    ingest_producer_t  *producer;

    producer = calloc(1, sizeof(ingest_producer_t));
    if (producer == NULL) {
        return NULL;
    }

    producer->memory = malloc(ingest_reader_memory(conf->ring));
    if (producer->memory == NULL) {
        free(producer);
        return NULL;
    }

    producer->conf = *conf;
    producer->slot = ingest_ring_slot(conf->ring, conf->slot);

    ingest_reader_init(&producer->reader, conf->ring, conf->claims,
                       producer->memory);

    producer->outcome.reader = &producer->reader;
    producer->outcome.slot = producer->slot;
    producer->outcome.journal = conf->journal;
    producer->outcome.dead_letter_topic = conf->dead_letter_topic;

    producer->adopter.ring = conf->ring;
    producer->adopter.reader = &producer->reader;
    producer->adopter.journal = conf->journal;
    producer->adopter.slot = conf->slot;
    producer->adopter.generation = conf->generation;
    producer->adopter.held = *conf->held;

    return producer;
}


void
ingest_producer_destroy(ingest_producer_t *producer)
{
    unsigned  i;

    for (i = 0; i < 2; i++) {
        if (producer->clients[i] != NULL) {
            ingest_client_destroy(producer->clients[i]);
        }
    }

    free(producer->memory);
    free(producer);
}


bool
ingest_producer_turn(ingest_producer_t *producer)
{
    unsigned  i, n;

    producer->now_ms = ingest_clock_ms(CLOCK_MONOTONIC);
    producer->outcome.now_ms = producer->now_ms;

    (void) ingest_producer_client(producer, INGEST_CLIENT_BATCHES);

    n = 0;

    for (i = 0; i < 2; i++) {
        if (producer->clients[i] != NULL) {
            n += (unsigned) ingest_client_poll(producer->clients[i]);
        }
    }

    ingest_reader_take(&producer->reader);

    n += ingest_adopter_turn(&producer->adopter, producer->now_ms);
    n += ingest_producer_send(producer);
    n += ingest_reader_free(&producer->reader);

    if (n == 0 || producer->publish_ms <= producer->now_ms) {
        ingest_producer_publish(producer);
    }

    return n != 0;
}


bool
ingest_producer_has_work(ingest_producer_t *producer)
{
    ingest_ref_t  ref;

    ingest_reader_take(&producer->reader);

    if (ingest_reader_free(&producer->reader) != 0) {
        return true;
    }

    if (producer->full || producer->clients[INGEST_CLIENT_BATCHES] == NULL) {
        return false;
    }

    return ingest_reader_next(&producer->reader, producer->now_ms, &ref)
           != NULL;
}


unsigned
ingest_producer_idle_ms(ingest_producer_t *producer, unsigned max_ms)
{
    uint64_t  due_ms;

    due_ms = ingest_reader_due(&producer->reader);

    if (due_ms == 0 || due_ms >= producer->now_ms + max_ms) {
        return max_ms;
    }

    return due_ms > producer->now_ms ? (unsigned) (due_ms - producer->now_ms)
                                     : 0;
}


void
ingest_producer_drain(ingest_producer_t *producer)
{
    producer->adopter.hurry = true;
    producer->adopter.look_ms = 0;
}


bool
ingest_producer_is_drained(ingest_producer_t *producer)
{
    ingest_reader_take(&producer->reader);

    return ingest_reader_empty(&producer->reader)
           && !ingest_adopter_expects(&producer->adopter);
}


void
ingest_producer_settle(ingest_producer_t *producer)
{
    uint64_t          n;
    ingest_ref_t      ref;
    ingest_record_t  *record;

    ingest_reader_take(&producer->reader);

    n = ingest_reader_left(&producer->reader);

    if (n == 0) {
        return;
    }

    if (ingest_adopter_has_heir(&producer->adopter)) {
        ingest_journal_write(producer->conf.journal, INGEST_LOG_NOTICE,
                             "%llu events are left to other workers",
                             (unsigned long long) n);
        return;
    }

    for (record = ingest_reader_last(&producer->reader, &ref);
         record != NULL;
         record = ingest_reader_last(&producer->reader, &ref))
    {
        ingest_outcome_lost(&producer->outcome, record, ref);
    }

    ingest_journal_write(producer->conf.journal, INGEST_LOG_ERROR,
                         "%llu events lost: %s", (unsigned long long) n,
                         ingest_drop_name(INGEST_DROP_SHUTDOWN));
}


/* Made when it is first needed; a failure is tried again a second later. */

static ingest_client_t *
ingest_producer_client(ingest_producer_t *producer, ingest_client_mode_e mode)
{
    char                error[INGEST_OPTIONS_ERROR];
    ingest_callbacks_t  callbacks;

    if (producer->clients[mode] != NULL
        || producer->create_ms[mode] > producer->now_ms)
    {
        return producer->clients[mode];
    }

    producer->create_ms[mode] = producer->now_ms + INGEST_CREATE_MS;

    callbacks.data = producer;
    callbacks.report = ingest_producer_report;
    callbacks.log = ingest_producer_log;
    callbacks.stats = mode == INGEST_CLIENT_BATCHES ? ingest_producer_stats
                                                    : NULL;

    producer->clients[mode] = ingest_client_create(producer->conf.options,
                                                   mode, producer->conf.fd,
                                                   &callbacks, error);

    if (producer->clients[mode] == NULL) {
        ingest_journal_write(producer->conf.journal, INGEST_LOG_WARN,
                             "rd_kafka_new() failed: %s", error);
    }

    return producer->clients[mode];
}


static unsigned
ingest_producer_send(ingest_producer_t *producer)
{
    int               error;
    unsigned          n;
    ingest_ref_t      ref;
    ingest_record_t  *record;

    producer->full = false;

    for (n = 0; n < INGEST_TURN_RECORDS; n++) {

        record = ingest_reader_next(&producer->reader, producer->now_ms,
                                    &ref);
        if (record == NULL) {
            break;
        }

        error = ingest_producer_hand_over(producer, record, ref);

        if (error == INGEST_CLIENT_FULL) {
            producer->full = true;
            break;
        }

        /* seen in any case, so that the next record has its turn */

        ingest_reader_sent(&producer->reader, ref);

        if (error != 0) {
            ingest_outcome_failed(&producer->outcome, record, ref, error);
        }
    }

    return n;
}


static int
ingest_producer_hand_over(ingest_producer_t *producer,
    ingest_record_t *record, ingest_ref_t ref)
{
    int                    error;
    ingest_str_t           name;
    ingest_client_t       *client;
    ingest_message_t       message;
    ingest_deadletter_t    letter;
    ingest_client_mode_e   mode;

    mode = record->flags & (INGEST_RECORD_ALONE|INGEST_RECORD_DEAD)
           ? INGEST_CLIENT_ALONE : INGEST_CLIENT_BATCHES;

    client = ingest_producer_client(producer, mode);
    if (client == NULL) {
        return INGEST_CLIENT_FULL;
    }

    name = ingest_outcome_topic(&producer->outcome, record);

    message.topic = ingest_client_topic(client, &name, &error);
    if (message.topic == NULL) {
        return error;
    }

    message.key = ingest_record_key(record);
    message.value = ingest_record_value(record);
    message.headers = ingest_record_headers(record);
    message.more = NULL;
    message.nmore = 0;
    message.time_ms = record->time_ms;
    message.ref = ref;

    if (record->flags & INGEST_RECORD_DEAD) {
        ingest_deadletter_write(&letter, record);
        message.more = letter.headers;
        message.nmore = letter.nheaders;
    }

    return ingest_client_produce(client, &message);
}


static void
ingest_producer_report(void *data, const ingest_report_t *report)
{
    ingest_record_t    *record;
    ingest_producer_t  *producer;

    producer = data;

    record = ingest_reader_find(&producer->reader, report->ref);

    if (record == NULL) {
        ingest_journal_write(producer->conf.journal, INGEST_LOG_ALERT,
                             "delivery report of no record: %llx",
                             (unsigned long long) report->ref);
        return;
    }

    if (report->error == 0) {
        ingest_outcome_delivered(&producer->outcome, record, report->ref);
        return;
    }

    /* a dead letter says where the event was refused, not itself */

    if (!(record->flags & INGEST_RECORD_DEAD)) {
        record->partition = report->partition;
    }

    ingest_outcome_failed(&producer->outcome, record, report->ref,
                          report->error);
}


static void
ingest_producer_publish(ingest_producer_t *producer)
{
    producer->publish_ms = producer->now_ms + INGEST_PUBLISH_MS;

    atomic_store_explicit(&producer->slot->oldest_ms,
                          ingest_reader_oldest(&producer->reader),
                          memory_order_relaxed);

    atomic_store_explicit(&producer->slot->seen_ms,
                          ingest_clock_ms(CLOCK_REALTIME),
                          memory_order_relaxed);
}


/* librdkafka repeats itself at every try to connect: one line a second. */

static void
ingest_producer_log(void *data, int level, const char *text)
{
    uint64_t            folded;
    ingest_level_e      to;
    ingest_producer_t  *producer;

    producer = data;

    /* degraded, and still serving: never more than a warning */

    to = level <= LOG_WARNING ? INGEST_LOG_WARN
         : level == LOG_NOTICE ? INGEST_LOG_NOTICE
         : level == LOG_INFO ? INGEST_LOG_INFO : INGEST_LOG_DEBUG;

    if (to != INGEST_LOG_WARN) {
        ingest_journal_write(producer->conf.journal, to, "librdkafka: %s",
                             text);
        return;
    }

    if (ingest_fold_pass(&producer->library, producer->now_ms, &folded)) {
        ingest_journal_write(producer->conf.journal, to,
                             "librdkafka: %s (%llu more before)", text,
                             (unsigned long long) folded);
    }
}


static void
ingest_producer_stats(void *data, const char *json, size_t len)
{
    ingest_brokers_t    brokers;
    ingest_producer_t  *producer;

    producer = data;

    if (ingest_stats_brokers(json, len, producer->conf.ring->brokers,
                             &brokers)
        != INGEST_OK)
    {
        return;
    }

    atomic_store_explicit(&producer->slot->brokers_known, brokers.known,
                          memory_order_relaxed);
    atomic_store_explicit(&producer->slot->brokers_up, brokers.up,
                          memory_order_relaxed);
}
