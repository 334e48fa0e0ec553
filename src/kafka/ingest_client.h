
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * A librdkafka producer handle.  Made after the fork, used by one thread; all
 * callbacks run in that thread, inside ingest_client_poll(),
 * ingest_client_flush() and ingest_client_destroy().
 */


#ifndef INGEST_CLIENT_H
#define INGEST_CLIENT_H


#include "../core/ingest_record.h"
#include "../core/ingest_ref.h"
#include "ingest_error.h"
#include "ingest_options.h"


#define INGEST_TOPIC_NAME  249      /* bytes, Kafka's limit */


typedef struct ingest_client_s  ingest_client_t;
typedef struct ingest_topic_s   ingest_topic_t;


/* a delivery report: error is librdkafka's code, 0 when it was delivered */

typedef struct {
    ingest_ref_t         ref;
    int                  error;
    int32_t              partition;
} ingest_report_t;


typedef struct {
    void                *data;      /* handed to all of them */
    void               (*report)(void *data, const ingest_report_t *report);
    void               (*log)(void *data, int syslog_level, const char *text);
    void               (*stats)(void *data, const char *json, size_t len);
} ingest_callbacks_t;


/* a message; the value must stay valid until the report, the rest is copied */

typedef struct {
    ingest_topic_t      *topic;
    ingest_str_t         key;
    ingest_str_t         value;
    ingest_str_t         headers;   /* as ingest_header_write() made them */
    const ingest_header_t *more;    /* further headers */
    unsigned             nmore;
    uint64_t             time_ms;   /* Unix time */
    ingest_ref_t         ref;
} ingest_message_t;


/*
 * fd is an eventfd that is written when ingest_client_poll() has work.  NULL:
 * error (INGEST_OPTIONS_ERROR bytes) says why.
 */

ingest_client_t *ingest_client_create(const ingest_options_t *options,
    ingest_mode_e mode, int fd, const ingest_callbacks_t *callbacks,
    char *error);

/*
 * Drops what is undelivered: no report follows.  May take seconds, while a
 * name is being looked up, so it belongs under somebody's deadline.
 */

void ingest_client_destroy(ingest_client_t *client);

/* A topic by name; lives as long as the client.  NULL: error has the code. */

ingest_topic_t *ingest_client_topic(ingest_client_t *client,
    const ingest_str_t *name, int *error);

/*
 * 0, or librdkafka's code: then nothing is in flight.  INGEST_ERROR_FULL:
 * librdkafka's own queue has no room until reports have come.  What it has no
 * room for when it is empty is too large, as the code says then.
 */

int ingest_client_produce(ingest_client_t *client,
    const ingest_message_t *message);

/*
 * Takes back what librdkafka has queued and not yet sent: it comes back as a
 * report with INGEST_VERDICT_ASIDE.  Requests that are out are not touched.
 */

void ingest_client_purge(ingest_client_t *client);

/*
 * Whether the handle is beyond help.  The code is in *error then; all that is
 * left is ingest_client_destroy().
 */

bool ingest_client_is_fatal(ingest_client_t *client, int *error);

/* Serves what is there, without waiting; returns the number of events. */

int ingest_client_poll(ingest_client_t *client);

/*
 * Has librdkafka send what it holds back for linger.ms, and serves what comes
 * of it for up to timeout_ms, or until nothing is left.  False: it had nothing.
 */

bool ingest_client_flush(ingest_client_t *client, int timeout_ms);

/* librdkafka's version as it is linked. */

const char *ingest_client_version(void);


#endif /* INGEST_CLIENT_H */
