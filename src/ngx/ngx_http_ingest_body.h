
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#ifndef NGX_HTTP_INGEST_BODY_H
#define NGX_HTTP_INGEST_BODY_H


#include "ngx_http_ingest.h"


/*
 * Whether what was read of the body so far, by whomever, is all of it; so it
 * is where nobody has begun.  Else an error_page led here behind a module that
 * passes the body on as it comes, or because nginx gave up in the middle.
 */

ngx_uint_t ngx_http_ingest_body_is_whole(ngx_http_request_t *r);

/*
 * The request's body, read by nginx, as one piece of memory: the buffer that
 * it was read into where there is one, else a copy in the request's pool.
 * Empty when there is no body.  NGX_ERROR: out of memory, or the temporary
 * file cannot be read; logged.
 */

ngx_int_t ngx_http_ingest_body(ngx_http_request_t *r, ngx_str_t *body);


#endif /* NGX_HTTP_INGEST_BODY_H */
