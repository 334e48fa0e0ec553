
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * cJSON reads what we accept: each document of a table, with each of its
 * bytes changed to each of the others.  It accepts more than we do, so the
 * converse does not hold, and it has limits of its own: see comparable().
 */


#define _GNU_SOURCE

#include <cjson/cJSON.h>
#include <string.h>

#include "../../src/core/ingest_json.h"
#include "unit.h"


#define MEMORY   4096
#define TEXT     512

#define text(literal)  literal, sizeof(literal) - 1

#define check_fast(condition, ...)                                            \
    do {                                                                      \
        if (!(condition)) {                                                   \
            ck_abort_msg(__VA_ARGS__);                                        \
        }                                                                     \
    } while (0)


enum { ID, TYPE, NMEMBERS };


typedef struct {
    const char  *data;
    size_t       len;
} document_t;


static guard_t          guard;
static ingest_json_t    json;
static ingest_member_t  members[NMEMBERS] = {
    [ID]   = { .name = ingest_string("id") },
    [TYPE] = { .name = ingest_string("type") }
};


static const document_t  documents[] = {
    { text("{\"id\":\"1\",\"type\":\"click\",\"payload\":{\"user\":123}}") },
    { text(" { \"type\" : \"a\\\"b\\\\c\\/d\\n\" ,\r\n\t\"id\" : "
           "\"\\u00e9\" } ") },
    { text("{\"\\u0069d\":\"x\",\"t\\u0079pe\":\"\\uD83D\\ude00\"}") },
    { text("{\"a\":{\"id\":\"no\"},"
           "\"id\":\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"}") },
    { text("[0,-1.5e+10,0.25E-3,1e400,[],{},[[{\"a\":[null]}]]]") },
    { text("[true,false,null,\"\",\"\x7f\",\"0123456789abcdefghijklmnop\"]") },
    { text("{\"id\":null,\"type\":\"\",\"\":0,\"n\":12345678901234567890}") },
    { text("\"\\ud800\\udc00\"") },
    { text("-0.0") },
    { text("null") }
};


static ingest_rc_e
scan(const char *data, size_t len)
{
    const uint8_t  *p;

    if (guard.memory == NULL) {
        guard_init(&guard, MEMORY);
    }

    json.members = members;
    json.nmembers = NMEMBERS;

    p = guard_put(&guard, data, len);

    return ingest_json_document(&json, p, guard.end);
}


/* cJSON ends a string at \u0000, and so may take one name for another. */

static bool
comparable(const char *data, size_t len)
{
    return memmem(data, len, text("\\u0000")) == NULL;
}


static void
agree(const char *data, cJSON *root, unsigned member)
{
    size_t          len;
    cJSON          *item;
    uint8_t         buffer[TEXT];
    const char     *name, *value;
    ingest_span_t  *span;

    name = (const char *) members[member].name.data;
    span = &members[member].value;

    item = cJSON_GetObjectItemCaseSensitive(root, name);

    check_fast((item != NULL) == (span->kind != INGEST_KIND_ABSENT),
               "%s: one finds \"%s\", the other does not", data, name);

    value = cJSON_GetStringValue(item);

    check_fast((value != NULL) == (span->kind == INGEST_KIND_STRING),
               "%s: \"%s\" is a string to one", data, name);

    if (value != NULL) {
        check_fast(ingest_json_decode(span, buffer, sizeof(buffer), &len)
                   && len == strlen(value) && memcmp(buffer, value, len) == 0,
                   "%s: \"%s\" is %s to cJSON", data, name, value);
    }
}


/* Whether we accept it; then cJSON must, and must end where we do. */

static bool
compare(const char *data, size_t len)
{
    cJSON       *root;
    const char  *end;

    if (scan(data, len) != INGEST_OK) {
        return false;
    }

    end = NULL;
    root = cJSON_ParseWithLengthOpts(data, len, &end, false);

    check_fast(root != NULL, "cJSON refuses %s", data);
    check_fast(end == data + len - (guard.end - json.root.data)
                      + json.root.len,
               "cJSON ends elsewhere in %s", data);

    if (comparable(data, len)) {
        agree(data, root, ID);
        agree(data, root, TYPE);
    }

    cJSON_Delete(root);

    return true;
}


START_TEST(what_we_accept_cjson_accepts_and_reads_the_same)
{
    unsigned  i;

    for (i = 0; i < sizeof(documents) / sizeof(documents[0]); i++) {
        check_fast(compare(documents[i].data, documents[i].len), "%s",
                   documents[i].data);
    }
}
END_TEST


START_TEST(so_it_does_with_any_byte_changed_to_any_other)
{
    char      data[TEXT];
    size_t    i, len;
    unsigned  c, k, naccepted, nrefused;

    naccepted = nrefused = 0;

    for (k = 0; k < sizeof(documents) / sizeof(documents[0]); k++) {
        len = documents[k].len;

        for (i = 0; i < len; i++) {
            memcpy(data, documents[k].data, len + 1);

            for (c = 0; c < 256; c++) {
                data[i] = (char) c;

                if (compare(data, len)) {
                    naccepted++;

                } else {
                    nrefused++;
                }
            }
        }
    }

    /* both are many, or this has tested nothing */

    ck_assert_uint_gt(naccepted, 5000);
    ck_assert_uint_gt(nrefused, 50000);
}
END_TEST


START_TEST(so_it_does_with_any_byte_left_out_or_written_twice)
{
    char      data[TEXT];
    size_t    i, len;
    unsigned  k;

    for (k = 0; k < sizeof(documents) / sizeof(documents[0]); k++) {
        len = documents[k].len;

        for (i = 0; i < len; i++) {
            memcpy(data, documents[k].data, i);
            memcpy(data + i, documents[k].data + i + 1, len - i);
            (void) compare(data, len - 1);

            memcpy(data, documents[k].data, i + 1);
            memcpy(data + i + 1, documents[k].data + i, len - i + 1);
            (void) compare(data, len + 1);
        }
    }
}
END_TEST


int
main(void)
{
    const TTest  *tests[] = {
        what_we_accept_cjson_accepts_and_reads_the_same,
        so_it_does_with_any_byte_changed_to_any_other,
        so_it_does_with_any_byte_left_out_or_written_twice,
        NULL
    };

    return unit_run("json_oracle", tests);
}
