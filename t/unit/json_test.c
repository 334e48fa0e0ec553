
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/core/ingest_json.h"
#include "unit.h"


#define MEMORY  4096

#define count(array)   (sizeof(array) / sizeof((array)[0]))
#define text(literal)  literal, sizeof(literal) - 1


/* a document, and where and why it is wrong */

typedef struct {
    const char   *data;
    size_t        len;
    ingest_rc_e   rc;
    size_t        offset;
} document_t;


static ingest_json_t  json;
static guard_t        guard;


/* The document ends where the guard page begins. */

static ingest_rc_e
scan(const char *data, size_t len)
{
    const uint8_t  *p;

    if (guard.memory == NULL) {
        guard_init(&guard, MEMORY);
    }

    p = guard_put(&guard, data, len);

    return ingest_json_document(&json, p, p + len);
}


static size_t
offset(size_t len)
{
    return len - (size_t) (guard.end - json.at);
}


static void
refused(const document_t *document)
{
    ingest_rc_e  rc;

    rc = scan(document->data, document->len);

    if (rc != document->rc || offset(document->len) != document->offset) {
        ck_abort_msg("%s: %d at %zu, not %d at %zu", document->data, rc,
                     offset(document->len), document->rc, document->offset);
    }
}


static bool
oracle(const char *data, size_t len)
{
    cJSON  *item;

    item = cJSON_ParseWithLengthOpts(data, len, NULL, false);
    cJSON_Delete(item);

    return item != NULL;
}


START_TEST(what_rfc_8259_allows_is_accepted_and_cjson_agrees)
{
    size_t  i;

    static const struct {
        const char  *data;
        size_t       len;
    } documents[] = {
        { text("{}") },
        { text("[]") },
        { text("null") },
        { text("true") },
        { text("false") },
        { text("\"\"") },
        { text(" \t\r\n{ \t\r\n} \t\r\n") },
        { text(" [ \n1\t,\r2 ] ") },
        { text("{ \"a\" : 1 , \"b\" : [ ] , \"c\" : { } }") },
        { text("[[],{},[[]],[{}],{\"\":[]}]") },
        { text("{\"\":0}") },
        { text("{\"a\":1,\"a\":2}") },
        { text("[null,true,false,0,\"\"]") },
        { text("0") },
        { text("-0") },
        { text("-0.0") },
        { text("1234567890") },
        { text("1.5") },
        { text("0.00") },
        { text("1e5") },
        { text("1E+05") },
        { text("0e-0") },
        { text("-1.25e-3") },
        { text("1e400") },
        { text("9007199254740993") },
        { text("0.1000000000000000055511151231257827021181583404541") },
        { text("[1,-1, 0.5]") },
        { text("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"") },
        { text("\"\\u0041\\u00e9\\u20AC\\uFFFF\"") },
        { text("\"\\ud83d\\ude00\\uD800\\uDC00\\uDBFF\\uDFFF\"") },
        { text("\"\\ud7ff\\ue000\"") },
        { text("\"\x7f\"") },
        { text("\"\xc2\x80\xdf\xbf\"") },
        { text("\"\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\"") },
        { text("\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\"") },
        { text("\"\xef\xbb\xbf\"") },
        { text("\"'/* no comment */ // <&>\"") },
        { text("[\"\xe2\x80\xa8\",\"\xe2\x80\xa9\"]") },
        { text("{\"\xc3\xa9\":\"\xc3\xa9\"}") }
    };

    for (i = 0; i < count(documents); i++) {
        ck_assert_msg(scan(documents[i].data, documents[i].len) == INGEST_OK,
                      "%s", documents[i].data);
        ck_assert_msg(oracle(documents[i].data, documents[i].len), "%s",
                      documents[i].data);
    }
}
END_TEST


START_TEST(what_rfc_8259_does_not_allow_is_refused_at_its_byte)
{
    size_t  i;

    static const document_t  documents[] = {
        { text(""), INGEST_JSON_EMPTY, 0 },
        { text(" \n"), INGEST_JSON_EMPTY, 2 },

        { text("\xef\xbb\xbf{}"), INGEST_JSON_BOM, 0 },
        { text("\xef\xbb\xbf"), INGEST_JSON_BOM, 0 },
        { text("\xef\xbb"), INGEST_JSON_SYNTAX, 0 },
        { text("\xfe\xff\0{\0}"), INGEST_JSON_SYNTAX, 0 },
        { text("[\xef\xbb\xbf]"), INGEST_JSON_SYNTAX, 1 },
        { text("{}\xef\xbb\xbf"), INGEST_JSON_TRAILING, 2 },

        { text("{} {}"), INGEST_JSON_TRAILING, 3 },
        { text("{}\n{}"), INGEST_JSON_TRAILING, 3 },
        { text("{}}"), INGEST_JSON_TRAILING, 2 },
        { text("[]]"), INGEST_JSON_TRAILING, 2 },
        { text("{},"), INGEST_JSON_TRAILING, 2 },
        { text("{}\0"), INGEST_JSON_TRAILING, 2 },
        { text("{}#"), INGEST_JSON_TRAILING, 2 },
        { text("{}/**/"), INGEST_JSON_TRAILING, 2 },
        { text("nullx"), INGEST_JSON_TRAILING, 4 },
        { text("1 2"), INGEST_JSON_TRAILING, 2 },
        { text("1.2.3"), INGEST_JSON_TRAILING, 3 },
        { text("1e5e5"), INGEST_JSON_TRAILING, 3 },
        { text("0x1F"), INGEST_JSON_TRAILING, 1 },
        { text("\"a\"\"b\""), INGEST_JSON_TRAILING, 3 },

        { text("\0"), INGEST_JSON_SYNTAX, 0 },
        { text("\v{}"), INGEST_JSON_SYNTAX, 0 },
        { text("\f{}"), INGEST_JSON_SYNTAX, 0 },
        { text("\xc2\xa0{}"), INGEST_JSON_SYNTAX, 0 },
        { text("{\0}"), INGEST_JSON_SYNTAX, 1 },
        { text("]"), INGEST_JSON_SYNTAX, 0 },
        { text("}"), INGEST_JSON_SYNTAX, 0 },
        { text("a"), INGEST_JSON_SYNTAX, 0 },
        { text("'a'"), INGEST_JSON_SYNTAX, 0 },
        { text("<null>"), INGEST_JSON_SYNTAX, 0 },
        { text("//\n{}"), INGEST_JSON_SYNTAX, 0 },
        { text("True"), INGEST_JSON_SYNTAX, 0 },
        { text("NULL"), INGEST_JSON_SYNTAX, 0 },
        { text("NaN"), INGEST_JSON_SYNTAX, 0 },
        { text("Infinity"), INGEST_JSON_SYNTAX, 0 },
        { text("+1"), INGEST_JSON_SYNTAX, 0 },
        { text(".5"), INGEST_JSON_SYNTAX, 0 },
        { text("[1,]"), INGEST_JSON_SYNTAX, 3 },
        { text("[,1]"), INGEST_JSON_SYNTAX, 1 },
        { text("[1,,2]"), INGEST_JSON_SYNTAX, 3 },
        { text("[1 2]"), INGEST_JSON_SYNTAX, 3 },
        { text("[1:2]"), INGEST_JSON_SYNTAX, 2 },
        { text("[1}"), INGEST_JSON_SYNTAX, 2 },
        { text("[}"), INGEST_JSON_SYNTAX, 1 },
        { text("{]"), INGEST_JSON_SYNTAX, 1 },
        { text("[\"a\":1]"), INGEST_JSON_SYNTAX, 4 },
        { text("[{}[]]"), INGEST_JSON_SYNTAX, 3 },
        { text("{\"a\":1,}"), INGEST_JSON_SYNTAX, 7 },
        { text("{,\"a\":1}"), INGEST_JSON_SYNTAX, 1 },
        { text("{\"a\":1,,\"b\":2}"), INGEST_JSON_SYNTAX, 7 },
        { text("{\"a\":1 \"b\":2}"), INGEST_JSON_SYNTAX, 7 },
        { text("{\"a\":1]"), INGEST_JSON_SYNTAX, 6 },
        { text("{\"a\"}"), INGEST_JSON_SYNTAX, 4 },
        { text("{\"a\",1}"), INGEST_JSON_SYNTAX, 4 },
        { text("{\"a\":}"), INGEST_JSON_SYNTAX, 5 },
        { text("{\"a\"::1}"), INGEST_JSON_SYNTAX, 5 },
        { text("{\"a\" 1}"), INGEST_JSON_SYNTAX, 5 },
        { text("{:1}"), INGEST_JSON_SYNTAX, 1 },
        { text("{a:1}"), INGEST_JSON_SYNTAX, 1 },
        { text("{'a':1}"), INGEST_JSON_SYNTAX, 1 },
        { text("{1:1}"), INGEST_JSON_SYNTAX, 1 },
        { text("{null:1}"), INGEST_JSON_SYNTAX, 1 },
        { text("{[]:1}"), INGEST_JSON_SYNTAX, 1 },
        { text("{\"a\":1/**/}"), INGEST_JSON_SYNTAX, 6 },
        { text("[1\v]"), INGEST_JSON_SYNTAX, 2 },

        { text("nul]"), INGEST_JSON_LITERAL, 3 },
        { text("tRUE"), INGEST_JSON_LITERAL, 1 },
        { text("falsy"), INGEST_JSON_LITERAL, 4 },
        { text("[nan]"), INGEST_JSON_LITERAL, 2 },
        { text("nu\0l"), INGEST_JSON_LITERAL, 2 },

        { text("01"), INGEST_JSON_NUMBER, 1 },
        { text("-01"), INGEST_JSON_NUMBER, 2 },
        { text("00"), INGEST_JSON_NUMBER, 1 },
        { text("[-]"), INGEST_JSON_NUMBER, 2 },
        { text("--1"), INGEST_JSON_NUMBER, 1 },
        { text("-a"), INGEST_JSON_NUMBER, 1 },
        { text("-.5"), INGEST_JSON_NUMBER, 1 },
        { text("-Infinity"), INGEST_JSON_NUMBER, 1 },
        { text("[1.]"), INGEST_JSON_NUMBER, 3 },
        { text("[1.e5]"), INGEST_JSON_NUMBER, 3 },
        { text("[0.-1]"), INGEST_JSON_NUMBER, 3 },
        { text("[1e]"), INGEST_JSON_NUMBER, 3 },
        { text("[1e+]"), INGEST_JSON_NUMBER, 4 },
        { text("[1e+-2]"), INGEST_JSON_NUMBER, 4 },
        { text("[1e1.5]"), INGEST_JSON_SYNTAX, 4 },
        { text("[1+2]"), INGEST_JSON_SYNTAX, 2 },

        { text("\"\0\""), INGEST_JSON_CONTROL, 1 },
        { text("\"a\nb\""), INGEST_JSON_CONTROL, 2 },
        { text("\"123456789\t\""), INGEST_JSON_CONTROL, 10 },
        { text("{\"a\rb\":1}"), INGEST_JSON_CONTROL, 3 },

        { text("\"\\a\""), INGEST_JSON_ESCAPE, 1 },
        { text("\"\\'\""), INGEST_JSON_ESCAPE, 1 },
        { text("\"\\x41\""), INGEST_JSON_ESCAPE, 1 },
        { text("\"\\U0041\""), INGEST_JSON_ESCAPE, 1 },
        { text("\"\\0\""), INGEST_JSON_ESCAPE, 1 },
        { text("\"\\\0\""), INGEST_JSON_ESCAPE, 1 },
        { text("\"\\\n\""), INGEST_JSON_ESCAPE, 1 },
        { text("\"\\\xc3\xa9\""), INGEST_JSON_ESCAPE, 1 },
        { text("\"ab\\u004\""), INGEST_JSON_ESCAPE, 3 },
        { text("\"\\u00g0\""), INGEST_JSON_ESCAPE, 1 },
        { text("\"\\u 041\""), INGEST_JSON_ESCAPE, 1 },
        { text("\"\\u-041\""), INGEST_JSON_ESCAPE, 1 },
        { text("\"\\u00\x10\x11\""), INGEST_JSON_ESCAPE, 1 },
        { text("\"\\ud800\\u00\""), INGEST_JSON_ESCAPE, 1 },
        { text("{\"\\q\":1}"), INGEST_JSON_ESCAPE, 2 },

        { text("\"\\ud800\""), INGEST_JSON_SURROGATE, 1 },
        { text("\"\\udbff \""), INGEST_JSON_SURROGATE, 1 },
        { text("\"\\ud83d\\n\""), INGEST_JSON_SURROGATE, 1 },
        { text("\"\\ud83d\\ud83d\""), INGEST_JSON_SURROGATE, 1 },
        { text("\"\\ud83d\\ue000\""), INGEST_JSON_SURROGATE, 1 },
        { text("\"\\ud83dudc00\""), INGEST_JSON_SURROGATE, 1 },
        { text("\"\\ude00\""), INGEST_JSON_SURROGATE, 1 },
        { text("\"\\ude00\\ud83d\""), INGEST_JSON_SURROGATE, 1 },
        { text("\"a\\uDFFF\""), INGEST_JSON_SURROGATE, 2 },

        { text("\"\x80\""), INGEST_JSON_UTF8, 1 },
        { text("\"\xc3\""), INGEST_JSON_UTF8, 1 },
        { text("\"\xc3\\u0041\""), INGEST_JSON_UTF8, 1 },
        { text("\"\xe2\x82\""), INGEST_JSON_UTF8, 1 },
        { text("\"\xe2\x28\xa1\""), INGEST_JSON_UTF8, 1 },
        { text("\"\xf0\x9f\x98\""), INGEST_JSON_UTF8, 1 },
        { text("\"12345678\xff\""), INGEST_JSON_UTF8, 9 },
        { text("\"\xfe\""), INGEST_JSON_UTF8, 1 },
        { text("\"\xe9\""), INGEST_JSON_UTF8, 1 },
        { text("{\"\xff\":1}"), INGEST_JSON_UTF8, 2 }
    };

    for (i = 0; i < count(documents); i++) {
        refused(&documents[i]);
    }
}
END_TEST


/* By the rule, not by its table: one form of a character, the shortest. */

START_TEST(utf8_is_accepted_in_the_shortest_form_of_a_character_alone)
{
    size_t    i, len, shortest;
    char      document[8];
    bool      right;
    uint32_t  code, rest;

    static const char  lead[] = { 0, 0, '\xc0', '\xe0', '\xf0' };

    for (code = 0; code < 0x200000; code += code < 0x11000 ? 1 : 61) {
        shortest = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
        right = code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);

        for (len = shortest < 2 ? 2 : shortest; len <= 4; len++) {
            rest = code;

            for (i = len; i > 1; i--) {
                document[i] = (char) (0x80 | (rest & 0x3f));
                rest >>= 6;
            }

            document[0] = '"';
            document[1] = (char) ((uint8_t) lead[len] | rest);
            document[len + 1] = '"';

            if ((scan(document, len + 2) == INGEST_OK)
                != (right && len == shortest))
            {
                ck_abort_msg("U+%04X in %zu bytes", code, len);
            }
        }
    }
}
END_TEST


START_TEST(every_byte_in_every_place_of_a_string_is_judged_alike)
{
    size_t       i, len;
    char         document[24];
    unsigned     c;
    ingest_rc_e  rc, expected;

    for (c = 0; c < 256; c++) {
        expected = c < 0x20 ? INGEST_JSON_CONTROL
                   : c >= 0x80 ? INGEST_JSON_UTF8
                   : c == '"' ? INGEST_JSON_TRAILING
                   : c == '\\' ? INGEST_JSON_ESCAPE : INGEST_OK;

        for (len = 2; len < sizeof(document); len++) {
            for (i = 1; i < len - 2; i++) {
                memset(document, '.', len);
                document[0] = document[len - 1] = '"';
                document[i] = (char) c;

                rc = scan(document, len);

                if (rc != expected
                    || (rc != INGEST_OK
                        && offset(len) != i + (c == '"')))
                {
                    ck_abort_msg("%u at %zu of %zu: %d", c, i, len, rc);
                }
            }
        }
    }
}
END_TEST


/* Every second level is an object where mixed. */

static size_t
nest(char *document, unsigned depth, bool mixed)
{
    char      *p;
    unsigned   i;

    p = document;

    for (i = 0; i < depth; i++) {
        p += sprintf(p, mixed && i % 2 ? "{\"\":" : "[");
    }

    *p++ = '0';

    while (i-- > 0) {
        *p++ = mixed && i % 2 ? '}' : ']';
    }

    return (size_t) (p - document);
}


static void
depth_ends_at(size_t at, bool mixed)
{
    char    document[1024];
    size_t  len;

    len = nest(document, 64, mixed);
    ck_assert_int_eq(scan(document, len), INGEST_OK);
    ck_assert(oracle(document, len));

    len = nest(document, 65, mixed);
    refused(&(document_t) { document, len, INGEST_JSON_DEPTH, at });

    len = nest(document, 200, mixed);
    refused(&(document_t) { document, len, INGEST_JSON_DEPTH, at });
}


START_TEST(a_document_may_be_64_levels_deep_and_not_65)
{
    depth_ends_at(64, false);
    depth_ends_at(32 + 32 * 4, true);
}
END_TEST


START_TEST(each_level_is_closed_by_its_own_bracket)
{
    char      document[1024];
    size_t    i, len, first;

    len = nest(document, 64, true);
    first = (size_t) ((char *) memchr(document, '0', len) - document) + 1;

    for (i = first; i < len; i++) {
        document[i] ^= '}' ^ ']';
        refused(&(document_t) { document, len, INGEST_JSON_SYNTAX, i });
        document[i] ^= '}' ^ ']';
    }

    ck_assert_int_eq(scan(document, len), INGEST_OK);
}
END_TEST


int
main(void)
{
    const TTest  *tests[] = {
        what_rfc_8259_allows_is_accepted_and_cjson_agrees,
        what_rfc_8259_does_not_allow_is_refused_at_its_byte,
        utf8_is_accepted_in_the_shortest_form_of_a_character_alone,
        every_byte_in_every_place_of_a_string_is_judged_alike,
        a_document_may_be_64_levels_deep_and_not_65,
        each_level_is_closed_by_its_own_bracket,
        NULL
    };

    return unit_run("json", tests);
}
