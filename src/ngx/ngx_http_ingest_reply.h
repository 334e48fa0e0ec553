
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * The answers of the module.  An error is not sent here: it is noted in the
 * request's context and returned to nginx as a status, as nginx's own errors
 * are, so that error_page applies; ngx_http_ingest_filter.c writes its body.
 */


#ifndef NGX_HTTP_INGEST_REPLY_H
#define NGX_HTTP_INGEST_REPLY_H


#include "ngx_http_ingest.h"


/*
 * Notes why the request is refused and returns the status.  detail is kept by
 * reference; offset, in the body, is -1 where none applies.
 */

ngx_int_t ngx_http_ingest_refuse(ngx_http_request_t *r, ngx_int_t status,
    ingest_reason_e reason, ngx_str_t *detail, off_t offset);

/* 405 with Allow. */

ngx_int_t ngx_http_ingest_refuse_method(ngx_http_request_t *r);

/* NGX_OK for GET and HEAD, else 405 with Allow. */

ngx_int_t ngx_http_ingest_check_get(ngx_http_request_t *r);

/* 202 for one event; the body has been read. */

ngx_int_t ngx_http_ingest_reply_accepted(ngx_http_request_t *r,
    ngx_str_t *id);

/* 204 with Allow. */

ngx_int_t ngx_http_ingest_reply_options(ngx_http_request_t *r);

/*
 * 200, or the status that is set already, with a body of the given type; the
 * body stays the caller's.
 */

ngx_int_t ngx_http_ingest_reply_text(ngx_http_request_t *r, ngx_str_t *type,
    ngx_str_t *body);


#endif /* NGX_HTTP_INGEST_REPLY_H */
