
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#ifndef NGX_HTTP_INGEST_PROBE_H
#define NGX_HTTP_INGEST_PROBE_H


#include "ngx_http_ingest.h"


/*
 * Whether workers will be able to make a producer for the queue.  To be called
 * when the whole configuration has been read, by the master or "nginx -t": it
 * takes the user that "user" names, or nginx's default, wherever that stands.
 * NGX_ERROR: not; why is logged, with the place of the queue.
 */

ngx_int_t ngx_http_ingest_probe(ngx_http_ingest_queue_t *queue,
    ngx_log_t *log);


#endif /* NGX_HTTP_INGEST_PROBE_H */
