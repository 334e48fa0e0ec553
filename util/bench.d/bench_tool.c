
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * What util/bench asks the kernel and Kafka:
 *
 *     bench_tool cpu PID
 *     bench_tool records BROKERS TOPIC
 *
 * cpu prints the nanoseconds that a process has used, threads that have ended
 * included, as "all NS", and those of each thread alive as "NAME NS".  records
 * prints how many records a topic was ever given.
 */


#define _GNU_SOURCE

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <librdkafka/rdkafka.h>


#define TOOL_KAFKA_MS  10000


static int tool_cpu(const char *pid);
static void tool_thread(const char *pid, const char *tid);
static int tool_records(const char *brokers, const char *name);
static int tool_count(rd_kafka_t *rk, const char *name, int partitions);


int
main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "cpu") == 0) {
        return tool_cpu(argv[2]);
    }

    if (argc == 4 && strcmp(argv[1], "records") == 0) {
        return tool_records(argv[2], argv[3]);
    }

    fprintf(stderr, "usage: bench_tool cpu PID | records BROKERS TOPIC\n");

    return 2;
}


static int
tool_cpu(const char *pid)
{
    char             path[64];
    DIR             *dir;
    clockid_t        clock;
    struct dirent   *entry;
    struct timespec  ts;

    if (clock_getcpuclockid(atoi(pid), &clock) != 0
        || clock_gettime(clock, &ts) != 0)
    {
        fprintf(stderr, "bench_tool: there is no process %s\n", pid);
        return 1;
    }

    printf("all %lld\n", ts.tv_sec * 1000000000ll + ts.tv_nsec);

    snprintf(path, sizeof(path), "/proc/%s/task", pid);

    dir = opendir(path);
    if (dir == NULL) {
        return 1;
    }

    while ((entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] != '.') {
            tool_thread(pid, entry->d_name);
        }
    }

    closedir(dir);

    return 0;
}


/* A thread that ends meanwhile is left out: it counts in "all". */

static void
tool_thread(const char *pid, const char *tid)
{
    int         n;
    char        path[600], name[64];
    FILE       *file;
    long long   ns;

    snprintf(path, sizeof(path), "/proc/%s/task/%s/comm", pid, tid);

    file = fopen(path, "r");
    if (file == NULL) {
        return;
    }

    n = fscanf(file, "%63[^\n]", name);
    fclose(file);

    snprintf(path, sizeof(path), "/proc/%s/task/%s/schedstat", pid, tid);

    file = fopen(path, "r");
    if (file == NULL) {
        return;
    }

    n += fscanf(file, "%lld", &ns);
    fclose(file);

    if (n == 2) {
        printf("%s %lld\n", strcmp(pid, tid) == 0 ? "loop" : name, ns);
    }
}


static int
tool_records(const char *brokers, const char *name)
{
    int                              partitions;
    char                             error[512];
    rd_kafka_t                      *rk;
    rd_kafka_conf_t                 *conf;
    rd_kafka_topic_t                *rkt;
    rd_kafka_resp_err_t              err;
    const struct rd_kafka_metadata  *metadata;

    conf = rd_kafka_conf_new();

    if (rd_kafka_conf_set(conf, "bootstrap.servers", brokers, error,
                          sizeof(error))
        != RD_KAFKA_CONF_OK)
    {
        fprintf(stderr, "bench_tool: %s\n", error);
        return 1;
    }

    rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, error, sizeof(error));
    if (rk == NULL) {
        fprintf(stderr, "bench_tool: %s\n", error);
        return 1;
    }

    rkt = rd_kafka_topic_new(rk, name, NULL);

    err = rd_kafka_metadata(rk, 0, rkt, &metadata, TOOL_KAFKA_MS);
    if (err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        err = metadata->topics[0].err;
    }

    if (err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        fprintf(stderr, "bench_tool: topic %s: %s\n", name,
                rd_kafka_err2str(err));
        return 1;
    }

    partitions = metadata->topics[0].partition_cnt;

    rd_kafka_metadata_destroy(metadata);
    rd_kafka_topic_destroy(rkt);

    return tool_count(rk, name, partitions);
}


static int
tool_count(rd_kafka_t *rk, const char *name, int partitions)
{
    int                  i;
    int64_t              low, high, sum;
    rd_kafka_resp_err_t  err;

    sum = 0;

    for (i = 0; i < partitions; i++) {

        err = rd_kafka_query_watermark_offsets(rk, name, i, &low, &high,
                                               TOOL_KAFKA_MS);
        if (err != RD_KAFKA_RESP_ERR_NO_ERROR) {
            fprintf(stderr, "bench_tool: topic %s: %s\n", name,
                    rd_kafka_err2str(err));
            return 1;
        }

        sum += high;
    }

    rd_kafka_destroy(rk);
    printf("%lld\n", (long long) sum);

    return 0;
}
