
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#include "ngx_http_ingest_counter.h"
#include "ngx_http_ingest_ctx.h"
#include "ngx_http_ingest_reason.h"
#include "ngx_http_ingest_worker.h"


static void ngx_http_ingest_counter_absent(ngx_http_request_t *r,
    ngx_http_ingest_queue_t *queue);


ngx_int_t
ngx_http_ingest_counter_handler(ngx_http_request_t *r)
{
    ngx_uint_t                   status;
    ingest_intake_t             *intake;
    ingest_reason_e              reason;
    ngx_http_ingest_queue_t     *queue;
    ngx_http_ingest_loc_conf_t  *ilcf;

    ilcf = ngx_http_ingest_ctx_conf(r);

    if (ilcf == NULL) {
        return NGX_OK;
    }

    queue = ilcf->queue;

    if (queue->worker == NULL) {
        ngx_http_ingest_counter_absent(r, queue);
        return NGX_OK;
    }

    intake = &queue->worker->slot->intake;

    status = ngx_http_ingest_status(r);

    if (status != 0) {
        ingest_tally_add(intake->statuses, INGEST_STATUSES, status);
    }

    reason = ngx_http_ingest_reason(r);

    if (reason != INGEST_ACCEPTED && reason != INGEST_REASONS) {
        ingest_counter_add(&intake->rejected[reason], 1);
    }

    return NGX_OK;
}


/*
 * A worker without a producer has no slot to count in.  That it refuses must
 * be seen, so there is one counter for all of them, of which nobody is the only
 * writer; relaxed, as all counters.
 */

static void
ngx_http_ingest_counter_absent(ngx_http_request_t *r,
    ngx_http_ingest_queue_t *queue)
{
    if (ngx_http_ingest_reason(r) == INGEST_UNAVAILABLE) {
        atomic_fetch_add_explicit(&queue->ring->unavailable, 1,
                                  memory_order_relaxed);
    }
}
