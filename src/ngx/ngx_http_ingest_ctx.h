
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * The state of a request to an ingest location, and that location's
 * configuration.  An error_page takes both from the request: nginx clears its
 * contexts and gives it another location.  It still is the queue's request,
 * to be counted and logged as such, so both are found again here.
 */


#ifndef NGX_HTTP_INGEST_CTX_H
#define NGX_HTTP_INGEST_CTX_H


#include "ngx_http_ingest.h"


/*
 * The rewrite phase, before nginx can refuse the request: notes that it is in
 * an ingest location.  The preaccess phase, when that is settled.
 */

ngx_int_t ngx_http_ingest_ctx_handler(ngx_http_request_t *r);

/* For a request in an ingest location.  NULL: out of memory. */

ngx_http_ingest_ctx_t *ngx_http_ingest_ctx(ngx_http_request_t *r);

/* NULL: there is none, the request may be of an ingest location all the same */

ngx_http_ingest_ctx_t *ngx_http_ingest_ctx_find(ngx_http_request_t *r);

/* The ingest location that the request is in or was redirected from, or NULL */

ngx_http_ingest_loc_conf_t *ngx_http_ingest_ctx_conf(ngx_http_request_t *r);

/* Has a redirect taken the request out of the location that ctx is of? */

ngx_uint_t ngx_http_ingest_ctx_moved(ngx_http_request_t *r);


#endif /* NGX_HTTP_INGEST_CTX_H */
