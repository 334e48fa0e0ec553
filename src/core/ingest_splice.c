
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#include <string.h>

#include "ingest_splice.h"


static uint8_t *ingest_splice_quote(uint8_t *text, size_t len);
static uint8_t *ingest_splice_add(uint8_t *q, const ingest_member_t *member,
    const ingest_str_t *text);
static const uint8_t *ingest_splice_replace(ingest_event_t *event,
    const uint8_t *p, const ingest_span_t *value, const ingest_str_t *text);
static void ingest_splice_piece(ingest_event_t *event, const uint8_t *p,
    const uint8_t *end);


/*
 * Lays out the pieces: the body, with defaults for what is missing.  Behind
 * the brace goes what is absent, in place of its value what is null or "".
 */

void
ingest_splice(ingest_event_t *event, const ingest_json_t *json,
    const ingest_member_t *id, const ingest_member_t *time,
    const ingest_defaults_t *defaults)
{
    uint8_t        *q;
    ingest_str_t    uuid, now;
    const uint8_t  *p, *end;

    uuid.data = event->id_quoted;
    uuid.len = 0;

    now.data = event->time_quoted;
    now.len = 0;

    if (ingest_span_is_missing(&id->value)) {
        uuid.len = sizeof(event->id_quoted);

        event->id.data = ingest_splice_quote(event->id_quoted, uuid.len);
        event->id.len = INGEST_UUID_TEXT;

        ingest_uuid_v7(event->id_quoted + 1, defaults->time_ms,
                       defaults->random);
    }

    if (ingest_span_is_missing(&time->value)) {
        now.len = sizeof(event->time_quoted);

        ingest_time_format(defaults->time_ms,
                           ingest_splice_quote(event->time_quoted, now.len));
    }

    p = json->root.data;
    end = p + json->root.len;

    q = ingest_splice_add(event->spliced, id, &uuid);
    q = ingest_splice_add(q, time, &now);

    if (q != event->spliced) {
        if (json->empty) {
            q--;    /* the last comma */
        }

        ingest_splice_piece(event, p, p + 1);
        ingest_splice_piece(event, event->spliced, q);
        p++;
    }

    /* what is absent has no place, and nothing to be replaced */

    if (id->value.data < time->value.data) {
        p = ingest_splice_replace(event, p, &id->value, &uuid);
        p = ingest_splice_replace(event, p, &time->value, &now);

    } else {
        p = ingest_splice_replace(event, p, &time->value, &now);
        p = ingest_splice_replace(event, p, &id->value, &uuid);
    }

    ingest_splice_piece(event, p, end);
}


static uint8_t *
ingest_splice_quote(uint8_t *text, size_t len)
{
    text[0] = '"';
    text[len - 1] = '"';

    return text + 1;
}


/* A member to stand behind the brace, with a comma behind it. */

static uint8_t *
ingest_splice_add(uint8_t *q, const ingest_member_t *member,
    const ingest_str_t *text)
{
    if (member->value.kind != INGEST_KIND_ABSENT) {
        return q;
    }

    *q++ = '"';
    memcpy(q, member->name.data, member->name.len);
    q += member->name.len;
    *q++ = '"';
    *q++ = ':';
    memcpy(q, text->data, text->len);
    q += text->len;
    *q++ = ',';

    return q;
}


/* The body from p to the value, and the text that stands for the value. */

static const uint8_t *
ingest_splice_replace(ingest_event_t *event, const uint8_t *p,
    const ingest_span_t *value, const ingest_str_t *text)
{
    if (text->len == 0 || value->kind == INGEST_KIND_ABSENT) {
        return p;
    }

    ingest_splice_piece(event, p, value->data);
    ingest_splice_piece(event, text->data, text->data + text->len);

    return value->data + value->len;
}


static void
ingest_splice_piece(ingest_event_t *event, const uint8_t *p,
    const uint8_t *end)
{
    ingest_str_t  *piece;

    piece = &event->pieces[event->npieces++];

    piece->data = p;
    piece->len = (size_t) (end - p);

    event->size += piece->len;
}
