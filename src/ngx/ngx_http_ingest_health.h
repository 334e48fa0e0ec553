
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#ifndef NGX_HTTP_INGEST_HEALTH_H
#define NGX_HTTP_INGEST_HEALTH_H


#include "ngx_http_ingest.h"


/* "ingest_health ready": what of a queue may be taken, in per cent */

struct ngx_http_ingest_ready_s {
    ngx_uint_t                    high;     /* from here on it is full */
    ngx_uint_t                    low;      /* until it is down to this */
    u_char                       *full;     /* by queue, as this worker saw */
};


/*
 * The content handler of a location with "ingest_health": 200 while nginx
 * serves requests.  It says nothing of Kafka: a broker that is away is no
 * reason to restart nginx.
 */

ngx_int_t ngx_http_ingest_health_handler(ngx_http_request_t *r);

/*
 * With "ingest_health ready": 503 when events should go elsewhere, because a
 * queue is nearly full, this worker has no producer for it, or it ends.
 */

ngx_int_t ngx_http_ingest_ready_handler(ngx_http_request_t *r);


#endif /* NGX_HTTP_INGEST_HEALTH_H */
