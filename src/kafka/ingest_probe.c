
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#define _GNU_SOURCE

#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <librdkafka/rdkafka.h>

#include "ingest_clock.h"
#include "ingest_probe.h"


static void ingest_probe_child(const ingest_options_t *options,
    const ingest_user_t *user, int fd);
static bool ingest_probe_become(const ingest_user_t *user, char *error);
static ingest_rc_e ingest_probe_wait(int fd, unsigned timeout_ms,
    char *error);
static void ingest_probe_log(const rd_kafka_t *rk, int level,
    const char *facility, const char *text);


ingest_rc_e
ingest_probe(const ingest_options_t *options, const ingest_user_t *user,
    unsigned timeout_ms, char *error)
{
    int          fds[2];
    pid_t        pid;
    ingest_rc_e  rc;

    if (pipe(fds) == -1) {
        snprintf(error, INGEST_OPTIONS_ERROR, "pipe() failed: %s",
                 strerror(errno));
        return INGEST_ERROR;
    }

    pid = fork();

    if (pid == 0) {
        close(fds[0]);
        ingest_probe_child(options, user, fds[1]);
        _exit(0);
    }

    close(fds[1]);

    if (pid == -1) {
        snprintf(error, INGEST_OPTIONS_ERROR, "fork() failed: %s",
                 strerror(errno));
        rc = INGEST_ERROR;

    } else {
        rc = ingest_probe_wait(fds[0], timeout_ms, error);

        if (rc == INGEST_AGAIN) {
            kill(pid, SIGKILL);
            rc = INGEST_ERROR;
        }

        /* it has spoken and ends, or it was killed; others may reap it */

        while (waitpid(pid, NULL, 0) == -1 && errno == EINTR) { /* void */ }
    }

    close(fds[0]);

    return rc;
}


/* Writes one byte, 0 or 1, and behind a 1 the reason. */

static void
ingest_probe_child(const ingest_options_t *options,
    const ingest_user_t *user, int fd)
{
    char              word[1 + INGEST_OPTIONS_ERROR];
    size_t            len;
    ssize_t           n;
    rd_kafka_t       *rk;
    rd_kafka_conf_t  *conf;

    memset(word, 0, sizeof(word));

    rk = NULL;

    if (user == NULL || ingest_probe_become(user, word + 1)) {
        conf = ingest_options_dup(options);

        /* the probe's own lines are nobody's: what matters is an error */

        rd_kafka_conf_set_log_cb(conf, ingest_probe_log);

        rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, word + 1,
                          INGEST_OPTIONS_ERROR);
    }

    word[0] = (rk == NULL);
    len = 1 + strlen(word + 1);

    n = write(fd, word, len);
    (void) n;
}


/* As nginx does it in its workers. */

static bool
ingest_probe_become(const ingest_user_t *user, char *error)
{
    if (setgid(user->gid) == 0
        && initgroups(user->name, user->gid) == 0
        && setuid(user->uid) == 0)
    {
        return true;
    }

    snprintf(error, INGEST_OPTIONS_ERROR, "cannot become user %s: %s",
             user->name, strerror(errno));

    return false;
}


/* INGEST_AGAIN: nothing came in time. */

static ingest_rc_e
ingest_probe_wait(int fd, unsigned timeout_ms, char *error)
{
    int            n;
    char           word[1 + INGEST_OPTIONS_ERROR];
    ssize_t        size;
    uint64_t       now_ms, end_ms;
    struct pollfd  pfd;

    pfd.fd = fd;
    pfd.events = POLLIN;

    now_ms = ingest_clock_ms(CLOCK_MONOTONIC);
    end_ms = now_ms + timeout_ms;

    do {
        n = poll(&pfd, 1, (int) (end_ms - now_ms));
        now_ms = ingest_clock_ms(CLOCK_MONOTONIC);
    } while (n == -1 && errno == EINTR && now_ms < end_ms);

    if (n <= 0) {
        snprintf(error, INGEST_OPTIONS_ERROR,
                 "librdkafka made no handle within %u ms", timeout_ms);
        return INGEST_AGAIN;
    }

    size = read(fd, word, sizeof(word) - 1);

    if (size < 1) {
        snprintf(error, INGEST_OPTIONS_ERROR,
                 "librdkafka failed while making a handle");
        return INGEST_ERROR;
    }

    if (word[0] == 0) {
        error[0] = '\0';
        return INGEST_OK;
    }

    word[size] = '\0';

    ingest_options_one_line(word + 1);

    snprintf(error, INGEST_OPTIONS_ERROR, "%s", word + 1);

    return INGEST_ERROR;
}


static void
ingest_probe_log(const rd_kafka_t *rk, int level, const char *facility,
    const char *text)
{
    (void) rk;
    (void) level;
    (void) facility;
    (void) text;
}
