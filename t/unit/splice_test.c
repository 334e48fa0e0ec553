
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#include <stdio.h>
#include <string.h>

#include "../../src/core/ingest_event.h"
#include "unit.h"


#define MEMORY  4096
#define TEXT    1024

#define ID      "\"01a21371-f8eb-7cc3-98c4-dc0c0c07398f\""
#define TIME    "\"2026-11-25T16:02:46.123Z\""


typedef enum {
    ABSENT = 0,
    IS_NULL,
    IS_EMPTY,
    ESCAPED,        /* null, and its name is escaped */
    GIVEN,
    NSTATES
} state_e;


static guard_t         body, out;
static ingest_event_t  event;

static const ingest_rules_t     none = { .nnames = 0 };
static const ingest_defaults_t  defaults = {
    1795622566123,
    { 0x0c, 0xc3, 0x18, 0xc4, 0xdc, 0x0c, 0x0c, 0x07, 0x39, 0x8f }
};


/* Parses and writes: the text between two guard pages, event.size long. */

static const uint8_t *
write_event(const char *text, size_t len, const ingest_defaults_t *with)
{
    uint8_t      *p;
    ingest_rc_e   rc;

    if (body.memory == NULL) {
        guard_init(&body, MEMORY);
        guard_init(&out, MEMORY);
    }

    memset(&event, 0xff, sizeof(ingest_event_t));

    p = guard_put(&body, text, len);
    rc = ingest_event_parse(&event, p, len, &none, with);

    if (rc != INGEST_OK) {
        ck_abort_msg("%s: %s, at %zu", text, ingest_rc_text(rc), event.offset);
    }

    if (event.npieces > INGEST_EVENT_PIECES) {
        ck_abort_msg("%s: %u pieces", text, event.npieces);
    }

    p = guard_room(&out, event.size);

    if (ingest_event_write(&event, p) != out.end) {
        ck_abort_msg("%s: not %zu bytes", text, event.size);
    }

    return p;
}


static void
becomes(const char *text, const char *expected)
{
    const uint8_t  *p;

    p = write_event(text, strlen(text), &defaults);

    if (event.size != strlen(expected)
        || memcmp(p, expected, event.size) != 0)
    {
        ck_abort_msg("%s\nbecomes %.*s\nand not %s", text, (int) event.size,
                     (const char *) p, expected);
    }
}


static void
id_is(const char *id)
{
    ck_assert_uint_eq(event.id.len, strlen(id));
    ck_assert_mem_eq(event.id.data, id, event.id.len);
}


START_TEST(an_event_with_id_and_timestamp_stays_as_it_is)
{
    const char  *text;

    text = "{\"id\":\"1\",\"type\":\"click\","
           "\"timestamp\":\"2020-02-29T00:00:00+01:00\",\"payload\":{\"a\":1}}";
    becomes(text, text);
    id_is("1");

    text = "{ \"timestamp\" :\t\"2020-02-29t00:00:00z\" ,\r\n"
           "  \"\\u0069d\" : \"\\u0031\" }";
    becomes(text, text);
    id_is("1");
}
END_TEST


START_TEST(white_space_around_an_event_is_left_out)
{
    becomes(" \r\n\t{\"id\":\"1\",\"timestamp\":\"2020-02-29T00:00:00Z\"} \n",
            "{\"id\":\"1\",\"timestamp\":\"2020-02-29T00:00:00Z\"}");
    becomes("\n{ }\n", "{\"id\":" ID ",\"timestamp\":" TIME " }");
}
END_TEST


START_TEST(what_is_absent_comes_behind_the_brace)
{
    becomes("{}", "{\"id\":" ID ",\"timestamp\":" TIME "}");
    id_is("01a21371-f8eb-7cc3-98c4-dc0c0c07398f");

    becomes("{\"type\":\"a\"}",
            "{\"id\":" ID ",\"timestamp\":" TIME ",\"type\":\"a\"}");
    becomes("{\n  \"type\": \"a\"\n}",
            "{\"id\":" ID ",\"timestamp\":" TIME ",\n  \"type\": \"a\"\n}");

    becomes("{\"timestamp\":\"2020-02-29T00:00:00Z\"}",
            "{\"id\":" ID ",\"timestamp\":\"2020-02-29T00:00:00Z\"}");
    becomes("{\"id\":\"1\"}", "{\"timestamp\":" TIME ",\"id\":\"1\"}");
    id_is("1");
}
END_TEST


START_TEST(what_is_null_or_empty_is_replaced_in_its_place)
{
    becomes("{\"type\":\"a\", \"id\": null ,\"timestamp\" :\"\"}",
            "{\"type\":\"a\", \"id\": " ID " ,\"timestamp\" :" TIME "}");
    becomes("{\"timestamp\":null,\"type\":\"a\",\"id\":\"\"}",
            "{\"timestamp\":" TIME ",\"type\":\"a\",\"id\":" ID "}");
    becomes("{\"type\":\"a\",\"id\":\"\",\"payload\":null}",
            "{\"timestamp\":" TIME ",\"type\":\"a\",\"id\":" ID
            ",\"payload\":null}");
    becomes("{\"timest\\u0061mp\":null,\"\\u0069d\":\"1\"}",
            "{\"timest\\u0061mp\":" TIME ",\"\\u0069d\":\"1\"}");
}
END_TEST


/* The member as it stands in the body, and as it must stand in the event. */

static bool
put_member(char *from, char *to, bool id, state_e state, bool first)
{
    const char  *name, *given, *text;

    static const char  *values[NSTATES] =
        { NULL, "null", "\"\"", "null", NULL };

    if (state == ABSENT) {
        return false;
    }

    name = id ? (state == ESCAPED ? "\\u0069d" : "id")
              : (state == ESCAPED ? "timestam\\u0070" : "timestamp");
    given = id ? "\"\\u0031\"" : "\"2020-02-29T00:00:00Z\"";
    text = state == GIVEN ? given : values[state];

    sprintf(from + strlen(from), "%s\"%s\" :%s", first ? "" : ", ", name, text);

    text = state == GIVEN ? given : id ? ID : TIME;

    sprintf(to + strlen(to), "%s\"%s\" :%s", first ? "" : ", ", name, text);

    return true;
}


/*
 * The states of id and timestamp, which of them is first, where other members
 * stand (a bit for each of three places), and a space behind the brace.
 */

static void
combination(state_e id, state_e time, bool time_first, unsigned others,
    const char *space)
{
    char      from[TEXT], to[TEXT], text[TEXT], expected[2 * TEXT];
    unsigned  i, n;

    static const char  *other[] = {
        "\"a\":{\"id\":null}", "\"b\":[\"timestamp\",\"\"]", "\"id \":null"
    };

    from[0] = to[0] = '\0';
    n = 0;

    for (i = 0; i < 3; i++) {
        if (others & (1 << i)) {
            sprintf(from + strlen(from), "%s%s", n == 0 ? "" : ", ", other[i]);
            sprintf(to + strlen(to), "%s%s", n == 0 ? "" : ", ", other[i]);
            n++;
        }

        if (i < 2) {
            n += (i == 0) != time_first
                     ? put_member(from, to, true, id, n == 0)
                     : put_member(from, to, false, time, n == 0);
        }
    }

    snprintf(text, sizeof(text), "{%s%.900s}", space, from);
    snprintf(expected, sizeof(expected), "{%s%s%s%s%s%s}",
             id == ABSENT ? "\"id\":" ID : "",
             id == ABSENT && time == ABSENT ? "," : "",
             time == ABSENT ? "\"timestamp\":" TIME : "",
             n > 0 && (id == ABSENT || time == ABSENT) ? "," : "",
             space, to);

    becomes(text, expected);
    id_is(id == GIVEN ? "1" : "01a21371-f8eb-7cc3-98c4-dc0c0c07398f");
}


START_TEST(every_combination_and_order_of_id_and_timestamp_is_completed)
{
    unsigned  id, time, first, others;

    for (id = ABSENT; id < NSTATES; id++) {
        for (time = ABSENT; time < NSTATES; time++) {
            for (first = 0; first < 2; first++) {
                for (others = 0; others < 8; others++) {
                    combination(id, time, first, others, "");
                    combination(id, time, first, others, " \n");
                }
            }
        }
    }
}
END_TEST


START_TEST(members_that_nobody_knows_and_numbers_of_any_size_stay)
{
    char  text[TEXT], expected[TEXT];

    static const char  rest[] =
        "\"n\":[9007199254740993,-0,-0.0,1E+2,1e400,0.10,"
        "123456789012345678901234567890123456789012345678901234567890"
        "1234567890.000000000000000000000000000000000000000000000000],"
        "\"s\":\"\\/\\u00E9\xc3\xa9\\u0000\\ud83d\\uDE00\x7f\","
        "\"same\":1,\"same\":2,\"\":{},\"\\u0073\" : [ ] ,\r\n"
        "\"Id\":null,\"TIMESTAMP\":\"\",\"deep\":{\"id\":null,\"id\":\"\","
        "\"timestamp\":null}}";

    becomes("{\"id\":\"1\",\"timestamp\":\"2020-02-29T00:00:00Z\","
            "\"n\":1e999999999999999999999}",
            "{\"id\":\"1\",\"timestamp\":\"2020-02-29T00:00:00Z\","
            "\"n\":1e999999999999999999999}");

    snprintf(text, sizeof(text), "{%s", rest);
    snprintf(expected, sizeof(expected), "{\"id\":%s,\"timestamp\":%s,%s", ID,
             TIME, rest);
    becomes(text, expected);

    snprintf(text, sizeof(text), "{\"id\":null,\"timestamp\":null,%s", rest);
    snprintf(expected, sizeof(expected), "{\"id\":%s,\"timestamp\":%s,%s", ID,
             TIME, rest);
    becomes(text, expected);
}
END_TEST


START_TEST(a_completed_event_needs_nothing_more)
{
    char            once[TEXT];
    size_t          len;
    unsigned        i;
    const uint8_t  *p;

    static const char  *texts[] = {
        "{}",
        "{ }",
        "{\"id\":\"\"}",
        "{\"timestamp\":null,\"id\":null}",
        "{\"a\":[],\"id\":null,\"b\":{}}"
    };

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        p = write_event(texts[i], strlen(texts[i]), &defaults);
        len = event.size;
        memcpy(once, p, len);

        p = write_event(once, len, &(ingest_defaults_t) { .time_ms = 0 });

        ck_assert_uint_eq(event.size, len);
        ck_assert_mem_eq(p, once, len);
        id_is("01a21371-f8eb-7cc3-98c4-dc0c0c07398f");
    }
}
END_TEST


START_TEST(the_default_id_is_made_of_the_time_and_the_random_bytes)
{
    ingest_defaults_t  other;

    other = defaults;
    other.time_ms++;
    (void) write_event("{}", 2, &other);
    id_is("01a21371-f8ec-7cc3-98c4-dc0c0c07398f");

    other = defaults;
    other.random[INGEST_UUID_RANDOM - 1]++;
    (void) write_event("{}", 2, &other);
    id_is("01a21371-f8eb-7cc3-98c4-dc0c0c073990");
}
END_TEST


int
main(void)
{
    const TTest  *tests[] = {
        an_event_with_id_and_timestamp_stays_as_it_is,
        white_space_around_an_event_is_left_out,
        what_is_absent_comes_behind_the_brace,
        what_is_null_or_empty_is_replaced_in_its_place,
        every_combination_and_order_of_id_and_timestamp_is_completed,
        members_that_nobody_knows_and_numbers_of_any_size_stay,
        a_completed_event_needs_nothing_more,
        the_default_id_is_made_of_the_time_and_the_random_bytes,
        NULL
    };

    return unit_run("splice", tests);
}
