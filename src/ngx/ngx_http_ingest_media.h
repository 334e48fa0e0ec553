
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#ifndef NGX_HTTP_INGEST_MEDIA_H
#define NGX_HTTP_INGEST_MEDIA_H


#include "ngx_http_ingest.h"


/*
 * Whether the body's Content-Type and Content-Encoding can be taken: NGX_OK,
 * or the status of the refusal.  Any type counts as JSON but for those that
 * say otherwise: it is what clients that name none, or the wrong one, send.
 */

ngx_int_t ngx_http_ingest_check_media(ngx_http_request_t *r);


#endif /* NGX_HTTP_INGEST_MEDIA_H */
