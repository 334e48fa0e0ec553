
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#ifndef KAFKA_TOOL_H
#define KAFKA_TOOL_H


#include <librdkafka/rdkafka.h>

#include "load_event.h"


typedef struct {
    const char   *topic;
    const char   *from;
    const char   *key;          /* NULL: any */
    long          count;        /* 0: to the end */
    double        deadline;
    load_shape_t *shape;        /* NULL: records are printed whole */
    char         *event;        /* room for one of that shape */
} tool_read_t;


/* Prints a topic's records as lines of JSON; returns an exit status. */

int tool_read(rd_kafka_t *rk, tool_read_t *opts);

/* Prints whether a record is what http_load has sent, in one line. */

void tool_check(rd_kafka_message_t *message, tool_read_t *opts);

/* Topics; each returns an exit status. */

int tool_list(rd_kafka_t *rk);
int tool_create(rd_kafka_t *rk, int argc, char **argv);
int tool_delete(rd_kafka_t *rk, const char *name);
int tool_partitions(rd_kafka_t *rk, const char *name, int count);
int tool_configure(rd_kafka_t *rk, int argc, char **argv);
int tool_leaders(rd_kafka_t *rk, const char *name);

/* Seconds on a clock that only goes forward. */

double tool_now(void);


#endif /* KAFKA_TOOL_H */
