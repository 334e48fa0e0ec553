
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#include "ngx_http_ingest_header.h"
#include "ngx_http_ingest_health.h"
#include "ngx_http_ingest_reply.h"
#include "../core/ingest_output.h"


/* of the body, beside the names: {"":{"status":"no_producer","used":100}} */

#define NGX_HTTP_INGEST_READY_QUEUE  64
#define NGX_HTTP_INGEST_READY_BODY   64


typedef struct {
    const char                   *status;   /* NULL: it is ready */
    ngx_uint_t                    used;     /* per cent */
} ngx_http_ingest_state_t;


static ngx_http_ingest_state_t *ngx_http_ingest_ready_look(
    ngx_http_request_t *r, ngx_array_t *queues);
static ngx_http_ingest_state_t ngx_http_ingest_ready_state(
    ngx_http_ingest_ready_t *ready, ngx_http_ingest_queue_t *queue,
    u_char *full);
static ngx_int_t ngx_http_ingest_ready_body(ngx_http_request_t *r,
    ngx_array_t *queues, ngx_http_ingest_state_t *states, ngx_str_t *body);
static ngx_int_t ngx_http_ingest_ready_headers(ngx_http_request_t *r);


static ngx_str_t  ngx_http_ingest_health_type = ngx_string("application/json");


ngx_int_t
ngx_http_ingest_health_handler(ngx_http_request_t *r)
{
    ngx_int_t  rc;

    static ngx_str_t  body = ngx_string("{\"status\":\"ok\"}");

    rc = ngx_http_ingest_check_get(r);
    if (rc != NGX_OK) {
        return rc;
    }

    return ngx_http_ingest_reply_text(r, &ngx_http_ingest_health_type, &body);
}


ngx_int_t
ngx_http_ingest_ready_handler(ngx_http_request_t *r)
{
    ngx_int_t                     rc;
    ngx_str_t                     body;
    ngx_http_ingest_state_t      *states;
    ngx_http_ingest_main_conf_t  *imcf;

    rc = ngx_http_ingest_check_get(r);
    if (rc != NGX_OK) {
        return rc;
    }

    imcf = ngx_http_get_module_main_conf(r, ngx_http_ingest_module);

    states = ngx_http_ingest_ready_look(r, &imcf->queues);
    if (states == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (ngx_http_ingest_ready_body(r, &imcf->queues, states, &body) != NGX_OK
        || ngx_http_ingest_ready_headers(r) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_ingest_reply_text(r, &ngx_http_ingest_health_type, &body);
}


/* Looks at all queues, and sets the answer's status. */

static ngx_http_ingest_state_t *
ngx_http_ingest_ready_look(ngx_http_request_t *r, ngx_array_t *queues)
{
    ngx_uint_t                    i;
    ngx_http_ingest_queue_t     **queue;
    ngx_http_ingest_state_t      *states;
    ngx_http_ingest_ready_t      *ready;
    ngx_http_ingest_loc_conf_t   *ilcf;

    ilcf = ngx_http_get_module_loc_conf(r, ngx_http_ingest_module);
    ready = ilcf->ready;

    /* the worker's own, for as long as its configuration */

    if (ready->full == NULL) {
        ready->full = ngx_pcalloc(ngx_cycle->pool, queues->nelts + 1);
    }

    states = ngx_palloc(r->pool, (queues->nelts + 1)
                                 * sizeof(ngx_http_ingest_state_t));

    if (ready->full == NULL || states == NULL) {
        return NULL;
    }

    queue = queues->elts;
    r->headers_out.status = NGX_HTTP_OK;

    for (i = 0; i < queues->nelts; i++) {
        states[i] = ngx_http_ingest_ready_state(ready, queue[i],
                                                &ready->full[i]);

        if (states[i].status != NULL) {
            r->headers_out.status = NGX_HTTP_SERVICE_UNAVAILABLE;
        }
    }

    return states;
}


static ngx_http_ingest_state_t
ngx_http_ingest_ready_state(ngx_http_ingest_ready_t *ready,
    ngx_http_ingest_queue_t *queue, u_char *full)
{
    ngx_http_ingest_state_t  state;

    state.used = ingest_ring_used(queue->ring, queue->max_events) / 10;

    if (state.used >= ready->high) {
        *full = 1;

    } else if (state.used <= ready->low) {
        *full = 0;
    }

    state.status = ngx_exiting || ngx_quit || ngx_terminate ? "exiting"
                   : queue->worker == NULL ? "no_producer"
                   : *full ? "full" : NULL;

    return state;
}


static ngx_int_t
ngx_http_ingest_ready_body(ngx_http_request_t *r, ngx_array_t *queues,
    ngx_http_ingest_state_t *states, ngx_str_t *body)
{
    size_t                     size;
    ngx_uint_t                 i;
    ingest_output_t            out;
    ngx_http_ingest_queue_t  **queue;

    queue = queues->elts;
    size = NGX_HTTP_INGEST_READY_BODY;

    for (i = 0; i < queues->nelts; i++) {
        size += queue[i]->name.len + NGX_HTTP_INGEST_READY_QUEUE;
    }

    body->data = ngx_pnalloc(r->pool, size);
    if (body->data == NULL) {
        return NGX_ERROR;
    }

    out.p = body->data;
    out.end = body->data + size;
    out.full = false;

    ingest_output_text(&out, r->headers_out.status == NGX_HTTP_OK
                             ? "{\"status\":\"ok\",\"queues\":{"
                             : "{\"status\":\"unavailable\",\"queues\":{");

    for (i = 0; i < queues->nelts; i++) {
        ingest_output_text(&out, i == 0 ? "" : ",");
        ingest_output_json(&out, queue[i]->name.data, queue[i]->name.len);
        ingest_output_text(&out, ":{\"status\":\"");
        ingest_output_text(&out, states[i].status != NULL ? states[i].status
                                                          : "ok");
        ingest_output_text(&out, "\",\"used\":");
        ingest_output_uint(&out, states[i].used);
        ingest_output_text(&out, "}");
    }

    ingest_output_text(&out, "}}");

    body->len = out.p - body->data;

    return NGX_OK;
}


static ngx_int_t
ngx_http_ingest_ready_headers(ngx_http_request_t *r)
{
    u_char                      *p;
    ngx_str_t                    seconds;
    ngx_http_ingest_loc_conf_t  *ilcf;

    static ngx_str_t  no_store = ngx_string("no-store");

    if (ngx_http_ingest_header_add(r, "Cache-Control", &no_store) != NGX_OK) {
        return NGX_ERROR;
    }

    if (r->headers_out.status == NGX_HTTP_OK) {
        return NGX_OK;
    }

    p = ngx_pnalloc(r->pool, NGX_TIME_T_LEN);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ilcf = ngx_http_get_module_loc_conf(r, ngx_http_ingest_module);

    seconds.data = p;
    seconds.len = ngx_sprintf(p, "%T", ilcf->retry_after) - p;

    return ngx_http_ingest_header_add(r, "Retry-After", &seconds);
}
