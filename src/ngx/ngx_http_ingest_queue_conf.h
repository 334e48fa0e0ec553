
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/* The directives inside of ingest_queue {}. */


#ifndef NGX_HTTP_INGEST_QUEUE_CONF_H
#define NGX_HTTP_INGEST_QUEUE_CONF_H


#include "ngx_http_ingest.h"


#define NGX_HTTP_INGEST_NAME_MAX  249   /* bytes of a topic, Kafka's limit */


/* NGX_OK: a name that Kafka takes for a topic, and we for a queue. */

ngx_int_t ngx_http_ingest_queue_name_valid(ngx_str_t *name);

/* setters */

char *ngx_http_ingest_queue_zone(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_ingest_queue_brokers(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_ingest_queue_topic(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_ingest_queue_dead_letter(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);
char *ngx_http_ingest_queue_kafka(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_ingest_queue_max_events(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_ingest_queue_max_attempts(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_ingest_queue_drain_timeout(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


#endif /* NGX_HTTP_INGEST_QUEUE_CONF_H */
