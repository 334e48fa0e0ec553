
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * A worker's producers, one for each queue: the slot, the writer, the sender
 * thread, and the way of the sender's log lines to nginx's log.
 */


#ifndef NGX_HTTP_INGEST_WORKER_H
#define NGX_HTTP_INGEST_WORKER_H


#include "ngx_http_ingest.h"


#define NGX_HTTP_INGEST_RANDOM  4096


struct ngx_http_ingest_worker_s {
    ngx_http_ingest_queue_t      *queue;
    ingest_slot_t                *slot;
    ingest_held_t                 held;         /* before and behind a sender */
    ingest_writer_t               writer;
    ingest_sender_t              *sender;
    ngx_connection_t             *connection;   /* eventfd of the log lines */

    size_t                        random_left;
    u_char                        random[NGX_HTTP_INGEST_RANDOM];
};


/*
 * Process hook.  A queue whose producer cannot be made is tried again every
 * second, its requests are answered 503: a worker that failed here would not
 * be started again.
 */

ngx_int_t ngx_http_ingest_workers_init(ngx_cycle_t *cycle);

/* Writes the sender's lines to the logs. */

void ngx_http_ingest_worker_log(ngx_http_ingest_worker_t *worker);

/* Random bytes for one event; a system call once in some hundred events. */

ngx_int_t ngx_http_ingest_worker_random(ngx_http_ingest_worker_t *worker,
    u_char *p, size_t len);


#endif /* NGX_HTTP_INGEST_WORKER_H */
