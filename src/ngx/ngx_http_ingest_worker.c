
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#include "ngx_http_ingest_log.h"
#include "ngx_http_ingest_worker.h"
#include "../kafka/ingest_slot.h"

#include <sys/eventfd.h>
#include <sys/random.h>


#define NGX_HTTP_INGEST_RETRY_MS  1000


static void ngx_http_ingest_worker_start(ngx_cycle_t *cycle,
    ngx_http_ingest_queue_t *queue);
static ngx_int_t ngx_http_ingest_worker_create(ngx_cycle_t *cycle,
    ngx_http_ingest_queue_t *queue);
static ngx_int_t ngx_http_ingest_worker_listen(ngx_cycle_t *cycle,
    ngx_http_ingest_worker_t *worker, int fd);
static ngx_int_t ngx_http_ingest_worker_send(ngx_cycle_t *cycle,
    ngx_http_ingest_worker_t *worker, int slot);
static void ngx_http_ingest_worker_later(ngx_cycle_t *cycle,
    ngx_http_ingest_queue_t *queue);
static void ngx_http_ingest_worker_retry(ngx_event_t *ev);
static void ngx_http_ingest_worker_read(ngx_event_t *rev);


ngx_int_t
ngx_http_ingest_workers_init(ngx_cycle_t *cycle)
{
    ngx_uint_t                     i;
    ngx_http_ingest_queue_t      **queues;
    ngx_http_ingest_main_conf_t   *imcf;

    /* not the cache manager and loader */

    if (ngx_process != NGX_PROCESS_WORKER && ngx_process != NGX_PROCESS_SINGLE)
    {
        return NGX_OK;
    }

    imcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_ingest_module);
    if (imcf == NULL) {
        return NGX_OK;
    }

    queues = imcf->queues.elts;

    for (i = 0; i < imcf->queues.nelts; i++) {
        ngx_http_ingest_worker_start(cycle, queues[i]);
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_ingest_worker_random(ngx_http_ingest_worker_t *worker, u_char *p,
    size_t len)
{
    ssize_t  n;

    if (worker->random_left < len) {
        n = getrandom(worker->random, NGX_HTTP_INGEST_RANDOM, GRND_NONBLOCK);

        if (n < (ssize_t) len) {
            ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, ngx_errno,
                          "getrandom() failed");
            return NGX_ERROR;
        }

        worker->random_left = n;
    }

    worker->random_left -= len;

    ngx_memcpy(p, worker->random + worker->random_left, len);

    return NGX_OK;
}


static void
ngx_http_ingest_worker_start(ngx_cycle_t *cycle,
    ngx_http_ingest_queue_t *queue)
{
    if (ngx_http_ingest_worker_create(cycle, queue) != NGX_OK) {
        ngx_http_ingest_worker_later(cycle, queue);
    }
}


static ngx_int_t
ngx_http_ingest_worker_create(ngx_cycle_t *cycle,
    ngx_http_ingest_queue_t *queue)
{
    int                        fd, slot;
    ngx_http_ingest_worker_t  *worker;

    slot = -1;

    /* cache lines of its own for what the sender reads */

    worker = ngx_memalign(64, sizeof(ngx_http_ingest_worker_t), cycle->log);
    if (worker == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(worker, sizeof(ngx_http_ingest_worker_t));

    worker->queue = queue;

    fd = eventfd(0, EFD_NONBLOCK|EFD_CLOEXEC);
    if (fd == -1) {
        ngx_log_error(NGX_LOG_CRIT, cycle->log, ngx_errno,
                      "eventfd() failed");
        goto failed;
    }

    slot = ingest_slot_take(queue->ring, &worker->held, queue->generation);
    if (slot == -1) {
        ngx_http_ingest_log_write(queue, INGEST_LOG_CRIT, "no free slot",
                                  "no free slot", NULL);
        goto failed;
    }

    if (ngx_http_ingest_worker_listen(cycle, worker, fd) != NGX_OK) {
        goto failed;
    }

    if (ngx_http_ingest_worker_send(cycle, worker, slot) != NGX_OK) {
        goto failed;
    }

    queue->worker = worker;

    ngx_http_ingest_log_write(queue, INGEST_LOG_NOTICE, "producer started",
                              "producer started, slot {slot}",
                              ingest_fields(
                                  ingest_field_number("slot", slot),
                                  ingest_field_number("generation",
                                                      queue->generation)));

    return NGX_OK;

failed:

    /* no thread has come to life with it */

    if (slot != -1) {
        ingest_slot_release(queue->ring, &worker->held, (uint32_t) slot);
    }

    if (worker->connection != NULL) {
        ngx_close_connection(worker->connection);

    } else if (fd != -1) {
        (void) close(fd);
    }

    ngx_free(worker);

    return NGX_ERROR;
}


static ngx_int_t
ngx_http_ingest_worker_listen(ngx_cycle_t *cycle,
    ngx_http_ingest_worker_t *worker, int fd)
{
    ngx_event_t       *rev;
    ngx_connection_t  *c;

    c = ngx_get_connection(fd, cycle->log);
    if (c == NULL) {
        return NGX_ERROR;
    }

    rev = c->read;

    c->data = worker;
    rev->handler = ngx_http_ingest_worker_read;
    rev->log = cycle->log;

    /* one of nginx's own: neither drained nor missed at the exit */

    rev->channel = 1;
    c->write->channel = 1;

    if (ngx_handle_read_event(rev, 0) != NGX_OK) {
        ngx_free_connection(c);
        return NGX_ERROR;
    }

    worker->connection = c;

    return NGX_OK;
}


static ngx_int_t
ngx_http_ingest_worker_send(ngx_cycle_t *cycle,
    ngx_http_ingest_worker_t *worker, int slot)
{
    void                     *memory;
    ingest_sender_conf_t      conf;
    ngx_http_ingest_queue_t  *queue;

    queue = worker->queue;

    memory = ngx_alloc(ingest_writer_memory(queue->ring), cycle->log);
    if (memory == NULL) {
        return NGX_ERROR;
    }

    ingest_writer_init(&worker->writer, queue->ring, slot, memory);

    worker->slot = ingest_ring_slot(queue->ring, slot);

    conf.ring = queue->ring;
    conf.slot = slot;
    conf.generation = queue->generation;
    conf.held = &worker->held;
    conf.claims = &worker->writer.claims;
    conf.options = queue->options;
    conf.max_attempts = queue->max_attempts;
    conf.dead_letter_topic.data = queue->dead_letter_topic.data;
    conf.dead_letter_topic.len = queue->dead_letter_topic.len;
    conf.journal_fd = worker->connection->fd;

    worker->sender = ingest_sender_create(&conf);

    if (worker->sender == NULL) {
        ngx_http_ingest_log_write(queue, INGEST_LOG_CRIT,
                                  "no producer",
                                  "cannot start the producer: {error}",
                                  ingest_fields(
                                      ingest_field_word("error",
                                                        strerror(errno))));
        ngx_free(memory);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static void
ngx_http_ingest_worker_later(ngx_cycle_t *cycle,
    ngx_http_ingest_queue_t *queue)
{
    ngx_event_t  *ev;

    ev = &queue->retry;

    ev->handler = ngx_http_ingest_worker_retry;
    ev->data = queue;
    ev->log = cycle->log;
    ev->cancelable = 1;

    ngx_add_timer(ev, NGX_HTTP_INGEST_RETRY_MS);
}


static void
ngx_http_ingest_worker_retry(ngx_event_t *ev)
{
    ngx_http_ingest_queue_t  *queue = ev->data;

    ngx_http_ingest_worker_start(queue->cycle, queue);
}


static void
ngx_http_ingest_worker_read(ngx_event_t *rev)
{
    ssize_t            n;
    uint64_t           value;
    ngx_connection_t  *c;

    c = rev->data;

    n = read(c->fd, &value, sizeof(value));

    if (n == -1 && ngx_errno != NGX_EAGAIN) {
        ngx_log_error(NGX_LOG_ALERT, rev->log, ngx_errno,
                      "read() of an eventfd failed");
    }

    /* poll and select would take the event away */

    rev->ready = 0;

    ngx_http_ingest_worker_log(c->data);

    if (ngx_handle_read_event(rev, 0) != NGX_OK) {
        ngx_log_error(NGX_LOG_ALERT, rev->log, 0,
                      "no more log lines of a producer");
    }
}


void
ngx_http_ingest_worker_log(ngx_http_ingest_worker_t *worker)
{
    ingest_journal_t     *journal;
    const ingest_line_t  *line;

    journal = ingest_sender_journal(worker->sender);

    for (line = ingest_journal_peek(journal);
         line != NULL;
         line = ingest_journal_peek(journal))
    {
        if (line->missing != 0) {
            ngx_http_ingest_log_write(worker->queue, INGEST_LOG_WARN,
                                      "lines missing",
                                      "{lines} log lines are missing",
                                      ingest_fields(
                                          ingest_field_number("lines",
                                                            line->missing)));
        }

        ngx_http_ingest_log_line(worker->queue, line);

        ingest_journal_release(journal);
    }
}
