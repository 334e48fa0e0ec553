
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
 *     kafka_tool BROKERS read TOPIC FROM COUNT SECONDS [KEY]
 *
 * FROM is "beginning", "end" or a time in ms.  COUNT 0 reads to the end as it
 * is when that is reached, or, from "end", for SECONDS.  KEY leaves the other
 * records out.
 */


#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kafka_tool.h"


#define TOOL_TRIES_MS  250
#define TOOL_ADMIN_MS  30000


static int tool_wait(rd_kafka_t *rk, double deadline, int count);
static int tool_list(rd_kafka_t *rk);
static int tool_create(rd_kafka_t *rk, int argc, char **argv);
static int tool_delete(rd_kafka_t *rk, const char *name);
static int tool_admin_result(rd_kafka_queue_t *queue,
    rd_kafka_resp_err_t *code);
static int tool_wait_leaders(rd_kafka_t *rk, const char *name, int count);
static rd_kafka_t *tool_handle(const char *brokers, const char *command);
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
        rc = tool_read(rk, &opts);

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
tool_list(rd_kafka_t *rk)
{
    int                              i;
    rd_kafka_resp_err_t              err;
    const struct rd_kafka_metadata  *metadata;

    err = rd_kafka_metadata(rk, 1, NULL, &metadata, TOOL_ADMIN_MS);
    if (err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        fprintf(stderr, "kafka: %s\n", rd_kafka_err2str(err));
        return 1;
    }

    for (i = 0; i < metadata->topic_cnt; i++) {
        if (strncmp(metadata->topics[i].topic, "__", 2) != 0) {
            printf("%s %d\n", metadata->topics[i].topic,
                   metadata->topics[i].partition_cnt);
        }
    }

    return 0;
}


/* A topic that exists already is fine. */

static int
tool_create(rd_kafka_t *rk, int argc, char **argv)
{
    int                    i, partitions;
    char                  *value, error[512];
    rd_kafka_queue_t      *queue;
    rd_kafka_NewTopic_t   *topic;
    rd_kafka_resp_err_t    code;

    partitions = atoi(argv[1]);
    topic = rd_kafka_NewTopic_new(argv[0], partitions, atoi(argv[2]),
                                  error, sizeof(error));
    if (topic == NULL) {
        fprintf(stderr, "kafka: %s\n", error);
        return 1;
    }

    for (i = 3; i < argc; i++) {
        value = strchr(argv[i], '=');
        if (value == NULL) {
            fprintf(stderr, "kafka: \"%s\" is not CONFIG=VALUE\n", argv[i]);
            return 2;
        }

        *value++ = '\0';
        rd_kafka_NewTopic_set_config(topic, argv[i], value);
    }

    queue = rd_kafka_queue_new(rk);
    rd_kafka_CreateTopics(rk, &topic, 1, NULL, queue);

    if (tool_admin_result(queue, &code) != 0
        && code != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
    {
        fprintf(stderr, "kafka: topic %s: %s\n", argv[0],
                rd_kafka_err2str(code));
        return 1;
    }

    return tool_wait_leaders(rk, argv[0], partitions);
}


static int
tool_delete(rd_kafka_t *rk, const char *name)
{
    rd_kafka_queue_t        *queue;
    rd_kafka_resp_err_t      code;
    rd_kafka_DeleteTopic_t  *topic;

    topic = rd_kafka_DeleteTopic_new(name);
    queue = rd_kafka_queue_new(rk);
    rd_kafka_DeleteTopics(rk, &topic, 1, NULL, queue);

    if (tool_admin_result(queue, &code) != 0) {
        fprintf(stderr, "kafka: topic %s: %s\n", name, rd_kafka_err2str(code));
        return 1;
    }

    return 0;
}


/* Waits for the one result of a request about one topic. */

static int
tool_admin_result(rd_kafka_queue_t *queue, rd_kafka_resp_err_t *code)
{
    size_t                           n;
    rd_kafka_event_t                *event;
    const rd_kafka_topic_result_t  **results;

    event = rd_kafka_queue_poll(queue, TOOL_ADMIN_MS);
    if (event == NULL) {
        *code = RD_KAFKA_RESP_ERR__TIMED_OUT;
        return 1;
    }

    *code = rd_kafka_event_error(event);
    if (*code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return 1;
    }

    if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_CREATETOPICS_RESULT) {
        results = rd_kafka_CreateTopics_result_topics(
                      rd_kafka_event_CreateTopics_result(event), &n);

    } else {
        results = rd_kafka_DeleteTopics_result_topics(
                      rd_kafka_event_DeleteTopics_result(event), &n);
    }

    *code = n == 1 ? rd_kafka_topic_result_error(results[0])
                   : RD_KAFKA_RESP_ERR__BAD_MSG;

    return *code != RD_KAFKA_RESP_ERR_NO_ERROR;
}


/* A topic can be used when each of its partitions has a leader. */

static int
tool_wait_leaders(rd_kafka_t *rk, const char *name, int count)
{
    int                              i, leaders;
    double                           deadline;
    struct timespec                  pause;
    rd_kafka_topic_t                *rkt;
    const struct rd_kafka_metadata  *metadata;

    rkt = rd_kafka_topic_new(rk, name, NULL);
    deadline = tool_now() + 10;
    leaders = 0;
    pause.tv_sec = 0;
    pause.tv_nsec = 20 * 1000000;

    while (tool_now() < deadline) {
        leaders = 0;

        if (rd_kafka_metadata(rk, 0, rkt, &metadata, 1000)
            == RD_KAFKA_RESP_ERR_NO_ERROR)
        {
            for (i = 0; i < metadata->topics[0].partition_cnt; i++) {
                leaders += metadata->topics[0].partitions[i].leader >= 0;
            }

            rd_kafka_metadata_destroy(metadata);
        }

        if (leaders >= count) {
            return 0;
        }

        nanosleep(&pause, NULL);
    }

    fprintf(stderr, "kafka: topic %s: %d of %d partitions have a leader\n",
            name, leaders, count);

    return 1;
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

    rk = rd_kafka_new(strcmp(command, "read") == 0 ? RD_KAFKA_CONSUMER
                                                   : RD_KAFKA_PRODUCER,
                      conf, error, sizeof(error));
    if (rk == NULL) {
        fprintf(stderr, "kafka: %s\n", error);
        exit(1);
    }

    return rk;
}


static int
tool_usage(void)
{
    fprintf(stderr, "kafka_tool: wrong arguments, see its source\n");

    return 2;
}
