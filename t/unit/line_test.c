
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/* Log lines as sentences and as JSON, which a parser must take as it was. */


#include <stdio.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "../../src/core/ingest_line.h"
#include "unit.h"


static ingest_line_t  line;
static char           json[INGEST_LINE_JSON + 1];


/* the bytes of line as JSON, written against a guard page */

static size_t
print(const ingest_origin_t *origin)
{
    size_t   len;
    guard_t  guard;

    guard_init(&guard, INGEST_LINE_JSON);

    len = ingest_line_json(&line, origin,
                           guard_room(&guard, INGEST_LINE_JSON));

    ck_assert_uint_le(len, INGEST_LINE_JSON);
    memcpy(json, guard.end - INGEST_LINE_JSON, len);
    json[len] = '\0';

    guard_free(&guard);

    return len;
}


static ingest_origin_t
somewhere(void)
{
    return (ingest_origin_t) {
        .time_ms = 1795622566123,
        .queue = ingest_string("events"),
        .worker = 4711
    };
}


/* what a parser makes of a text field */

static void
reads(const char *text, size_t len, const char *expected)
{
    cJSON            *root;
    ingest_str_t      value = { len, (const uint8_t *) text };
    ingest_origin_t   origin = somewhere();

    ingest_line_set(&line, INGEST_LOG_WARN, "test", "x",
                    ingest_fields(ingest_field_text("id", value)));

    len = print(&origin);
    ck_assert_ptr_eq(strchr(json, '\n'), json + len - 1);

    root = cJSON_Parse(json);
    ck_assert_msg(root != NULL, "%s", json);
    ck_assert_str_eq(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(
                                              root, "id")),
                     expected);
    cJSON_Delete(root);
}


static void
says(const char *sentence, const ingest_field_t *fields, const char *expected)
{
    ingest_line_set(&line, INGEST_LOG_INFO, "test", sentence, fields);
    ck_assert_str_eq(line.text, expected);
}


START_TEST(a_line_is_one_object_with_its_fields_in_order)
{
    ingest_origin_t  origin = somewhere();

    ingest_line_set(&line, INGEST_LOG_WARN, "dead letter", "x",
                    ingest_fields(ingest_field_word("id", "a"),
                                  ingest_field_number("folded", UINT64_MAX),
                                  ingest_field_word("code", "")));

    (void) print(&origin);
    ck_assert_str_eq(json,
                     "{\"time\":\"2026-11-25T16:02:46.123Z\","
                     "\"level\":\"warn\",\"msg\":\"dead letter\","
                     "\"queue\":\"events\",\"worker\":4711,\"id\":\"a\","
                     "\"folded\":18446744073709551615,\"code\":\"\"}\n");
}
END_TEST


START_TEST(what_is_not_there_is_left_out)
{
    ingest_origin_t  origin = { .time_ms = 0 };

    ingest_line_set(&line, INGEST_LOG_NOTICE, "hello", "x", NULL);

    (void) print(&origin);
    ck_assert_str_eq(json, "{\"time\":\"1970-01-01T00:00:00.000Z\","
                           "\"level\":\"notice\",\"msg\":\"hello\"}\n");
}
END_TEST


START_TEST(levels_have_the_names_of_nginx)
{
    char             expected[32];
    unsigned         i;
    ingest_origin_t  origin = somewhere();

    static const char  *names[] = {
        "alert", "crit", "error", "warn", "notice", "info", "debug"
    };

    for (i = INGEST_LOG_ALERT; i <= INGEST_LOG_DEBUG; i++) {
        ingest_line_set(&line, i, "x", "x", NULL);
        (void) print(&origin);

        snprintf(expected, sizeof(expected), "\"level\":\"%s\"", names[i]);
        ck_assert_ptr_nonnull(strstr(json, expected));
    }
}
END_TEST


START_TEST(hostile_text_comes_out_as_it_was)
{
    unsigned  c;
    char      text[2] = "x";

    static const char  hostile[] = "\"}\n{\"level\":\"\\\" \\u0041 \x7f "
                                   "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80";

    reads(hostile, sizeof(hostile) - 1, hostile);

    for (c = 1; c < 0x80; c++) {
        text[0] = (char) c;
        reads(text, 1, text);
    }
}
END_TEST


START_TEST(bytes_that_are_no_text_are_replaced)
{
    size_t  i;

    static const char  *wrong[] = {
        "\x80", "\xbf", "\xc2", "\xff", "\xf8", "\xc0\xaf", "\xc1\xbf",
        "\xe0\x9f\xbf", "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf",
        "\xf4\x90\x80\x80", "\xe2\x82", "\xf0\x9f\x98"
    };

    static const char  *right[] = {
        "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf",
        "\xee\x80\x80", "\xef\xbf\xbf", "\xf0\x90\x80\x80",
        "\xf4\x8f\xbf\xbf"
    };

    for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char    expected[32] = "";
        size_t  n;

        for (n = 0; n < strlen(wrong[i]); n++) {
            strcat(expected, "\xef\xbf\xbd");
        }

        reads(wrong[i], strlen(wrong[i]), expected);
    }

    for (i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
        reads(right[i], strlen(right[i]), right[i]);
    }

    reads("\0", 1, "");     /* cJSON ends there: \u0000 is valid */
    ck_assert_ptr_nonnull(strstr(json, "\"id\":\"\\u0000\""));
}
END_TEST


START_TEST(the_worst_of_lines_has_room_and_stays_whole)
{
    size_t           i, len;
    char             name[250], worst[INGEST_LINE_BYTES];
    cJSON           *root;
    unsigned         n;
    ingest_field_t   fields[INGEST_LINE_FIELDS + 2];
    ingest_origin_t  origin = somewhere();

    static const uint8_t  bytes[] = { 0x01, 0xff, '"' };

    memset(name, 'q', sizeof(name));
    origin.queue.data = (const uint8_t *) name;
    origin.queue.len = 249;
    origin.worker = UINT64_MAX;

    for (i = 0; i < sizeof(bytes); i++) {
        memset(worst, bytes[i], sizeof(worst));

        for (n = 0; n < INGEST_LINE_FIELDS + 1; n++) {
            fields[n] = ingest_field_number("a_number_of_events", UINT64_MAX);
        }

        fields[0] = ingest_field_text("id", (ingest_str_t) {
                        sizeof(worst), (const uint8_t *) worst });
        fields[n].name = NULL;

        ingest_line_set(&line, INGEST_LOG_NOTICE, "x", "{id}{id}", fields);
        ck_assert_uint_eq(line.nfields, INGEST_LINE_FIELDS);
        ck_assert_uint_eq(strlen(line.text), INGEST_LINE_TEXT - 1);

        len = print(&origin);
        ck_assert_uint_ge(len, INGEST_LINE_BYTES);

        root = cJSON_Parse(json);
        ck_assert_ptr_nonnull(root);
        ck_assert_int_eq(cJSON_GetArraySize(root), 5 + INGEST_LINE_FIELDS);
        cJSON_Delete(root);
    }
}
END_TEST


/* All of them together have room for so many bytes. */

START_TEST(long_text_is_cut_between_characters)
{
    char  text[600];

    memset(text, 'x', sizeof(text));
    memcpy(text + INGEST_LINE_BYTES - 2, "\xe2\x82\xac", 3);

    ingest_line_set(&line, INGEST_LOG_WARN, "x", "x",
                    ingest_fields(
                        ingest_field_text("a", (ingest_str_t) {
                            sizeof(text), (const uint8_t *) text }),
                        ingest_field_word("b", "left over"),
                        ingest_field_number("c", 3)));

    ck_assert_uint_eq(line.fields[0].len, INGEST_LINE_BYTES - 2);
    ck_assert_uint_eq(line.fields[1].len, 2);
    ck_assert_uint_eq(line.fields[2].number, 3);
}
END_TEST


START_TEST(a_sentence_has_the_values_of_its_fields)
{
    says("event \"{id}\" again: {error} ({folded} more)",
         ingest_fields(ingest_field_word("id", "{error}"),
                       ingest_field_word("error", "no {id}"),
                       ingest_field_number("folded", 0)),
         "event \"{error}\" again: no {id} (0 more)");

    says("{} {nobody} {id", ingest_fields(ingest_field_word("id", "x")),
         "{} {nobody} {id");
    says("100% {id}%s", ingest_fields(ingest_field_word("id", "%n")),
         "100% %n%s");
    says("nothing", NULL, "nothing");
}
END_TEST


START_TEST(a_sentence_is_one_line)
{
    says("{text}.", ingest_fields(ingest_field_word("text",
                                                    "\na\r\nb\x1b[1m\x7f")),
         " a  b [1m .");
}
END_TEST


int
main(void)
{
    const TTest  *tests[] = {
        a_line_is_one_object_with_its_fields_in_order,
        what_is_not_there_is_left_out,
        levels_have_the_names_of_nginx,
        hostile_text_comes_out_as_it_was,
        bytes_that_are_no_text_are_replaced,
        the_worst_of_lines_has_room_and_stays_whole,
        long_text_is_cut_between_characters,
        a_sentence_has_the_values_of_its_fields,
        a_sentence_is_one_line,
        NULL
    };

    return unit_run("line", tests);
}
