
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/* $ingest_id, $ingest_count, $ingest_result */


#ifndef NGX_HTTP_INGEST_VARIABLE_H
#define NGX_HTTP_INGEST_VARIABLE_H


#include "ngx_http_ingest.h"


ngx_int_t ngx_http_ingest_variables_add(ngx_conf_t *cf);


#endif /* NGX_HTTP_INGEST_VARIABLE_H */
