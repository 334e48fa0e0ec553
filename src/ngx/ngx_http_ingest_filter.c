
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#include "ngx_http_ingest_ctx.h"
#include "ngx_http_ingest_filter.h"
#include "ngx_http_ingest_header.h"
#include "ngx_http_ingest_reason.h"


typedef struct {
    ngx_uint_t   status;
    ngx_str_t    title;
} ngx_http_ingest_title_t;


static ngx_int_t ngx_http_ingest_header_filter(ngx_http_request_t *r);
static void ngx_http_ingest_filter_connection(ngx_http_request_t *r,
    ngx_http_ingest_ctx_t *ctx, ngx_uint_t moved);
static ngx_int_t ngx_http_ingest_filter_retry_after(ngx_http_request_t *r,
    time_t retry_after);
static ngx_int_t ngx_http_ingest_filter_problem(ngx_http_request_t *r,
    ngx_http_ingest_ctx_t *ctx);
static ngx_str_t *ngx_http_ingest_filter_title(ngx_uint_t status);
static ngx_str_t ngx_http_ingest_filter_detail(ngx_http_request_t *r,
    ngx_http_ingest_ctx_t *ctx);
static ngx_int_t ngx_http_ingest_body_filter(ngx_http_request_t *r,
    ngx_chain_t *in);


static ngx_http_ingest_title_t  ngx_http_ingest_titles[] = {
    { 400, ngx_string("Bad Request") },
    { 401, ngx_string("Unauthorized") },
    { 403, ngx_string("Forbidden") },
    { 404, ngx_string("Not Found") },
    { 405, ngx_string("Method Not Allowed") },
    { 408, ngx_string("Request Timeout") },
    { 409, ngx_string("Conflict") },
    { 411, ngx_string("Length Required") },
    { 412, ngx_string("Precondition Failed") },
    { 413, ngx_string("Content Too Large") },
    { 414, ngx_string("URI Too Long") },
    { 415, ngx_string("Unsupported Media Type") },
    { 421, ngx_string("Misdirected Request") },
    { 422, ngx_string("Unprocessable Content") },
    { 429, ngx_string("Too Many Requests") },
    { 500, ngx_string("Internal Server Error") },
    { 501, ngx_string("Not Implemented") },
    { 502, ngx_string("Bad Gateway") },
    { 503, ngx_string("Service Unavailable") },
    { 504, ngx_string("Gateway Timeout") },
    { 507, ngx_string("Insufficient Storage") },
    { 0, ngx_string("Error") }
};


static ngx_http_output_header_filter_pt  ngx_http_next_header_filter;
static ngx_http_output_body_filter_pt    ngx_http_next_body_filter;


ngx_int_t
ngx_http_ingest_filter_init(ngx_conf_t *cf)
{
    ngx_http_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = ngx_http_ingest_header_filter;

    ngx_http_next_body_filter = ngx_http_top_body_filter;
    ngx_http_top_body_filter = ngx_http_ingest_body_filter;

    return NGX_OK;
}


static ngx_int_t
ngx_http_ingest_header_filter(ngx_http_request_t *r)
{
    ngx_uint_t                   status, moved;
    ngx_http_ingest_ctx_t       *ctx;
    ngx_http_ingest_loc_conf_t  *ilcf;

    if (r != r->main) {
        return ngx_http_next_header_filter(r);
    }

    ilcf = ngx_http_ingest_ctx_conf(r);
    if (ilcf == NULL) {
        return ngx_http_next_header_filter(r);
    }

    moved = ilcf != ngx_http_get_module_loc_conf(r, ngx_http_ingest_module);

    ctx = moved ? ngx_http_ingest_ctx_find(r) : ngx_http_ingest_ctx(r);
    if (ctx == NULL) {
        return NGX_ERROR;
    }

    ngx_http_ingest_filter_connection(r, ctx, moved);

    status = r->headers_out.status;

    if ((status == NGX_HTTP_TOO_MANY_REQUESTS
         || status == NGX_HTTP_SERVICE_UNAVAILABLE)
        && ngx_http_ingest_filter_retry_after(r, ilcf->retry_after) != NGX_OK)
    {
        return NGX_ERROR;
    }

    /*
     * A body of the user's wins: that of an error_page, and without err_status
     * that of return 503 "text".
     */

    if (ilcf->problem
        && !moved
        && status >= NGX_HTTP_BAD_REQUEST
        && r->err_status != 0
        && ngx_http_ingest_filter_problem(r, ctx) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_next_header_filter(r);
}


static void
ngx_http_ingest_filter_connection(ngx_http_request_t *r,
    ngx_http_ingest_ctx_t *ctx, ngx_uint_t moved)
{
    ngx_uint_t  unread;

    unread = r->discard_body
             || r->reading_body
             || (r->request_body == NULL
                 && (r->headers_in.content_length_n > 0
                     || r->headers_in.chunked));

    /*
     * A client that waits for "100 Continue" may never send its body: what it
     * sends next would be taken for it.
     */

    if (unread && r->headers_in.expect != NULL) {
        r->keepalive = 0;
        return;
    }

    /* nginx closes after a 400 or 413, but this body was read as it should */

    if (ctx->refused && ctx->keepalive && !moved) {
        r->keepalive = 1;
    }
}


static ngx_int_t
ngx_http_ingest_filter_retry_after(ngx_http_request_t *r, time_t retry_after)
{
    u_char     *p;
    ngx_str_t   value;

    static char  name[] = "Retry-After";

    /* behind a redirect an upstream may have said it */

    if (ngx_http_ingest_header_find(&r->headers_out.headers, name, NULL)
        != NULL)
    {
        return NGX_OK;
    }

    p = ngx_pnalloc(r->pool, NGX_TIME_T_LEN);
    if (p == NULL) {
        return NGX_ERROR;
    }

    value.data = p;
    value.len = ngx_sprintf(p, "%T", retry_after) - p;

    return ngx_http_ingest_header_add(r, name, &value);
}


static ngx_int_t
ngx_http_ingest_filter_problem(ngx_http_request_t *r,
    ngx_http_ingest_ctx_t *ctx)
{
    u_char           *p;
    size_t            len;
    ngx_str_t        *title, detail;
    ngx_uint_t        status;
    const char       *code;
    ingest_reason_e   reason;

    static char  format[] = "{\"type\":\"about:blank\",\"title\":\"%V\","
                            "\"status\":%ui,\"detail\":\"";

    status = r->headers_out.status;
    title = ngx_http_ingest_filter_title(status);
    reason = ngx_http_ingest_reason(r);
    code = reason == INGEST_REASONS ? "error" : ingest_reason_name(reason);
    detail = ngx_http_ingest_filter_detail(r, ctx);

    len = sizeof(format) + title->len + NGX_INT_T_LEN
          + detail.len + ngx_escape_json(NULL, detail.data, detail.len)
          + sizeof("\",\"code\":\"\",\"offset\":}") + ngx_strlen(code)
          + NGX_OFF_T_LEN;

    p = ngx_pnalloc(r->pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ctx->problem.data = p;

    p = ngx_sprintf(p, format, title, status);
    p = (u_char *) ngx_escape_json(p, detail.data, detail.len);
    p = ngx_sprintf(p, "\",\"code\":\"%s\"", code);

    if (ctx->refused && ctx->offset >= 0) {
        p = ngx_sprintf(p, ",\"offset\":%O", ctx->offset);
    }

    *p++ = '}';

    ctx->problem.len = p - ctx->problem.data;

    ngx_str_set(&r->headers_out.content_type, "application/problem+json");
    r->headers_out.content_type_len = r->headers_out.content_type.len;
    r->headers_out.content_type_lowcase = NULL;
    r->headers_out.content_length_n = ctx->problem.len;

    return NGX_OK;
}


static ngx_str_t *
ngx_http_ingest_filter_title(ngx_uint_t status)
{
    ngx_http_ingest_title_t  *title;

    for (title = ngx_http_ingest_titles; title->status != 0; title++) {
        if (title->status == status) {
            break;
        }
    }

    return &title->title;
}


static ngx_str_t
ngx_http_ingest_filter_detail(ngx_http_request_t *r,
    ngx_http_ingest_ctx_t *ctx)
{
    ingest_reason_e  reason;

    static ngx_str_t  body = ngx_string("the body cannot be read");
    static ngx_str_t  large = ngx_string("the body is too large");
    static ngx_str_t  limit = ngx_string("there are too many requests");
    static ngx_str_t  access = ngx_string("access is not allowed");
    static ngx_str_t  other = ngx_string("the request was not accepted");

    reason = ngx_http_ingest_reason(r);

    if (ctx->refused && reason == ctx->reason) {
        return ctx->detail;
    }

    switch (reason) {

    case INGEST_BAD_REQUEST:
        return body;

    case INGEST_BODY_TOO_LARGE:
        return large;

    case INGEST_RATE_LIMITED:
        return limit;

    case INGEST_UNAUTHORIZED:
    case INGEST_FORBIDDEN:
        return access;

    default:
        return other;
    }
}


static ngx_int_t
ngx_http_ingest_body_filter(ngx_http_request_t *r, ngx_chain_t *in)
{
    ngx_buf_t              *b;
    ngx_chain_t             out, *cl;
    ngx_http_ingest_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_ingest_module);

    if (in == NULL || r != r->main || ctx == NULL || ctx->problem.len == 0) {
        return ngx_http_next_body_filter(r, in);
    }

    /* nginx's page: it counts as sent */

    for (cl = in; cl; cl = cl->next) {
        cl->buf->pos = cl->buf->last;
    }

    if (ctx->sent) {
        return NGX_OK;
    }

    ctx->sent = 1;

    b = ngx_calloc_buf(r->pool);
    if (b == NULL) {
        return NGX_ERROR;
    }

    b->pos = ctx->problem.data;
    b->last = ctx->problem.data + ctx->problem.len;
    b->memory = 1;
    b->last_buf = 1;
    b->last_in_chain = 1;

    out.buf = b;
    out.next = NULL;

    return ngx_http_next_body_filter(r, &out);
}
