
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * Posts events whose ids are known, as fast as they are answered:
 *
 *     http_load PORT PATH CONNECTIONS COUNT PREFIX FILE SECONDS
 *
 * Ids are PREFIX-1 to PREFIX-COUNT, each is sent once.  FILE gets the ids that
 * were answered with 2xx, one a line.  At the end, or when SECONDS are over, it
 * prints how many were answered with 2xx, refused with another status, and
 * how many were sent and never answered, as a connection broke or time was up;
 * what became of those nobody knows.  It connects again as long as it takes.
 * The exit status is 0 when all of COUNT were sent in time.
 */


#define _GNU_SOURCE

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>


#define LOAD_EVENT_SIZE  200
#define LOAD_BUFFER      8192       /* an answer, or a request, is not larger */
#define LOAD_RETRY_MS    10         /* between tries to connect */


typedef struct {
    int               fd;           /* -1: not connected */
    bool              waiting;      /* for the answer to number */
    uint64_t          number;
    size_t            len;          /* of the answer so far */
    char              answer[LOAD_BUFFER];
} load_connection_t;


typedef struct {
    int                 ep;
    uint16_t            port;
    const char         *path;
    const char         *prefix;
    FILE               *ids;
    load_connection_t  *connections;
    int                 nconnections;

    uint64_t            count;
    uint64_t            sent;
    uint64_t            accepted;
    uint64_t            refused;
    uint64_t            unanswered;
} load_t;


static void load_run(load_t *load, double deadline);
static bool load_done(const load_t *load);
static void load_connect(load_t *load, load_connection_t *c);
static void load_send(load_t *load, load_connection_t *c);
static void load_receive(load_t *load, load_connection_t *c);
static int load_status(load_connection_t *c, bool *closing);
static void load_close(load_t *load, load_connection_t *c);
static double load_now(void);


int
main(int argc, char **argv)
{
    int     i;
    double  start;
    load_t  load;

    if (argc != 8) {
        fprintf(stderr, "usage: http_load PORT PATH CONNECTIONS COUNT PREFIX "
                "FILE SECONDS\n");
        return 2;
    }

    memset(&load, 0, sizeof(load));

    load.port = (uint16_t) atoi(argv[1]);
    load.path = argv[2];
    load.nconnections = atoi(argv[3]);
    load.count = strtoull(argv[4], NULL, 10);
    load.prefix = argv[5];
    load.ids = fopen(argv[6], "w");
    load.connections = calloc((size_t) load.nconnections,
                              sizeof(load_connection_t));
    load.ep = epoll_create1(0);

    if (load.ids == NULL || load.connections == NULL || load.ep == -1) {
        fprintf(stderr, "http_load: cannot write to %s\n", argv[6]);
        return 1;
    }

    for (i = 0; i < load.nconnections; i++) {
        load.connections[i].fd = -1;
    }

    start = load_now();
    load_run(&load, start + atof(argv[7]));

    for (i = 0; i < load.nconnections; i++) {
        load_close(&load, &load.connections[i]);
    }

    if (fclose(load.ids) != 0) {
        fprintf(stderr, "http_load: cannot write to %s\n", argv[6]);
        return 1;
    }

    printf("accepted=%llu refused=%llu unanswered=%llu seconds=%.2f\n",
           (unsigned long long) load.accepted,
           (unsigned long long) load.refused,
           (unsigned long long) load.unanswered, load_now() - start);

    return load.sent == load.count ? 0 : 1;
}


static void
load_run(load_t *load, double deadline)
{
    int                 i, n;
    struct epoll_event  events[64];

    while (!load_done(load) && load_now() < deadline) {

        for (i = 0; i < load->nconnections && load->sent < load->count; i++) {
            if (load->connections[i].fd == -1) {
                load_connect(load, &load->connections[i]);
            }
        }

        n = epoll_wait(load->ep, events, 64, LOAD_RETRY_MS);

        for (i = 0; i < n; i++) {
            load_receive(load, events[i].data.ptr);
        }
    }
}


static bool
load_done(const load_t *load)
{
    return load->sent == load->count
           && load->accepted + load->refused + load->unanswered == load->sent;
}


static void
load_connect(load_t *load, load_connection_t *c)
{
    int                 fd, on;
    struct epoll_event  event;
    struct sockaddr_in  address;

    memset(&address, 0, sizeof(address));
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(load->port);

    fd = socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, 0);
    if (fd == -1) {
        return;
    }

    if (connect(fd, (struct sockaddr *) &address, sizeof(address)) == -1) {
        close(fd);
        return;
    }

    on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));

    event.events = EPOLLIN;
    event.data.ptr = c;

    if (epoll_ctl(load->ep, EPOLL_CTL_ADD, fd, &event) == -1) {
        close(fd);
        return;
    }

    c->fd = fd;
    c->len = 0;

    load_send(load, c);
}


/* A request is far smaller than the socket's buffer, which is empty. */

static void
load_send(load_t *load, load_connection_t *c)
{
    int   n, head;
    char  event[512], request[1024];

    if (load->sent == load->count) {
        return;
    }

    c->number = ++load->sent;
    c->waiting = true;

    head = snprintf(event, sizeof(event),
                    "{\"id\":\"%s-%llu\",\"type\":\"load\",\"payload\":"
                    "{\"user_id\":123,\"note\":\"",
                    load->prefix, (unsigned long long) c->number);

    n = LOAD_EVENT_SIZE - 3 - head;

    if (n > 0) {
        memset(event + head, 'n', (size_t) n);
        head += n;
    }

    memcpy(event + head, "\"}}", 4);

    n = snprintf(request, sizeof(request),
                 "POST %s HTTP/1.1\r\nHost: localhost\r\n"
                 "Content-Type: application/json\r\n"
                 "Content-Length: %d\r\n\r\n%s",
                 load->path, head + 3, event);

    if (send(c->fd, request, (size_t) n, MSG_NOSIGNAL) != n) {
        load_close(load, c);
    }
}


static void
load_receive(load_t *load, load_connection_t *c)
{
    int      status;
    bool     closing;
    ssize_t  n;

    if (c->fd == -1) {
        return;
    }

    n = recv(c->fd, c->answer + c->len, sizeof(c->answer) - 1 - c->len, 0);
    if (n <= 0 || !c->waiting) {
        load_close(load, c);
        return;
    }

    c->len += (size_t) n;
    c->answer[c->len] = '\0';

    status = load_status(c, &closing);
    if (status == 0) {
        return;
    }

    if (status < 0) {
        load_close(load, c);
        return;
    }

    c->waiting = false;
    c->len = 0;

    if (status >= 200 && status < 300) {
        load->accepted++;
        fprintf(load->ids, "%s-%llu\n", load->prefix,
                (unsigned long long) c->number);

    } else {
        load->refused++;
    }

    if (closing) {
        load_close(load, c);
        return;
    }

    load_send(load, c);
}


/* The status of a whole answer; 0: more is to come, -1: it is none. */

static int
load_status(load_connection_t *c, bool *closing)
{
    int    status;
    char  *length, *end;

    end = strstr(c->answer, "\r\n\r\n");

    if (end == NULL) {
        return c->len < sizeof(c->answer) - 1 ? 0 : -1;
    }

    end += 4;

    length = strcasestr(c->answer, "\r\nContent-Length:");

    if (sscanf(c->answer, "HTTP/1.%*d %d", &status) != 1
        || length == NULL || length >= end)
    {
        return -1;
    }

    length += sizeof("\r\nContent-Length:") - 1;

    if (c->answer + c->len < end + atol(length)) {
        return c->len < sizeof(c->answer) - 1 ? 0 : -1;
    }

    length = strcasestr(c->answer, "\r\nConnection: close");
    *closing = length != NULL && length < end;

    return status;
}


static void
load_close(load_t *load, load_connection_t *c)
{
    if (c->fd == -1) {
        return;
    }

    close(c->fd);
    c->fd = -1;

    if (c->waiting) {
        c->waiting = false;
        load->unanswered++;
    }
}


static double
load_now(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);

    return (double) ts.tv_sec + (double) ts.tv_nsec / 1e9;
}
