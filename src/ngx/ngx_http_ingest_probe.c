
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#include "ngx_http_ingest_probe.h"
#include "../kafka/ingest_probe.h"


#define NGX_HTTP_INGEST_PROBE_MS  5000


ngx_int_t
ngx_http_ingest_probe(ngx_http_ingest_queue_t *queue, ngx_log_t *log)
{
    char              error[INGEST_OPTIONS_ERROR];
    ingest_rc_e       rc;
    ingest_user_t     user;
    ngx_core_conf_t  *ccf;

    ccf = (ngx_core_conf_t *) ngx_get_conf(queue->cycle->conf_ctx,
                                           ngx_core_module);

    user.name = ccf->username;
    user.uid = ccf->user;
    user.gid = ccf->group;

    /* without a master, or if that is not root, there is no other user */

    rc = ingest_probe(queue->options,
                      ccf->master && geteuid() == 0 ? &user : NULL,
                      NGX_HTTP_INGEST_PROBE_MS, error);

    if (rc != INGEST_OK) {
        ngx_log_error(NGX_LOG_EMERG, log, 0,
                      "queue \"%V\" cannot have a producer: %s in %V:%ui",
                      &queue->name, error, &queue->place.file,
                      queue->place.line);
        return NGX_ERROR;
    }

    return NGX_OK;
}
