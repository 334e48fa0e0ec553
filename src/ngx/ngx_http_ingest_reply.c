
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#include "ngx_http_ingest_ctx.h"
#include "ngx_http_ingest_header.h"
#include "ngx_http_ingest_reply.h"


static void ngx_http_ingest_unexpected(ngx_http_request_t *r);
static ngx_int_t ngx_http_ingest_discard(ngx_http_request_t *r);
static ngx_int_t ngx_http_ingest_send(ngx_http_request_t *r, ngx_str_t *type,
    ngx_str_t *body);


static ngx_str_t  ngx_http_ingest_json = ngx_string("application/json");
static ngx_str_t  ngx_http_ingest_allow = ngx_string("POST, OPTIONS");


ngx_int_t
ngx_http_ingest_refuse(ngx_http_request_t *r, ngx_int_t status,
    ingest_reason_e reason, ngx_str_t *detail, off_t offset)
{
    ngx_http_ingest_ctx_t  *ctx;

    ctx = ngx_http_ingest_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->refused = 1;
    ctx->status = status;
    ctx->reason = reason;
    ctx->detail = *detail;
    ctx->offset = offset;

    return status;
}


ngx_int_t
ngx_http_ingest_reply_accepted(ngx_http_request_t *r, ngx_str_t *id)
{
    u_char     *p;
    size_t      len, escapes;
    ngx_str_t   body;

    static ngx_str_t  head = ngx_string("{\"status\":\"accepted\",\"id\":\"");
    static ngx_str_t  tail = ngx_string("\"}");

    escapes = ngx_escape_json(NULL, id->data, id->len);

    len = head.len + id->len + escapes + tail.len;

    p = ngx_pnalloc(r->pool, len);
    if (p == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    body.data = p;
    body.len = len;

    p = ngx_cpymem(p, head.data, head.len);
    p = escapes ? (u_char *) ngx_escape_json(p, id->data, id->len)
                : ngx_cpymem(p, id->data, id->len);
    ngx_memcpy(p, tail.data, tail.len);

    if (ngx_http_ingest_header_add(r, "X-Request-ID", id) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    r->headers_out.status = NGX_HTTP_ACCEPTED;

    /* behind an error_page without "=": whoever sees an error sends it again */

    r->err_status = 0;

    return ngx_http_ingest_send(r, &ngx_http_ingest_json, &body);
}


ngx_int_t
ngx_http_ingest_refuse_method(ngx_http_request_t *r)
{
    static ngx_str_t  detail = ngx_string("only POST and OPTIONS are allowed");

    if (ngx_http_ingest_header_add(r, "Allow", &ngx_http_ingest_allow)
        != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_ingest_refuse(r, NGX_HTTP_NOT_ALLOWED,
                                  INGEST_METHOD_NOT_ALLOWED, &detail, -1);
}


ngx_int_t
ngx_http_ingest_check_get(ngx_http_request_t *r)
{
    static ngx_str_t  allow = ngx_string("GET, HEAD");

    if (r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD)) {
        return NGX_OK;
    }

    if (ngx_http_ingest_header_add(r, "Allow", &allow) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_http_ingest_unexpected(r);

    return NGX_HTTP_NOT_ALLOWED;
}


ngx_int_t
ngx_http_ingest_reply_options(ngx_http_request_t *r)
{
    ngx_int_t  rc;

    rc = ngx_http_ingest_discard(r);
    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_http_ingest_header_add(r, "Allow", &ngx_http_ingest_allow)
        != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    r->headers_out.status = NGX_HTTP_NO_CONTENT;
    r->err_status = 0;
    r->header_only = 1;

    return ngx_http_send_header(r);
}


ngx_int_t
ngx_http_ingest_reply_text(ngx_http_request_t *r, ngx_str_t *type,
    ngx_str_t *body)
{
    ngx_int_t  rc;

    rc = ngx_http_ingest_discard(r);
    if (rc != NGX_OK) {
        return rc;
    }

    if (r->headers_out.status == 0) {
        r->headers_out.status = NGX_HTTP_OK;
    }

    return ngx_http_ingest_send(r, type, body);
}


/*
 * A client that waits for "100 Continue" may never send a body that nobody
 * wants: what it sends next would be taken for it.
 */

static void
ngx_http_ingest_unexpected(ngx_http_request_t *r)
{
    if (r->headers_in.expect != NULL) {
        r->keepalive = 0;
    }
}


/* A body that nobody wants, and that the client is not told to send. */

static ngx_int_t
ngx_http_ingest_discard(ngx_http_request_t *r)
{
    r->expect_tested = 1;

    ngx_http_ingest_unexpected(r);

    return ngx_http_discard_request_body(r);
}


static ngx_int_t
ngx_http_ingest_send(ngx_http_request_t *r, ngx_str_t *type, ngx_str_t *body)
{
    ngx_int_t     rc;
    ngx_buf_t    *b;
    ngx_chain_t   out;

    r->headers_out.content_type = *type;
    r->headers_out.content_type_len = type->len;
    r->headers_out.content_type_lowcase = NULL;
    r->headers_out.content_length_n = body->len;

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    b = ngx_calloc_buf(r->pool);
    if (b == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    b->pos = body->data;
    b->last = body->data + body->len;
    b->memory = 1;
    b->last_buf = (r == r->main) ? 1 : 0;
    b->last_in_chain = 1;

    out.buf = b;
    out.next = NULL;

    return ngx_http_output_filter(r, &out);
}
