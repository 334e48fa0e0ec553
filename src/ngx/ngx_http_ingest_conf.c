
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#include "ngx_http_ingest_conf.h"
#include "ngx_http_ingest_handler.h"
#include "ngx_http_ingest_health.h"
#include "ngx_http_ingest_metrics.h"
#include "ngx_http_ingest_queue.h"


#define NGX_HTTP_INGEST_READY_HIGH  90      /* per cent of the queue */
#define NGX_HTTP_INGEST_READY_LOW   80      /* per cent of high */


static char *ngx_http_ingest_set_ready(ngx_conf_t *cf,
    ngx_http_ingest_ready_t *ready);
static ngx_int_t ngx_http_ingest_percent(ngx_str_t *value,
    ngx_uint_t *percent);
static char *ngx_http_ingest_set_handler(ngx_conf_t *cf,
    ngx_http_handler_pt handler);


static ingest_rules_t  ngx_http_ingest_default_rules = {
    { ingest_string("type") }, 1
};


void *
ngx_http_ingest_create_main_conf(ngx_conf_t *cf)
{
    ngx_http_ingest_main_conf_t  *imcf;

    imcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_ingest_main_conf_t));
    if (imcf == NULL) {
        return NULL;
    }

    if (ngx_array_init(&imcf->queues, cf->pool, 4,
                       sizeof(ngx_http_ingest_queue_t *))
        != NGX_OK)
    {
        return NULL;
    }

    imcf->log = NGX_CONF_UNSET_PTR;

    return imcf;
}


char *
ngx_http_ingest_init_main_conf(ngx_conf_t *cf, void *conf)
{
    ngx_http_ingest_main_conf_t  *imcf = conf;

    ngx_conf_init_ptr_value(imcf->log, NULL);

    return NGX_CONF_OK;
}


void *
ngx_http_ingest_create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_ingest_loc_conf_t  *ilcf;

    ilcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_ingest_loc_conf_t));
    if (ilcf == NULL) {
        return NULL;
    }

    /*
     * set by ngx_pcalloc():
     *
     *     ilcf->queue = NULL;
     *     ilcf->max_event_size_place = { 0 };
     *     ilcf->ready = NULL;
     */

    ilcf->rules = NGX_CONF_UNSET_PTR;
    ilcf->max_event_size = NGX_CONF_UNSET_SIZE;
    ilcf->retry_after = NGX_CONF_UNSET;
    ilcf->problem = NGX_CONF_UNSET;

    return ilcf;
}


char *
ngx_http_ingest_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_ingest_loc_conf_t  *prev = parent;
    ngx_http_ingest_loc_conf_t  *conf = child;

    ngx_http_core_loc_conf_t  *clcf;

    ngx_conf_merge_ptr_value(conf->rules, prev->rules,
                             &ngx_http_ingest_default_rules);
    ngx_conf_merge_sec_value(conf->retry_after, prev->retry_after, 5);
    ngx_conf_merge_value(conf->problem, prev->problem, 1);

    if (conf->max_event_size == NGX_CONF_UNSET_SIZE) {
        conf->max_event_size = prev->max_event_size;
        conf->max_event_size_place = prev->max_event_size_place;
    }

    /*
     * "if" and "limit_except" are the same location, as for proxy_pass, but for
     * those that hand requests to another module
     */

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->noname && conf->queue == NULL && clcf->handler == NULL) {
        conf->queue = prev->queue;

        if (clcf->lmt_excpt && conf->queue != NULL) {
            clcf->handler = ngx_http_ingest_handler;
        }
    }

    if (clcf->noname && conf->ready == NULL) {
        conf->ready = prev->ready;
    }

    /* a size that was set must fit, the default need not */

    if (conf->queue != NULL
        && conf->max_event_size != NGX_CONF_UNSET_SIZE
        && conf->max_event_size > conf->queue->event_max)
    {
        conf->queue->event_max = conf->max_event_size;
        conf->queue->event_max_place = conf->max_event_size_place;
    }

    return NGX_CONF_OK;
}


char *
ngx_http_ingest(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_ingest_loc_conf_t  *ilcf = conf;

    char       *rv;
    ngx_str_t  *value;

    rv = ngx_http_ingest_set_handler(cf, ngx_http_ingest_handler);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    value = cf->args->elts;

    ilcf->queue = ngx_http_ingest_queue_get(cf, &value[1]);

    return ilcf->queue != NULL ? NGX_CONF_OK : NGX_CONF_ERROR;
}


char *
ngx_http_ingest_metrics(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    return ngx_http_ingest_set_handler(cf, ngx_http_ingest_metrics_handler);
}


char *
ngx_http_ingest_health(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_ingest_loc_conf_t  *ilcf = conf;

    char  *rv;

    if (cf->args->nelts == 1) {
        return ngx_http_ingest_set_handler(cf, ngx_http_ingest_health_handler);
    }

    rv = ngx_http_ingest_set_handler(cf, ngx_http_ingest_ready_handler);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    ilcf->ready = ngx_pcalloc(cf->pool, sizeof(ngx_http_ingest_ready_t));
    if (ilcf->ready == NULL) {
        return NGX_CONF_ERROR;
    }

    return ngx_http_ingest_set_ready(cf, ilcf->ready);
}


static char *
ngx_http_ingest_set_ready(ngx_conf_t *cf, ngx_http_ingest_ready_t *ready)
{
    ngx_str_t   *value;
    ngx_uint_t   i, *percent;

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "ready") != 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid parameter \"%V\", use \"ready\"",
                           &value[1]);
        return NGX_CONF_ERROR;
    }

    for (i = 2; i < cf->args->nelts; i++) {

        percent = ngx_strncmp(value[i].data, "high=", 5) == 0 ? &ready->high
                  : ngx_strncmp(value[i].data, "low=", 4) == 0 ? &ready->low
                  : NULL;

        if (percent == NULL || *percent != 0
            || ngx_http_ingest_percent(&value[i], percent) != NGX_OK)
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\", use high=PERCENT%% "
                               "or low=PERCENT%%, 1 to 100, once each",
                               &value[i]);
            return NGX_CONF_ERROR;
        }
    }

    if (ready->high == 0) {
        ready->high = NGX_HTTP_INGEST_READY_HIGH;
    }

    if (ready->low == 0) {
        ready->low = ngx_max(ready->high * NGX_HTTP_INGEST_READY_LOW / 100, 1);
    }

    if (ready->low > ready->high) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "low=%ui is more than high=%ui", ready->low,
                           ready->high);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/* "name=90%" or "name=90" */

static ngx_int_t
ngx_http_ingest_percent(ngx_str_t *value, ngx_uint_t *percent)
{
    u_char     *p, *last;
    ngx_int_t   n;

    p = ngx_strlchr(value->data, value->data + value->len, '=') + 1;
    last = value->data + value->len;

    if (last > p && *(last - 1) == '%') {
        last--;
    }

    n = ngx_atoi(p, last - p);

    if (n < 1 || n > 100) {
        return NGX_ERROR;
    }

    *percent = n;

    return NGX_OK;
}


char *
ngx_http_ingest_require(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_ingest_loc_conf_t  *ilcf = conf;

    ngx_str_t       *value;
    ngx_uint_t       i, n;
    ingest_rules_t  *rules;

    if (ilcf->rules != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    rules = ngx_pcalloc(cf->pool, sizeof(ingest_rules_t));
    if (rules == NULL) {
        return NGX_CONF_ERROR;
    }

    ilcf->rules = rules;

    value = cf->args->elts;

    if (cf->args->nelts == 2 && ngx_strcmp(value[1].data, "none") == 0) {
        return NGX_CONF_OK;
    }

    if (cf->args->nelts - 1 > INGEST_EVENT_REQUIRE_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "more than %d members are required",
                           INGEST_EVENT_REQUIRE_MAX);
        return NGX_CONF_ERROR;
    }

    for (i = 1; i < cf->args->nelts; i++) {

        if (ngx_strcmp(value[i].data, "none") == 0) {
            return "takes \"none\" only alone";
        }

        if (value[i].len == 0) {
            return "takes no empty name";
        }

        for (n = 1; n < i; n++) {
            if (ngx_strcmp(value[n].data, value[i].data) == 0) {
                ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                                   "member \"%V\" is named twice", &value[i]);
                return NGX_CONF_ERROR;
            }
        }

        rules->names[rules->nnames].data = value[i].data;
        rules->names[rules->nnames].len = value[i].len;
        rules->nnames++;
    }

    return NGX_CONF_OK;
}


char *
ngx_http_ingest_max_event_size(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_ingest_loc_conf_t  *ilcf = conf;

    char  *rv;

    rv = ngx_conf_set_size_slot(cf, cmd, conf);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    if (ilcf->max_event_size == 0) {
        return "must not be 0";
    }

    ilcf->max_event_size_place.file = cf->conf_file->file.name;
    ilcf->max_event_size_place.line = cf->conf_file->line;

    return NGX_CONF_OK;
}


static char *
ngx_http_ingest_set_handler(ngx_conf_t *cf, ngx_http_handler_pt handler)
{
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->handler == handler) {
        return "is duplicate";
    }

    if (clcf->handler != NULL) {
        return "stands beside another handler of the location";
    }

    clcf->handler = handler;

    return NGX_CONF_OK;
}
