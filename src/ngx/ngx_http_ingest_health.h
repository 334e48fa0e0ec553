
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#ifndef NGX_HTTP_INGEST_HEALTH_H
#define NGX_HTTP_INGEST_HEALTH_H


#include "ngx_http_ingest.h"


/*
 * The content handler of a location with "ingest_health": 200 while nginx
 * serves requests.  It says nothing of Kafka: a broker that is away is no
 * reason to restart nginx.
 */

ngx_int_t ngx_http_ingest_health_handler(ngx_http_request_t *r);


#endif /* NGX_HTTP_INGEST_HEALTH_H */
