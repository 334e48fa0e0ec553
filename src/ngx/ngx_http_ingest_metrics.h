
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#ifndef NGX_HTTP_INGEST_METRICS_H
#define NGX_HTTP_INGEST_METRICS_H


#include "ngx_http_ingest.h"


/*
 * The content handler of a location with "ingest_metrics": all queues, in the
 * Prometheus text format or, if the client asks for it, in OpenMetrics.  It
 * reads the shared zones and takes no lock.
 */

ngx_int_t ngx_http_ingest_metrics_handler(ngx_http_request_t *r);


#endif /* NGX_HTTP_INGEST_METRICS_H */
