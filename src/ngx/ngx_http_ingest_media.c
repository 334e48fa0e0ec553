
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#include "ngx_http_ingest_header.h"
#include "ngx_http_ingest_media.h"
#include "ngx_http_ingest_reply.h"


static ngx_int_t ngx_http_ingest_check_type(ngx_http_request_t *r,
    ngx_str_t *type);
static ngx_int_t ngx_http_ingest_check_encoding(ngx_http_request_t *r);


static ngx_str_t  ngx_http_ingest_line_types[] = {
    ngx_string("application/x-ndjson"),
    ngx_string("application/ndjson"),
    ngx_string("application/jsonl"),
    ngx_string("application/jsonlines"),
    ngx_null_string
};


ngx_int_t
ngx_http_ingest_check_media(ngx_http_request_t *r)
{
    u_char     *p;
    ngx_int_t   rc;
    ngx_str_t   type;

    rc = ngx_http_ingest_check_encoding(r);
    if (rc != NGX_OK) {
        return rc;
    }

    if (r->headers_in.content_type == NULL) {
        return NGX_OK;
    }

    /* without parameters and the space before them */

    type = r->headers_in.content_type->value;

    p = ngx_strlchr(type.data, type.data + type.len, ';');
    if (p != NULL) {
        type.len = p - type.data;
    }

    while (type.len != 0
           && (type.data[type.len - 1] == ' '
               || type.data[type.len - 1] == '\t'))
    {
        type.len--;
    }

    return ngx_http_ingest_check_type(r, &type);
}


static ngx_int_t
ngx_http_ingest_check_type(ngx_http_request_t *r, ngx_str_t *type)
{
    ngx_str_t  *lines;

    static ngx_str_t  multipart = ngx_string("multipart/");
    static ngx_str_t  accept = ngx_string("application/json");
    static ngx_str_t  detail = ngx_string("a multipart body is no event");
    static ngx_str_t  later = ngx_string("bodies of lines are not supported");

    for (lines = ngx_http_ingest_line_types; lines->len != 0; lines++) {

        if (type->len == lines->len
            && ngx_strncasecmp(type->data, lines->data, lines->len) == 0)
        {
            if (ngx_http_ingest_header_add(r, "Accept", &accept) != NGX_OK) {
                return NGX_HTTP_INTERNAL_SERVER_ERROR;
            }

            return ngx_http_ingest_refuse(r, NGX_HTTP_UNSUPPORTED_MEDIA_TYPE,
                                          INGEST_NOT_SUPPORTED, &later, -1);
        }
    }

    if (type->len >= multipart.len
        && ngx_strncasecmp(type->data, multipart.data, multipart.len) == 0)
    {
        if (ngx_http_ingest_header_add(r, "Accept", &accept) != NGX_OK) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        return ngx_http_ingest_refuse(r, NGX_HTTP_UNSUPPORTED_MEDIA_TYPE,
                                      INGEST_UNSUPPORTED_MEDIA_TYPE, &detail,
                                      -1);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_ingest_check_encoding(ngx_http_request_t *r)
{
    ngx_list_t       *headers;
    ngx_table_elt_t  *h;

    static char       name[] = "Content-Encoding";
    static ngx_str_t  identity = ngx_string("identity");
    static ngx_str_t  detail = ngx_string("encoded bodies are not supported");

    headers = &r->headers_in.headers;

    h = ngx_http_ingest_header_find(headers, name, NULL);

    /* a second line is a second coding */

    if (h == NULL
        || (ngx_http_ingest_header_find(headers, name, h) == NULL
            && (h->value.len == 0
                || (h->value.len == identity.len
                    && ngx_strncasecmp(h->value.data, identity.data,
                                       identity.len)
                       == 0))))
    {
        return NGX_OK;
    }

    if (ngx_http_ingest_header_add(r, "Accept-Encoding", &identity) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_ingest_refuse(r, NGX_HTTP_UNSUPPORTED_MEDIA_TYPE,
                                  INGEST_NOT_SUPPORTED, &detail, -1);
}
