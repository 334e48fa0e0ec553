
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#ifndef KAFKA_TOOL_H
#define KAFKA_TOOL_H


#include <librdkafka/rdkafka.h>


typedef struct {
    const char   *topic;
    const char   *from;
    const char   *key;          /* NULL: any */
    long          count;        /* 0: to the end */
    double        deadline;
} tool_read_t;


/* Prints a topic's records as lines of JSON; returns an exit status. */

int tool_read(rd_kafka_t *rk, tool_read_t *opts);

/* Seconds on a clock that only goes forward. */

double tool_now(void);


#endif /* KAFKA_TOOL_H */
