
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <librdkafka/rdkafka.h>

#include "ingest_options.h"


struct ingest_options_s {
    rd_kafka_conf_t     *conf;
    bool                 retries;       /* set by the configuration */
};


typedef struct {
    const char          *name;
    const char          *value;
    bool                 optional;      /* not every librdkafka has it */
} ingest_default_t;


typedef struct {
    const char          *name;
    const char          *reason;
} ingest_refusal_t;


static bool ingest_options_is_secret(const char *name);
static ingest_rc_e ingest_options_apply(ingest_options_t *options,
    const char *name, const char *value, char *error);
static ingest_rc_e ingest_options_check(ingest_options_t *options,
    const char *name, char *error);
static size_t ingest_options_number(const ingest_options_t *options,
    const char *name);
static bool ingest_options_is(const ingest_options_t *options,
    const char *name, const char *value);


static const ingest_default_t  ingest_options_defaults[] = {
    { "client.id", "ngx_http_ingest_module", false },
    { "acks", "all", false },
    { "linger.ms", "5", false },
    { "message.max.bytes", "1048576", false },

    /* time in librdkafka's memory, not the life of an event */
    { "message.timeout.ms", "30000", false },

    /* the start of the module's own back-off too */
    { "retry.backoff.ms", "100", false },

    /* what Java producers use */
    { "partitioner", "murmur2_random", false },

    { "enable.idempotence", "false", false },
    { "reconnect.backoff.max.ms", "1000", false },
    { "statistics.interval.ms", "1000", false },
    { "log.queue", "true", false },
    { "enable.metrics.push", "false", true },
    { NULL, NULL, false }
};


static const ingest_refusal_t  ingest_options_refused[] = {
    { "bootstrap.servers", "is set by \"brokers\"" },
    { "metadata.broker.list", "is set by \"brokers\"" },
    { "delivery.report.only.error", "would leave events undelivered" },
    { "transactional.id", "is not supported: events are no transactions" },
    { "statistics.interval.ms", "is set by the module" },
    { "log.queue", "is set by the module" },
    { "enabled_events", "is set by the module" },
    { NULL, NULL }
};


ingest_options_t *
ingest_options_create(void)
{
    char                     error[INGEST_OPTIONS_ERROR];
    ingest_options_t        *options;
    const ingest_default_t  *d;

    options = calloc(1, sizeof(ingest_options_t));
    if (options == NULL) {
        return NULL;
    }

    options->conf = rd_kafka_conf_new();

    for (d = ingest_options_defaults; d->name != NULL; d++) {

        if (ingest_options_apply(options, d->name, d->value, error)
            != INGEST_OK
            && !d->optional)
        {
            ingest_options_destroy(options);
            return NULL;
        }
    }

    return options;
}


void
ingest_options_destroy(ingest_options_t *options)
{
    rd_kafka_conf_destroy(options->conf);
    free(options);
}


ingest_rc_e
ingest_options_brokers(ingest_options_t *options, const char *brokers,
    char *error)
{
    return ingest_options_apply(options, "bootstrap.servers", brokers, error);
}


ingest_rc_e
ingest_options_set(ingest_options_t *options, const char *name,
    const char *value, char *error)
{
    ingest_rc_e              rc;
    const ingest_refusal_t  *refusal;

    error[0] = '\0';

    for (refusal = ingest_options_refused; refusal->name != NULL; refusal++) {

        if (strcmp(refusal->name, name) == 0) {
            snprintf(error, INGEST_OPTIONS_ERROR, "property \"%s\" %s",
                     name, refusal->reason);
            return INGEST_ERROR;
        }
    }

    rc = ingest_options_apply(options, name, value, error);
    if (rc != INGEST_OK) {
        return rc;
    }

    if (strcmp(name, "retries") == 0
        || strcmp(name, "message.send.max.retries") == 0)
    {
        options->retries = true;
    }

    return ingest_options_check(options, name, error);
}


ingest_rc_e
ingest_options_report_each(ingest_options_t *options, char *error)
{
    /* with numbers to keep without a gap librdkafka insists on retries */

    if (ingest_options_is_idempotent(options)) {
        snprintf(error, INGEST_OPTIONS_ERROR,
                 "property \"enable.idempotence\" keeps the errors "
                 "of brokers inside librdkafka");
        return INGEST_ERROR;
    }

    if (options->retries) {
        error[0] = '\0';
        return INGEST_OK;
    }

    return ingest_options_apply(options, "retries", "0", error);
}


size_t
ingest_options_message_max(const ingest_options_t *options)
{
    return ingest_options_number(options, "message.max.bytes");
}


size_t
ingest_options_queue_max(const ingest_options_t *options)
{
    size_t  n;

    n = ingest_options_number(options, "queue.buffering.max.messages");

    return n != 0 ? n : INT32_MAX;
}


uint32_t
ingest_options_backoff_ms(const ingest_options_t *options)
{
    return (uint32_t) ingest_options_number(options, "retry.backoff.ms");
}


bool
ingest_options_is_idempotent(const ingest_options_t *options)
{
    return ingest_options_is(options, "enable.idempotence", "true");
}


bool
ingest_options_verifies_brokers(const ingest_options_t *options)
{
    return !ingest_options_is(options, "enable.ssl.certificate.verification",
                              "false");
}


bool
ingest_options_renames_brokers(const ingest_options_t *options)
{
    return ingest_options_is(options, "client.dns.lookup",
                             "resolve_canonical_bootstrap_servers_only");
}


void
ingest_options_one_line(char *text)
{
    for ( /* void */ ; *text != '\0'; text++) {
        if (*text == '\n' || *text == '\r') {
            *text = ' ';
        }
    }
}


rd_kafka_conf_t *
ingest_options_dup(const ingest_options_t *options)
{
    return rd_kafka_conf_dup(options->conf);
}


static ingest_rc_e
ingest_options_apply(ingest_options_t *options, const char *name,
    const char *value, char *error)
{
    char                 text[INGEST_OPTIONS_ERROR];
    rd_kafka_conf_res_t  res;

    error[0] = '\0';

    res = rd_kafka_conf_set(options->conf, name, value, text, sizeof(text));

    if (res == RD_KAFKA_CONF_OK) {
        return INGEST_OK;
    }

    /* librdkafka's text may quote the value, unless it knows no such name */

    if (res != RD_KAFKA_CONF_UNKNOWN && ingest_options_is_secret(name)) {
        snprintf(error, INGEST_OPTIONS_ERROR,
                 "property \"%s\" has an invalid value", name);
        return INGEST_ERROR;
    }

    /* the text may speak of another name, of which this one is an alias */

    (void) snprintf(error, INGEST_OPTIONS_ERROR, "property \"%s\": %.*s", name,
                    INGEST_OPTIONS_ERROR / 2, text);

    ingest_options_one_line(error);

    return INGEST_ERROR;
}


static ingest_rc_e
ingest_options_check(ingest_options_t *options, const char *name, char *error)
{
    if (ingest_options_is(options, "request.required.acks", "0")) {
        snprintf(error, INGEST_OPTIONS_ERROR,
                 "property \"%s\" must not be 0: Kafka would not say "
                 "whether it has the events", name);
        return INGEST_ERROR;
    }

    if (ingest_options_is(options, "message.timeout.ms", "0")) {
        snprintf(error, INGEST_OPTIONS_ERROR,
                 "property \"%s\" must not be 0: it must be finite", name);
        return INGEST_ERROR;
    }

    if ((strcmp(name, "acks") == 0
         || strcmp(name, "request.required.acks") == 0)
        && ingest_options_is(options, "request.required.acks", "1"))
    {
        snprintf(error, INGEST_OPTIONS_ERROR,
                 "with property \"%s\" of 1 events are lost "
                 "when a broker dies", name);
    }

    return INGEST_OK;
}


static size_t
ingest_options_number(const ingest_options_t *options, const char *name)
{
    char    value[32];
    size_t  len;

    len = sizeof(value);

    if (rd_kafka_conf_get(options->conf, name, value, &len)
        != RD_KAFKA_CONF_OK)
    {
        return 0;
    }

    return strtoul(value, NULL, 10);
}


static bool
ingest_options_is(const ingest_options_t *options, const char *name,
    const char *value)
{
    char    actual[64];
    size_t  len;

    len = sizeof(actual);

    return rd_kafka_conf_get(options->conf, name, actual, &len)
               == RD_KAFKA_CONF_OK
           && strcmp(actual, value) == 0;
}


static bool
ingest_options_is_secret(const char *name)
{
    return strstr(name, "password") != NULL
           || strstr(name, "secret") != NULL
           || strstr(name, "oauthbearer") != NULL
           || strstr(name, ".key") != NULL
           || strstr(name, ".pem") != NULL;
}
