
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/* The configuration of http{}, server{} and location{}. */


#ifndef NGX_HTTP_INGEST_CONF_H
#define NGX_HTTP_INGEST_CONF_H


#include "ngx_http_ingest.h"


void *ngx_http_ingest_create_main_conf(ngx_conf_t *cf);
char *ngx_http_ingest_init_main_conf(ngx_conf_t *cf, void *conf);
void *ngx_http_ingest_create_loc_conf(ngx_conf_t *cf);
char *ngx_http_ingest_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child);

/* setters */

char *ngx_http_ingest(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_ingest_metrics(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_ingest_health(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_ingest_require(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_ingest_max_event_size(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


#endif /* NGX_HTTP_INGEST_CONF_H */
