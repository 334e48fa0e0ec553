
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * Error answers of ingest locations, the module's and nginx's own: a header
 * filter and a body filter put application/problem+json (RFC 9457) in place
 * of nginx's page, add Retry-After, and see to it that a connection whose
 * client holds its body back is closed.  The last two they do also where the
 * user's error_page has given the request another location.
 */


#ifndef NGX_HTTP_INGEST_FILTER_H
#define NGX_HTTP_INGEST_FILTER_H


#include "ngx_http_ingest.h"


ngx_int_t ngx_http_ingest_filter_init(ngx_conf_t *cf);


#endif /* NGX_HTTP_INGEST_FILTER_H */
