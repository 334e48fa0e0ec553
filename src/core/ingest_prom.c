
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#include <string.h>

#include "ingest_output.h"
#include "ingest_prom.h"


typedef struct {
    const ingest_prom_t        *prom;
    const ingest_prom_queue_t  *queue;
    ingest_output_t             text;
} ingest_prom_out_t;


typedef enum {
    INGEST_PROM_COUNTER = 0,
    INGEST_PROM_GAUGE,
    INGEST_PROM_HISTOGRAM
} ingest_prom_type_e;


typedef struct ingest_family_s  ingest_family_t;

typedef void (*ingest_samples_pt)(ingest_prom_out_t *out,
    const ingest_family_t *family);


/* name is without "_total"; field is the offset in a snapshot, where one is */

struct ingest_family_s {
    const char                 *name;
    ingest_prom_type_e          type;
    const char                 *help;
    ingest_samples_pt           samples;
    size_t                      field;
};


static void ingest_prom_family(ingest_prom_out_t *out,
    const ingest_family_t *family);
static uint64_t ingest_prom_field(const ingest_prom_out_t *out,
    const ingest_family_t *family);
static void ingest_prom_number(ingest_prom_out_t *out,
    const ingest_family_t *family);
static void ingest_prom_dropped(ingest_prom_out_t *out,
    const ingest_family_t *family);
static void ingest_prom_rejected(ingest_prom_out_t *out,
    const ingest_family_t *family);
static void ingest_prom_segments(ingest_prom_out_t *out,
    const ingest_family_t *family);
static void ingest_prom_thousandths(ingest_prom_out_t *out,
    const ingest_family_t *family);
static void ingest_prom_errors(ingest_prom_out_t *out,
    const ingest_family_t *family);
static void ingest_prom_statuses(ingest_prom_out_t *out,
    const ingest_family_t *family);
static void ingest_prom_brokers(ingest_prom_out_t *out,
    const ingest_family_t *family);
static void ingest_prom_seconds(ingest_prom_out_t *out,
    const ingest_family_t *family);
static void ingest_prom_ms(ingest_prom_out_t *out,
    const ingest_family_t *family);
static void ingest_prom_histogram(ingest_prom_out_t *out,
    const ingest_family_t *family,
    void (*write)(ingest_output_t *, uint64_t));
static void ingest_prom_build(ingest_prom_out_t *out);

static void ingest_prom_sample(ingest_prom_out_t *out,
    const ingest_family_t *family, const char *suffix);
static void ingest_prom_label(ingest_prom_out_t *out, const char *name,
    const char *value);
static void ingest_prom_value(ingest_prom_out_t *out, uint64_t value);


#define ingest_field(name)  offsetof(ingest_snapshot_t, name)

static const ingest_family_t  ingest_families[] = {

    { "events_received", INGEST_PROM_COUNTER,
      "Events that were accepted.",
      ingest_prom_number, ingest_field(received) },

    { "events_published", INGEST_PROM_COUNTER,
      "Events that Kafka acknowledged.",
      ingest_prom_number, ingest_field(published) },

    { "events_failed", INGEST_PROM_COUNTER,
      "Events that were dead-lettered or dropped.",
      ingest_prom_number, ingest_field(failed) },

    { "events_dead_lettered", INGEST_PROM_COUNTER,
      "Events that Kafka acknowledged in the dead-letter topic.",
      ingest_prom_number, ingest_field(dead_lettered) },

    { "events_dropped", INGEST_PROM_COUNTER,
      "Events that were lost.",
      ingest_prom_dropped, 0 },

    { "ingest_queue_size", INGEST_PROM_GAUGE,
      "Events in memory, accepted and not delivered yet.",
      ingest_prom_number, ingest_field(events) },

    { "ingest_queue_bytes", INGEST_PROM_GAUGE,
      "Memory that these events take.",
      ingest_prom_number, ingest_field(bytes) },

    { "ingest_queue_capacity_bytes", INGEST_PROM_GAUGE,
      "Memory there is for events.",
      ingest_prom_number, ingest_field(capacity_bytes) },

    { "ingest_queue_used_ratio", INGEST_PROM_GAUGE,
      "How full the queue is, 1 when no event is accepted any more.",
      ingest_prom_thousandths, ingest_field(used) },

    { "ingest_segments", INGEST_PROM_GAUGE,
      "Pieces of that memory by state.",
      ingest_prom_segments, 0 },

    { "ingest_oldest_event_age_seconds", INGEST_PROM_GAUGE,
      "Age of the oldest event in memory, 0 when there is none.",
      ingest_prom_thousandths, ingest_field(oldest_ms) },

    { "ingest_delivery_errors", INGEST_PROM_COUNTER,
      "Failed attempts to deliver an event by librdkafka's error.",
      ingest_prom_errors, 0 },

    { "ingest_rejected", INGEST_PROM_COUNTER,
      "Requests that were refused.",
      ingest_prom_rejected, 0 },

    { "ingest_latency_seconds", INGEST_PROM_HISTOGRAM,
      "Time from accepted to acknowledged by Kafka.",
      ingest_prom_seconds, 0 },

    { "ingest_latency_ms", INGEST_PROM_HISTOGRAM,
      "The same in milliseconds.",
      ingest_prom_ms, 0 },

    { "ingest_broker_up", INGEST_PROM_GAUGE,
      "Whether a worker is connected to the broker.",
      ingest_prom_brokers, 0 },

    { "http_requests", INGEST_PROM_COUNTER,
      "Requests to ingest locations by status of the answer.",
      ingest_prom_statuses, 0 }
};


static const char  *ingest_prom_types[] = { "counter", "gauge", "histogram" };


ingest_rc_e
ingest_prom_write(const ingest_prom_t *prom, uint8_t *buf, size_t size,
    size_t *len)
{
    size_t             i;
    ingest_prom_out_t  out;

    out.prom = prom;
    out.queue = NULL;
    out.text.p = buf;
    out.text.end = buf + size;
    out.text.full = false;

    for (i = 0; i < sizeof(ingest_families) / sizeof(ingest_family_t); i++) {
        ingest_prom_family(&out, &ingest_families[i]);
    }

    ingest_prom_build(&out);

    if (prom->format == INGEST_PROM_OPENMETRICS) {
        ingest_output_text(&out.text, "# EOF\n");
    }

    if (out.text.full) {
        return INGEST_AGAIN;
    }

    *len = (size_t) (out.text.p - buf);

    return INGEST_OK;
}


/* OpenMetrics names a family of counters without the suffix. */

static void
ingest_prom_family(ingest_prom_out_t *out, const ingest_family_t *family)
{
    size_t       i;
    const char  *suffix;

    suffix = family->type == INGEST_PROM_COUNTER
             && out->prom->format == INGEST_PROM_TEXT ? "_total" : "";

    ingest_output_text(&out->text, "# HELP ");
    ingest_output_text(&out->text, family->name);
    ingest_output_text(&out->text, suffix);
    ingest_output_text(&out->text, " ");
    ingest_output_text(&out->text, family->help);

    ingest_output_text(&out->text, "\n# TYPE ");
    ingest_output_text(&out->text, family->name);
    ingest_output_text(&out->text, suffix);
    ingest_output_text(&out->text, " ");
    ingest_output_text(&out->text, ingest_prom_types[family->type]);
    ingest_output_text(&out->text, "\n");

    for (i = 0; i < out->prom->nqueues; i++) {
        out->queue = &out->prom->queues[i];
        family->samples(out, family);
    }
}


static uint64_t
ingest_prom_field(const ingest_prom_out_t *out, const ingest_family_t *family)
{
    uint64_t  value;

    memcpy(&value, (const uint8_t *) out->queue->snapshot + family->field,
           sizeof(value));

    return value;
}


static void
ingest_prom_number(ingest_prom_out_t *out, const ingest_family_t *family)
{
    ingest_prom_sample(out, family, "");
    ingest_prom_value(out, ingest_prom_field(out, family));
}


static void
ingest_prom_dropped(ingest_prom_out_t *out, const ingest_family_t *family)
{
    unsigned  i;

    for (i = 0; i < INGEST_DROPS; i++) {
        ingest_prom_sample(out, family, "");
        ingest_prom_label(out, "reason", ingest_drop_name(i));
        ingest_prom_value(out, out->queue->snapshot->dropped[i]);
    }
}


static void
ingest_prom_rejected(ingest_prom_out_t *out, const ingest_family_t *family)
{
    unsigned  i;

    for (i = INGEST_ACCEPTED + 1; i < INGEST_REASONS; i++) {
        ingest_prom_sample(out, family, "");
        ingest_prom_label(out, "reason", ingest_reason_name(i));
        ingest_prom_value(out, out->queue->snapshot->rejected[i]);
    }
}


static void
ingest_prom_segments(ingest_prom_out_t *out, const ingest_family_t *family)
{
    ingest_prom_sample(out, family, "");
    ingest_prom_label(out, "state", "free");
    ingest_prom_value(out, out->queue->snapshot->free);

    ingest_prom_sample(out, family, "");
    ingest_prom_label(out, "state", "open");
    ingest_prom_value(out, out->queue->snapshot->open);

    ingest_prom_sample(out, family, "");
    ingest_prom_label(out, "state", "sealed");
    ingest_prom_value(out, out->queue->snapshot->sealed);

    ingest_prom_sample(out, family, "");
    ingest_prom_label(out, "state", "reserved");
    ingest_prom_value(out, out->queue->snapshot->reserved);
}


static void
ingest_prom_thousandths(ingest_prom_out_t *out, const ingest_family_t *family)
{
    ingest_prom_sample(out, family, "");
    ingest_output_text(&out->text, "} ");
    ingest_output_thousandths(&out->text, ingest_prom_field(out, family));
    ingest_output_text(&out->text, "\n");
}


static void
ingest_prom_errors(ingest_prom_out_t *out, const ingest_family_t *family)
{
    uint32_t               i;
    const char            *name;
    const ingest_total_t  *entry;

    for (i = 0; i < out->queue->snapshot->errors.n; i++) {
        entry = &out->queue->snapshot->errors.entries[i];
        name = out->prom->error_name((int) entry->key);

        ingest_prom_sample(out, family, "");

        if (name != NULL) {
            ingest_prom_label(out, "code", name);

        } else {
            ingest_output_text(&out->text, ",code=\"");
            ingest_output_text(&out->text, entry->key < 0 ? "-" : "");
            ingest_output_uint(&out->text,
                               entry->key < 0 ? - (uint64_t) entry->key
                                              : (uint64_t) entry->key);
            ingest_output_text(&out->text, "\"");
        }

        ingest_prom_value(out, entry->count);
    }
}


static void
ingest_prom_statuses(ingest_prom_out_t *out, const ingest_family_t *family)
{
    uint32_t               i;
    const ingest_total_t  *entry;

    for (i = 0; i < out->queue->snapshot->statuses.n; i++) {
        entry = &out->queue->snapshot->statuses.entries[i];

        ingest_prom_sample(out, family, "");
        ingest_output_text(&out->text, ",status=\"");
        ingest_output_uint(&out->text, (uint64_t) entry->key);
        ingest_output_text(&out->text, "\"");
        ingest_prom_value(out, entry->count);
    }
}


static void
ingest_prom_brokers(ingest_prom_out_t *out, const ingest_family_t *family)
{
    uint32_t                     i;
    const ingest_broker_seen_t  *broker;

    for (i = 0; i < out->queue->snapshot->nbrokers; i++) {
        broker = &out->queue->snapshot->brokers[i];

        ingest_prom_sample(out, family, "");
        ingest_prom_label(out, "broker", broker->name);
        ingest_prom_value(out, broker->up);
    }
}


static void
ingest_prom_seconds(ingest_prom_out_t *out, const ingest_family_t *family)
{
    ingest_prom_histogram(out, family, ingest_output_thousandths);
}


static void
ingest_prom_ms(ingest_prom_out_t *out, const ingest_family_t *family)
{
    ingest_prom_histogram(out, family, ingest_output_uint);
}


/* The count is that of the buckets, whatever was added meanwhile. */

static void
ingest_prom_histogram(ingest_prom_out_t *out, const ingest_family_t *family,
    void (*write)(ingest_output_t *, uint64_t))
{
    unsigned  i;
    uint64_t  count;

    count = 0;

    for (i = 0; i <= INGEST_LATENCY_BUCKETS; i++) {
        count += out->queue->snapshot->buckets[i];

        ingest_prom_sample(out, family, "_bucket");
        ingest_output_text(&out->text, ",le=\"");

        if (i < INGEST_LATENCY_BUCKETS) {
            write(&out->text, (uint64_t) 1 << i);

        } else {
            ingest_output_text(&out->text, "+Inf");
        }

        ingest_output_text(&out->text, "\"");
        ingest_prom_value(out, count);
    }

    ingest_prom_sample(out, family, "_sum");
    ingest_output_text(&out->text, "} ");
    write(&out->text, out->queue->snapshot->sum_ms);
    ingest_output_text(&out->text, "\n");

    ingest_prom_sample(out, family, "_count");
    ingest_prom_value(out, count);
}


/* OpenMetrics has a type for it, whose samples carry the suffix. */

static void
ingest_prom_build(ingest_prom_out_t *out)
{
    const ingest_build_t  *build;

    build = &out->prom->build;

    if (out->prom->format == INGEST_PROM_OPENMETRICS) {
        ingest_output_text(&out->text,
                           "# HELP ingest_build Versions that run.\n"
                           "# TYPE ingest_build info\n");

    } else {
        ingest_output_text(&out->text,
                           "# HELP ingest_build_info Versions that run.\n"
                           "# TYPE ingest_build_info gauge\n");
    }

    ingest_output_text(&out->text, "ingest_build_info{version=\"");
    ingest_output_escaped(&out->text, (const uint8_t *) build->version,
                          strlen(build->version));
    ingest_output_text(&out->text, "\"");
    ingest_prom_label(out, "nginx", build->nginx);
    ingest_prom_label(out, "librdkafka", build->librdkafka);
    ingest_prom_value(out, 1);
}


/* A sample's name and its first label; the braces are still open. */

static void
ingest_prom_sample(ingest_prom_out_t *out, const ingest_family_t *family,
    const char *suffix)
{
    ingest_output_text(&out->text, family->name);
    ingest_output_text(&out->text, family->type == INGEST_PROM_COUNTER
                                   ? "_total" : suffix);
    ingest_output_text(&out->text, "{queue=\"");
    ingest_output_escaped(&out->text, out->queue->name.data,
                          out->queue->name.len);
    ingest_output_text(&out->text, "\"");
}


static void
ingest_prom_label(ingest_prom_out_t *out, const char *name, const char *value)
{
    ingest_output_text(&out->text, ",");
    ingest_output_text(&out->text, name);
    ingest_output_text(&out->text, "=\"");
    ingest_output_escaped(&out->text, (const uint8_t *) value, strlen(value));
    ingest_output_text(&out->text, "\"");
}


static void
ingest_prom_value(ingest_prom_out_t *out, uint64_t value)
{
    ingest_output_text(&out->text, "} ");
    ingest_output_uint(&out->text, value);
    ingest_output_text(&out->text, "\n");
}
