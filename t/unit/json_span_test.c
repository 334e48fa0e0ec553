
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/core/ingest_json.h"
#include "unit.h"


#define MEMORY    4096

#define text(literal)  literal, sizeof(literal) - 1


enum { ID, TYPE, PAYLOAD, ACCENT, LONG, NMEMBERS };


static guard_t          guard;
static ingest_json_t    json;
static ingest_member_t  members[NMEMBERS] = {
    [ID]      = { .name = ingest_string("id") },
    [TYPE]    = { .name = ingest_string("type") },
    [PAYLOAD] = { .name = ingest_string("payload") },
    [ACCENT]  = { .name = ingest_string("\xc3\xa9") },
    [LONG]    = { .name = ingest_string("\xf0\x9f\x98\x80/\"\\\n") }
};


/* The document ends where the guard page begins. */

static const uint8_t *
place(const char *data, size_t len)
{
    if (guard.memory == NULL) {
        guard_init(&guard, MEMORY);
    }

    json.members = members;
    json.nmembers = NMEMBERS;

    return guard_put(&guard, data, len);
}


static ingest_rc_e
scan(const char *data)
{
    const uint8_t  *p;

    p = place(data, strlen(data));

    return ingest_json_document(&json, p, guard.end);
}


static size_t
offset(const char *data)
{
    return strlen(data) - (size_t) (guard.end - json.at);
}


static void
span_is(const ingest_span_t *span, ingest_kind_e kind, const char *written)
{
    ck_assert_int_eq(span->kind, kind);
    ck_assert_uint_eq(span->len, strlen(written));
    ck_assert_mem_eq(span->data, written, span->len);
    ck_assert(span->data >= guard.memory && span->data < guard.end);
}


static void
decodes(const char *document, const char *decoded, size_t len)
{
    size_t         n;
    uint8_t       *p;
    guard_t        room;

    ck_assert_int_eq(scan(document), INGEST_OK);

    guard_init(&room, MEMORY);

    /* exactly as much room as it takes, and less */

    p = guard_room(&room, len);
    ck_assert(ingest_json_decode(&json.root, p, len, &n));
    ck_assert_uint_eq(n, len);
    ck_assert_mem_eq(p, decoded, len);

    while (len-- > 0) {
        p = guard_room(&room, len);
        ck_assert(!ingest_json_decode(&json.root, p, len, &n));
        ck_assert_uint_le(n, len);
        ck_assert_mem_eq(p, decoded, n);
    }

    guard_free(&room);
}


START_TEST(no_prefix_of_an_object_is_accepted_and_none_is_read_past)
{
    size_t           len;
    ingest_rc_e      rc;
    const uint8_t   *p;

    static const char  document[] =
        " { \"id\" : \"0123456789abcdef\", \"\\u0074ype\":\"\\ud83d\\ude00\","
        "\"payload\":{\"a\":[1,-2.5e+10,true,false,null,[],{}],"
        "\"b\":\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80 \\\"\\n\"},"
        "\"\xc3\xa9\":[[[]]],\"n\":0}";

    for (len = 0; len < sizeof(document) - 1; len++) {
        p = place(document, len);
        rc = ingest_json_document(&json, p, guard.end);

        ck_assert_int_eq(rc, len < 2 ? INGEST_JSON_EMPTY
                                     : INGEST_JSON_TRUNCATED);
        ck_assert_ptr_eq(json.at, guard.end);
    }

    p = place(document, len);
    ck_assert_int_eq(ingest_json_document(&json, p, guard.end), INGEST_OK);
    ck_assert_ptr_eq(json.at, guard.end);
}
END_TEST


START_TEST(spans_are_the_bytes_as_they_are_written)
{
    ck_assert_int_eq(scan(" {\"payload\" : {\"id\":[1, {}]} , \"id\":\t"
                          "\"x\\n\" ,\"type\":-1.50e0,"
                          "\"other\":{\"type\":1}} "),
                     INGEST_OK);

    span_is(&members[PAYLOAD].value, INGEST_KIND_OBJECT,
            "{\"id\":[1, {}]}");
    span_is(&members[ID].value, INGEST_KIND_STRING, "\"x\\n\"");
    span_is(&members[TYPE].value, INGEST_KIND_NUMBER, "-1.50e0");
    ck_assert_int_eq(members[ACCENT].value.kind, INGEST_KIND_ABSENT);
    span_is(&json.root, INGEST_KIND_OBJECT,
            "{\"payload\" : {\"id\":[1, {}]} , \"id\":\t\"x\\n\" ,"
            "\"type\":-1.50e0,\"other\":{\"type\":1}}");

    ck_assert(members[ID].value.escaped);
    ck_assert(!members[TYPE].value.escaped);
    ck_assert(!json.empty);
}
END_TEST


START_TEST(each_kind_of_value_is_told)
{
    ck_assert_int_eq(scan("{\"id\":null,\"type\":true,\"payload\":[[1],2]}"),
                     INGEST_OK);
    span_is(&members[ID].value, INGEST_KIND_NULL, "null");
    span_is(&members[TYPE].value, INGEST_KIND_BOOLEAN, "true");
    span_is(&members[PAYLOAD].value, INGEST_KIND_ARRAY, "[[1],2]");

    ck_assert_int_eq(scan("{\"id\":\"\",\"type\":false,\"payload\":{}}"),
                     INGEST_OK);
    span_is(&members[ID].value, INGEST_KIND_STRING, "\"\"");
    span_is(&members[TYPE].value, INGEST_KIND_BOOLEAN, "false");
    span_is(&members[PAYLOAD].value, INGEST_KIND_OBJECT, "{}");
    ck_assert(!json.empty);

    ck_assert_int_eq(scan(" 12 "), INGEST_OK);
    span_is(&json.root, INGEST_KIND_NUMBER, "12");

    ck_assert_int_eq(scan(" [{}] "), INGEST_OK);
    span_is(&json.root, INGEST_KIND_ARRAY, "[{}]");
    ck_assert(!json.empty);

    ck_assert_int_eq(scan("\"a\\/\""), INGEST_OK);
    span_is(&json.root, INGEST_KIND_STRING, "\"a\\/\"");
    ck_assert(json.root.escaped);

    ck_assert_int_eq(scan(" { } "), INGEST_OK);
    span_is(&json.root, INGEST_KIND_OBJECT, "{ }");
    ck_assert(json.empty);
}
END_TEST


START_TEST(only_members_of_the_root_are_members)
{
    ck_assert_int_eq(scan("[{\"id\":1},{\"type\":2}]"), INGEST_OK);
    ck_assert_int_eq(members[ID].value.kind, INGEST_KIND_ABSENT);
    ck_assert_int_eq(members[TYPE].value.kind, INGEST_KIND_ABSENT);

    ck_assert_int_eq(scan("{\"a\":{\"id\":1,\"id\":2},\"b\":[\"id\",\"id\"],"
                          "\"c\":\"id\",\"type\":{\"type\":{\"id\":3}}}"),
                     INGEST_OK);
    ck_assert_int_eq(members[ID].value.kind, INGEST_KIND_ABSENT);
    span_is(&members[TYPE].value, INGEST_KIND_OBJECT,
            "{\"type\":{\"id\":3}}");
}
END_TEST


START_TEST(names_are_compared_decoded_and_to_the_last_byte)
{
    ck_assert_int_eq(scan("{\"\\u0069d\":1,\"typ\\u0065\":2,"
                          "\"\\u00E9\":3,"
                          "\"\\ud83d\\uDE00\\/\\\"\\\\\\n\":4}"),
                     INGEST_OK);
    span_is(&members[ID].value, INGEST_KIND_NUMBER, "1");
    span_is(&members[TYPE].value, INGEST_KIND_NUMBER, "2");
    span_is(&members[ACCENT].value, INGEST_KIND_NUMBER, "3");
    span_is(&members[LONG].value, INGEST_KIND_NUMBER, "4");

    ck_assert_int_eq(scan("{\"ID\":1,\"id \":1,\"i\":1,\"\":1,\"idd\":1,"
                          "\"id\\u0000\":1,\"\\u0069\":1,\"\\u0069dd\":1,"
                          "\"\\\\u0069d\":1,\"e\\u0301\":1}"),
                     INGEST_OK);
    ck_assert_int_eq(members[ID].value.kind, INGEST_KIND_ABSENT);
    ck_assert_int_eq(members[ACCENT].value.kind, INGEST_KIND_ABSENT);
}
END_TEST


START_TEST(a_name_asked_for_that_comes_twice_is_an_error)
{
    unsigned  i;

    static const struct {
        const char  *document;
        size_t       offset;
        unsigned     member;
    } twice[] = {
        { "{\"id\":1,\"id\":1}", 8, ID },
        { "{\"id\":null,\"id\":null}", 11, ID },
        { "{\"id\":1,\"x\":{},\"\\u0069d\":2}", 15, ID },
        { "{\"\\u0069\\u0064\":1,\"id\":2}", 18, ID },
        { "{\"\\u00e9\":1,\"\xc3\xa9\":2}", 12, ACCENT },
        { "{\"payload\":{\"a\":1},\"payload\":{\"a\":1}}", 19, PAYLOAD },
        { "{\"type\":1,\"type\":1,\"id\":1,\"id\":1,\"id\":1}", 10, TYPE }
    };

    for (i = 0; i < sizeof(twice) / sizeof(twice[0]); i++) {
        ck_assert_int_eq(scan(twice[i].document), INGEST_EVENT_DUPLICATE);
        ck_assert_uint_eq(offset(twice[i].document), twice[i].offset);
        ck_assert_ptr_eq(json.duplicate, &members[twice[i].member]);
    }

    ck_assert_int_eq(scan("{\"other\":1,\"other\":1}"), INGEST_OK);
    ck_assert_ptr_eq(json.duplicate, NULL);
}
END_TEST


START_TEST(a_document_that_is_not_json_is_that_before_all_else)
{
    ck_assert_int_eq(scan("{\"id\":1,\"id\":2,}"), INGEST_JSON_SYNTAX);
    ck_assert_int_eq(scan("{\"id\":1,\"id\":2"), INGEST_JSON_TRUNCATED);
    ck_assert_int_eq(scan("{\"id\":1,\"id\":2}]"), INGEST_JSON_TRAILING);
    ck_assert_uint_eq(offset("{\"id\":1,\"id\":2}]"), 15);
}
END_TEST


START_TEST(a_scan_stops_behind_the_value_and_goes_on_there)
{
    const uint8_t  *p;

    p = place(text(" {\"id\":1}\n{\"id\":2}, 3 \"x"));

    ck_assert_int_eq(ingest_json_scan(&json, p, guard.end), INGEST_OK);
    ck_assert_ptr_eq(json.at, p + 9);
    span_is(&members[ID].value, INGEST_KIND_NUMBER, "1");

    p = json.at;
    ck_assert_int_eq(ingest_json_scan(&json, p, guard.end), INGEST_OK);
    ck_assert_ptr_eq(json.at, p + 9);
    span_is(&members[ID].value, INGEST_KIND_NUMBER, "2");

    p = json.at + 1;
    ck_assert_int_eq(ingest_json_scan(&json, p, guard.end), INGEST_OK);
    ck_assert_ptr_eq(json.at, p + 2);
    ck_assert_int_eq(members[ID].value.kind, INGEST_KIND_ABSENT);

    p = json.at;
    ck_assert_int_eq(ingest_json_scan(&json, p, guard.end),
                     INGEST_JSON_TRUNCATED);
}
END_TEST


START_TEST(strings_are_decoded_into_the_room_there_is)
{
    decodes("\"\"", text(""));
    decodes("\"plain\"", text("plain"));
    decodes("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", text("\"\\/\b\f\n\r\t"));
    decodes("\"a\\u0000b\"", text("a\0b"));
    decodes("\"\\u007f\\u0080\\u07ff\"", text("\x7f\xc2\x80\xdf\xbf"));
    decodes("\"\\u0800\\uffff\"", text("\xe0\xa0\x80\xef\xbf\xbf"));
    decodes("\"\\uD800\\uDC00\\udbff\\udfff\"",
            text("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"));
    decodes("\"\xe2\x82\xac \\u20AC\"", text("\xe2\x82\xac \xe2\x82\xac"));
}
END_TEST


START_TEST(cjson_reads_the_same_strings)
{
    size_t       len;
    cJSON       *root, *item;
    uint8_t      buffer[256];
    unsigned     i, member;
    const char  *value;

    static const char  *names[] = { "id", "type" };
    static const char  *documents[] = {
        "{\"id\":\"a\",\"type\":\"b\"}",
        "{\"type\":\"\\u00e9\\ud83d\\ude00\",\"ID\":\"x\",\"id\":\"\\/\\t\"}",
        "{\"\\u0069d\":\"\xe2\x82\xac\",\"x\":{\"id\":\"no\"},\"type\":\"\"}"
    };

    for (i = 0; i < sizeof(documents) / sizeof(documents[0]); i++) {
        ck_assert_int_eq(scan(documents[i]), INGEST_OK);

        root = cJSON_ParseWithLengthOpts(documents[i], strlen(documents[i]),
                                         NULL, false);
        ck_assert_ptr_ne(root, NULL);

        for (member = ID; member <= TYPE; member++) {
            item = cJSON_GetObjectItemCaseSensitive(root, names[member]);
            value = cJSON_GetStringValue(item);
            ck_assert_ptr_ne(value, NULL);

            ck_assert(ingest_json_decode(&members[member].value, buffer,
                                         sizeof(buffer), &len));
            ck_assert_uint_eq(len, strlen(value));
            ck_assert_mem_eq(buffer, value, len);
        }

        cJSON_Delete(root);
    }
}
END_TEST


int
main(void)
{
    const TTest  *tests[] = {
        no_prefix_of_an_object_is_accepted_and_none_is_read_past,
        spans_are_the_bytes_as_they_are_written,
        each_kind_of_value_is_told,
        only_members_of_the_root_are_members,
        names_are_compared_decoded_and_to_the_last_byte,
        a_name_asked_for_that_comes_twice_is_an_error,
        a_document_that_is_not_json_is_that_before_all_else,
        a_scan_stops_behind_the_value_and_goes_on_there,
        strings_are_decoded_into_the_room_there_is,
        cjson_reads_the_same_strings,
        NULL
    };

    return unit_run("json_span", tests);
}
