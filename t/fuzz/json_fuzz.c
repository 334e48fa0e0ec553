
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * Any bytes as a body.  What the scanner accepts, cJSON accepts too and ends
 * at the same byte; what is taken as an event is written with exactly its
 * size, is again an event with the same id, and needs nothing more then.
 */


#define _GNU_SOURCE

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/core/ingest_event.h"
#include "../../src/core/ingest_json.h"


/* what cJSON reads of a number; it takes the rest for something else */

#define CJSON_NUMBER  63

#define check(condition)                                                      \
    do {                                                                      \
        if (!(condition)) {                                                   \
            abort();                                                          \
        }                                                                     \
    } while (0)


/* those that an event has a meaning for: a scan finds the same ones twice */

enum { ID, TYPE, TIMESTAMP, PAYLOAD, NMEMBERS };


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);


static const ingest_defaults_t  defaults = { .time_ms = 1795622566123 };


static void
check_span(const ingest_span_t *span, const uint8_t *data, size_t len)
{
    if (span->kind == INGEST_KIND_ABSENT) {
        check(span->data == NULL && span->len == 0);
        return;
    }

    check(span->data >= data && span->data <= data + len);
    check(span->len > 0);
    check(span->len <= (size_t) (data + len - span->data));

    switch (span->data[0]) {

    case '"':
        check(span->kind == INGEST_KIND_STRING);
        check(span->len >= 2 && span->data[span->len - 1] == '"');
        check(span->escaped
              == (memchr(span->data, '\\', span->len) != NULL));
        break;

    case '{':
        check(span->kind == INGEST_KIND_OBJECT);
        check(span->data[span->len - 1] == '}');
        break;

    case '[':
        check(span->kind == INGEST_KIND_ARRAY);
        check(span->data[span->len - 1] == ']');
        break;

    default:
        check(span->kind == INGEST_KIND_NULL
              || span->kind == INGEST_KIND_BOOLEAN
              || span->kind == INGEST_KIND_NUMBER);
    }
}


/* Whether cJSON can read it at all: no number is too long for it. */

static bool
is_readable(const uint8_t *data, size_t len)
{
    bool    string;
    size_t  i, n;

    string = false;

    for (i = 0, n = 0; i < len; i++) {

        if (string && data[i] == '\\') {
            i++;

        } else if (data[i] == '"') {
            string = !string;
            n = 0;

        } else if (!string && data[i] != '\0'
                   && strchr("0123456789+-.eE", data[i]) != NULL)
        {
            if (++n > CJSON_NUMBER) {
                return false;
            }

        } else {
            n = 0;
        }
    }

    return true;
}


static void
check_string(cJSON *root, const ingest_member_t *member)
{
    char           *decoded;
    size_t          len;
    const char     *value;
    ingest_span_t   span;

    span = member->value;
    value = cJSON_GetStringValue(
        cJSON_GetObjectItemCaseSensitive(root,
                                         (const char *) member->name.data));

    check((value != NULL) == (span.kind == INGEST_KIND_STRING));

    if (value == NULL) {
        return;
    }

    decoded = malloc(span.len);
    check(decoded != NULL);

    check(ingest_json_decode(&span, (uint8_t *) decoded, span.len, &len));
    check(len == strlen(value) && memcmp(decoded, value, len) == 0);

    free(decoded);
}


static void
check_oracle(const ingest_json_t *json, const uint8_t *data, size_t len)
{
    cJSON       *root;
    const char  *end;

    if (!is_readable(data, len)) {
        return;
    }

    root = cJSON_ParseWithLengthOpts((const char *) data, len, &end, false);

    check(root != NULL);
    check((const uint8_t *) end == json->root.data + json->root.len);

    /* cJSON ends a string at \u0000, a name too */

    if (memmem(data, len, "\\u0000", sizeof("\\u0000") - 1) == NULL) {
        check_string(root, &json->members[ID]);
        check_string(root, &json->members[TYPE]);
    }

    cJSON_Delete(root);
}


static ingest_rc_e
check_scan(const uint8_t *data, size_t len, ingest_member_t *members,
    ingest_json_t *json)
{
    unsigned     i;
    ingest_rc_e  rc;

    json->members = members;
    json->nmembers = NMEMBERS;

    rc = ingest_json_document(json, data, data + len);

    check(json->at >= data && json->at <= data + len);

    if (rc == INGEST_JSON_EMPTY || rc == INGEST_JSON_TRUNCATED) {
        check(json->at == data + len);
    }

    if (rc != INGEST_OK && rc != INGEST_EVENT_DUPLICATE) {
        return rc;
    }

    check_span(&json->root, data, len);

    for (i = 0; i < NMEMBERS; i++) {
        check_span(&members[i].value, json->root.data, json->root.len);
    }

    if (rc == INGEST_OK) {
        check_oracle(json, data, len);
    }

    return rc;
}


/* An event written and read again. */

static void
check_event(const ingest_event_t *event, const ingest_json_t *json)
{
    uint8_t         *text, *again;
    ingest_event_t   second;
    ingest_rules_t   rules;

    text = malloc(event->size);
    check(text != NULL);
    check(ingest_event_write(event, text) == text + event->size);

    if (!ingest_span_is_missing(&json->members[ID].value)
        && !ingest_span_is_missing(&json->members[TIMESTAMP].value))
    {
        check(event->size == json->root.len);
        check(memcmp(text, json->root.data, event->size) == 0);
    }

    /* it has all now, so that no default is put in */

    rules.nnames = 2;
    rules.names[0] = json->members[ID].name;
    rules.names[1] = json->members[TIMESTAMP].name;

    check(ingest_event_parse(&second, text, event->size, &rules, &defaults)
          == INGEST_OK);
    check(second.id.len == event->id.len);
    check(memcmp(second.id.data, event->id.data, second.id.len) == 0);
    check(second.size == event->size);

    again = malloc(second.size);
    check(again != NULL);
    check(ingest_event_write(&second, again) == again + second.size);
    check(memcmp(again, text, second.size) == 0);

    free(again);
    free(text);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    ingest_rc_e      scanned, rc;
    ingest_json_t    json;
    ingest_event_t   event;
    ingest_rules_t   rules;
    ingest_member_t  members[NMEMBERS] = {
        [ID]        = { .name = ingest_string("id") },
        [TYPE]      = { .name = ingest_string("type") },
        [TIMESTAMP] = { .name = ingest_string("timestamp") },
        [PAYLOAD]   = { .name = ingest_string("payload") }
    };

    if (data == NULL) {
        return 0;
    }

    scanned = check_scan(data, len, members, &json);

    rules.nnames = 0;
    rc = ingest_event_parse(&event, data, len, &rules, &defaults);

    if (scanned != INGEST_OK) {
        check(rc == scanned);
        check(event.offset == (size_t) (json.at - data));
        return 0;
    }

    if (rc == INGEST_OK) {
        check_event(&event, &json);

    } else {
        check(rc >= INGEST_EVENT_ARRAY);
        check(event.offset < len);
    }

    return 0;
}
