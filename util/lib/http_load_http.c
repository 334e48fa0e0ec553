
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#define _GNU_SOURCE

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http_load.h"


#define LOAD_RETRY  0.01            /* s between tries to connect */


static void load_watch(load_t *load, load_connection_t *c);
static int load_status(load_connection_t *c, bool *closing);


void
load_connect(load_t *load, load_connection_t *c)
{
    int                 fd, on;
    struct epoll_event  event;
    struct sockaddr_in  address;

    memset(&address, 0, sizeof(address));
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(load->port);

    c->retry = load->now + LOAD_RETRY;

    fd = socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, 0);
    if (fd == -1) {
        return;
    }

    if (connect(fd, (struct sockaddr *) &address, sizeof(address)) == -1) {
        load->unconnected++;
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
    c->used = false;
    c->blocked = false;

    load_send(load, c);
}


void
load_send(load_t *load, load_connection_t *c)
{
    size_t  len, head;

    if (load->sent == load->count || load->credit < 1) {
        return;
    }

    load->credit -= 1;

    c->number = ++load->sent;
    load_begin(load, c);

    /* the event behind the room for its head, the head in front of it */

    len = load_event(c->request + LOAD_HEAD, &load->shape, c->number);

    head = (size_t) snprintf(c->request, LOAD_HEAD,
                             "POST %s HTTP/1.1\r\nHost: localhost\r\n"
                             "Content-Type: application/json\r\n"
                             "Content-Length: %zu\r\n\r\n", load->path, len);

    memmove(c->request + LOAD_HEAD - head, c->request, head);

    c->sent = LOAD_HEAD - head;
    c->size = LOAD_HEAD + len;

    load_flush(load, c);
}


void
load_flush(load_t *load, load_connection_t *c)
{
    ssize_t  n;

    if (c->fd == -1 || c->sent == c->size) {
        return;
    }

    n = send(c->fd, c->request + c->sent, c->size - c->sent,
             MSG_NOSIGNAL|MSG_DONTWAIT);

    if (n == -1 && errno != EAGAIN) {
        load_close(load, c, c->used ? LOAD_CLOSED : LOAD_RESET);
        return;
    }

    c->sent += n > 0 ? (size_t) n : 0;

    if (c->blocked != (c->sent != c->size)) {
        c->blocked = c->sent != c->size;
        load_watch(load, c);
    }
}


static void
load_watch(load_t *load, load_connection_t *c)
{
    struct epoll_event  event;

    event.events = c->blocked ? EPOLLIN|EPOLLOUT : EPOLLIN;
    event.data.ptr = c;

    (void) epoll_ctl(load->ep, EPOLL_CTL_MOD, c->fd, &event);
}


void
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
        load_close(load, c, c->used ? LOAD_CLOSED : LOAD_RESET);
        return;
    }

    c->len += (size_t) n;
    c->answer[c->len] = '\0';

    status = load_status(c, &closing);
    if (status == 0) {
        return;
    }

    if (status < 0) {
        load_close(load, c, LOAD_RESET);
        return;
    }

    c->used = true;
    c->len = 0;

    load_end(load, c, status);

    /* who answers before it has read all will not read the next request */

    if (closing || c->sent != c->size) {
        load_close(load, c, LOAD_CLOSED);
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


/* The status is for the request that is not answered, if there is one. */

void
load_close(load_t *load, load_connection_t *c, int status)
{
    if (c->fd == -1) {
        return;
    }

    close(c->fd);
    c->fd = -1;

    if (c->waiting) {
        load_end(load, c, status);
    }
}
