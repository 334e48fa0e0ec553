
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#include "ngx_http_ingest_ctx.h"


static ngx_http_ingest_ctx_t *ngx_http_ingest_ctx_create(
    ngx_http_request_t *r);
static void ngx_http_ingest_ctx_cleanup(void *data);


ngx_int_t
ngx_http_ingest_ctx_handler(ngx_http_request_t *r)
{
    ngx_http_ingest_ctx_t       *ctx;
    ngx_http_ingest_loc_conf_t  *ilcf;

    ilcf = ngx_http_get_module_loc_conf(r, ngx_http_ingest_module);

    if (ilcf->queue != NULL) {
        return ngx_http_ingest_ctx(r) != NULL ? NGX_DECLINED
                                              : NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    /* "rewrite" and "if" leave contexts, and were the wish to go elsewhere */

    ctx = ngx_http_get_module_ctx(r, ngx_http_ingest_module);

    if (ctx != NULL) {
        ctx->conf = NULL;
    }

    return NGX_DECLINED;
}


ngx_http_ingest_ctx_t *
ngx_http_ingest_ctx(ngx_http_request_t *r)
{
    ngx_http_ingest_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_ingest_module);

    if (ctx == NULL) {
        ctx = ngx_http_ingest_ctx_find(r);

        if (ctx == NULL) {
            ctx = ngx_http_ingest_ctx_create(r);
            if (ctx == NULL) {
                return NULL;
            }
        }

        /* a redirect from one ingest location to another begins anew */

        ngx_memzero(ctx, sizeof(ngx_http_ingest_ctx_t));

        ctx->offset = -1;

        ngx_http_set_ctx(r, ctx, ngx_http_ingest_module);
    }

    ctx->conf = ngx_http_get_module_loc_conf(r, ngx_http_ingest_module);

    return ctx;
}


ngx_http_ingest_ctx_t *
ngx_http_ingest_ctx_find(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t     *cln;
    ngx_http_ingest_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_ingest_module);

    if (ctx != NULL || r != r->main || !(r->internal || r->filter_finalize)) {
        return ctx;
    }

    for (cln = r->pool->cleanup; cln; cln = cln->next) {
        if (cln->handler == ngx_http_ingest_ctx_cleanup) {
            return cln->data;
        }
    }

    return NULL;
}


ngx_http_ingest_loc_conf_t *
ngx_http_ingest_ctx_conf(ngx_http_request_t *r)
{
    ngx_http_ingest_ctx_t       *ctx;
    ngx_http_ingest_loc_conf_t  *ilcf;

    ilcf = ngx_http_get_module_loc_conf(r, ngx_http_ingest_module);

    if (ilcf->queue != NULL) {
        return ilcf;
    }

    ctx = ngx_http_ingest_ctx_find(r);

    return ctx != NULL ? ctx->conf : NULL;
}


ngx_uint_t
ngx_http_ingest_ctx_moved(ngx_http_request_t *r)
{
    return ngx_http_get_module_ctx(r, ngx_http_ingest_module) == NULL;
}


/*
 * The pool of a request is that of its subrequests too: what is to be found
 * there again is of the main request alone.
 */

static ngx_http_ingest_ctx_t *
ngx_http_ingest_ctx_create(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t  *cln;

    if (r != r->main) {
        return ngx_palloc(r->pool, sizeof(ngx_http_ingest_ctx_t));
    }

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_http_ingest_ctx_t));
    if (cln == NULL) {
        return NULL;
    }

    cln->handler = ngx_http_ingest_ctx_cleanup;

    return cln->data;
}


/* Nothing to clean up: the address is what ngx_http_ingest_ctx_find() knows. */

static void
ngx_http_ingest_ctx_cleanup(void *data)
{
}
