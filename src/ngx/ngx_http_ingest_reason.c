
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#include "ngx_http_ingest_ctx.h"
#include "ngx_http_ingest_reason.h"


static ingest_reason_e ngx_http_ingest_reason_of(ngx_uint_t status);


ngx_uint_t
ngx_http_ingest_status(ngx_http_request_t *r)
{
    return r->err_status ? r->err_status : r->headers_out.status;
}


ingest_reason_e
ngx_http_ingest_reason(ngx_http_request_t *r)
{
    ngx_uint_t              status;
    ngx_http_ingest_ctx_t  *ctx;

    ctx = ngx_http_ingest_ctx_find(r);

    if (ctx != NULL && ctx->count != 0) {
        return INGEST_ACCEPTED;
    }

    status = ngx_http_ingest_status(r);

    /*
     * After a refusal nginx may still end the request with an error of its
     * own, and a user's error_page with a status of theirs: in another
     * location, or with an address elsewhere.
     */

    if (ctx != NULL
        && ctx->refused
        && (ctx->status == status
            || status < NGX_HTTP_BAD_REQUEST
            || ngx_http_ingest_ctx_moved(r)))
    {
        return ctx->reason;
    }

    return ngx_http_ingest_reason_of(status);
}


static ingest_reason_e
ngx_http_ingest_reason_of(ngx_uint_t status)
{
    switch (status) {

    case NGX_HTTP_BAD_REQUEST:
        return INGEST_BAD_REQUEST;

    case NGX_HTTP_UNAUTHORIZED:
        return INGEST_UNAUTHORIZED;

    case NGX_HTTP_FORBIDDEN:
        return INGEST_FORBIDDEN;

    case NGX_HTTP_REQUEST_TIME_OUT:
        return INGEST_REQUEST_TIMEOUT;

    case NGX_HTTP_REQUEST_ENTITY_TOO_LARGE:
        return INGEST_BODY_TOO_LARGE;

    case NGX_HTTP_TOO_MANY_REQUESTS:
        return INGEST_RATE_LIMITED;

    case NGX_HTTP_CLIENT_CLOSED_REQUEST:
        return INGEST_CLIENT_CLOSED;
    }

    if (status >= NGX_HTTP_INTERNAL_SERVER_ERROR) {
        return INGEST_SERVER_ERROR;
    }

    return status >= NGX_HTTP_BAD_REQUEST ? INGEST_CLIENT_ERROR
                                          : INGEST_REASONS;
}
