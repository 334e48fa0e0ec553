
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#include "ngx_http_ingest_header.h"
#include "ngx_http_ingest_metrics.h"
#include "ngx_http_ingest_reply.h"
#include "../core/ingest_prom.h"
#include "../kafka/ingest_client.h"


#define NGX_HTTP_INGEST_METRICS_FIRST  32768        /* bytes of text */
#define NGX_HTTP_INGEST_METRICS_MAX    (16 * 1024 * 1024)


static ingest_prom_queue_t *ngx_http_ingest_metrics_collect(
    ngx_http_request_t *r, ngx_array_t *queues);
static ingest_prom_format_e ngx_http_ingest_metrics_format(
    ngx_http_request_t *r);
static ngx_uint_t ngx_http_ingest_metrics_accepted(u_char *p, u_char *last);
static ngx_int_t ngx_http_ingest_metrics_write(ngx_http_request_t *r,
    ingest_prom_t *prom, ngx_str_t *text);


ngx_int_t
ngx_http_ingest_metrics_handler(ngx_http_request_t *r)
{
    ngx_int_t                     rc;
    ngx_str_t                     text;
    ingest_prom_t                 prom;
    ngx_http_ingest_main_conf_t  *imcf;

    static ngx_str_t  types[] = {
        ngx_string(INGEST_PROM_TEXT_TYPE),
        ngx_string(INGEST_PROM_OPENMETRICS_TYPE)
    };

    rc = ngx_http_ingest_check_get(r);
    if (rc != NGX_OK) {
        return rc;
    }

    imcf = ngx_http_get_module_main_conf(r, ngx_http_ingest_module);

    prom.format = ngx_http_ingest_metrics_format(r);
    prom.nqueues = imcf->queues.nelts;
    prom.build.version = NGX_HTTP_INGEST_VERSION;
    prom.build.nginx = NGINX_VERSION;
    prom.build.librdkafka = ingest_client_version();
    prom.error_name = ingest_error_name;

    prom.queues = ngx_http_ingest_metrics_collect(r, &imcf->queues);
    if (prom.queues == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (ngx_http_ingest_metrics_write(r, &prom, &text) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_ingest_reply_text(r, &types[prom.format], &text);
}


static ingest_prom_queue_t *
ngx_http_ingest_metrics_collect(ngx_http_request_t *r, ngx_array_t *queues)
{
    uint64_t                   now_ms;
    ngx_uint_t                 i;
    ngx_time_t                *tp;
    ingest_snapshot_t         *snapshot;
    ingest_prom_queue_t       *list;
    ngx_http_ingest_queue_t  **queue;

    list = ngx_palloc(r->pool,
                      (queues->nelts + 1) * sizeof(ingest_prom_queue_t));
    if (list == NULL) {
        return NULL;
    }

    tp = ngx_timeofday();
    now_ms = (uint64_t) tp->sec * 1000 + tp->msec;

    queue = queues->elts;

    for (i = 0; i < queues->nelts; i++) {
        snapshot = ngx_palloc(r->pool, sizeof(ingest_snapshot_t));
        if (snapshot == NULL) {
            return NULL;
        }

        ingest_snapshot_collect(snapshot, queue[i]->ring,
                                queue[i]->max_events, now_ms);

        list[i].name.data = queue[i]->name.data;
        list[i].name.len = queue[i]->name.len;
        list[i].snapshot = snapshot;
    }

    return list;
}


/* Prometheus lists what it takes and prefers OpenMetrics when it names it. */

static ingest_prom_format_e
ngx_http_ingest_metrics_format(ngx_http_request_t *r)
{
    u_char           *p, *last, *comma;
    ngx_list_t       *headers;
    ngx_table_elt_t  *h;

    static char  name[] = "Accept";

    headers = &r->headers_in.headers;

    for (h = ngx_http_ingest_header_find(headers, name, NULL);
         h != NULL;
         h = ngx_http_ingest_header_find(headers, name, h))
    {
        last = h->value.data + h->value.len;

        for (p = h->value.data; p < last; p = comma + 1) {
            comma = ngx_strlchr(p, last, ',');

            if (comma == NULL) {
                comma = last;
            }

            if (ngx_http_ingest_metrics_accepted(p, comma)) {
                return INGEST_PROM_OPENMETRICS;
            }
        }
    }

    return INGEST_PROM_TEXT;
}


/* One element of Accept: is it OpenMetrics, with a q above 0? */

static ngx_uint_t
ngx_http_ingest_metrics_accepted(u_char *p, u_char *last)
{
    static ngx_str_t  type = ngx_string("application/openmetrics-text");

    while (p < last && (*p == ' ' || *p == '\t')) {
        p++;
    }

    if (last - p < (ssize_t) type.len
        || ngx_strncasecmp(p, type.data, type.len) != 0)
    {
        return 0;
    }

    p += type.len;

    if (p < last && *p != ';' && *p != ' ' && *p != '\t') {
        return 0;
    }

    while ((p = ngx_strlchr(p, last, ';')) != NULL) {

        do { p++; } while (p < last && (*p == ' ' || *p == '\t'));

        if (last - p >= 2 && (*p | 0x20) == 'q' && p[1] == '=') {

            /* 0, 0.0 and the like have no other digit */

            for (p += 2; p < last && *p != ';'; p++) {
                if (*p >= '1' && *p <= '9') {
                    return 1;
                }
            }

            return 0;
        }
    }

    return 1;
}


static ngx_int_t
ngx_http_ingest_metrics_write(ngx_http_request_t *r, ingest_prom_t *prom,
    ngx_str_t *text)
{
    size_t  size;

    for (size = NGX_HTTP_INGEST_METRICS_FIRST;
         size <= NGX_HTTP_INGEST_METRICS_MAX;
         size *= 2)
    {
        text->data = ngx_palloc(r->pool, size);
        if (text->data == NULL) {
            return NGX_ERROR;
        }

        if (ingest_prom_write(prom, text->data, size, &text->len)
            == INGEST_OK)
        {
            return NGX_OK;
        }

        (void) ngx_pfree(r->pool, text->data);
    }

    ngx_log_error(NGX_LOG_ALERT, r->connection->log, 0,
                  "metrics take more than %d bytes",
                  NGX_HTTP_INGEST_METRICS_MAX);

    return NGX_ERROR;
}
