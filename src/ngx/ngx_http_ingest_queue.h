
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * The block ingest_queue {}, and the checks that need all of its directives.
 */


#ifndef NGX_HTTP_INGEST_QUEUE_H
#define NGX_HTTP_INGEST_QUEUE_H


#include "ngx_http_ingest.h"


/*
 * The queue of that name, which is made if it is not there yet: a queue may
 * be used before its block.  NULL: out of memory.
 */

ngx_http_ingest_queue_t *ngx_http_ingest_queue_get(ngx_conf_t *cf,
    ngx_str_t *name);

/* After the whole of http{}: that every queue that is used has its block. */

ngx_int_t ngx_http_ingest_queues_check(ngx_conf_t *cf);

/* The setter of the block. */

char *ngx_http_ingest_queue(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);


#endif /* NGX_HTTP_INGEST_QUEUE_H */
