
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#include <stdio.h>
#include <string.h>

#include "../../src/core/ingest_event.h"
#include "unit.h"


#define MEMORY       4096
#define TEXT         2048


static guard_t         guard;
static ingest_event_t  event;

static const ingest_rules_t     none = { .nnames = 0 };
static const ingest_defaults_t  defaults = { .time_ms = 1795622566123 };


/* The body ends where the guard page begins. */

static ingest_rc_e
parse(const char *body, const ingest_rules_t *rules)
{
    size_t    len;
    uint8_t  *p;

    if (guard.memory == NULL) {
        guard_init(&guard, MEMORY);
    }

    len = strlen(body);
    p = guard_put(&guard, body, len);

    memset(&event, 0xff, sizeof(ingest_event_t));

    return ingest_event_parse(&event, p, len, rules, &defaults);
}


static void
taken(const char *body, const ingest_rules_t *rules)
{
    ingest_rc_e  rc;

    rc = parse(body, rules);

    if (rc != INGEST_OK) {
        ck_abort_msg("%s: %s, at %zu", body, ingest_rc_text(rc), event.offset);
    }
}


/* name: the member at fault, or NULL */

static void
refused(const char *body, const ingest_rules_t *rules, ingest_rc_e expected,
    size_t offset, const char *name)
{
    size_t       len;
    ingest_rc_e  rc;

    rc = parse(body, rules);
    len = name != NULL ? strlen(name) : 0;

    if (rc != expected || event.offset != offset) {
        ck_abort_msg("%s: %d at %zu, not %d at %zu", body, rc, event.offset,
                     expected, offset);
    }

    if (event.member.len != len
        || (len != 0 && memcmp(event.member.data, name, len) != 0))
    {
        ck_abort_msg("%s: member %.*s, not %s", body, (int) event.member.len,
                     (const char *) event.member.data, name);
    }

    ck_assert_uint_eq(event.npieces, 0);
    ck_assert_uint_eq(event.size, 0);
    ck_assert_uint_eq(event.id.len, 0);
}


static ingest_rules_t
require(unsigned n, const char **names)
{
    ingest_rules_t  rules;

    for (rules.nnames = 0; rules.nnames < n; rules.nnames++) {
        rules.names[rules.nnames].data = (const uint8_t *) names[rules.nnames];
        rules.names[rules.nnames].len = strlen(names[rules.nnames]);
    }

    return rules;
}


/* A body with this id, and how it is judged. */

static ingest_rc_e
parse_id(const char *id)
{
    char  body[TEXT];

    snprintf(body, sizeof(body), "{\"id\":\"%s\"}", id);

    return parse(body, &none);
}


static void
id_refused(const char *id)
{
    ck_assert_msg(parse_id(id) == INGEST_EVENT_ID, "%s", id);
    ck_assert_uint_eq(event.offset, strlen("{\"id\":"));
    ck_assert_uint_eq(event.id.len, 0);
}


static void
id_is(const char *id, const char *decoded)
{
    ck_assert_msg(parse_id(id) == INGEST_OK, "%s", id);
    ck_assert_uint_eq(event.id.len, strlen(decoded));
    ck_assert_mem_eq(event.id.data, decoded, event.id.len);
}


static char *
repeat(char *text, const char *part, unsigned n)
{
    char  *p;

    for (p = text; n > 0; n--) {
        p += sprintf(p, "%s", part);
    }

    *p = '\0';

    return text;
}


START_TEST(without_rules_an_event_may_lack_every_member)
{
    taken("{}", &none);
    taken(" \r\n{\t} ", &none);
    taken("{\"id\":null,\"type\":null,\"timestamp\":null,\"payload\":null}",
          &none);
    taken("{\"id\":\"\",\"type\":\"\",\"timestamp\":\"\"}", &none);
}
END_TEST


START_TEST(a_required_member_that_is_absent_null_or_empty_is_missing)
{
    ingest_rules_t  rules;

    rules = require(1, (const char *[]) { "type" });

    taken("{\"type\":\"click\",\"payload\":{\"user_id\":123}}", &rules);
    taken("{\"t\\u0079pe\":\" \"}", &rules);

    refused("{}", &rules, INGEST_EVENT_MISSING, 0, "type");
    refused(" \n{\"a\":1}", &rules, INGEST_EVENT_MISSING, 2, "type");
    refused("{\"type\":null}", &rules, INGEST_EVENT_MISSING, 8, "type");
    refused("{\"type\": \"\"}", &rules, INGEST_EVENT_MISSING, 9, "type");
    refused("{\"Type\":\"a\"}", &rules, INGEST_EVENT_MISSING, 0, "type");
}
END_TEST


START_TEST(each_of_several_required_members_must_be_there)
{
    char            body[TEXT];
    size_t          len;
    unsigned        i, gap;
    ingest_rules_t  rules;

    static const char  *names[INGEST_EVENT_REQUIRE_MAX] = {
        "type", "a", "b", "\xc3\xa9", "c d", "e", "f", "g", "h", "i", "j",
        "k", "l", "m", "n", "\"\\"
    };
    static const char  *written[INGEST_EVENT_REQUIRE_MAX] = {
        "type", "a", "b", "\\u00e9", "c d", "e", "f", "g", "h", "i", "j",
        "k", "l", "m", "n", "\\\"\\\\"
    };

    rules = require(INGEST_EVENT_REQUIRE_MAX, names);

    for (gap = 0; gap <= INGEST_EVENT_REQUIRE_MAX; gap++) {
        len = (size_t) sprintf(body, "{\"id\":\"1\"");

        for (i = 0; i < INGEST_EVENT_REQUIRE_MAX; i++) {
            if (i != gap) {
                len += (size_t) sprintf(body + len, ",\"%s\":\"%u\"",
                                        written[i], i);
            }
        }

        sprintf(body + len, "}");

        if (gap == INGEST_EVENT_REQUIRE_MAX) {
            taken(body, &rules);

        } else {
            refused(body, &rules, INGEST_EVENT_MISSING, 0, names[gap]);
        }
    }
}
END_TEST


START_TEST(a_required_member_of_no_kind_of_its_own_may_be_of_any)
{
    ingest_rules_t  rules;

    rules = require(1, (const char *[]) { "tenant" });

    taken("{\"tenant\":0}", &rules);
    taken("{\"tenant\":false}", &rules);
    taken("{\"tenant\":[]}", &rules);
    refused("{\"tenant\":1,\"tenant\":1}", &rules, INGEST_EVENT_DUPLICATE, 12,
            "tenant");
    taken("{\"tenant\":1,\"tenant\":1}", &none);
}
END_TEST


START_TEST(a_required_member_has_no_default_and_keeps_its_own_rule)
{
    ingest_rules_t  rules;

    rules = require(5, (const char *[]) { "payload", "id", "timestamp", "id",
                                          "type" });

    taken("{\"timestamp\":\"2026-11-25T16:02:46Z\",\"type\":\"a\","
          "\"payload\":{},\"id\":\"1\"}", &rules);

    refused("{\"timestamp\":\"2026-11-25T16:02:46Z\",\"type\":\"a\","
            "\"payload\":{}}", &rules, INGEST_EVENT_MISSING, 0, "id");
    refused("{\"id\":\"1\",\"type\":\"a\",\"payload\":{}}", &rules,
            INGEST_EVENT_MISSING, 0, "timestamp");
    refused("{\"id\":\"1\",\"type\":\"a\",\"payload\":{},\"timestamp\":\"\"}",
            &rules, INGEST_EVENT_MISSING, 46, "timestamp");
    refused("{\"payload\":null,\"type\":\"a\",\"id\":\"1\","
            "\"timestamp\":\"2026-11-25T16:02:46Z\"}", &rules,
            INGEST_EVENT_MISSING, 11, "payload");
    refused("{\"timestamp\":\"2026-11-25T16:02:46Z\",\"type\":\"a\","
            "\"payload\":{},\"id\":7}", &rules, INGEST_EVENT_ID, 65, "id");
}
END_TEST


START_TEST(the_type_is_a_string)
{
    taken("{\"type\":\"a\"}", &none);
    taken("{\"type\":\"a\\u0000\\n\xc2\x85\"}", &none);

    refused("{\"type\":1}", &none, INGEST_EVENT_TYPE, 8, "type");
    refused("{\"type\":false}", &none, INGEST_EVENT_TYPE, 8, "type");
    refused("{ \"type\" : [\"a\"] }", &none, INGEST_EVENT_TYPE, 11, "type");
}
END_TEST


START_TEST(the_id_is_a_string_and_is_handed_out_decoded)
{
    id_is("1", "1");
    id_is("\xc3\xa9", "\xc3\xa9");
    id_is("\\u00e9\\\"\\\\\\/", "\xc3\xa9\"\\/");
    id_is("\\uD83D\\uDE00", "\xf0\x9f\x98\x80");

    refused("{\"id\":1}", &none, INGEST_EVENT_ID, 6, "id");
    refused("{\"id\":[\"1\"]}", &none, INGEST_EVENT_ID, 6, "id");
    refused("{\"a\":0,\"\\u0069d\": {}}", &none, INGEST_EVENT_ID, 18, "id");
}
END_TEST


START_TEST(an_id_has_255_bytes_at_most_however_it_is_written)
{
    char  id[TEXT], decoded[TEXT];

    id_is(repeat(id, "a", 255), id);
    id_refused(repeat(id, "a", 256));

    id_is(repeat(id, "\\u0061", 255), repeat(decoded, "a", 255));
    id_refused(repeat(id, "\\u0061", 256));

    id_is(repeat(id, "\xe2\x82\xac", 85), id);
    id_is(repeat(id, "\\u20ac", 85), repeat(decoded, "\xe2\x82\xac", 85));
    id_refused(strcat(repeat(id, "\\u20ac", 85), "a"));

    /* characters across the limit */

    id_refused(strcat(repeat(id, "a", 252), "\xf0\x9f\x98\x80"));
    id_refused(strcat(repeat(id, "a", 252), "\\ud83d\\ude00"));
    id_refused(strcat(repeat(id, "a", 254), "\\u00e9"));
    id_is(strcat(repeat(id, "a", 251), "\\ud83d\\ude00"),
          strcat(repeat(decoded, "a", 251), "\xf0\x9f\x98\x80"));
}
END_TEST


START_TEST(an_id_has_no_control_characters_however_they_are_written)
{
    char      id[64];
    unsigned  c;

    for (c = 0; c < 0x20; c++) {
        snprintf(id, sizeof(id), "\\u%04x", c);
        id_refused(id);
        snprintf(id, sizeof(id), "ab\\u%04xcd", c);
        id_refused(id);
    }

    id_refused("a\\nb");
    id_refused("a\x7f");
    id_refused("\\u007F");

    for (c = 0x80; c < 0xa0; c++) {
        snprintf(id, sizeof(id), "\\u%04x", c);
        id_refused(id);
        snprintf(id, sizeof(id), "abcdefgh\xc2%c", (char) c);
        id_refused(id);
        snprintf(id, sizeof(id), "a\xc2%c\\/", (char) c);
        id_refused(id);
    }

    /* neighbours, and the bytes of C1 in other characters */

    id_is("\\u0020~\\u007e", " ~~");
    id_is("\xc2\xa0\\u00a0", "\xc2\xa0\xc2\xa0");
    id_is("\xc3\x80\xc3\x9f", "\xc3\x80\xc3\x9f");
    id_is("\xe2\x82\x80\xf0\x90\x80\x80", "\xe2\x82\x80\xf0\x90\x80\x80");
    id_is("\xe0\xa0\x82\xc2\xa1", "\xe0\xa0\x82\xc2\xa1");
}
END_TEST


START_TEST(the_timestamp_is_a_time_of_rfc_3339)
{
    char      body[TEXT];
    unsigned  i;

    static const char  *wrong[] = {
        "1795622566", "false", "[]", "{}", "\" \"", "\"2026-11-25\"",
        "\"2026-02-29T16:02:46Z\"", "\"2026-11-25T16:02:46Z\\u0000\"",
        "\"\\u0032026-02-29T16:02:46Z\"", "\"2026-11-25T16:02:46\\n\""
    };

    taken("{\"timestamp\":\"2026-11-25T16:02:46Z\"}", &none);
    taken("{\"timestamp\":\"2026-11-25t16:02:46.123456789+05:30\"}", &none);
    taken("{\"timestamp\":\"\\u0032026-11-25T16:02:46\\u005a\"}", &none);

    for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        sprintf(body, "{\"timestamp\":%s}", wrong[i]);
        refused(body, &none, INGEST_EVENT_TIMESTAMP, 13, "timestamp");
    }
}
END_TEST


START_TEST(the_payload_is_an_object_or_null)
{
    char      body[TEXT];
    unsigned  i;

    static const char  *wrong[] = { "[]", "0", "true", "\"\"", "\"{}\"" };

    taken("{\"payload\":{}}", &none);
    taken("{\"payload\":null}", &none);

    for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        sprintf(body, "{\"payload\":%s}", wrong[i]);
        refused(body, &none, INGEST_EVENT_PAYLOAD, 11, "payload");
    }
}
END_TEST


START_TEST(a_member_twice_is_refused_at_the_second_name)
{
    refused("{\"id\":\"1\",\"id\":\"1\"}", &none, INGEST_EVENT_DUPLICATE, 10,
            "id");
    refused("{\"id\":null,\"\\u0069\\u0064\":null}", &none,
            INGEST_EVENT_DUPLICATE, 11, "id");
    refused("{\"typ\\u0065\":\"a\", \"type\":\"a\"}", &none,
            INGEST_EVENT_DUPLICATE, 18, "type");
    refused("{\"timestamp\":\"\",\"timestamp\":\"\"}", &none,
            INGEST_EVENT_DUPLICATE, 16, "timestamp");
    refused("{\"payload\":{},\"payload\":{}}", &none, INGEST_EVENT_DUPLICATE,
            14, "payload");

    taken("{\"payload\":{\"id\":1,\"id\":2,\"payload\":[{\"id\":3}]},"
          "\"id\":\"1\"}", &none);
    taken("{\"ID\":1,\"Id\":2,\"id\":\"1\",\"id \":3}", &none);
}
END_TEST


START_TEST(what_is_no_object_is_no_event)
{
    refused("[]", &none, INGEST_EVENT_ARRAY, 0, NULL);
    refused(" [{\"type\":\"a\"}]", &none, INGEST_EVENT_ARRAY, 1, NULL);
    refused("\"a\"", &none, INGEST_EVENT_NOT_OBJECT, 0, NULL);
    refused("\t1", &none, INGEST_EVENT_NOT_OBJECT, 1, NULL);
    refused("null", &none, INGEST_EVENT_NOT_OBJECT, 0, NULL);
}
END_TEST


START_TEST(what_is_no_json_is_refused_at_its_byte_before_all_else)
{
    ingest_rules_t  rules;

    rules = require(1, (const char *[]) { "type" });

    refused("", &rules, INGEST_JSON_EMPTY, 0, NULL);
    refused(" \n", &rules, INGEST_JSON_EMPTY, 2, NULL);
    refused("\xef\xbb\xbf{}", &rules, INGEST_JSON_BOM, 0, NULL);
    refused("[1,2", &rules, INGEST_JSON_TRUNCATED, 4, NULL);
    refused(" {\"id\":1,}", &rules, INGEST_JSON_SYNTAX, 9, NULL);
    refused("{\"id\":1,\"id\":01}", &rules, INGEST_JSON_NUMBER, 14, NULL);
    refused("{\"type\":\"\\ud800\"}", &rules, INGEST_JSON_SURROGATE, 9, NULL);
    refused("{\"type\":\"a\"} {\"type\":\"a\"}", &rules,
            INGEST_JSON_TRAILING, 13, NULL);
}
END_TEST


START_TEST(depth_is_counted_from_the_root_of_the_event)
{
    char  body[TEXT], inner[TEXT];

    strcat(strcpy(body, "{\"a\":"), repeat(inner, "[", 63));
    strcat(strcat(body, repeat(inner, "]", 63)), "}");
    taken(body, &none);

    strcat(strcpy(body, "{\"a\":"), repeat(inner, "[", 64));
    strcat(strcat(body, repeat(inner, "]", 64)), "}");
    refused(body, &none, INGEST_JSON_DEPTH, 5 + 63, NULL);
}
END_TEST


START_TEST(no_prefix_of_an_event_is_taken_and_none_is_read_past)
{
    char    body[TEXT];
    size_t  len;

    static const char  whole[] =
        "{\"\\u0069d\":\"\\u0031\xc3\xa9\",\"type\":\"click\","
        "\"timestamp\":\"2026-11-25T16:02:46.5Z\","
        "\"payload\":{\"n\":[1,-2.5e+10,true,false,null,{}]}}";

    taken(whole, &none);

    for (len = 0; len < sizeof(whole) - 1; len++) {
        memcpy(body, whole, len);
        body[len] = '\0';

        refused(body, &none, len == 0 ? INGEST_JSON_EMPTY
                                      : INGEST_JSON_TRUNCATED, len, NULL);
    }
}
END_TEST


int
main(void)
{
    const TTest  *tests[] = {
        without_rules_an_event_may_lack_every_member,
        a_required_member_that_is_absent_null_or_empty_is_missing,
        each_of_several_required_members_must_be_there,
        a_required_member_of_no_kind_of_its_own_may_be_of_any,
        a_required_member_has_no_default_and_keeps_its_own_rule,
        the_type_is_a_string,
        the_id_is_a_string_and_is_handed_out_decoded,
        an_id_has_255_bytes_at_most_however_it_is_written,
        an_id_has_no_control_characters_however_they_are_written,
        the_timestamp_is_a_time_of_rfc_3339,
        the_payload_is_an_object_or_null,
        a_member_twice_is_refused_at_the_second_name,
        what_is_no_object_is_no_event,
        what_is_no_json_is_refused_at_its_byte_before_all_else,
        depth_is_counted_from_the_root_of_the_event,
        no_prefix_of_an_event_is_taken_and_none_is_read_past,
        NULL
    };

    return unit_run("event", tests);
}
