
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * The librdkafka properties of a queue: the module's defaults, those of the
 * configuration over them, and those that are the module's own, which are
 * refused.  Made by the master, used by every worker; makes no thread.
 */


#ifndef INGEST_OPTIONS_H
#define INGEST_OPTIONS_H


#include "../core/ingest_core.h"


#define INGEST_OPTIONS_ERROR  512


typedef struct ingest_options_s  ingest_options_t;


/* NULL: out of memory. */

ingest_options_t *ingest_options_create(void);
void ingest_options_destroy(ingest_options_t *options);

/* Comma-separated HOST or HOST:PORT. */

ingest_rc_e ingest_options_brokers(ingest_options_t *options,
    const char *brokers, char *error);

/*
 * Sets a property.  On INGEST_ERROR error (INGEST_OPTIONS_ERROR bytes) says
 * why, in one line and without the value of a secret; INGEST_OK may leave a
 * warning there, else it is empty.
 */

ingest_rc_e ingest_options_set(ingest_options_t *options, const char *name,
    const char *value, char *error);

/*
 * Has librdkafka report what a broker answers instead of trying again by
 * itself until message.timeout.ms.  "retries" of the configuration stay as they
 * are.  After all properties are set; INGEST_ERROR: they do not allow it, and
 * error says why, as above.
 */

ingest_rc_e ingest_options_report_each(ingest_options_t *options,
    char *error);

/* The largest message, in bytes, that librdkafka takes (message.max.bytes). */

size_t ingest_options_message_max(const ingest_options_t *options);

/*
 * How many messages librdkafka holds (queue.buffering.max.messages); INT32_MAX
 * where that has no limit.
 */

size_t ingest_options_queue_max(const ingest_options_t *options);

/*
 * The first back-off, in ms, of what is sent again (retry.backoff.ms), at most
 * 300000.
 */

uint32_t ingest_options_backoff_ms(const ingest_options_t *options);

/* Whether messages have numbers without a gap: none can be taken back then. */

bool ingest_options_is_idempotent(const ingest_options_t *options);

/* Whether OpenSSL verifies the certificates of brokers. */

bool ingest_options_verifies_brokers(const ingest_options_t *options);

/* Whether brokers are looked up by the canonical names of their addresses. */

bool ingest_options_renames_brokers(const ingest_options_t *options);

/*
 * A copy for a handle, which the caller hands on to rd_kafka_new() or
 * destroys.  Any thread; NULL: out of memory.
 */

struct rd_kafka_conf_s *ingest_options_dup(const ingest_options_t *options);


/* Line breaks in what librdkafka says become spaces. */

void ingest_options_one_line(char *text);


#endif /* INGEST_OPTIONS_H */
