
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * Snapshots of queues as text: Prometheus' exposition format 0.0.4, or
 * OpenMetrics 1.0.0.  Names are those of the metrics' documentation; series
 * whose labels are known beforehand are there from the start, with 0.
 */


#ifndef INGEST_PROM_H
#define INGEST_PROM_H


#include "ingest_snapshot.h"


#define INGEST_PROM_TEXT_TYPE                                                 \
    "text/plain; version=0.0.4; charset=utf-8"

#define INGEST_PROM_OPENMETRICS_TYPE                                          \
    "application/openmetrics-text; version=1.0.0; charset=utf-8"


typedef enum {
    INGEST_PROM_TEXT = 0,
    INGEST_PROM_OPENMETRICS
} ingest_prom_format_e;


/* The name of a librdkafka error; terminated.  NULL: its number is shown. */

typedef const char *(*ingest_error_name_pt)(int code);


typedef struct {
    ingest_str_t              name;
    const ingest_snapshot_t  *snapshot;
} ingest_prom_queue_t;


/* labels of ingest_build_info; terminated */

typedef struct {
    const char               *version;
    const char               *nginx;
    const char               *librdkafka;
} ingest_build_t;


typedef struct {
    ingest_prom_format_e        format;
    const ingest_prom_queue_t  *queues;
    size_t                      nqueues;
    ingest_build_t              build;
    ingest_error_name_pt        error_name;
} ingest_prom_t;


/*
 * Writes the text into the size bytes of buf and its length into len.
 * INGEST_AGAIN: they are too few, what is in buf is of no use.
 */

ingest_rc_e ingest_prom_write(const ingest_prom_t *prom, uint8_t *buf,
    size_t size, size_t *len);


#endif /* INGEST_PROM_H */
