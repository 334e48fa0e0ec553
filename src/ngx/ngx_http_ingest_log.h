
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * What happens to a queue, told twice: to error_log in a sentence, and to
 * ingest_log as a line of JSON.  The file is opened and reopened by nginx and
 * written by event loops only, one write() a line.
 */


#ifndef NGX_HTTP_INGEST_LOG_H
#define NGX_HTTP_INGEST_LOG_H


#include "ngx_http_ingest.h"
#include "../core/ingest_line.h"


struct ngx_http_ingest_log_s {
    ngx_open_file_t              *file;
    ingest_level_e                level;
    time_t                        failed;   /* when that was said last */
};


/* ingest_log path [level] | off */

char *ngx_http_ingest_log(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* The line goes to both logs; the time is nginx's cached one. */

void ngx_http_ingest_log_line(ngx_http_ingest_queue_t *queue,
    const ingest_line_t *line);

/* The same for a line that is made here; see ingest_line_set(). */

void ngx_http_ingest_log_write(ngx_http_ingest_queue_t *queue,
    ingest_level_e level, const char *msg, const char *sentence,
    const ingest_field_t *fields);

/* A new cycle has come to life.  The master, once for each of them. */

void ngx_http_ingest_log_applied(ngx_cycle_t *cycle);


#endif /* NGX_HTTP_INGEST_LOG_H */
