
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#ifndef NGX_HTTP_INGEST_HANDLER_H
#define NGX_HTTP_INGEST_HANDLER_H


#include "ngx_http_ingest.h"


/* The content handler of a location with "ingest". */

ngx_int_t ngx_http_ingest_handler(ngx_http_request_t *r);


#endif /* NGX_HTTP_INGEST_HANDLER_H */
