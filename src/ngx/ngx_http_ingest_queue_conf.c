
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#include "ngx_http_ingest_queue_conf.h"


static char *ngx_http_ingest_queue_number(ngx_conf_t *cf,
    ngx_int_t *number);
static char *ngx_http_ingest_queue_check_topic(ngx_conf_t *cf,
    ngx_str_t *topic);
static char *ngx_http_ingest_queue_check_broker(ngx_conf_t *cf,
    ngx_str_t *broker);
static ngx_uint_t ngx_http_ingest_queue_is_broker(ngx_str_t *broker);
static ngx_uint_t ngx_http_ingest_queue_is_ipv6(u_char *host, u_char *last);
static ngx_uint_t ngx_http_ingest_queue_is_name(u_char *host, u_char *last);


char *
ngx_http_ingest_queue_zone(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_ingest_main_conf_t  *imcf = conf;

    off_t                     zone;
    ssize_t                   size;
    ngx_str_t                *value, s;
    ngx_http_ingest_queue_t  *queue;

    queue = imcf->current;

    if (queue->zone_size) {
        return "is duplicate";
    }

    value = cf->args->elts;

    /* ngx_parse_size() knows no "g" */

    zone = ngx_parse_offset(&value[1]);

    if (zone == NGX_ERROR || zone == 0 || (off_t) (size_t) zone != zone) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid zone size \"%V\"", &value[1]);
        return NGX_CONF_ERROR;
    }

    /* nginx would crash when it puts its slab into less, as "zone 64" is */

    if (zone < (off_t) (8 * ngx_pagesize)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "zone \"%V\" is too small", &value[1]);
        return NGX_CONF_ERROR;
    }

    queue->zone_size = (size_t) zone;

    if (cf->args->nelts == 2) {
        return NGX_CONF_OK;
    }

    if (ngx_strncmp(value[2].data, "segment=", 8) != 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid parameter \"%V\"", &value[2]);
        return NGX_CONF_ERROR;
    }

    s.data = value[2].data + 8;
    s.len = value[2].len - 8;

    size = ngx_parse_size(&s);

    if (size == NGX_ERROR
        || size < (ssize_t) INGEST_SEGMENT_MIN
        || size > (ssize_t) INGEST_SEGMENT_MAX
        || size % 4096 != 0)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid segment size \"%V\", it must be a "
                           "multiple of 4k between 64k and 4m", &s);
        return NGX_CONF_ERROR;
    }

    queue->segment_size = size;

    return NGX_CONF_OK;
}


char *
ngx_http_ingest_queue_brokers(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_ingest_main_conf_t  *imcf = conf;

    char        *rv;
    ngx_str_t   *value, *broker;
    ngx_uint_t   i;

    if (imcf->current->brokers) {
        return "is duplicate";
    }

    imcf->current->brokers = ngx_array_create(cf->pool, cf->args->nelts - 1,
                                              sizeof(ngx_str_t));
    if (imcf->current->brokers == NULL) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {
        rv = ngx_http_ingest_queue_check_broker(cf, &value[i]);
        if (rv != NGX_CONF_OK) {
            return rv;
        }

        broker = ngx_array_push(imcf->current->brokers);
        *broker = value[i];
    }

    return NGX_CONF_OK;
}


char *
ngx_http_ingest_queue_topic(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_ingest_main_conf_t  *imcf = conf;

    char        *rv;
    ngx_str_t   *value, *topic, *topics;
    ngx_uint_t   i, n;

    if (imcf->current->topics) {
        return "is duplicate";
    }

    imcf->current->topics = ngx_array_create(cf->pool, cf->args->nelts - 1,
                                             sizeof(ngx_str_t));
    if (imcf->current->topics == NULL) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {
        rv = ngx_http_ingest_queue_check_topic(cf, &value[i]);
        if (rv != NGX_CONF_OK) {
            return rv;
        }

        topics = imcf->current->topics->elts;

        for (n = 0; n < imcf->current->topics->nelts; n++) {
            if (topics[n].len == value[i].len
                && ngx_strncmp(topics[n].data, value[i].data, value[i].len)
                   == 0)
            {
                ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                                   "topic \"%V\" is named twice", &value[i]);
                return NGX_CONF_ERROR;
            }
        }

        topic = ngx_array_push(imcf->current->topics);
        *topic = value[i];
    }

    return NGX_CONF_OK;
}


char *
ngx_http_ingest_queue_dead_letter(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_ingest_main_conf_t  *imcf = conf;

    ngx_str_t  *value;

    if (imcf->current->dead_letter_topic.data) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "off") == 0) {
        ngx_str_set(&imcf->current->dead_letter_topic, "");
        return NGX_CONF_OK;
    }

    imcf->current->dead_letter_topic = value[1];

    return ngx_http_ingest_queue_check_topic(cf, &value[1]);
}


char *
ngx_http_ingest_queue_kafka(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_ingest_main_conf_t  *imcf = conf;

    char        error[INGEST_OPTIONS_ERROR];
    ngx_str_t  *value;

    value = cf->args->elts;

    /* nginx terminates the arguments of a directive with a zero */

    if (ingest_options_set(imcf->current->options, (char *) value[1].data,
                           (char *) value[2].data, error)
        != INGEST_OK)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "%s", error);
        return NGX_CONF_ERROR;
    }

    if (error[0] != '\0') {
        ngx_conf_log_error(NGX_LOG_WARN, cf, 0, "%s", error);
    }

    return NGX_CONF_OK;
}


char *
ngx_http_ingest_queue_max_events(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_ingest_main_conf_t  *imcf = conf;

    return ngx_http_ingest_queue_number(cf, &imcf->current->max_events);
}


char *
ngx_http_ingest_queue_max_attempts(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_ingest_main_conf_t  *imcf = conf;

    char  *rv;

    rv = ngx_http_ingest_queue_number(cf, &imcf->current->max_attempts);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    if (imcf->current->max_attempts > UINT16_MAX) {
        return "must be less than 65536";
    }

    return NGX_CONF_OK;
}


char *
ngx_http_ingest_queue_drain_timeout(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_ingest_main_conf_t  *imcf = conf;

    ngx_str_t   *value;
    ngx_msec_t   ms;

    if (imcf->current->drain_timeout != NGX_CONF_UNSET_MSEC) {
        return "is duplicate";
    }

    value = cf->args->elts;

    ms = ngx_parse_time(&value[1], 0);
    if (ms == (ngx_msec_t) NGX_ERROR) {
        return "invalid value";
    }

    imcf->current->drain_timeout = ms;

    return NGX_CONF_OK;
}


static char *
ngx_http_ingest_queue_number(ngx_conf_t *cf, ngx_int_t *number)
{
    ngx_str_t  *value;
    ngx_int_t   n;

    if (*number != NGX_CONF_UNSET) {
        return "is duplicate";
    }

    value = cf->args->elts;

    n = ngx_atoi(value[1].data, value[1].len);
    if (n == NGX_ERROR) {
        return "invalid number";
    }

    *number = n;

    return NGX_CONF_OK;
}


ngx_int_t
ngx_http_ingest_queue_name_valid(ngx_str_t *name)
{
    u_char  ch;
    size_t  i;

    if (name->len == 0 || name->len > NGX_HTTP_INGEST_NAME_MAX) {
        return NGX_DECLINED;
    }

    for (i = 0; i < name->len; i++) {
        ch = name->data[i];

        if (!((ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z')
              || (ch >= '0' && ch <= '9')
              || ch == '_' || ch == '-' || ch == '.'))
        {
            return NGX_DECLINED;
        }
    }

    return NGX_OK;
}


static char *
ngx_http_ingest_queue_check_topic(ngx_conf_t *cf, ngx_str_t *topic)
{
    if (ngx_http_ingest_queue_name_valid(topic) == NGX_OK
        && ngx_strcmp(topic->data, ".") != 0
        && ngx_strcmp(topic->data, "..") != 0)
    {
        return NGX_CONF_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid topic name \"%V\", Kafka takes 1 to 249 "
                       "letters, digits, \"_\", \"-\" and \".\"", topic);

    return NGX_CONF_ERROR;
}


static char *
ngx_http_ingest_queue_check_broker(ngx_conf_t *cf, ngx_str_t *broker)
{
    if (ngx_strlchr(broker->data, broker->data + broker->len, ',') != NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid broker \"%V\", brokers are separated by "
                           "spaces", broker);
        return NGX_CONF_ERROR;
    }

    if (ngx_http_ingest_queue_is_broker(broker)) {
        return NGX_CONF_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid broker \"%V\", it must be HOST or HOST:PORT",
                       broker);

    return NGX_CONF_ERROR;
}


/* HOST or HOST:PORT, an IPv6 address in brackets. */

static ngx_uint_t
ngx_http_ingest_queue_is_broker(ngx_str_t *broker)
{
    u_char     *host, *port, *last;
    ngx_int_t   n;

    host = broker->data;
    last = host + broker->len;

    if (broker->len != 0 && *host == '[') {
        port = ngx_strlchr(host, last, ']');

        if (port == NULL
            || !ngx_http_ingest_queue_is_ipv6(host + 1, port))
        {
            return 0;
        }

        port++;

    } else {
        port = ngx_strlchr(host, last, ':');

        if (port == NULL) {
            port = last;
        }

        if (!ngx_http_ingest_queue_is_name(host, port)) {
            return 0;
        }
    }

    if (port == last) {
        return 1;
    }

    n = ngx_atoi(port + 1, last - port - 1);

    return *port == ':' && n >= 1 && n <= 65535;
}


/* The zone behind "%" is the system's. */

static ngx_uint_t
ngx_http_ingest_queue_is_ipv6(u_char *host, u_char *last)
{
    u_char  *zone, address[16];

    zone = ngx_strlchr(host, last, '%');

    if (zone != NULL) {
        last = zone;
    }

    return ngx_inet6_addr(host, last - host, address) == NGX_OK;
}


/* No part of it is empty, but for the one behind a dot at the end. */

static ngx_uint_t
ngx_http_ingest_queue_is_name(u_char *host, u_char *last)
{
    u_char  *p;

    for (p = host; p < last; p++) {
        if (*p == '.' && (p == host || p[-1] == '.')) {
            return 0;
        }
    }

    return host != last;
}
