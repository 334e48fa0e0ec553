
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#include "ngx_http_ingest_queue.h"
#include "ngx_http_ingest_queue_conf.h"
#include "ngx_http_ingest_zone.h"


static char *ngx_http_ingest_queue_finish(ngx_conf_t *cf,
    ngx_http_ingest_queue_t *queue);
static char *ngx_http_ingest_queue_topics(ngx_conf_t *cf,
    ngx_http_ingest_queue_t *queue);
static char *ngx_http_ingest_queue_options(ngx_conf_t *cf,
    ngx_http_ingest_queue_t *queue);
static void ngx_http_ingest_queue_cleanup(void *data);


ngx_http_ingest_queue_t *
ngx_http_ingest_queue_get(ngx_conf_t *cf, ngx_str_t *name)
{
    ngx_uint_t                     i;
    ngx_http_ingest_queue_t      **queues, **slot, *queue;
    ngx_http_ingest_main_conf_t   *imcf;

    imcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_ingest_module);

    queues = imcf->queues.elts;

    for (i = 0; i < imcf->queues.nelts; i++) {
        if (queues[i]->name.len == name->len
            && ngx_strncmp(queues[i]->name.data, name->data, name->len) == 0)
        {
            return queues[i];
        }
    }

    queue = ngx_pcalloc(cf->pool, sizeof(ngx_http_ingest_queue_t));
    if (queue == NULL) {
        return NULL;
    }

    slot = ngx_array_push(&imcf->queues);
    if (slot == NULL) {
        return NULL;
    }

    queue->name = *name;
    queue->place.file = cf->conf_file->file.name;
    queue->place.line = cf->conf_file->line;
    queue->max_events = NGX_CONF_UNSET;
    queue->max_attempts = NGX_CONF_UNSET;
    queue->drain_timeout = NGX_CONF_UNSET_MSEC;

    *slot = queue;

    return queue;
}


ngx_int_t
ngx_http_ingest_queues_check(ngx_conf_t *cf)
{
    ngx_uint_t                     i;
    ngx_http_ingest_queue_t      **queues;
    ngx_http_ingest_main_conf_t   *imcf;

    imcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_ingest_module);

    queues = imcf->queues.elts;

    for (i = 0; i < imcf->queues.nelts; i++) {
        if (!queues[i]->declared) {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "unknown ingest queue \"%V\" in %V:%ui",
                          &queues[i]->name, &queues[i]->place.file,
                          queues[i]->place.line);
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


char *
ngx_http_ingest_queue(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_ingest_main_conf_t  *imcf = conf;

    char                     *rv;
    ngx_str_t                *value;
    ngx_conf_t                save;
    ngx_pool_cleanup_t       *cln;
    ngx_http_ingest_queue_t  *queue;

    value = cf->args->elts;

    if (ngx_http_ingest_queue_name_valid(&value[1]) != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid queue name \"%V\", use letters, digits, "
                           "\"_\", \"-\" and \".\"", &value[1]);
        return NGX_CONF_ERROR;
    }

    queue = ngx_http_ingest_queue_get(cf, &value[1]);
    if (queue == NULL) {
        return NGX_CONF_ERROR;
    }

    if (queue->declared) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "duplicate queue \"%V\"", &value[1]);
        return NGX_CONF_ERROR;
    }

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        return NGX_CONF_ERROR;
    }

    queue->options = ingest_options_create();
    if (queue->options == NULL) {
        return NGX_CONF_ERROR;
    }

    cln->handler = ngx_http_ingest_queue_cleanup;
    cln->data = queue;

    queue->declared = 1;
    queue->place.file = cf->conf_file->file.name;
    queue->place.line = cf->conf_file->line;

    imcf->current = queue;

    /* NGX_MAIN_CONF lets "include" in, and no directive of http modules */

    save = *cf;
    cf->cmd_type = NGX_HTTP_INGEST_QUEUE_CONF|NGX_MAIN_CONF;
    rv = ngx_conf_parse(cf, NULL);
    *cf = save;

    imcf->current = NULL;

    if (rv != NGX_CONF_OK) {
        return rv;
    }

    return ngx_http_ingest_queue_finish(cf, queue);
}


static char *
ngx_http_ingest_queue_finish(ngx_conf_t *cf, ngx_http_ingest_queue_t *queue)
{
    char        *rv;
    const char  *missing;

    missing = queue->zone_size == 0 ? "zone"
              : queue->brokers == NULL ? "brokers"
              : queue->topics == NULL ? "topic" : NULL;

    if (missing != NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "queue \"%V\" has no \"%s\"", &queue->name,
                           missing);
        return NGX_CONF_ERROR;
    }

    if (queue->max_events == NGX_CONF_UNSET) {
        queue->max_events = 0;
    }

    if (queue->max_attempts == NGX_CONF_UNSET) {
        queue->max_attempts = 0;
    }

    if (queue->drain_timeout == NGX_CONF_UNSET_MSEC) {
        queue->drain_timeout = 5000;
    }

    rv = ngx_http_ingest_queue_topics(cf, queue);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    rv = ngx_http_ingest_queue_options(cf, queue);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    return ngx_http_ingest_zone_add(cf, queue);
}


static char *
ngx_http_ingest_queue_topics(ngx_conf_t *cf, ngx_http_ingest_queue_t *queue)
{
    u_char      *p;
    ngx_str_t   *topics, *dead;
    ngx_uint_t   i;

    topics = queue->topics->elts;
    dead = &queue->dead_letter_topic;

    if (dead->data == NULL) {
        p = ngx_pnalloc(cf->pool, topics[0].len + sizeof("-dlq"));
        if (p == NULL) {
            return NGX_CONF_ERROR;
        }

        dead->data = p;
        dead->len = ngx_sprintf(p, "%V-dlq%Z", &topics[0]) - p - 1;

        if (dead->len > NGX_HTTP_INGEST_NAME_MAX) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "the default dead-letter topic \"%V\" is "
                               "too long, set \"dead_letter_topic\"", dead);
            return NGX_CONF_ERROR;
        }
    }

    for (i = 0; i < queue->topics->nelts; i++) {
        if (topics[i].len == dead->len
            && ngx_strncmp(topics[i].data, dead->data, dead->len) == 0)
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "dead-letter topic \"%V\" is also a topic of "
                               "queue \"%V\"", dead, &queue->name);
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_ingest_queue_options(ngx_conf_t *cf, ngx_http_ingest_queue_t *queue)
{
    char         error[INGEST_OPTIONS_ERROR];
    u_char      *list, *p;
    size_t       len;
    ngx_str_t   *brokers;
    ngx_uint_t   i;

    brokers = queue->brokers->elts;
    len = 0;

    for (i = 0; i < queue->brokers->nelts; i++) {
        len += brokers[i].len + 1;
    }

    list = ngx_pnalloc(cf->temp_pool, len);
    if (list == NULL) {
        return NGX_CONF_ERROR;
    }

    p = list;

    for (i = 0; i < queue->brokers->nelts; i++) {
        p = ngx_sprintf(p, "%V,", &brokers[i]);
    }

    *(p - 1) = '\0';

    if (ingest_options_brokers(queue->options, (char *) list, error)
        != INGEST_OK)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "%s", error);
        return NGX_CONF_ERROR;
    }

    if (queue->max_attempts != 0
        && ingest_options_report_each(queue->options, error) != INGEST_OK)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"max_attempts\" of queue \"%V\" has nothing "
                           "to count: %s", &queue->name, error);
        return NGX_CONF_ERROR;
    }

    queue->message_max = ingest_options_message_max(queue->options);

    return NGX_CONF_OK;
}


static void
ngx_http_ingest_queue_cleanup(void *data)
{
    ngx_http_ingest_queue_t  *queue = data;

    ingest_options_destroy(queue->options);
}
