
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#include <stdlib.h>
#include <string.h>

#include "../core/ingest_fault.h"
#include "ingest_adopter.h"
#include "ingest_clock.h"
#include "ingest_library.h"
#include "ingest_message.h"
#include "ingest_outcome.h"
#include "ingest_parker.h"
#include "ingest_producer.h"
#include "ingest_watch.h"


#define INGEST_TURN_RECORDS     2000    /* sent before reports are served */
#define INGEST_PUBLISH_MS       100
#define INGEST_RETRIES_PART     4       /* of librdkafka's queue */


struct ingest_producer_s {
    ingest_producer_conf_t   conf;
    ingest_slot_t           *slot;
    ingest_reader_t          reader;
    void                    *memory;

    ingest_handles_t         handles;

    uint64_t                 publish_ms;
    bool                     full;      /* no room for the last batch */

    ingest_outcome_t         outcome;
    ingest_adopter_t         adopter;
    ingest_parker_t          parker;
    ingest_watch_t           watch;
    ingest_fold_t            library;
};


static bool ingest_producer_recover(ingest_producer_t *producer);
static unsigned ingest_producer_send(ingest_producer_t *producer);
static int ingest_producer_hand_over(ingest_producer_t *producer,
    ingest_mode_e mode, ingest_record_t *record, ingest_ref_t ref);
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

    ingest_reader_init(&producer->reader, conf->ring, conf->slot, conf->claims,
                       producer->memory);

    producer->outcome.reader = &producer->reader;
    producer->outcome.slot = producer->slot;
    producer->outcome.journal = conf->journal;
    producer->outcome.dead_letter_topic = conf->dead_letter_topic;
    producer->outcome.max_attempts = conf->max_attempts;
    producer->outcome.backoff_ms = ingest_options_backoff_ms(conf->options);
    producer->parker.reader = &producer->reader;
    producer->parker.journal = conf->journal;
    producer->parker.slot = producer->slot;
    producer->parker.purges = !ingest_options_is_idempotent(conf->options);
    producer->parker.queue_max = ingest_options_queue_max(conf->options);

    /* the rest of librdkafka's queue is for what was never tried */

    producer->reader.retries_max = (uint32_t)
        (producer->parker.queue_max / INGEST_RETRIES_PART + 1);

    producer->watch.slot = producer->slot;
    producer->watch.brokers = conf->ring->brokers;
    producer->watch.journal = conf->journal;
    producer->handles.options = conf->options;
    producer->handles.fd = conf->fd;
    producer->handles.journal = conf->journal;
    producer->handles.callbacks.data = producer;
    producer->handles.callbacks.report = ingest_producer_report;
    producer->handles.callbacks.log = ingest_producer_log;
    producer->handles.callbacks.stats = ingest_producer_stats;

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
    ingest_handles_destroy(&producer->handles);
    ingest_outcome_destroy(&producer->outcome);

    free(producer->memory);
    free(producer);
}


bool
ingest_producer_turn(ingest_producer_t *producer)
{
    unsigned  n;
    uint64_t  now_ms;

    now_ms = ingest_clock_ms(CLOCK_MONOTONIC);
    producer->outcome.now_ms = now_ms;

    (void) ingest_handles_get(&producer->handles, INGEST_MODE_BATCHES,
                              now_ms);

    n = ingest_handles_poll(&producer->handles);

    ingest_reader_take(&producer->reader);

    n += ingest_adopter_turn(&producer->adopter, now_ms);

    /* before what was taken back for it is sent again */

    n += ingest_parker_turn(&producer->parker, &producer->handles,
                            producer->full, now_ms);

    n += ingest_producer_send(producer);

    if (ingest_producer_recover(producer)) {
        return true;
    }

    n += ingest_reader_free(&producer->reader);

    if (n == 0 || producer->publish_ms <= now_ms) {
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

    return ingest_reader_next(&producer->reader, producer->outcome.now_ms, &ref)
           != NULL;
}


unsigned
ingest_producer_idle_ms(ingest_producer_t *producer, unsigned max_ms)
{
    uint64_t  due_ms, now_ms;

    due_ms = ingest_reader_due(&producer->reader);
    now_ms = producer->outcome.now_ms;

    if (due_ms == 0 || due_ms >= now_ms + max_ms) {
        return max_ms;
    }

    return due_ms > now_ms ? (unsigned) (due_ms - now_ms) : 0;
}


void
ingest_producer_drain(ingest_producer_t *producer)
{
    uint64_t  n;

    if (!producer->adopter.hurry) {
        /* again: the fence must be this thread's, which looks behind it */

        ingest_slot_retire(producer->slot);

        ingest_reader_take(&producer->reader);
        ingest_reader_hasten(&producer->reader, producer->outcome.now_ms);
        producer->outcome.hurry = true;

        n = ingest_reader_left(&producer->reader);

        /* all that will ever be known if this process is killed now */

        ingest_journal_write(producer->conf.journal, INGEST_LOG_NOTICE,
                             "draining", "draining {events} events",
                             ingest_fields(ingest_field_number("events", n)));
    }

    producer->reader.hurry = ingest_adopter_is_newest(&producer->adopter);
    producer->adopter.hurry = true;
    producer->adopter.look_ms = 0;
}


bool
ingest_producer_flush(ingest_producer_t *producer, int timeout_ms)
{
    return ingest_handles_flush(&producer->handles, timeout_ms);
}


bool
ingest_producer_is_over(ingest_producer_t *producer, uint64_t late_ms)
{
    ingest_reader_take(&producer->reader);

    return ingest_adopter_is_over(&producer->adopter, late_ms);
}


void
ingest_producer_settle(ingest_producer_t *producer)
{
    uint64_t  n;

    ingest_outcome_tell(&producer->outcome, UINT64_MAX);

    ingest_reader_take(&producer->reader);
    n = ingest_reader_left(&producer->reader);

    if (n == 0) {
        ingest_journal_write(producer->conf.journal, INGEST_LOG_INFO,
                             "drained", "all events are delivered",
                             ingest_fields(ingest_field_number("events", n)));

    } else if (ingest_adopter_leave(&producer->adopter)) {
        ingest_reader_leave(&producer->reader);

        ingest_journal_write(producer->conf.journal, INGEST_LOG_NOTICE,
                             "events left",
                             "{events} events are left to other workers",
                             ingest_fields(ingest_field_number("events", n)));

    } else {
        ingest_outcome_lost(&producer->outcome);
    }
}


ingest_rc_e
ingest_producer_inherit(ingest_producer_t *producer)
{
    while (ingest_adopter_turn(&producer->adopter, producer->outcome.now_ms)) {
        ingest_producer_settle(producer);
    }

    return ingest_adopter_expects(&producer->adopter) == INGEST_ESTATE_CERTAIN
           ? INGEST_AGAIN : INGEST_OK;
}


/*
 * librdkafka has given up for good: its handles are made anew.  Not before the
 * old ones are gone, they still point into the ring.
 */

static bool
ingest_producer_recover(ingest_producer_t *producer)
{
    int  error;

    if (!ingest_handles_is_fatal(&producer->handles, &error)) {
        return false;
    }

    ingest_journal_write(producer->conf.journal, INGEST_LOG_WARN,
        "fatal error", "fatal error of librdkafka, starting it anew: {error}",
        ingest_fields(
            ingest_field_word("code", ingest_error_name(error)),
            ingest_field_word("error", ingest_error_text(error))));

    ingest_handles_renew(&producer->handles, producer->conf.hand);
    ingest_reader_rewind(&producer->reader);

    return true;
}


static unsigned
ingest_producer_send(ingest_producer_t *producer)
{
    int               error;
    unsigned          i, n;
    ingest_ref_t      ref;
    ingest_mode_e     mode;
    ingest_reader_t  *reader;
    ingest_record_t  *record;

    reader = &producer->reader;
    memset(reader->full, 0, sizeof(reader->full));

    for (i = 0, n = 0; i < INGEST_TURN_RECORDS; i++) {

        record = ingest_reader_next(reader, producer->outcome.now_ms, &ref);
        if (record == NULL) {
            producer->full = reader->full[INGEST_MODE_BATCHES];
            break;
        }

        if (ingest_outcome_is_poison(&producer->outcome, record, ref)
            || ingest_outcome_is_stranded(&producer->outcome, record, ref))
        {
            continue;
        }

        ingest_reader_try(reader, ref, producer->outcome.now_ms);
        mode = ingest_record_mode(record);

        error = reader->full[mode]
                ? INGEST_ERROR_FULL
                : ingest_producer_hand_over(producer, mode, record, ref);

        reader->full[mode] = error == INGEST_ERROR_FULL;

        n += !reader->full[mode];

        if (reader->full[mode] || error == INGEST_ERROR_NO_HANDLE) {
            ingest_reader_untried(reader, ref);
        }

        if (mode == INGEST_MODE_BATCHES) {
            producer->full = reader->full[mode];

            if (producer->full) {
                continue;
            }
        }

        /* seen in any case, so that the next record has its turn */

        ingest_reader_sent(reader, ref);

        if (error != 0) {
            ingest_outcome_failed(&producer->outcome, record, ref, error);
        }
    }

    return n;
}


static int
ingest_producer_hand_over(ingest_producer_t *producer,
    ingest_mode_e mode, ingest_record_t *record, ingest_ref_t ref)
{
    int                   error;
    ingest_str_t          name;
    ingest_client_t      *client;
    ingest_message_t      message;
    ingest_deadletter_t   letter;

    client = ingest_handles_get(&producer->handles, mode,
                                producer->outcome.now_ms);

    if (client == NULL) {
        return mode == INGEST_MODE_BATCHES ? INGEST_ERROR_FULL
                                           : INGEST_ERROR_NO_HANDLE;
    }

    name = ingest_outcome_topic(&producer->outcome, record);

    message.topic = ingest_client_topic(client, &name, &error);
    if (message.topic == NULL) {
        return error;
    }

    ingest_message_write(&message, &letter, record, ref);

    if (!(record->flags & INGEST_RECORD_DEAD)) {
        INGEST_FAULT_KEY(message.key);
    }

    INGEST_FAULT("produce");

    error = ingest_client_produce(client, &message);

    INGEST_FAULT("produced");

    return error;
}


static void
ingest_producer_report(void *data, const ingest_report_t *report)
{
    ingest_record_t    *record;
    ingest_producer_t  *producer;

    producer = data;

    INGEST_FAULT("report");

    record = ingest_reader_find(&producer->reader, report->ref);

    if (record == NULL) {
        ingest_journal_write(producer->conf.journal, INGEST_LOG_ALERT,
            "stray report", "delivery report of no record: {record}",
            ingest_fields(ingest_field_number("record", report->ref)));
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
    producer->publish_ms = producer->outcome.now_ms + INGEST_PUBLISH_MS;

    ingest_outcome_tell(&producer->outcome, producer->outcome.now_ms);

    atomic_store_explicit(&producer->slot->oldest_ms,
                          ingest_reader_oldest(&producer->reader),
                          memory_order_relaxed);

    atomic_store_explicit(&producer->slot->seen_ms,
                          ingest_clock_ms(CLOCK_REALTIME),
                          memory_order_relaxed);
}


static void
ingest_producer_log(void *data, int level, const char *text)
{
    ingest_producer_t  *producer;

    producer = data;

    ingest_library_log(producer->conf.journal, &producer->library,
                       producer->outcome.now_ms, level, text);
}


static void
ingest_producer_stats(void *data, const char *json, size_t len)
{
    ingest_brokers_t    brokers;
    ingest_producer_t  *producer;

    producer = data;

    if (ingest_watch_stats(&producer->watch, json, len, &brokers)
        != INGEST_OK)
    {
        return;
    }

    /* idle connections are closed: with none at all nobody knows */

    producer->outcome.connected = brokers.nup != 0;
    producer->reader.reachable = brokers.nknown == 0 || brokers.nup != 0;
    producer->parker.nbrokers = brokers.nknown;
}
