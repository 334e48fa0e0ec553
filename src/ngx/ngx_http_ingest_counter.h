
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#ifndef NGX_HTTP_INGEST_COUNTER_H
#define NGX_HTTP_INGEST_COUNTER_H


#include "ngx_http_ingest.h"


/* The log phase: counts each request to an ingest location by its status. */

ngx_int_t ngx_http_ingest_counter_handler(ngx_http_request_t *r);


#endif /* NGX_HTTP_INGEST_COUNTER_H */
