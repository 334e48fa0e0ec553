
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#include <string.h>

#include "ingest_event.h"
#include "ingest_json.h"
#include "ingest_splice.h"


/* decoded; what is longer, and escaped, is no timestamp that we know of */
#define INGEST_EVENT_TIME_MAX  256


/* members that the event's own rules are about; required ones follow */

typedef enum {
    INGEST_MEMBER_ID = 0,
    INGEST_MEMBER_TYPE,
    INGEST_MEMBER_TIMESTAMP,
    INGEST_MEMBER_PAYLOAD,
    INGEST_MEMBER_OWN
} ingest_member_e;


#define INGEST_MEMBERS  (INGEST_MEMBER_OWN + INGEST_EVENT_REQUIRE_MAX)


typedef struct {
    ingest_event_t         *event;
    const uint8_t          *body;
    uint32_t                required;       /* a bit a member */
    ingest_json_t           json;
    ingest_member_t         members[INGEST_MEMBERS];
} ingest_check_t;


static void ingest_event_track(ingest_check_t *check,
    const ingest_rules_t *rules);
static unsigned ingest_event_find(const ingest_json_t *json,
    const ingest_str_t *name);
static ingest_rc_e ingest_event_check(ingest_check_t *check);
static ingest_rc_e ingest_event_check_required(ingest_check_t *check);
static ingest_rc_e ingest_event_check_id(ingest_check_t *check);
static bool ingest_event_has_control(const ingest_str_t *text);
static bool ingest_event_is_time(const ingest_span_t *value);
static ingest_rc_e ingest_event_fail(ingest_check_t *check, ingest_rc_e rc,
    const ingest_member_t *member);


static const ingest_str_t  ingest_event_names[INGEST_MEMBER_OWN] = {
    [INGEST_MEMBER_ID]        = ingest_string("id"),
    [INGEST_MEMBER_TYPE]      = ingest_string("type"),
    [INGEST_MEMBER_TIMESTAMP] = ingest_string("timestamp"),
    [INGEST_MEMBER_PAYLOAD]   = ingest_string("payload")
};


ingest_rc_e
ingest_event_parse(ingest_event_t *event, const uint8_t *data, size_t len,
    const ingest_rules_t *rules, const ingest_defaults_t *defaults)
{
    ingest_rc_e     rc;
    ingest_json_t  *json;
    ingest_check_t  check;

    check.event = event;
    check.body = data;

    event->id.len = 0;
    event->id.data = NULL;
    event->member = event->id;
    event->size = 0;
    event->offset = 0;
    event->npieces = 0;

    ingest_event_track(&check, rules);

    json = &check.json;
    rc = ingest_json_document(json, data, data + len);

    if (rc != INGEST_OK) {
        event->offset = (size_t) (json->at - data);

        if (rc == INGEST_EVENT_DUPLICATE) {
            event->member = json->duplicate->name;
        }

        return rc;
    }

    rc = ingest_event_check(&check);

    if (rc != INGEST_OK) {
        return rc;
    }

    ingest_splice(event, json, &check.members[INGEST_MEMBER_ID],
                  &check.members[INGEST_MEMBER_TIMESTAMP], defaults);

    return INGEST_OK;
}


uint8_t *
ingest_event_write(const ingest_event_t *event, uint8_t *p)
{
    unsigned             i;
    const ingest_str_t  *piece;

    for (i = 0; i < event->npieces; i++) {
        piece = &event->pieces[i];

        memcpy(p, piece->data, piece->len);
        p += piece->len;
    }

    return p;
}


/* No name twice: the scan gives a value to the first that fits. */

static void
ingest_event_track(ingest_check_t *check, const ingest_rules_t *rules)
{
    unsigned        i, n;
    ingest_json_t  *json;

    json = &check->json;

    for (i = 0; i < INGEST_MEMBER_OWN; i++) {
        check->members[i].name = ingest_event_names[i];
    }

    json->members = check->members;
    json->nmembers = INGEST_MEMBER_OWN;

    check->required = 0;

    for (i = 0; i < rules->nnames; i++) {
        n = ingest_event_find(json, &rules->names[i]);

        if (n == json->nmembers) {
            check->members[n].name = rules->names[i];
            json->nmembers++;
        }

        check->required |= UINT32_C(1) << n;
    }
}


static unsigned
ingest_event_find(const ingest_json_t *json, const ingest_str_t *name)
{
    unsigned             i;
    const ingest_str_t  *known;

    for (i = 0; i < json->nmembers; i++) {
        known = &json->members[i].name;

        if (known->len == name->len
            && memcmp(known->data, name->data, name->len) == 0)
        {
            break;
        }
    }

    return i;
}


static ingest_rc_e
ingest_event_check(ingest_check_t *check)
{
    ingest_rc_e             rc;
    const ingest_member_t  *type, *time, *payload;

    type = &check->members[INGEST_MEMBER_TYPE];
    time = &check->members[INGEST_MEMBER_TIMESTAMP];
    payload = &check->members[INGEST_MEMBER_PAYLOAD];

    if (check->json.root.kind != INGEST_KIND_OBJECT) {
        return ingest_event_fail(check,
                                 check->json.root.kind == INGEST_KIND_ARRAY
                                     ? INGEST_EVENT_ARRAY
                                     : INGEST_EVENT_NOT_OBJECT,
                                 NULL);
    }

    rc = ingest_event_check_required(check);

    if (rc != INGEST_OK) {
        return rc;
    }

    if (!ingest_span_is_missing(&type->value)
        && type->value.kind != INGEST_KIND_STRING)
    {
        return ingest_event_fail(check, INGEST_EVENT_TYPE, type);
    }

    rc = ingest_event_check_id(check);

    if (rc != INGEST_OK) {
        return rc;
    }

    if (!ingest_span_is_missing(&time->value)
        && !ingest_event_is_time(&time->value))
    {
        return ingest_event_fail(check, INGEST_EVENT_TIMESTAMP, time);
    }

    switch (payload->value.kind) {

    case INGEST_KIND_ABSENT:
    case INGEST_KIND_NULL:
    case INGEST_KIND_OBJECT:
        return INGEST_OK;

    default:
        return ingest_event_fail(check, INGEST_EVENT_PAYLOAD, payload);
    }
}


static ingest_rc_e
ingest_event_check_required(ingest_check_t *check)
{
    unsigned                i;
    const ingest_member_t  *member;

    for (i = 0; i < check->json.nmembers; i++) {
        member = &check->members[i];

        if ((check->required & (UINT32_C(1) << i))
            && ingest_span_is_missing(&member->value))
        {
            return ingest_event_fail(check, INGEST_EVENT_MISSING, member);
        }
    }

    return INGEST_OK;
}


/* Where it is missing the id stays empty, until the default is spliced. */

static ingest_rc_e
ingest_event_check_id(ingest_check_t *check)
{
    bool                    fits;
    ingest_str_t           *id;
    ingest_event_t         *event;
    const ingest_span_t    *value;
    const ingest_member_t  *member;

    member = &check->members[INGEST_MEMBER_ID];
    value = &member->value;

    if (ingest_span_is_missing(value)) {
        return INGEST_OK;
    }

    if (value->kind != INGEST_KIND_STRING) {
        return ingest_event_fail(check, INGEST_EVENT_ID, member);
    }

    event = check->event;
    id = &event->id;

    if (value->escaped) {
        id->data = event->id_text;
        fits = ingest_json_decode(value, event->id_text, INGEST_EVENT_ID_MAX,
                                  &id->len);

    } else {
        id->data = value->data + 1;
        id->len = value->len - 2;
        fits = id->len <= INGEST_EVENT_ID_MAX;
    }

    if (!fits || ingest_event_has_control(id)) {
        id->len = 0;
        return ingest_event_fail(check, INGEST_EVENT_ID, member);
    }

    return INGEST_OK;
}


/* C0, DEL, and C1 in UTF-8: the id goes into a header of the answer. */

static bool
ingest_event_has_control(const ingest_str_t *text)
{
    size_t          i;
    const uint8_t  *p;

    p = text->data;

    for (i = 0; i < text->len; i++) {

        if (p[i] < 0x20 || p[i] == 0x7f) {
            return true;
        }

        if (p[i] == 0xc2 && i + 1 < text->len && p[i + 1] < 0xa0) {
            return true;
        }
    }

    return false;
}


static bool
ingest_event_is_time(const ingest_span_t *value)
{
    size_t   len;
    uint8_t  text[INGEST_EVENT_TIME_MAX];

    if (value->kind != INGEST_KIND_STRING) {
        return false;
    }

    if (!value->escaped) {
        return ingest_time_valid(value->data + 1, value->len - 2);
    }

    return ingest_json_decode(value, text, sizeof(text), &len)
           && ingest_time_valid(text, len);
}


static ingest_rc_e
ingest_event_fail(ingest_check_t *check, ingest_rc_e rc,
    const ingest_member_t *member)
{
    const uint8_t  *at;

    at = check->json.root.data;

    if (member != NULL) {
        check->event->member = member->name;

        if (member->value.kind != INGEST_KIND_ABSENT) {
            at = member->value.data;
        }
    }

    check->event->offset = (size_t) (at - check->body);

    return rc;
}
