
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#include <stdio.h>
#include <stdlib.h>

#include <cjson/cJSON.h>

#include "micro.h"


static void micro_event_make(char *p, size_t len, unsigned i);
static const char *micro_text(unsigned *seed, char *text, size_t len);


void
micro_events_make(micro_events_t *events, size_t len)
{
    char      text[512];
    size_t    i;

    events->len = len;
    events->data = malloc(len * MICRO_DOCUMENTS);

    if (events->data == NULL) {
        micro_die("no memory");
    }

    for (i = 0; i < MICRO_DOCUMENTS; i++) {
        micro_event_make(text, len, (unsigned) i + 1);
        memcpy(events->data + i * len, text, len);
    }
}


/* Words and numbers differ in bytes and length; a note fills up to len. */

static void
micro_event_make(char *p, size_t len, unsigned i)
{
    int       n;
    char      page[64], session[16], note[256];
    size_t    fill;
    unsigned  seed;

    seed = i * 2654435761u;

    micro_text(&seed, page, 10 + seed / 65536 % 30);
    micro_text(&seed, session, 10);

    n = snprintf(p, 512, "{\"type\":\"page_view\",%s\"payload\":"
                 "{\"user_id\":%u,\"url\":\"https://example.com/%s\","
                 "\"session\":\"%s\",\"ok\":%s,%s\"note\":\"",
                 len < 300 ? "" : "\"timestamp\":\"2026-11-25T16:02:46.123Z\",",
                 seed % 10000000, page, session,
                 seed / 65536 % 2 ? "true" : "false",
                 len < 300 ? "" : "\"prices\":[12.5,9,1e3],\"quoted\":\"\\\"\","
                                  "\"empty\":null,");

    fill = len - (size_t) n - sizeof("\"}}") + 1;

    if ((size_t) n + sizeof("\"}}") > len || fill >= sizeof(note)) {
        micro_die("the event has no room");
    }

    snprintf(p + n, 512 - (size_t) n, "%s\"}}",
             micro_text(&seed, note, fill));
}


static const char *
micro_text(unsigned *seed, char *text, size_t len)
{
    size_t  i;

    for (i = 0; i < len; i++) {
        *seed = *seed * 1103515245 + 12345;
        text[i] = (char) ('a' + *seed / 65536 % 26);
    }

    text[len] = '\0';

    return text;
}


void
micro_scan(micro_t *micro, const micro_events_t *events)
{
    size_t           i;
    ingest_json_t    json;
    const uint8_t   *p;

    ingest_member_t  members[] = {
        { .name = ingest_string("id") },
        { .name = ingest_string("type") },
        { .name = ingest_string("timestamp") },
        { .name = ingest_string("payload") }
    };

    json.members = members;
    json.nmembers = 4;

    micro_begin(micro);

    for (i = 0; i < MICRO_OPS; i++) {
        p = micro_event(events, i);

        if (ingest_json_document(&json, p, p + events->len) != INGEST_OK) {
            micro_die("the scanner refused an event");
        }
    }

    micro_end(micro);
    micro_round(micro, MICRO_OPS);
}


void
micro_cjson(micro_t *micro, const micro_events_t *events)
{
    cJSON   *json;
    size_t   i;

    micro_begin(micro);

    for (i = 0; i < MICRO_OPS; i++) {
        json = cJSON_ParseWithLength((const char *) micro_event(events, i),
                                     events->len);
        if (json == NULL) {
            micro_die("cJSON refused an event");
        }

        cJSON_Delete(json);
    }

    micro_end(micro);
    micro_round(micro, MICRO_OPS);
}


/*
 * All that an event costs but its way into the ring: its members are checked,
 * an id and a timestamp are put in, and its bytes are written.
 */

void
micro_check(micro_t *micro, const micro_events_t *events)
{
    size_t             i;
    uint8_t            bytes[512], *last;
    ingest_event_t     event;
    ingest_rules_t     rules;
    ingest_defaults_t  defaults;

    static const ingest_str_t  type = ingest_string("type");

    rules.names[0] = type;
    rules.nnames = 1;

    memset(&defaults, 0x5a, sizeof(defaults));
    defaults.time_ms = 1795622566123;

    micro_begin(micro);

    for (i = 0; i < MICRO_OPS; i++) {
        defaults.time_ms += i % 8 == 0;
        memcpy(defaults.random, &i, sizeof(i));

        if (ingest_event_parse(&event, micro_event(events, i), events->len,
                               &rules, &defaults)
            != INGEST_OK)
        {
            micro_die("an event was refused");
        }

        last = ingest_event_write(&event, bytes);

        if ((size_t) (last - bytes) != event.size) {
            micro_die("an event has another size");
        }
    }

    micro_end(micro);
    micro_round(micro, MICRO_OPS);
}
