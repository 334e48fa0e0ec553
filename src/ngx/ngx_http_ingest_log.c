
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#include "ngx_http_ingest_log.h"
#include "../kafka/ingest_client.h"


#define NGX_HTTP_INGEST_LOG_QUIET  60   /* seconds between two complaints */


static char *ngx_http_ingest_log_open(ngx_conf_t *cf,
    ngx_http_ingest_log_t *log, ngx_str_t *path);
static char *ngx_http_ingest_log_level(ngx_conf_t *cf,
    ngx_http_ingest_log_t *log, ngx_str_t *name);
static void ngx_http_ingest_log_json(ngx_cycle_t *cycle, ngx_str_t *queue,
    ngx_pid_t worker, const ingest_line_t *line);


typedef struct {
    ngx_str_t                     name;
    ngx_uint_t                    level;
} ngx_http_ingest_level_t;


static ngx_http_ingest_level_t  ngx_http_ingest_levels[] = {
    { ngx_string("alert"), NGX_LOG_ALERT },     /* INGEST_LOG_ALERT */
    { ngx_string("crit"), NGX_LOG_CRIT },       /* INGEST_LOG_CRIT */
    { ngx_string("error"), NGX_LOG_ERR },       /* INGEST_LOG_ERROR */
    { ngx_string("warn"), NGX_LOG_WARN },       /* INGEST_LOG_WARN */
    { ngx_string("notice"), NGX_LOG_NOTICE },   /* INGEST_LOG_NOTICE */
    { ngx_string("info"), NGX_LOG_INFO },       /* INGEST_LOG_INFO */
    { ngx_string("debug"), NGX_LOG_DEBUG }      /* INGEST_LOG_DEBUG */
};


char *
ngx_http_ingest_log(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_ingest_main_conf_t  *imcf = conf;

    char                   *rv;
    ngx_str_t              *value;
    ngx_http_ingest_log_t  *log;

    if (imcf->log != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "off") == 0) {

        if (cf->args->nelts > 2) {
            return "takes no level with \"off\"";
        }

        imcf->log = NULL;

        return NGX_CONF_OK;
    }

    log = ngx_pcalloc(cf->pool, sizeof(ngx_http_ingest_log_t));
    if (log == NULL) {
        return NGX_CONF_ERROR;
    }

    log->level = INGEST_LOG_INFO;

    if (cf->args->nelts > 2) {
        rv = ngx_http_ingest_log_level(cf, log, &value[2]);
        if (rv != NGX_CONF_OK) {
            return rv;
        }
    }

    imcf->log = log;

    return ngx_http_ingest_log_open(cf, log, &value[1]);
}


/*
 * nginx opens the file when all of the configuration has been read.  Whether
 * it can is tried here, where the line is known.
 */

static char *
ngx_http_ingest_log_open(ngx_conf_t *cf, ngx_http_ingest_log_t *log,
    ngx_str_t *path)
{
    ngx_fd_t   fd;
    ngx_str_t  none;

    if (ngx_strcmp(path->data, "stderr") == 0) {
        ngx_str_null(&none);

        log->file = ngx_conf_open_file(cf->cycle, &none);
        cf->cycle->log_use_stderr = 1;

        return log->file != NULL ? NGX_CONF_OK : NGX_CONF_ERROR;
    }

    if (path->len == 0
        || ngx_strncmp(path->data, "syslog:", 7) == 0
        || ngx_strncmp(path->data, "memory:", 7) == 0)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"ingest_log\" takes a file or \"stderr\", not "
                           "\"%V\"", path);
        return NGX_CONF_ERROR;
    }

    log->file = ngx_conf_open_file(cf->cycle, path);
    if (log->file == NULL) {
        return NGX_CONF_ERROR;
    }

    if (ngx_process == NGX_PROCESS_SIGNALLER) {
        return NGX_CONF_OK;
    }

    fd = ngx_open_file(log->file->name.data, NGX_FILE_APPEND,
                       NGX_FILE_CREATE_OR_OPEN, NGX_FILE_DEFAULT_ACCESS);

    if (fd == NGX_INVALID_FILE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_open_file_n " \"%V\" failed", &log->file->name);
        return NGX_CONF_ERROR;
    }

    (void) ngx_close_file(fd);

    return NGX_CONF_OK;
}


static char *
ngx_http_ingest_log_level(ngx_conf_t *cf, ngx_http_ingest_log_t *log,
    ngx_str_t *name)
{
    ngx_uint_t                i;
    ngx_http_ingest_level_t  *level;

    for (i = INGEST_LOG_ALERT; i <= INGEST_LOG_DEBUG; i++) {
        level = &ngx_http_ingest_levels[i];

        if (level->name.len == name->len
            && ngx_strncmp(level->name.data, name->data, name->len) == 0)
        {
            log->level = i;
            return NGX_CONF_OK;
        }
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid level \"%V\", use alert, crit, error, warn, "
                       "notice, info or debug", name);

    return NGX_CONF_ERROR;
}


void
ngx_http_ingest_log_line(ngx_http_ingest_queue_t *queue,
    const ingest_line_t *line)
{
    ngx_log_error(ngx_http_ingest_levels[line->level].level, queue->cycle->log,
                  0, "queue \"%V\": %s", &queue->name, line->text);

    ngx_http_ingest_log_json(queue->cycle, &queue->name, ngx_pid, line);
}


void
ngx_http_ingest_log_write(ngx_http_ingest_queue_t *queue,
    ingest_level_e level, const char *msg, const char *sentence,
    const ingest_field_t *fields)
{
    ingest_line_t  line;

    ingest_line_set(&line, level, msg, sentence, fields);

    ngx_http_ingest_log_line(queue, &line);
}


void
ngx_http_ingest_log_applied(ngx_cycle_t *cycle)
{
    ingest_line_t                 line;
    ngx_core_conf_t              *ccf;
    ngx_http_ingest_main_conf_t  *imcf;

    imcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_ingest_module);

    if (ngx_test_config || imcf == NULL || imcf->queues.nelts == 0) {
        return;
    }

    ccf = (ngx_core_conf_t *) ngx_get_conf(cycle->conf_ctx, ngx_core_module);

    ingest_line_set(&line, INGEST_LOG_NOTICE, "configuration applied",
        "ingest configuration applied: {queues} queues, {workers} workers, "
        "version {version}, librdkafka {librdkafka}",
        ingest_fields(
            ingest_field_number("queues", imcf->queues.nelts),
            ingest_field_number("workers", ccf->worker_processes),
            ingest_field_word("version", NGX_HTTP_INGEST_VERSION),
            ingest_field_word("nginx", NGINX_VERSION),
            ingest_field_word("librdkafka", ingest_client_version())));

    ngx_log_error(NGX_LOG_NOTICE, cycle->log, 0, "%s", line.text);

    /* it may not be the master yet, which is another process then */

    ngx_http_ingest_log_json(cycle, NULL, 0, &line);
}


static void
ngx_http_ingest_log_json(ngx_cycle_t *cycle, ngx_str_t *queue,
    ngx_pid_t worker, const ingest_line_t *line)
{
    size_t                        len;
    u_char                        json[INGEST_LINE_JSON];
    ssize_t                       n;
    ngx_err_t                     err;
    ngx_time_t                   *tp;
    ingest_origin_t               origin;
    ngx_http_ingest_log_t        *log;
    ngx_http_ingest_main_conf_t  *imcf;

    imcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_ingest_module);
    log = imcf->log;

    if (log == NULL || line->level > log->level) {
        return;
    }

    tp = ngx_timeofday();

    ngx_memzero(&origin, sizeof(ingest_origin_t));

    origin.time_ms = (uint64_t) tp->sec * 1000 + tp->msec;
    origin.worker = worker;

    if (queue != NULL) {
        origin.queue.data = queue->data;
        origin.queue.len = queue->len;
    }

    len = ingest_line_json(line, &origin, json);

    n = ngx_write_fd(log->file->fd, json, len);

    if (n == (ssize_t) len
        || tp->sec - log->failed < NGX_HTTP_INGEST_LOG_QUIET)
    {
        return;
    }

    err = n == -1 ? ngx_errno : 0;
    log->failed = tp->sec;

    ngx_log_error(NGX_LOG_WARN, cycle->log, err,
                  "line of ingest_log \"%V\" is not written whole",
                  &log->file->name);
}
