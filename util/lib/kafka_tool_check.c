
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * A record against what http_load has sent, in one line:
 *
 *     NUMBER PARTITION WORD [CODE]
 *
 * WORD is "ok", or what is wrong: "key", "trace_id" or "value".  In front of it
 * stands "dead CODE" for a dead letter, with Kafka's number of the error, which
 * has to have its headers; "headers" if it has not.  NUMBER is 0 when the key
 * is no id of ours.
 */


#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>

#include "kafka_tool.h"


static const char  tool_timestamp[] = "{\"timestamp\":\"";


static uint64_t tool_number(rd_kafka_message_t *message,
    const load_shape_t *shape);
static bool tool_value_is_right(rd_kafka_message_t *message,
    tool_read_t *opts, uint64_t number);
static bool tool_header_is_key(rd_kafka_message_t *message);
static bool tool_dead(rd_kafka_headers_t *headers, int *code);
static bool tool_header(rd_kafka_headers_t *headers, const char *name,
    const char **value, size_t *len);


void
tool_check(rd_kafka_message_t *message, tool_read_t *opts)
{
    int                  code;
    bool                 whole;
    size_t               len;
    uint64_t             number;
    const char          *word, *error;
    rd_kafka_headers_t  *headers;

    number = tool_number(message, opts->shape);
    whole = true;
    code = 0;

    printf("%llu %d ", (unsigned long long) number, (int) message->partition);

    if (rd_kafka_message_headers(message, &headers)
            == RD_KAFKA_RESP_ERR_NO_ERROR
        && tool_header(headers, "error", &error, &len))
    {
        whole = tool_dead(headers, &code);
        printf("dead %d ", code);
    }

    word = number == 0 ? "key"
           : !tool_header_is_key(message) ? "trace_id"
           : !tool_value_is_right(message, opts, number) ? "value"
           : !whole ? "headers" : "ok";

    puts(word);
}


/* The number in a key PREFIX-NUMBER, written as http_load does; or 0. */

static uint64_t
tool_number(rd_kafka_message_t *message, const load_shape_t *shape)
{
    size_t       i, len;
    uint64_t     number;
    const char  *key;

    key = message->key;
    len = strlen(shape->prefix);

    if (key == NULL || message->key_len < len + 2
        || message->key_len > len + 19
        || memcmp(key, shape->prefix, len) != 0
        || key[len] != '-' || key[len + 1] == '0')
    {
        return 0;
    }

    number = 0;

    for (i = len + 1; i < message->key_len; i++) {

        if (key[i] < '0' || key[i] > '9') {
            return 0;
        }

        number = number * 10 + (uint64_t) (key[i] - '0');
    }

    return number;
}


/* http_load sends no timestamp: the module has put it in front. */

static bool
tool_value_is_right(rd_kafka_message_t *message, tool_read_t *opts,
    uint64_t number)
{
    size_t       i, len, head;
    const char  *value;

    static const char  form[] = "dddd-dd-ddTdd:dd:dd.dddZ\",";

    value = message->payload;
    len = load_event(opts->event, opts->shape, number);
    head = sizeof(tool_timestamp) - 1 + sizeof(form) - 1;

    if (value == NULL
        || message->len != head + len - 1
        || memcmp(value, tool_timestamp, sizeof(tool_timestamp) - 1) != 0
        || memcmp(value + head, opts->event + 1, len - 1) != 0)
    {
        return false;
    }

    value += sizeof(tool_timestamp) - 1;

    for (i = 0; i < sizeof(form) - 1; i++) {

        if (form[i] == 'd' ? !isdigit((unsigned char) value[i])
                           : value[i] != form[i])
        {
            return false;
        }
    }

    return true;
}


static bool
tool_header_is_key(rd_kafka_message_t *message)
{
    size_t               len;
    const char          *value;
    rd_kafka_headers_t  *headers;

    return rd_kafka_message_headers(message, &headers)
               == RD_KAFKA_RESP_ERR_NO_ERROR
           && tool_header(headers, "trace_id", &value, &len)
           && len == message->key_len
           && memcmp(value, message->key, len) == 0;
}


/* Has a dead letter all that it must have? */

static bool
tool_dead(rd_kafka_headers_t *headers, int *code)
{
    int          i;
    bool         whole;
    size_t       len;
    const char  *value;

    static const char *const  names[] = {
        "ingest.received_at",
        "__connect.errors.topic",
        "__connect.errors.partition",
        "__connect.errors.exception.class.name",
        "__connect.errors.exception.message"
    };

    whole = true;

    for (i = 0; i < (int) (sizeof(names) / sizeof(names[0])); i++) {
        whole = tool_header(headers, names[i], &value, &len) && whole;
    }

    if (tool_header(headers, "ingest.error.code", &value, &len)) {
        *code = atoi(value);

    } else {
        whole = false;
    }

    return whole;
}


/* librdkafka ends each value with a zero. */

static bool
tool_header(rd_kafka_headers_t *headers, const char *name,
    const char **value, size_t *len)
{
    const void  *data;

    if (rd_kafka_header_get_last(headers, name, &data, len)
            != RD_KAFKA_RESP_ERR_NO_ERROR
        || data == NULL)
    {
        return false;
    }

    *value = data;

    return *len != 0;
}
