
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#include "ngx_http_ingest_health.h"
#include "ngx_http_ingest_reply.h"


ngx_int_t
ngx_http_ingest_health_handler(ngx_http_request_t *r)
{
    static ngx_str_t  type = ngx_string("application/json");
    static ngx_str_t  body = ngx_string("{\"status\":\"ok\"}");

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return NGX_HTTP_NOT_ALLOWED;
    }

    return ngx_http_ingest_reply_text(r, &type, &body);
}
