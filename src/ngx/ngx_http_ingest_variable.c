
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#include "ngx_http_ingest_ctx.h"
#include "ngx_http_ingest_reason.h"
#include "ngx_http_ingest_variable.h"


static ngx_int_t ngx_http_ingest_variable_id(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_ingest_variable_count(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_ingest_variable_result(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static void ngx_http_ingest_variable_set(ngx_http_variable_value_t *v,
    u_char *data, size_t len);


static ngx_http_variable_t  ngx_http_ingest_variables[] = {

    { ngx_string("ingest_id"), NULL, ngx_http_ingest_variable_id, 0,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("ingest_count"), NULL, ngx_http_ingest_variable_count, 0,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("ingest_result"), NULL, ngx_http_ingest_variable_result, 0,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

      ngx_http_null_variable
};


ngx_int_t
ngx_http_ingest_variables_add(ngx_conf_t *cf)
{
    ngx_http_variable_t  *var, *v;

    for (v = ngx_http_ingest_variables; v->name.len; v++) {
        var = ngx_http_add_variable(cf, &v->name, v->flags);
        if (var == NULL) {
            return NGX_ERROR;
        }

        var->get_handler = v->get_handler;
        var->data = v->data;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_ingest_variable_id(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_ingest_ctx_t  *ctx;

    ctx = ngx_http_ingest_ctx_find(r);

    if (ctx == NULL || ctx->count == 0) {
        v->not_found = 1;
        return NGX_OK;
    }

    ngx_http_ingest_variable_set(v, ctx->id.data, ctx->id.len);

    return NGX_OK;
}


static ngx_int_t
ngx_http_ingest_variable_count(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    u_char                 *p;
    ngx_http_ingest_ctx_t  *ctx;

    if (ngx_http_ingest_ctx_conf(r) == NULL) {
        v->not_found = 1;
        return NGX_OK;
    }

    ctx = ngx_http_ingest_ctx_find(r);

    p = ngx_pnalloc(r->pool, NGX_INT_T_LEN);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_http_ingest_variable_set(v, p,
              ngx_sprintf(p, "%ui", ctx != NULL ? ctx->count : 0) - p);

    return NGX_OK;
}


static ngx_int_t
ngx_http_ingest_variable_result(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    const char       *name;
    ingest_reason_e   reason;

    reason = ngx_http_ingest_reason(r);

    if (reason == INGEST_REASONS || ngx_http_ingest_ctx_conf(r) == NULL) {
        v->not_found = 1;
        return NGX_OK;
    }

    name = ingest_reason_name(reason);

    ngx_http_ingest_variable_set(v, (u_char *) name, ngx_strlen(name));

    return NGX_OK;
}


static void
ngx_http_ingest_variable_set(ngx_http_variable_value_t *v, u_char *data,
    size_t len)
{
    v->data = data;
    v->len = len;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;
}
