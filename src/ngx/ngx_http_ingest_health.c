
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#include "ngx_http_ingest_health.h"
#include "ngx_http_ingest_reply.h"


ngx_int_t
ngx_http_ingest_health_handler(ngx_http_request_t *r)
{
    ngx_int_t  rc;

    static ngx_str_t  type = ngx_string("application/json");
    static ngx_str_t  body = ngx_string("{\"status\":\"ok\"}");

    rc = ngx_http_ingest_check_get(r);
    if (rc != NGX_OK) {
        return rc;
    }

    return ngx_http_ingest_reply_text(r, &type, &body);
}
