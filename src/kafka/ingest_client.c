
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#include <stdlib.h>
#include <string.h>

#include <librdkafka/rdkafka.h>

#include "ingest_certificate.h"
#include "ingest_client.h"


#define INGEST_VALUES      7        /* of rd_kafka_produceva() */


struct ingest_topic_s {
    ingest_topic_t      *next;
    rd_kafka_topic_t    *rkt;
    size_t               len;
    char                 name[INGEST_TOPIC_NAME + 1];
};


struct ingest_client_s {
    rd_kafka_t          *rk;
    ingest_topic_t      *topics;
    ingest_callbacks_t   callbacks;
};


typedef struct {
    const char          *name;
    const char          *value;
} ingest_property_t;


static rd_kafka_conf_t *ingest_client_conf(ingest_client_t *client,
    const ingest_options_t *options, ingest_mode_e mode, char *error);
static ingest_rc_e ingest_client_alone(rd_kafka_conf_t *conf, char *error);
static bool ingest_client_has_broker(rd_kafka_t *rk);
static rd_kafka_headers_t *ingest_client_headers(
    const ingest_message_t *message);
static void ingest_client_report(rd_kafka_t *rk,
    const rd_kafka_message_t *message, void *data);
static void ingest_client_log(const rd_kafka_t *rk, int level,
    const char *facility, const char *text);
static int ingest_client_stats(rd_kafka_t *rk, char *json, size_t len,
    void *data);


static const ingest_property_t  ingest_client_alone_properties[] = {
    { "batch.num.messages", "1" },
    { "linger.ms", "0" },

    /* the most that librdkafka takes: a dead letter has more headers */

    { "message.max.bytes", "1000000000" },
    { "queue.buffering.max.kbytes", "2097151" },
    { NULL, NULL }
};


ingest_client_t *
ingest_client_create(const ingest_options_t *options,
    ingest_mode_e mode, int fd, const ingest_callbacks_t *callbacks,
    char *error)
{
    uint64_t           one;
    rd_kafka_conf_t   *conf;
    ingest_client_t   *client;
    rd_kafka_queue_t  *queue;

    client = calloc(1, sizeof(ingest_client_t));
    if (client == NULL) {
        strcpy(error, "out of memory");
        return NULL;
    }

    client->callbacks = *callbacks;

    conf = ingest_client_conf(client, options, mode, error);
    if (conf == NULL) {
        goto failed;
    }

    /* rk owns conf, if there is one */

    client->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error,
                              INGEST_OPTIONS_ERROR);
    if (client->rk == NULL) {
        rd_kafka_conf_destroy(conf);
        goto failed;
    }

    (void) rd_kafka_set_log_queue(client->rk, NULL);

    if (!ingest_options_renames_brokers(options)
        && !ingest_client_has_broker(client->rk))
    {
        /* its own words */

        (void) rd_kafka_poll(client->rk, 0);

        rd_kafka_destroy(client->rk);
        strcpy(error, "it has started no thread for a broker");
        goto failed;
    }

    /* librdkafka writes an eventfd's increment when its queue is not empty */

    one = 1;

    queue = rd_kafka_queue_get_main(client->rk);
    rd_kafka_queue_io_event_enable(queue, fd, &one, sizeof(one));
    rd_kafka_queue_destroy(queue);

    return client;

failed:

    free(client);

    return NULL;
}


void
ingest_client_destroy(ingest_client_t *client)
{
    ingest_topic_t  *topic, *next;

    /* with nothing in its queues destroy has nothing to wait for */

    (void) rd_kafka_purge(client->rk, RD_KAFKA_PURGE_F_QUEUE
                                      |RD_KAFKA_PURGE_F_INFLIGHT
                                      |RD_KAFKA_PURGE_F_NON_BLOCKING);

    for (topic = client->topics; topic != NULL; topic = next) {
        next = topic->next;
        rd_kafka_topic_destroy(topic->rkt);
        free(topic);
    }

    rd_kafka_destroy_flags(client->rk,
                           RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    free(client);
}


ingest_topic_t *
ingest_client_topic(ingest_client_t *client, const ingest_str_t *name,
    int *error)
{
    ingest_topic_t  *topic;

    for (topic = client->topics; topic != NULL; topic = topic->next) {

        if (topic->len == name->len
            && memcmp(topic->name, name->data, name->len) == 0)
        {
            return topic;
        }
    }

    if (name->len > INGEST_TOPIC_NAME) {
        *error = RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION;
        return NULL;
    }

    topic = calloc(1, sizeof(ingest_topic_t));
    if (topic == NULL) {
        *error = RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE;
        return NULL;
    }

    memcpy(topic->name, name->data, name->len);
    topic->len = name->len;

    topic->rkt = rd_kafka_topic_new(client->rk, topic->name, NULL);
    if (topic->rkt == NULL) {
        *error = rd_kafka_last_error();
        free(topic);
        return NULL;
    }

    topic->next = client->topics;
    client->topics = topic;

    return topic;
}


int
ingest_client_produce(ingest_client_t *client,
    const ingest_message_t *message)
{
    int                  code;
    rd_kafka_vu_t        values[INGEST_VALUES], *v;
    rd_kafka_error_t    *error;
    rd_kafka_headers_t  *headers;

    headers = ingest_client_headers(message);
    if (headers == NULL) {
        return INGEST_ERROR_FULL;
    }

    v = values;

    v->vtype = RD_KAFKA_VTYPE_RKT;
    v->u.rkt = message->topic->rkt;
    v++;

    v->vtype = RD_KAFKA_VTYPE_KEY;
    v->u.mem.ptr = (void *) message->key.data;
    v->u.mem.size = message->key.len;
    v++;

    v->vtype = RD_KAFKA_VTYPE_VALUE;
    v->u.mem.ptr = (void *) message->value.data;
    v->u.mem.size = message->value.len;
    v++;

    /* neither copied nor freed: the ring keeps it until the report */

    v->vtype = RD_KAFKA_VTYPE_MSGFLAGS;
    v->u.i = 0;
    v++;

    v->vtype = RD_KAFKA_VTYPE_TIMESTAMP;
    v->u.i64 = (int64_t) message->time_ms;
    v++;

    v->vtype = RD_KAFKA_VTYPE_OPAQUE;
    v->u.ptr = (void *) (uintptr_t) message->ref;
    v++;

    v->vtype = RD_KAFKA_VTYPE_HEADERS;
    v->u.headers = headers;
    v++;

    error = rd_kafka_produceva(client->rk, values, v - values);

    if (error == NULL) {
        return 0;  /* librdkafka owns headers */
    }

    code = rd_kafka_error_code(error);

    rd_kafka_error_destroy(error);
    rd_kafka_headers_destroy(headers);

    if (code == INGEST_ERROR_FULL && rd_kafka_outq_len(client->rk) == 0) {
        return RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE;
    }

    return code;
}


void
ingest_client_purge(ingest_client_t *client)
{
    (void) rd_kafka_purge(client->rk, RD_KAFKA_PURGE_F_QUEUE
                                      |RD_KAFKA_PURGE_F_NON_BLOCKING);
}


bool
ingest_client_is_fatal(ingest_client_t *client, int *error)
{
    *error = rd_kafka_fatal_error(client->rk, NULL, 0);

    return *error != 0;
}


int
ingest_client_poll(ingest_client_t *client)
{
    return rd_kafka_poll(client->rk, 0);
}


bool
ingest_client_flush(ingest_client_t *client, int timeout_ms)
{
    if (rd_kafka_outq_len(client->rk) == 0) {
        return false;
    }

    (void) rd_kafka_flush(client->rk, timeout_ms);

    return true;
}


const char *
ingest_client_version(void)
{
    return rd_kafka_version_str();
}


/* With the client's callbacks; NULL: error says why. */

static rd_kafka_conf_t *
ingest_client_conf(ingest_client_t *client, const ingest_options_t *options,
    ingest_mode_e mode, char *error)
{
    rd_kafka_conf_t  *conf;

    conf = ingest_options_dup(options);
    if (conf == NULL) {
        strcpy(error, "out of memory");
        return NULL;
    }

    rd_kafka_conf_set_opaque(conf, client);
    rd_kafka_conf_set_dr_msg_cb(conf, ingest_client_report);
    rd_kafka_conf_set_log_cb(conf, ingest_client_log);

    /* asked of everything, also where nothing is refused */

    if (ingest_options_verifies_brokers(options)) {
        ingest_certificate_explain(conf);
    }

    if (client->callbacks.stats != NULL) {
        rd_kafka_conf_set_stats_cb(conf, ingest_client_stats);
    }

    if (mode == INGEST_MODE_ALONE
        && ingest_client_alone(conf, error) != INGEST_OK)
    {
        rd_kafka_conf_destroy(conf);
        return NULL;
    }

    return conf;
}


static ingest_rc_e
ingest_client_alone(rd_kafka_conf_t *conf, char *error)
{
    const ingest_property_t  *p;

    for (p = ingest_client_alone_properties; p->name != NULL; p++) {

        if (rd_kafka_conf_set(conf, p->name, p->value, error,
                              INGEST_OPTIONS_ERROR)
            != RD_KAFKA_CONF_OK)
        {
            return INGEST_ERROR;
        }
    }

    return INGEST_OK;
}


/*
 * A handle whose brokers' threads could not be started comes to life without
 * any broker, and never looks for one.  Adding those that are there again tells
 * how many there are; it adds others where they are known by another name.
 */

static bool
ingest_client_has_broker(rd_kafka_t *rk)
{
    int     n;
    char   *brokers;
    size_t  size;

    static const char  name[] = "bootstrap.servers";

    n = 0;
    brokers = NULL;

    if (rd_kafka_conf_get(rd_kafka_conf(rk), name, NULL, &size)
        == RD_KAFKA_CONF_OK)
    {
        brokers = malloc(size);
    }

    if (brokers != NULL
        && rd_kafka_conf_get(rd_kafka_conf(rk), name, brokers, &size)
           == RD_KAFKA_CONF_OK)
    {
        n = rd_kafka_brokers_add(rk, brokers);
    }

    free(brokers);

    return n > 0;
}


static rd_kafka_headers_t *
ingest_client_headers(const ingest_message_t *message)
{
    unsigned             i;
    ingest_str_t         rest;
    ingest_header_t      header;
    rd_kafka_headers_t  *headers;

    headers = rd_kafka_headers_new(1 + message->nmore);
    if (headers == NULL) {
        return NULL;
    }

    rest = message->headers;

    while (ingest_header_next(&rest, &header)) {
        (void) rd_kafka_header_add(headers, (const char *) header.name.data,
                                   header.name.len, header.value.data,
                                   header.value.len);
    }

    for (i = 0; i < message->nmore; i++) {
        header = message->more[i];

        (void) rd_kafka_header_add(headers, (const char *) header.name.data,
                                   header.name.len, header.value.data,
                                   header.value.len);
    }

    return headers;
}


static void
ingest_client_report(rd_kafka_t *rk, const rd_kafka_message_t *message,
    void *data)
{
    ingest_report_t   report;
    ingest_client_t  *client;

    (void) rk;

    client = data;

    report.ref = (ingest_ref_t) (uintptr_t) message->_private;
    report.error = message->err;
    report.partition = message->partition;

    client->callbacks.report(client->callbacks.data, &report);
}


static void
ingest_client_log(const rd_kafka_t *rk, int level, const char *facility,
    const char *text)
{
    ingest_client_t  *client;

    (void) facility;

    client = rd_kafka_opaque(rk);

    client->callbacks.log(client->callbacks.data, level, text);
}


static int
ingest_client_stats(rd_kafka_t *rk, char *json, size_t len, void *data)
{
    ingest_client_t  *client;

    (void) rk;

    client = data;

    client->callbacks.stats(client->callbacks.data, json, len);

    return 0;  /* librdkafka frees json */
}
