
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#ifndef NGX_HTTP_INGEST_HEADER_H
#define NGX_HTTP_INGEST_HEADER_H


#include "ngx_http_ingest.h"


/*
 * A header line, of those that nginx has no pointer to, or not in every build:
 * the first one of that name, or the one behind last.  NULL: there is none.
 */

ngx_table_elt_t *ngx_http_ingest_header_find(ngx_list_t *headers,
    const char *name, ngx_table_elt_t *last);

/* Adds a header to the answer; name and value stay the caller's. */

ngx_int_t ngx_http_ingest_header_add(ngx_http_request_t *r, const char *name,
    ngx_str_t *value);


#endif /* NGX_HTTP_INGEST_HEADER_H */
