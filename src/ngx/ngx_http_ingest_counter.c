
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#include "ngx_http_ingest_counter.h"
#include "ngx_http_ingest_ctx.h"
#include "ngx_http_ingest_reason.h"
#include "ngx_http_ingest_worker.h"


ngx_int_t
ngx_http_ingest_counter_handler(ngx_http_request_t *r)
{
    ngx_uint_t                   status;
    ingest_intake_t             *intake;
    ingest_reason_e              reason;
    ngx_http_ingest_loc_conf_t  *ilcf;

    ilcf = ngx_http_ingest_ctx_conf(r);

    if (ilcf == NULL || ilcf->queue->worker == NULL) {
        return NGX_OK;
    }

    intake = &ilcf->queue->worker->slot->intake;

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
