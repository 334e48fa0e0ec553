
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#include "ngx_http_ingest_body.h"


static off_t ngx_http_ingest_body_size(ngx_chain_t *bufs);
static u_char *ngx_http_ingest_body_copy(ngx_http_request_t *r, u_char *p,
    ngx_buf_t *b);


ngx_uint_t
ngx_http_ingest_body_is_whole(ngx_http_request_t *r)
{
    off_t                     length;
    ngx_http_request_body_t  *rb;

    rb = r->request_body;

    if (rb == NULL) {
        return !r->discard_body;
    }

    if (r->reading_body || r->request_body_no_buffering || rb->rest > 0) {
        return 0;
    }

    /*
     * When a body is complete nginx knows its length, also of one in chunks.
     * Less is there when a temporary file could not be written.
     */

    length = r->headers_in.content_length_n;

    if (length < 0 && !r->headers_in.chunked) {
        length = 0;
    }

    return ngx_http_ingest_body_size(rb->bufs) == length;
}


ngx_int_t
ngx_http_ingest_body(ngx_http_request_t *r, ngx_str_t *body)
{
    off_t         size;
    u_char       *p;
    ngx_chain_t  *cl, *bufs;

    ngx_str_null(body);

    if (r->request_body == NULL || r->request_body->bufs == NULL) {
        return NGX_OK;
    }

    bufs = r->request_body->bufs;

    if (bufs->next == NULL && ngx_buf_in_memory(bufs->buf)
        && !bufs->buf->in_file)
    {
        body->data = bufs->buf->pos;
        body->len = bufs->buf->last - bufs->buf->pos;
        return NGX_OK;
    }

    size = ngx_http_ingest_body_size(bufs);

    if (size == 0) {
        return NGX_OK;
    }

    p = ngx_pnalloc(r->pool, (size_t) size);
    if (p == NULL) {
        return NGX_ERROR;
    }

    body->data = p;
    body->len = (size_t) size;

    for (cl = bufs; cl; cl = cl->next) {
        p = ngx_http_ingest_body_copy(r, p, cl->buf);
        if (p == NULL) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static off_t
ngx_http_ingest_body_size(ngx_chain_t *bufs)
{
    off_t         size;
    ngx_chain_t  *cl;

    size = 0;

    /* the last buffer of a chunked body is a special one, of size 0 */

    for (cl = bufs; cl; cl = cl->next) {
        size += ngx_buf_size(cl->buf);
    }

    return size;
}


static u_char *
ngx_http_ingest_body_copy(ngx_http_request_t *r, u_char *p, ngx_buf_t *b)
{
    size_t   size;
    ssize_t  n;

    if (ngx_buf_in_memory(b) && !b->in_file) {
        return ngx_cpymem(p, b->pos, b->last - b->pos);
    }

    if (!b->in_file) {
        return p;
    }

    size = (size_t) (b->file_last - b->file_pos);

    n = ngx_read_file(b->file, p, size, b->file_pos);

    if (n != (ssize_t) size) {
        ngx_log_error(NGX_LOG_CRIT, r->connection->log, 0,
                      "read %z of %uz bytes from \"%V\"", n, size,
                      &b->file->name);
        return NULL;
    }

    return p + size;
}
