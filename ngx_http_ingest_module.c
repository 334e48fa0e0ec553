
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * The module: its directives, phases and process hooks.  Wiring only; what
 * they do stands in src/ngx.
 */


#include "src/ngx/ngx_http_ingest_conf.h"
#include "src/ngx/ngx_http_ingest_counter.h"
#include "src/ngx/ngx_http_ingest_ctx.h"
#include "src/ngx/ngx_http_ingest_exit.h"
#include "src/ngx/ngx_http_ingest_filter.h"
#include "src/ngx/ngx_http_ingest_log.h"
#include "src/ngx/ngx_http_ingest_queue.h"
#include "src/ngx/ngx_http_ingest_queue_conf.h"
#include "src/ngx/ngx_http_ingest_variable.h"
#include "src/ngx/ngx_http_ingest_worker.h"
#include "src/ngx/ngx_http_ingest_zone.h"


static ngx_int_t ngx_http_ingest_postconfiguration(ngx_conf_t *cf);
static ngx_int_t ngx_http_ingest_add_handler(ngx_conf_t *cf,
    ngx_http_phases phase, ngx_http_handler_pt handler);
static ngx_int_t ngx_http_ingest_init_module(ngx_cycle_t *cycle);


static ngx_command_t  ngx_http_ingest_commands[] = {

    { ngx_string("ingest_queue"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_BLOCK|NGX_CONF_TAKE1,
      ngx_http_ingest_queue,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("zone"),
      NGX_HTTP_INGEST_QUEUE_CONF|NGX_CONF_TAKE12,
      ngx_http_ingest_queue_zone,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("brokers"),
      NGX_HTTP_INGEST_QUEUE_CONF|NGX_CONF_1MORE,
      ngx_http_ingest_queue_brokers,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("topic"),
      NGX_HTTP_INGEST_QUEUE_CONF|NGX_CONF_1MORE,
      ngx_http_ingest_queue_topic,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("dead_letter_topic"),
      NGX_HTTP_INGEST_QUEUE_CONF|NGX_CONF_TAKE1,
      ngx_http_ingest_queue_dead_letter,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("kafka"),
      NGX_HTTP_INGEST_QUEUE_CONF|NGX_CONF_TAKE2,
      ngx_http_ingest_queue_kafka,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("max_events"),
      NGX_HTTP_INGEST_QUEUE_CONF|NGX_CONF_TAKE1,
      ngx_http_ingest_queue_max_events,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("max_attempts"),
      NGX_HTTP_INGEST_QUEUE_CONF|NGX_CONF_TAKE1,
      ngx_http_ingest_queue_max_attempts,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("drain_timeout"),
      NGX_HTTP_INGEST_QUEUE_CONF|NGX_CONF_TAKE1,
      ngx_http_ingest_queue_drain_timeout,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("ingest_log"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE12,
      ngx_http_ingest_log,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("ingest"),
      NGX_HTTP_LOC_CONF|NGX_HTTP_LIF_CONF|NGX_CONF_TAKE1,
      ngx_http_ingest,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("ingest_metrics"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_http_ingest_metrics,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("ingest_health"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS|NGX_CONF_TAKE123,
      ngx_http_ingest_health,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("ingest_require"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_http_ingest_require,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("ingest_max_event_size"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_ingest_max_event_size,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_ingest_loc_conf_t, max_event_size),
      NULL },

    { ngx_string("ingest_retry_after"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_sec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_ingest_loc_conf_t, retry_after),
      NULL },

    { ngx_string("ingest_problem"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_ingest_loc_conf_t, problem),
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_ingest_module_ctx = {
    ngx_http_ingest_variables_add,         /* preconfiguration */
    ngx_http_ingest_postconfiguration,     /* postconfiguration */

    ngx_http_ingest_create_main_conf,      /* create main configuration */
    ngx_http_ingest_init_main_conf,        /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_ingest_create_loc_conf,       /* create location configuration */
    ngx_http_ingest_merge_loc_conf         /* merge location configuration */
};


ngx_module_t  ngx_http_ingest_module = {
    NGX_MODULE_V1,
    &ngx_http_ingest_module_ctx,           /* module context */
    ngx_http_ingest_commands,              /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    ngx_http_ingest_init_module,           /* init module */
    ngx_http_ingest_workers_init,          /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    ngx_http_ingest_workers_exit,          /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static ngx_int_t
ngx_http_ingest_postconfiguration(ngx_conf_t *cf)
{
    if (ngx_http_ingest_queues_check(cf) != NGX_OK) {
        return NGX_ERROR;
    }

    /* before a "return" in the location, and behind an "if" */

    if (ngx_http_ingest_add_handler(cf, NGX_HTTP_REWRITE_PHASE,
                                    ngx_http_ingest_ctx_handler)
        != NGX_OK
        || ngx_http_ingest_add_handler(cf, NGX_HTTP_PREACCESS_PHASE,
                                       ngx_http_ingest_ctx_handler)
           != NGX_OK
        || ngx_http_ingest_add_handler(cf, NGX_HTTP_LOG_PHASE,
                                       ngx_http_ingest_counter_handler)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_ingest_filter_init(cf);
}


static ngx_int_t
ngx_http_ingest_add_handler(ngx_conf_t *cf, ngx_http_phases phase,
    ngx_http_handler_pt handler)
{
    ngx_http_handler_pt        *h;
    ngx_http_core_main_conf_t  *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    h = ngx_array_push(&cmcf->phases[phase].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = handler;

    return NGX_OK;
}


static ngx_int_t
ngx_http_ingest_init_module(ngx_cycle_t *cycle)
{
    ngx_http_ingest_workers_reload(cycle);

    if (ngx_http_ingest_zones_commit(cycle) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_http_ingest_log_applied(cycle);

    return NGX_OK;
}
