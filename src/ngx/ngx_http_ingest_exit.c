
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#include "ngx_http_ingest_exit.h"
#include "ngx_http_ingest_log.h"
#include "ngx_http_ingest_worker.h"
#include "../kafka/ingest_clock.h"
#include "../kafka/ingest_slot.h"

#include <ngx_channel.h>


#define NGX_HTTP_INGEST_TERMINATE_MS   500  /* the master kills soon after */
#define NGX_HTTP_INGEST_GRACE_MS       1500
#define NGX_HTTP_INGEST_KILL_GRACE_MS  500
#define NGX_HTTP_INGEST_HANG_MS        5000 /* beyond all that is foreseen */
#define NGX_HTTP_INGEST_JOIN_MS        20   /* between looks at the signals */


static uint64_t ngx_http_ingest_workers_drain(
    ngx_http_ingest_main_conf_t *imcf, ngx_uint_t terminate);
static ngx_uint_t ngx_http_ingest_workers_listen(ngx_cycle_t *cycle);
static ngx_int_t ngx_http_ingest_workers_join(
    ngx_http_ingest_main_conf_t *imcf);
static ngx_int_t ngx_http_ingest_worker_join(
    ngx_http_ingest_worker_t *worker, ngx_msec_t ms);
static ngx_int_t ngx_http_ingest_workers_settle(
    ngx_http_ingest_main_conf_t *imcf);


void
ngx_http_ingest_workers_exit(ngx_cycle_t *cycle)
{
    uint64_t                      now_ms, end_ms;
    ngx_uint_t                    i, terminate;
    ngx_http_ingest_queue_t     **queues;
    ngx_http_ingest_main_conf_t  *imcf;

    imcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_ingest_module);
    if (imcf == NULL) {
        return;
    }

    queues = imcf->queues.elts;

    for (i = 0; i < imcf->queues.nelts; i++) {
        if (queues[i]->worker != NULL) {
            ingest_writer_seal(&queues[i]->worker->writer);
            ingest_sender_retire(queues[i]->worker->sender);
        }
    }

    terminate = ngx_terminate;
    end_ms = ngx_http_ingest_workers_drain(imcf, terminate);

    while (ngx_http_ingest_workers_join(imcf) == NGX_AGAIN) {

        if (!terminate && ngx_http_ingest_workers_listen(cycle)) {
            terminate = 1;
            end_ms = ngx_http_ingest_workers_drain(imcf, terminate);
        }

        now_ms = ingest_clock_ms(CLOCK_MONOTONIC);

        if (now_ms < end_ms) {
            continue;
        }

        /* exit() would take from under librdkafka what it uses */

        if (ngx_http_ingest_workers_settle(imcf) == NGX_OK) {
            ngx_log_error(NGX_LOG_WARN, cycle->log, 0,
                          "librdkafka does not let go, leaving it");
            _exit(0);
        }

        if (now_ms >= end_ms + NGX_HTTP_INGEST_HANG_MS) {
            ngx_log_error(NGX_LOG_ERR, cycle->log, 0,
                          "a producer does not end, leaving what it has");
            _exit(0);
        }
    }
}


/*
 * init_process does not run again, and no producer is made anew: without a
 * master nginx has no connections after a reload, and serves nobody.
 */

void
ngx_http_ingest_workers_reload(ngx_cycle_t *cycle)
{
    if (ngx_process != NGX_PROCESS_SINGLE
        || cycle->old_cycle == NULL
        || ngx_is_init_cycle(cycle->old_cycle))
    {
        return;
    }

    ngx_http_ingest_workers_exit(cycle->old_cycle);
}


/*
 * All of them at once, so that the deadlines pass together.  Returns when the
 * last one should be gone, as ms of CLOCK_MONOTONIC.
 */

static uint64_t
ngx_http_ingest_workers_drain(ngx_http_ingest_main_conf_t *imcf,
    ngx_uint_t terminate)
{
    ngx_uint_t                 i;
    ngx_msec_t                 ms, max_ms;
    ngx_http_ingest_queue_t  **queues;

    queues = imcf->queues.elts;
    max_ms = 0;

    for (i = 0; i < imcf->queues.nelts; i++) {
        if (queues[i]->worker == NULL) {
            continue;
        }

        ms = queues[i]->drain_timeout;

        if (terminate) {
            ms = ngx_min(ms, NGX_HTTP_INGEST_TERMINATE_MS);
        }

        max_ms = ngx_max(max_ms, ms);

        ingest_sender_drain(queues[i]->worker->sender, ms);
    }

    max_ms += terminate ? NGX_HTTP_INGEST_KILL_GRACE_MS
                        : NGX_HTTP_INGEST_GRACE_MS;

    return ingest_clock_ms(CLOCK_MONOTONIC) + max_ms;
}


/*
 * Whether the master wants it quickly now.  It says so through the channel,
 * which nobody reads any more: the event loop has ended.  Logs may be rotated
 * meanwhile, and the last lines belong into the new ones.  When the master has
 * died, the channel was closed and its number may be another file's.
 */

static ngx_uint_t
ngx_http_ingest_workers_listen(ngx_cycle_t *cycle)
{
    ngx_channel_t  ch;

    while (!ngx_terminate
           && ngx_process == NGX_PROCESS_WORKER
           && getppid() == ngx_parent
           && ngx_read_channel(ngx_channel, &ch, sizeof(ngx_channel_t),
                               cycle->log)
              > 0)
    {
        if (ch.command == NGX_CMD_TERMINATE) {
            ngx_terminate = 1;

        } else if (ch.command == NGX_CMD_REOPEN) {
            ngx_reopen_files(cycle, -1);
        }
    }

    return ngx_terminate;
}


/*
 * Takes leave of those that have ended; NGX_AGAIN when some have not.  One of
 * these is waited for, a little.
 */

static ngx_int_t
ngx_http_ingest_workers_join(ngx_http_ingest_main_conf_t *imcf)
{
    ngx_int_t                  rc;
    ngx_uint_t                 i;
    ngx_msec_t                 ms;
    ngx_http_ingest_queue_t  **queues;

    queues = imcf->queues.elts;
    rc = NGX_OK;
    ms = NGX_HTTP_INGEST_JOIN_MS;

    for (i = 0; i < imcf->queues.nelts; i++) {

        if (queues[i]->worker != NULL
            && ngx_http_ingest_worker_join(queues[i]->worker, ms) == NGX_AGAIN)
        {
            rc = NGX_AGAIN;
            ms = 0;
        }
    }

    return rc;
}


static ngx_int_t
ngx_http_ingest_worker_join(ngx_http_ingest_worker_t *worker, ngx_msec_t ms)
{
    ingest_rc_e  rc;

    rc = ingest_sender_join(worker->sender, (unsigned) ms);

    /* the loop that keeps the time, and that writes the lines, has ended */

    ngx_time_update();

    ngx_http_ingest_worker_log(worker);

    if (rc != INGEST_OK) {
        return NGX_AGAIN;
    }

    ngx_http_ingest_log_write(worker->queue, INGEST_LOG_NOTICE,
                              "producer stopped", "producer stopped", NULL);

    /* without a master the event loop goes on */

    ngx_close_connection(worker->connection);

    ingest_sender_destroy(worker->sender);

    /*
     * Heirs need not wait for this process, which may have other queues to
     * drain: neither thread nor handle is left that knows of the slot.
     */

    ingest_slot_release(worker->queue->ring, &worker->held,
                        worker->writer.slot);

    worker->queue->worker = NULL;

    return NGX_OK;
}


/*
 * Whether nothing is left to be said of those that do not end; NGX_AGAIN when
 * one still waits for what other workers leave to it.
 */

static ngx_int_t
ngx_http_ingest_workers_settle(ngx_http_ingest_main_conf_t *imcf)
{
    ngx_int_t                  rc;
    ngx_uint_t                 i;
    ngx_http_ingest_queue_t  **queues;

    queues = imcf->queues.elts;
    rc = NGX_OK;

    for (i = 0; i < imcf->queues.nelts; i++) {

        if (queues[i]->worker == NULL) {
            continue;
        }

        if (ingest_sender_settle(queues[i]->worker->sender) != INGEST_OK) {
            rc = NGX_AGAIN;
        }

        ngx_http_ingest_worker_log(queues[i]->worker);
    }

    return rc;
}
