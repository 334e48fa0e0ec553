
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * Posts events whose ids are known, as fast as they are answered:
 *
 *     http_load [OPTION...] PORT PATH CONNECTIONS COUNT PREFIX FILE SECONDS
 *
 * Ids are PREFIX-1 to PREFIX-COUNT, each is sent once; COUNT 0 has no end.  It
 * ends when all are answered, when SECONDS are over, or, by SIGTERM, when what
 * was sent until then is answered.  It connects again as long as it takes.
 *
 *     -r RATE         events a second, at most
 *     -s SIZE         of an event in bytes (200)
 *     -S SIZE/EVERY   that size for each EVERYth event
 *     -l              FILE becomes a ledger
 *     -n FILE         has figures of now, ten times a second
 *
 * FILE gets the ids that were answered with 2xx, one a line.  A ledger has a
 * line for each event that was sent, "STATUS START_MS LATENCY_US", in the order
 * of their numbers; START_MS is the time of day.  STATUS is 0 when no answer
 * came on a connection that had answered before, which nginx may close at any
 * time, 1 when none came on a new one, 2 when the time was up.
 *
 * At the end it prints how many were answered with 2xx, refused with another
 * status, sent and never answered, and how often it could not connect.  The
 * exit status is 0 when all of COUNT were sent in time.
 */


#define _GNU_SOURCE

#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "http_load.h"

#define LOAD_BEHIND      0.1        /* s of events that are made up for */
#define LOAD_END         10         /* s for answers after SIGTERM */


static volatile sig_atomic_t  load_stop;


static int load_arguments(load_t *load, int argc, char **argv);
static void load_run(load_t *load, double deadline);
static void load_earn(load_t *load);
static void load_turn(load_t *load, load_connection_t *c);
static bool load_done(const load_t *load);
static void load_signal(int signo);


int
main(int argc, char **argv)
{
    int     i;
    double  start;
    load_t  load;

    memset(&load, 0, sizeof(load));

    if (load_arguments(&load, argc, argv) != 0) {
        fprintf(stderr, "usage: http_load [-r RATE] [-s SIZE] [-S SIZE/EVERY] "
                "[-l] [-n FILE] PORT PATH CONNECTIONS COUNT PREFIX FILE "
                "SECONDS\n");
        return 2;
    }

    argv += optind;

    load.file = fopen(argv[5], "w");
    load.connections = calloc((size_t) load.nconnections,
                              sizeof(load_connection_t));
    load.ep = epoll_create1(EPOLL_CLOEXEC);

    if (load.file == NULL || load.connections == NULL || load.ep == -1) {
        fprintf(stderr, "http_load: cannot write to %s\n", argv[5]);
        return 1;
    }

    for (i = 0; i < load.nconnections; i++) {
        load.connections[i].fd = -1;
        load.connections[i].request = malloc(load_event_room(&load.shape)
                                             + LOAD_HEAD);
        if (load.connections[i].request == NULL) {
            return 1;
        }
    }

    signal(SIGTERM, load_signal);

    start = load_time(CLOCK_MONOTONIC);
    load.earned = start;
    load_run(&load, start + atof(argv[6]));

    for (i = 0; i < load.nconnections; i++) {
        load_close(&load, &load.connections[i], LOAD_LATE);
    }

    if (load_write(&load) != 0) {
        fprintf(stderr, "http_load: cannot write to %s\n", argv[5]);
        return 1;
    }

    load_write_now(&load);
    load_figures(&load, stdout);
    printf(" seconds=%.2f\n", load_time(CLOCK_MONOTONIC) - start);

    return load.sent == load.count || load_stop ? 0 : 1;
}


static int
load_arguments(load_t *load, int argc, char **argv)
{
    int                 option;
    unsigned long long  every;

    load->shape.size = 200;

    while ((option = getopt(argc, argv, "r:s:S:ln:")) != -1) {

        switch (option) {

        case 'r':
            load->rate = atof(optarg);
            break;

        case 's':
            load->shape.size = strtoul(optarg, NULL, 10);
            break;

        case 'S':
            if (sscanf(optarg, "%zu/%llu", &load->shape.large, &every) != 2) {
                return 1;
            }

            load->shape.every = every;
            break;

        case 'l':
            load->ledger = true;
            break;

        case 'n':
            load->now_file = fopen(optarg, "w");

            if (load->now_file == NULL) {
                return 1;
            }

            break;

        default:
            return 1;
        }
    }

    if (argc - optind != 7) {
        return 1;
    }

    argv += optind;

    load->port = (uint16_t) atoi(argv[0]);
    load->path = argv[1];
    load->nconnections = atoi(argv[2]);
    load->count = strtoull(argv[3], NULL, 10);
    load->shape.prefix = argv[4];

    if (load->count == 0) {
        load->count = UINT64_MAX;
    }

    return 0;
}


static void
load_run(load_t *load, double deadline)
{
    int                  i, n;
    struct epoll_event   events[64];
    load_connection_t   *c;

    while (!load_done(load)) {

        load->now = load_time(CLOCK_MONOTONIC);

        if (load->now > deadline) {
            break;
        }

        if (load_stop && load->count != load->sent) {
            load->count = load->sent;
            deadline = load->now + LOAD_END;
            continue;
        }

        load_earn(load);

        for (i = 0; i < load->nconnections; i++) {
            load_turn(load, &load->connections[i]);
        }

        if (load->now - load->written > 0.1) {
            load_write_now(load);
        }

        n = epoll_wait(load->ep, events, 64, load->rate == 0 ? 10 : 1);

        load->now = load_time(CLOCK_MONOTONIC);

        for (i = 0; i < n; i++) {
            c = events[i].data.ptr;

            if (events[i].events & EPOLLOUT) {
                load_flush(load, c);
            }

            if (events[i].events & ~(uint32_t) EPOLLOUT) {
                load_receive(load, c);
            }
        }
    }
}


/* What could not be sent in time is not made up for later, but for a little. */

static void
load_earn(load_t *load)
{
    double  most;

    most = load->rate * LOAD_BEHIND + 1;

    load->credit = load->rate == 0 ? 1e9
                   : load->credit + load->rate * (load->now - load->earned);

    if (load->rate != 0 && load->credit > most) {
        load->credit = most;
    }

    load->earned = load->now;
}


/* Nobody connects without a request: nginx, when it ends, waits for that. */

static void
load_turn(load_t *load, load_connection_t *c)
{
    if (c->waiting || load->sent == load->count || load->credit < 1) {
        return;
    }

    if (c->fd == -1) {
        if (c->retry <= load->now) {
            load_connect(load, c);
        }

        return;
    }

    load_send(load, c);
}


static bool
load_done(const load_t *load)
{
    return load->sent == load->count
           && load->accepted + load->refused + load->unanswered == load->sent;
}


static void
load_signal(int signo)
{
    (void) signo;

    load_stop = 1;
}
