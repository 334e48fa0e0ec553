
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#include "ngx_http_ingest_body.h"
#include "ngx_http_ingest_ctx.h"
#include "ngx_http_ingest_handler.h"
#include "ngx_http_ingest_media.h"
#include "ngx_http_ingest_reply.h"
#include "ngx_http_ingest_worker.h"
#include "ngx_http_ingest_zone.h"
#include "../core/ingest_fault.h"


/* where no size is set; a segment may hold less */

#define NGX_HTTP_INGEST_MAX_EVENT_SIZE    (1024 * 1024)

/* how much more a body may have: white space around the event is not kept */

#define NGX_HTTP_INGEST_MAX_SPACE         (64 * 1024)

/* what librdkafka counts on top of key, headers and value, generously */

#define NGX_HTTP_INGEST_MESSAGE_OVERHEAD  512

/* the header with the event's id, which is the key too */

#define NGX_HTTP_INGEST_HEADERS                                               \
    (2 * sizeof(uint32_t) + sizeof("trace_id") - 1 + INGEST_EVENT_ID_MAX)


static ngx_int_t ngx_http_ingest_check_length(ngx_http_request_t *r,
    ngx_http_ingest_loc_conf_t *ilcf);
static size_t ngx_http_ingest_event_max(ngx_http_ingest_loc_conf_t *ilcf);
static ngx_int_t ngx_http_ingest_refuse_large(ngx_http_request_t *r);
static ngx_int_t ngx_http_ingest_check_room(ngx_http_request_t *r,
    ngx_http_ingest_queue_t *queue, size_t size);
static ngx_int_t ngx_http_ingest_refuse_full(ngx_http_request_t *r);
static void ngx_http_ingest_post(ngx_http_request_t *r);
static ngx_int_t ngx_http_ingest_accept(ngx_http_request_t *r);
static ngx_int_t ngx_http_ingest_parse(ngx_http_request_t *r,
    ngx_http_ingest_worker_t *worker, ingest_event_t *event);
static ngx_int_t ngx_http_ingest_refuse_event(ngx_http_request_t *r,
    ingest_event_t *event, ingest_rc_e rc);
static ngx_int_t ngx_http_ingest_check_size(ngx_http_request_t *r,
    ngx_http_ingest_queue_t *queue, ingest_draft_t *draft);
static ngx_int_t ngx_http_ingest_put(ngx_http_request_t *r,
    ngx_http_ingest_worker_t *worker, ingest_event_t *event);


ngx_int_t
ngx_http_ingest_handler(ngx_http_request_t *r)
{
    off_t                        length;
    ngx_int_t                    rc;
    ngx_http_ingest_ctx_t       *ctx;
    ngx_http_ingest_loc_conf_t  *ilcf;

    if (r->method == NGX_HTTP_OPTIONS) {
        return ngx_http_ingest_reply_options(r);
    }

    if (r->method != NGX_HTTP_POST) {
        return ngx_http_ingest_refuse_method(r);
    }

    rc = ngx_http_ingest_check_media(r);
    if (rc != NGX_OK) {
        return rc;
    }

    ilcf = ngx_http_get_module_loc_conf(r, ngx_http_ingest_module);

    rc = ngx_http_ingest_check_length(r, ilcf);
    if (rc != NGX_OK) {
        return rc;
    }

    /* a hint, before the body is read; ngx_http_ingest_put() is certain */

    length = ngx_max(r->headers_in.content_length_n, 0);

    rc = ngx_http_ingest_check_room(r, ilcf->queue,
                                    sizeof(ingest_record_t) + length);
    if (rc != NGX_OK) {
        return rc;
    }

    ctx = ngx_http_ingest_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    /* behind an error_page: a part of the body is no event */

    if (!ngx_http_ingest_body_is_whole(r)) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "the body was not read whole before an error_page "
                      "led here");
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    r->request_body_in_single_buf = 1;

    ctx->room = 1;

    rc = ngx_http_read_client_request_body(r, ngx_http_ingest_post);

    /* if the body is not there yet, time will pass; r is not freed here */

    ctx->room = 0;

    if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
        return rc;
    }

    return NGX_DONE;
}


/*
 * A body that cannot be an event of a size that is taken, before it is in
 * memory.  Its length is known from the header, or when it has been read.
 */

static ngx_int_t
ngx_http_ingest_check_length(ngx_http_request_t *r,
    ngx_http_ingest_loc_conf_t *ilcf)
{
    off_t  limit;

    limit = (off_t) ngx_min(ngx_http_ingest_event_max(ilcf),
                            ilcf->queue->ring->segment_bytes);

    if (r->headers_in.content_length_n - NGX_HTTP_INGEST_MAX_SPACE > limit) {
        return ngx_http_ingest_refuse_large(r);
    }

    return NGX_OK;
}


static size_t
ngx_http_ingest_event_max(ngx_http_ingest_loc_conf_t *ilcf)
{
    return ilcf->max_event_size != NGX_CONF_UNSET_SIZE
           ? ilcf->max_event_size : NGX_HTTP_INGEST_MAX_EVENT_SIZE;
}


static ngx_int_t
ngx_http_ingest_refuse_large(ngx_http_request_t *r)
{
    static ngx_str_t  large = ngx_string("the event is too large");

    return ngx_http_ingest_refuse(r, NGX_HTTP_REQUEST_ENTITY_TOO_LARGE,
                                  INGEST_EVENT_TOO_LARGE, &large, -1);
}


static ngx_int_t
ngx_http_ingest_check_room(ngx_http_request_t *r,
    ngx_http_ingest_queue_t *queue, size_t size)
{
    static ngx_str_t  absent = ngx_string("no producer is running");

    if (queue->worker == NULL) {
        return ngx_http_ingest_refuse(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                                      INGEST_UNAVAILABLE, &absent, -1);
    }

    if (queue->max_events != 0
        && ingest_ring_events(queue->ring) >= (uint64_t) queue->max_events)
    {
        return ngx_http_ingest_refuse_full(r);
    }

    /* what is too large for a segment will be refused with another status */

    size = ngx_min(size, queue->ring->segment_bytes);

    if (!ingest_writer_room(&queue->worker->writer, size)) {
        return ngx_http_ingest_refuse_full(r);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_ingest_refuse_full(ngx_http_request_t *r)
{
    static ngx_str_t  detail = ngx_string("the queue is full");

    return ngx_http_ingest_refuse(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                                  INGEST_QUEUE_FULL, &detail, -1);
}


static void
ngx_http_ingest_post(ngx_http_request_t *r)
{
    ngx_http_finalize_request(r, ngx_http_ingest_accept(r));
}


static ngx_int_t
ngx_http_ingest_accept(ngx_http_request_t *r)
{
    ngx_int_t                    rc;
    ingest_event_t               event;
    ngx_http_ingest_ctx_t       *ctx;
    ngx_http_ingest_loc_conf_t  *ilcf;

    ctx = ngx_http_ingest_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->keepalive = r->keepalive;

    ilcf = ngx_http_get_module_loc_conf(r, ngx_http_ingest_module);

    if (!ctx->room) {
        rc = ngx_http_ingest_check_room(r, ilcf->queue,
                                        sizeof(ingest_record_t));
        if (rc != NGX_OK) {
            return rc;
        }
    }

    rc = ngx_http_ingest_check_length(r, ilcf);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_http_ingest_parse(r, ilcf->queue->worker, &event);
    if (rc != NGX_OK) {
        return rc;
    }

    /* before the commit: an event without its answer would be a duplicate */

    ctx->id.len = event.id.len;
    ctx->id.data = ngx_pnalloc(r->pool, event.id.len);
    if (ctx->id.data == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_memcpy(ctx->id.data, event.id.data, event.id.len);

    rc = ngx_http_ingest_put(r, ilcf->queue->worker, &event);
    if (rc != NGX_OK) {
        return rc;
    }

    ctx->count = 1;

    INGEST_FAULT("answer");

    rc = ngx_http_ingest_reply_accepted(r, &ctx->id);

    INGEST_FAULT("answered");

    return rc;
}


static ngx_int_t
ngx_http_ingest_parse(ngx_http_request_t *r,
    ngx_http_ingest_worker_t *worker, ingest_event_t *event)
{
    ngx_str_t                    body;
    ngx_time_t                  *tp;
    ingest_rc_e                  rc;
    ingest_defaults_t            defaults;
    ngx_http_ingest_loc_conf_t  *ilcf;

    if (ngx_http_ingest_body(r, &body) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (ngx_http_ingest_worker_random(worker, defaults.random,
                                      INGEST_UUID_RANDOM)
        != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    tp = ngx_timeofday();
    defaults.time_ms = (uint64_t) tp->sec * 1000 + tp->msec;

    ilcf = ngx_http_get_module_loc_conf(r, ngx_http_ingest_module);

    rc = ingest_event_parse(event, body.data, body.len, ilcf->rules,
                            &defaults);
    if (rc != INGEST_OK) {
        return ngx_http_ingest_refuse_event(r, event, rc);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_ingest_refuse_event(ngx_http_request_t *r, ingest_event_t *event,
    ingest_rc_e rc)
{
    u_char           *p;
    ngx_str_t         detail, member;
    const char       *text;
    ingest_reason_e   reason;

    switch (rc) {

    case INGEST_JSON_EMPTY:
        reason = INGEST_EMPTY_BODY;
        break;

    case INGEST_EVENT_ARRAY:
        reason = INGEST_NOT_SUPPORTED;
        break;

    case INGEST_EVENT_MISSING:
        reason = INGEST_MISSING_MEMBER;
        break;

    default:
        reason = rc < INGEST_EVENT_ARRAY ? INGEST_INVALID_JSON
                                         : INGEST_INVALID_EVENT;
    }

    text = ingest_rc_text(rc);

    member.data = (u_char *) event->member.data;
    member.len = event->member.len;

    p = ngx_pnalloc(r->pool, ngx_strlen(text) + member.len + 16);
    if (p == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    detail.data = p;

    p = member.len != 0 ? ngx_sprintf(p, "member \"%V\": %s", &member, text)
                        : ngx_sprintf(p, "%s", text);

    detail.len = p - detail.data;

    return ngx_http_ingest_refuse(r, NGX_HTTP_BAD_REQUEST, reason, &detail,
                                  event->offset);
}


/*
 * Three limits, each a 413 before anything is accepted: the location's, the
 * segment's, and librdkafka's, which would refuse the record for good.
 */

static ngx_int_t
ngx_http_ingest_check_size(ngx_http_request_t *r,
    ngx_http_ingest_queue_t *queue, ingest_draft_t *draft)
{
    size_t                       message;
    ngx_http_ingest_loc_conf_t  *ilcf;

    ilcf = ngx_http_get_module_loc_conf(r, ngx_http_ingest_module);

    message = draft->key.len + draft->headers.len + draft->value_len
              + NGX_HTTP_INGEST_MESSAGE_OVERHEAD;

    if (draft->value_len > ngx_http_ingest_event_max(ilcf)
        || message > queue->message_max
        || ingest_record_size(draft) > queue->ring->segment_bytes)
    {
        return ngx_http_ingest_refuse_large(r);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_ingest_put(ngx_http_request_t *r, ngx_http_ingest_worker_t *worker,
    ingest_event_t *event)
{
    size_t                    size;
    uint8_t                  *p, headers[NGX_HTTP_INGEST_HEADERS];
    ngx_int_t                 rc;
    ngx_str_t                *topic;
    ngx_time_t               *tp;
    ingest_draft_t            draft;
    ingest_header_t           header;
    ngx_http_ingest_queue_t  *queue;

    static const ingest_str_t  trace_id = ingest_string("trace_id");

    queue = worker->queue;

    header.name = trace_id;
    header.value = event->id;

    p = ingest_header_write(&header, headers);

    topic = queue->topics->elts;
    tp = ngx_timeofday();

    draft.topic.data = topic->data;
    draft.topic.len = topic->len;
    draft.key = event->id;
    draft.headers.data = headers;
    draft.headers.len = p - headers;
    draft.value_len = event->size;
    draft.time_ms = (uint64_t) tp->sec * 1000 + tp->msec;
    draft.accepted_ms = ngx_current_msec;

    rc = ngx_http_ingest_check_size(r, queue, &draft);
    if (rc != NGX_OK) {
        return rc;
    }

    size = ingest_record_size(&draft);

    if (ingest_writer_reserve(&worker->writer, &size, 1) != INGEST_OK) {
        ingest_sender_wake(worker->sender);
        return ngx_http_ingest_refuse_full(r);
    }

    p = ingest_writer_append(&worker->writer, &draft);

    (void) ingest_event_write(event, p);

    /* counted before it can be delivered: in is never less than out */

    ingest_counter_add(&worker->slot->intake.received, 1);
    ingest_counter_add(&worker->slot->events_in, 1);
    ingest_counter_add(&worker->slot->bytes_in, size);

    ingest_writer_commit(&worker->writer);

    ingest_sender_wake(worker->sender);

    return NGX_OK;
}
