
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kafka_tool.h"


static int64_t tool_offset(rd_kafka_t *rk, tool_read_t *opts, int partition);
static int tool_consume(rd_kafka_t *rk, rd_kafka_queue_t *queue,
    tool_read_t *opts, int partitions);
static int tool_next(rd_kafka_queue_t *queue, tool_read_t *opts, int wait_ms,
    bool *ended, int *ends);
static void tool_print(rd_kafka_message_t *message);
static void tool_print_headers(rd_kafka_message_t *message);
static void tool_print_string(const void *data, size_t len);


int
tool_read(rd_kafka_t *rk, tool_read_t *opts)
{
    int                              i, n, rc;
    int64_t                          offset;
    rd_kafka_topic_t                *rkt;
    rd_kafka_queue_t                *queue;
    rd_kafka_resp_err_t              err;
    const struct rd_kafka_metadata  *metadata;

    rkt = rd_kafka_topic_new(rk, opts->topic, NULL);

    err = rd_kafka_metadata(rk, 0, rkt, &metadata, 10000);
    if (err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        err = metadata->topics[0].err;
    }

    if (err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        fprintf(stderr, "kafka: topic %s: %s\n", opts->topic,
                rd_kafka_err2str(err));
        return 1;
    }

    n = metadata->topics[0].partition_cnt;
    queue = rd_kafka_queue_new(rk);

    for (i = 0; i < n; i++) {
        offset = tool_offset(rk, opts, i);

        rc = rd_kafka_consume_start_queue(rkt, i, offset, queue);
        if (rc != 0) {
            fprintf(stderr, "kafka: partition %d: %s\n", i,
                    rd_kafka_err2str(rd_kafka_last_error()));
            return 1;
        }
    }

    return tool_consume(rk, queue, opts, n);
}


static int64_t
tool_offset(rd_kafka_t *rk, tool_read_t *opts, int partition)
{
    int64_t                           low, high;
    rd_kafka_resp_err_t               err;
    rd_kafka_topic_partition_t       *part;
    rd_kafka_topic_partition_list_t  *list;

    if (strcmp(opts->from, "beginning") == 0) {
        return RD_KAFKA_OFFSET_BEGINNING;
    }

    if (strcmp(opts->from, "end") == 0) {
        return RD_KAFKA_OFFSET_END;
    }

    /*
     * No record as young as that means the end, and that must be the end of
     * now: what comes while we ask belongs to what is read.
     */

    err = rd_kafka_query_watermark_offsets(rk, opts->topic, partition, &low,
                                           &high, 10000);
    if (err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return RD_KAFKA_OFFSET_BEGINNING;
    }

    list = rd_kafka_topic_partition_list_new(1);
    part = rd_kafka_topic_partition_list_add(list, opts->topic, partition);
    part->offset = atoll(opts->from);

    err = rd_kafka_offsets_for_times(rk, list, 10000);
    if (err == RD_KAFKA_RESP_ERR_NO_ERROR && part->offset >= 0) {
        high = part->offset;
    }

    rd_kafka_topic_partition_list_destroy(list);

    return high;
}


static int
tool_consume(rd_kafka_t *rk, rd_kafka_queue_t *queue, tool_read_t *opts,
    int partitions)
{
    int     ends;
    bool   *ended, follow;
    long    found;
    double  left;

    ended = calloc(partitions, sizeof(bool));
    if (ended == NULL) {
        return 1;
    }

    ends = 0;
    found = 0;
    follow = strcmp(opts->from, "end") == 0;

    for ( ;; ) {
        left = opts->deadline - tool_now();
        if (left <= 0) {
            break;
        }

        rd_kafka_poll(rk, 0);

        found += tool_next(queue, opts, left < 1 ? left * 1000 + 1 : 1000,
                           ended, &ends);

        if (opts->count != 0 ? found == opts->count
                             : ends == partitions && !follow)
        {
            free(ended);
            return 0;
        }
    }

    free(ended);

    if (opts->count != 0) {
        fprintf(stderr, "kafka: %ld of %ld records in topic %s in time\n",
                found, opts->count, opts->topic);
        return 1;
    }

    /* Who follows a topic without a number wants the time to be the limit. */

    return follow ? 0 : 1;
}


/* Takes what comes within wait_ms; returns how many records it printed. */

static int
tool_next(rd_kafka_queue_t *queue, tool_read_t *opts, int wait_ms, bool *ended,
    int *ends)
{
    int                  printed;
    size_t               key_len;
    rd_kafka_message_t  *message;

    message = rd_kafka_consume_queue(queue, wait_ms);
    if (message == NULL) {
        return 0;
    }

    printed = 0;
    key_len = opts->key != NULL ? strlen(opts->key) : 0;

    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        /* It comes again after later records. */
        *ends += ended[message->partition] ? 0 : 1;
        ended[message->partition] = true;

    } else if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        fprintf(stderr, "kafka: %s\n", rd_kafka_message_errstr(message));

    } else if (opts->key == NULL
               || (message->key_len == key_len
                   && memcmp(message->key, opts->key, key_len) == 0))
    {
        if (opts->shape != NULL) {
            tool_check(message, opts);

        } else {
            tool_print(message);
        }

        printed = 1;
    }

    rd_kafka_message_destroy(message);

    return printed;
}


static void
tool_print(rd_kafka_message_t *message)
{
    int64_t                    timestamp;
    rd_kafka_timestamp_type_t  type;

    timestamp = rd_kafka_message_timestamp(message, &type);

    printf("{\"topic\":\"%s\",\"partition\":%d,\"offset\":%lld,"
           "\"timestamp\":%lld,\"key\":",
           rd_kafka_topic_name(message->rkt), (int) message->partition,
           (long long) message->offset, (long long) timestamp);

    tool_print_string(message->key, message->key_len);
    tool_print_headers(message);

    printf(",\"value\":");
    tool_print_string(message->payload, message->len);
    printf("}\n");
    fflush(stdout);
}


/* A name that stands twice is printed twice: JSON allows it, tests see it. */

static void
tool_print_headers(rd_kafka_message_t *message)
{
    size_t               i, len;
    const void          *value;
    const char          *name;
    rd_kafka_headers_t  *headers;

    printf(",\"headers\":{");

    if (rd_kafka_message_headers(message, &headers)
        == RD_KAFKA_RESP_ERR_NO_ERROR)
    {
        for (i = 0;
             rd_kafka_header_get_all(headers, i, &name, &value, &len)
                 == RD_KAFKA_RESP_ERR_NO_ERROR;
             i++)
        {
            printf("%s", i == 0 ? "" : ",");
            tool_print_string(name, strlen(name));
            printf(":");
            tool_print_string(value, len);
        }
    }

    printf("}");
}


/* Bytes that are no UTF-8 go out as they are. */

static void
tool_print_string(const void *data, size_t len)
{
    size_t                i;
    const unsigned char  *p;

    if (data == NULL) {
        printf("null");
        return;
    }

    p = data;
    putchar('"');

    for (i = 0; i < len; i++) {
        if (p[i] == '"' || p[i] == '\\') {
            putchar('\\');
            putchar(p[i]);

        } else if (p[i] < 0x20) {
            printf("\\u%04x", p[i]);

        } else {
            putchar(p[i]);
        }
    }

    putchar('"');
}


double
tool_now(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);

    return ts.tv_sec + ts.tv_nsec / 1e9;
}
