
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * What util/kafka asks a broker, without the second that a JVM needs to start:
 *
 *     kafka_tool BROKERS wait SECONDS COUNT
 *     kafka_tool BROKERS list
 *     kafka_tool BROKERS create NAME PARTITIONS REPLICATION [CONFIG=VALUE...]
 *     kafka_tool BROKERS delete NAME
 *     kafka_tool BROKERS partitions NAME COUNT
 *     kafka_tool BROKERS configure NAME CONFIG=VALUE...
 *     kafka_tool BROKERS leaders NAME
 *     kafka_tool BROKERS read TOPIC FROM COUNT SECONDS [KEY]
 *     kafka_tool BROKERS check TOPIC SECONDS PREFIX SIZE LARGE EVERY
 *
 * FROM is "beginning", "end" or a time in ms.  COUNT 0 reads to the end as it
 * is when that is reached, or, from "end", for SECONDS.  KEY leaves the other
 * records out.  check compares all of a topic with what http_load sends, see
 * kafka_tool_check.c.
 */


#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kafka_tool.h"


#define TOOL_TRIES_MS  250


static int tool_wait(rd_kafka_t *rk, double deadline, int count);
static int tool_check_topic(rd_kafka_t *rk, char **argv);
static rd_kafka_t *tool_handle(const char *brokers, const char *command);
static bool tool_reads(const char *command);
static int tool_usage(void);


int
main(int argc, char **argv)
{
    int           rc;
    rd_kafka_t   *rk;
    const char   *command;
    tool_read_t   opts;

    if (argc < 3) {
        return tool_usage();
    }

    command = argv[2];
    rk = tool_handle(argv[1], command);

    if (strcmp(command, "wait") != 0 && tool_wait(rk, tool_now() + 10, 1) != 0)
    {
        fprintf(stderr, "kafka: no broker answers at %s\n", argv[1]);
        return 1;
    }

    if (strcmp(command, "wait") == 0 && argc == 5) {
        rc = tool_wait(rk, tool_now() + atof(argv[3]), atoi(argv[4]));

    } else if (strcmp(command, "list") == 0 && argc == 3) {
        rc = tool_list(rk);

    } else if (strcmp(command, "create") == 0 && argc >= 6) {
        rc = tool_create(rk, argc - 3, argv + 3);

    } else if (strcmp(command, "delete") == 0 && argc == 4) {
        rc = tool_delete(rk, argv[3]);

    } else if (strcmp(command, "read") == 0 && (argc == 7 || argc == 8)) {
        opts.topic = argv[3];
        opts.from = argv[4];
        opts.count = atol(argv[5]);
        opts.deadline = tool_now() + atof(argv[6]);
        opts.key = argc == 8 ? argv[7] : NULL;
        opts.shape = NULL;
        rc = tool_read(rk, &opts);

    } else if (strcmp(command, "partitions") == 0 && argc == 5) {
        rc = tool_partitions(rk, argv[3], atoi(argv[4]));

    } else if (strcmp(command, "configure") == 0 && argc >= 5) {
        rc = tool_configure(rk, argc - 3, argv + 3);

    } else if (strcmp(command, "leaders") == 0 && argc == 4) {
        rc = tool_leaders(rk, argv[3]);

    } else if (strcmp(command, "check") == 0 && argc == 9) {
        rc = tool_check_topic(rk, argv + 3);

    } else {
        return tool_usage();
    }

    /* The process ends here: there is nothing left to lose in the handle. */

    fflush(stdout);
    _Exit(rc);
}


/* Waits until the cluster answers and knows that many brokers. */

static int
tool_wait(rd_kafka_t *rk, double deadline, int count)
{
    int                              known;
    struct timespec                  pause;
    rd_kafka_resp_err_t              err;
    const struct rd_kafka_metadata  *metadata;

    pause.tv_sec = 0;
    pause.tv_nsec = 50 * 1000000;

    while (tool_now() < deadline) {
        err = rd_kafka_metadata(rk, 0, NULL, &metadata, TOOL_TRIES_MS);

        if (err == RD_KAFKA_RESP_ERR_NO_ERROR) {
            known = metadata->broker_cnt;
            rd_kafka_metadata_destroy(metadata);

            if (known >= count) {
                return 0;
            }
        }

        nanosleep(&pause, NULL);
    }

    return 1;
}


static int
tool_check_topic(rd_kafka_t *rk, char **argv)
{
    tool_read_t   opts;
    load_shape_t  shape;

    shape.prefix = argv[2];
    shape.size = strtoul(argv[3], NULL, 10);
    shape.large = strtoul(argv[4], NULL, 10);
    shape.every = strtoull(argv[5], NULL, 10);

    memset(&opts, 0, sizeof(opts));

    opts.topic = argv[0];
    opts.from = "beginning";
    opts.deadline = tool_now() + atof(argv[1]);
    opts.shape = &shape;
    opts.event = malloc(load_event_room(&shape));

    return opts.event == NULL ? 1 : tool_read(rk, &opts);
}


static rd_kafka_t *
tool_handle(const char *brokers, const char *command)
{
    int                i;
    char               error[512];
    rd_kafka_t        *rk;
    rd_kafka_conf_t   *conf;

    static const char *const  properties[][2] = {
        { "log_level", "2" },
        { "enable.partition.eof", "true" },
        { "reconnect.backoff.ms", "50" },
        { "reconnect.backoff.max.ms", "200" },
        { "fetch.wait.max.ms", "50" },
        { "broker.address.family", "v4" }
    };

    conf = rd_kafka_conf_new();

    for (i = 0; i < (int) (sizeof(properties) / sizeof(properties[0])); i++) {
        if (rd_kafka_conf_set(conf, properties[i][0], properties[i][1],
                              error, sizeof(error))
            != RD_KAFKA_CONF_OK)
        {
            fprintf(stderr, "kafka: %s\n", error);
            exit(1);
        }
    }

    rd_kafka_conf_set(conf, "bootstrap.servers", brokers, NULL, 0);

    rk = rd_kafka_new(tool_reads(command) ? RD_KAFKA_CONSUMER
                                           : RD_KAFKA_PRODUCER,
                      conf, error, sizeof(error));
    if (rk == NULL) {
        fprintf(stderr, "kafka: %s\n", error);
        exit(1);
    }

    return rk;
}


static bool
tool_reads(const char *command)
{
    return strcmp(command, "read") == 0 || strcmp(command, "check") == 0;
}


static int
tool_usage(void)
{
    fprintf(stderr, "kafka_tool: wrong arguments, see its source\n");

    return 2;
}
