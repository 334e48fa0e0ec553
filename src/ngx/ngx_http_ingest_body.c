
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#include "ngx_http_ingest_body.h"


static u_char *ngx_http_ingest_body_copy(ngx_http_request_t *r, u_char *p,
    ngx_buf_t *b);


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

    /* the last buffer of a chunked body is a special one, of size 0 */

    size = 0;

    for (cl = bufs; cl; cl = cl->next) {
        size += ngx_buf_size(cl->buf);
    }

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
