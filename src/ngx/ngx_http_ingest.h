
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * What the files of the glue share: the configuration, the state of a worker
 * and of a request.  All of it belongs to the event loop's thread.
 */


#ifndef NGX_HTTP_INGEST_H
#define NGX_HTTP_INGEST_H


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "../core/ingest_event.h"
#include "../core/ingest_ring.h"
#include "../core/ingest_writer.h"
#include "../kafka/ingest_options.h"
#include "../kafka/ingest_sender.h"


#define NGX_HTTP_INGEST_VERSION     "0.1.0"

/* commands inside of ingest_queue {}; no bit of nginx's own */

#define NGX_HTTP_INGEST_QUEUE_CONF  0x00100000


/* a line of the configuration, for what can be checked only later */

typedef struct {
    ngx_str_t                     file;
    ngx_uint_t                    line;
} ngx_http_ingest_place_t;


typedef struct ngx_http_ingest_worker_s  ngx_http_ingest_worker_t;
typedef struct ngx_http_ingest_log_s     ngx_http_ingest_log_t;
typedef struct ngx_http_ingest_ready_s   ngx_http_ingest_ready_t;


typedef struct {
    ngx_str_t                     name;
    ngx_http_ingest_place_t       place;    /* of its block, or its first use */

    size_t                        zone_size;
    size_t                        segment_size;     /* 0: by the zone's size */
    ngx_array_t                  *brokers;          /* of ngx_str_t */
    ngx_array_t                  *topics;           /* of ngx_str_t */
    ngx_str_t                     dead_letter_topic;
    ngx_int_t                     max_events;       /* 0: as the zone holds */
    ngx_int_t                     max_attempts;     /* 0: for ever */
    ngx_msec_t                    drain_timeout;
    ingest_options_t             *options;          /* freed with the cycle */
    size_t                        message_max;

    /* the largest ingest_max_event_size that uses this queue */
    size_t                        event_max;
    ngx_http_ingest_place_t       event_max_place;

    ngx_cycle_t                  *cycle;
    ngx_shm_zone_t               *shm_zone;
    ingest_ring_t                *ring;
    uint32_t                      generation;       /* once committed is set */
    int                           lock_fd;          /* while made is set */

    unsigned                      declared:1;       /* it has its block */
    unsigned                      made:1;           /* the zone is new */
    unsigned                      committed:1;      /* the cycle came to life */

    ngx_http_ingest_worker_t     *worker;           /* NULL: no producer */
    ngx_event_t                   retry;            /* to make it */
} ngx_http_ingest_queue_t;


typedef struct {
    ngx_array_t                   queues;   /* of ngx_http_ingest_queue_t * */
    ngx_http_ingest_queue_t      *current;  /* whose block is being parsed */
    ngx_http_ingest_log_t        *log;      /* NULL: there is none */
} ngx_http_ingest_main_conf_t;


typedef struct {
    ngx_http_ingest_queue_t      *queue;
    ingest_rules_t               *rules;
    size_t                        max_event_size;   /* or unset: default */
    ngx_http_ingest_place_t       max_event_size_place;
    time_t                        retry_after;
    ngx_flag_t                    problem;
    ngx_http_ingest_ready_t      *ready;    /* NULL: not asked for here */
} ngx_http_ingest_loc_conf_t;


typedef struct {
    ngx_http_ingest_loc_conf_t   *conf;     /* NULL: it is not ours any more */

    ngx_str_t                     id;       /* of the event, decoded */
    ngx_uint_t                    count;    /* of events accepted */

    ngx_uint_t                    status;   /* of the refusal */
    ingest_reason_e               reason;
    ngx_str_t                     detail;
    off_t                         offset;   /* in the body, or -1 */

    ngx_str_t                     problem;  /* body that replaces nginx's */

    unsigned                      room:1;       /* was seen in this turn */
    unsigned                      refused:1;    /* by the module */
    unsigned                      keepalive:1;  /* when the body was whole */
    unsigned                      sent:1;
} ngx_http_ingest_ctx_t;


extern ngx_module_t  ngx_http_ingest_module;


#endif /* NGX_HTTP_INGEST_H */
