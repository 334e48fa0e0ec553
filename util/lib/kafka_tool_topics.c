
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kafka_tool.h"


#define TOOL_ADMIN_MS  30000


static int tool_admin_result(rd_kafka_queue_t *queue,
    rd_kafka_resp_err_t *code);
static int tool_wait_leaders(rd_kafka_t *rk, const char *name, int count);


int
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

int
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


int
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


/* Makes them as many as that. */

int
tool_partitions(rd_kafka_t *rk, const char *name, int count)
{
    char                       error[512];
    rd_kafka_queue_t          *queue;
    rd_kafka_resp_err_t        code;
    rd_kafka_NewPartitions_t  *partitions;

    partitions = rd_kafka_NewPartitions_new(name, (size_t) count, error,
                                            sizeof(error));
    if (partitions == NULL) {
        fprintf(stderr, "kafka: %s\n", error);
        return 1;
    }

    queue = rd_kafka_queue_new(rk);
    rd_kafka_CreatePartitions(rk, &partitions, 1, NULL, queue);

    if (tool_admin_result(queue, &code) != 0) {
        fprintf(stderr, "kafka: topic %s: %s\n", name, rd_kafka_err2str(code));
        return 1;
    }

    return tool_wait_leaders(rk, name, count);
}


/* Sets what is given and takes back whatever else was set for the topic. */

int
tool_configure(rd_kafka_t *rk, int argc, char **argv)
{
    int                         i;
    char                       *value;
    rd_kafka_queue_t           *queue;
    rd_kafka_resp_err_t         code;
    rd_kafka_ConfigResource_t  *resource;

    resource = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, argv[0]);

    for (i = 1; i < argc; i++) {
        value = strchr(argv[i], '=');
        if (value == NULL) {
            fprintf(stderr, "kafka: \"%s\" is not CONFIG=VALUE\n", argv[i]);
            return 2;
        }

        *value++ = '\0';
        rd_kafka_ConfigResource_set_config(resource, argv[i], value);
    }

    queue = rd_kafka_queue_new(rk);
    rd_kafka_AlterConfigs(rk, &resource, 1, NULL, queue);

    if (tool_admin_result(queue, &code) != 0) {
        fprintf(stderr, "kafka: topic %s: %s\n", argv[0],
                rd_kafka_err2str(code));
        return 1;
    }

    return 0;
}


/* Prints the leader of each partition, -1 where there is none. */

int
tool_leaders(rd_kafka_t *rk, const char *name)
{
    int                              i;
    rd_kafka_topic_t                *rkt;
    rd_kafka_resp_err_t              err;
    const struct rd_kafka_metadata  *metadata;

    rkt = rd_kafka_topic_new(rk, name, NULL);

    err = rd_kafka_metadata(rk, 0, rkt, &metadata, TOOL_ADMIN_MS);
    if (err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        fprintf(stderr, "kafka: topic %s: %s\n", name, rd_kafka_err2str(err));
        return 1;
    }

    for (i = 0; i < metadata->topics[0].partition_cnt; i++) {
        printf("%d %d\n", (int) metadata->topics[0].partitions[i].id,
               (int) metadata->topics[0].partitions[i].leader);
    }

    return 0;
}


/* Waits for the one result of a request about one topic. */

static int
tool_admin_result(rd_kafka_queue_t *queue, rd_kafka_resp_err_t *code)
{
    size_t                             n;
    rd_kafka_event_t                  *event;
    const rd_kafka_topic_result_t    **results;
    const rd_kafka_ConfigResource_t  **resources;

    event = rd_kafka_queue_poll(queue, TOOL_ADMIN_MS);
    if (event == NULL) {
        *code = RD_KAFKA_RESP_ERR__TIMED_OUT;
        return 1;
    }

    *code = rd_kafka_event_error(event);
    if (*code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return 1;
    }

    if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_ALTERCONFIGS_RESULT) {
        resources = rd_kafka_AlterConfigs_result_resources(
                        rd_kafka_event_AlterConfigs_result(event), &n);
        *code = n == 1 ? rd_kafka_ConfigResource_error(resources[0])
                       : RD_KAFKA_RESP_ERR__BAD_MSG;

        return *code != RD_KAFKA_RESP_ERR_NO_ERROR;
    }

    if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_CREATEPARTITIONS_RESULT) {
        results = rd_kafka_CreatePartitions_result_topics(
                      rd_kafka_event_CreatePartitions_result(event), &n);

    } else if (rd_kafka_event_type(event)
               == RD_KAFKA_EVENT_CREATETOPICS_RESULT)
    {
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
