
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * Why a request to an ingest location ended as it did, whoever said so: the
 * module or nginx.
 */


#ifndef NGX_HTTP_INGEST_REASON_H
#define NGX_HTTP_INGEST_REASON_H


#include "ngx_http_ingest.h"


/* The status that the client got or will get; 0: none yet. */

ngx_uint_t ngx_http_ingest_status(ngx_http_request_t *r);

/* INGEST_REASONS: neither accepted nor refused. */

ingest_reason_e ngx_http_ingest_reason(ngx_http_request_t *r);


#endif /* NGX_HTTP_INGEST_REASON_H */
