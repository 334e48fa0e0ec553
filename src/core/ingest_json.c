
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#include <string.h>

#include "ingest_json.h"
#include "ingest_text.h"
#include "ingest_scalar.h"


/*
 * wanted stands apart from depth: next to each other they would be tested by
 * one load of both, which has to wait for the separate stores.
 */

typedef struct {
    ingest_json_t        *json;
    const uint8_t        *end;

    uint64_t              stack;    /* a bit a level, innermost lowest */
    unsigned              depth;
    ingest_rc_e           rc;

    /* spans are kept of the root and of its members alone */
    ingest_span_t        *next;     /* of the value to come, or NULL */
    ingest_span_t        *open[2];  /* by depth, what is not closed yet */
    const uint8_t        *again;    /* a name that came twice */

    bool                  wanted;   /* a value must come now */
    bool                  escaped;  /* the last string has a backslash */
} ingest_scan_t;


static const uint8_t *ingest_json_value(ingest_scan_t *scan,
    const uint8_t *p);
static void ingest_json_keep(ingest_scan_t *scan, const uint8_t *start,
    const uint8_t *p, ingest_kind_e kind);
static const uint8_t *ingest_json_open(ingest_scan_t *scan, const uint8_t *p,
    ingest_kind_e kind);
static const uint8_t *ingest_json_next(ingest_scan_t *scan, const uint8_t *p);
static const uint8_t *ingest_json_close(ingest_scan_t *scan,
    const uint8_t *p);
static const uint8_t *ingest_json_name(ingest_scan_t *scan, const uint8_t *p);
static void ingest_json_track(ingest_scan_t *scan, const uint8_t *p,
    size_t len);
static const uint8_t *ingest_json_string(ingest_scan_t *scan,
    const uint8_t *p);
static const uint8_t *ingest_json_number(ingest_scan_t *scan,
    const uint8_t *p);
static const uint8_t *ingest_json_literal(ingest_scan_t *scan,
    const uint8_t *p, const char *word);
static const uint8_t *ingest_json_unexpected(ingest_scan_t *scan,
    const uint8_t *p);
static const uint8_t *ingest_json_fail(ingest_scan_t *scan, ingest_rc_e rc,
    const uint8_t *p);
static const uint8_t *ingest_json_skip(const uint8_t *p, const uint8_t *end);


ingest_rc_e
ingest_json_scan(ingest_json_t *json, const uint8_t *p, const uint8_t *end)
{
    unsigned       i;
    ingest_scan_t  scan;

    memset(&scan, 0, sizeof(ingest_scan_t));
    memset(&json->root, 0, sizeof(ingest_span_t));

    for (i = 0; i < json->nmembers; i++) {
        memset(&json->members[i].value, 0, sizeof(ingest_span_t));
    }

    json->empty = false;
    json->duplicate = NULL;

    scan.json = json;
    scan.end = end;
    scan.next = &json->root;
    scan.wanted = true;

    p = ingest_json_skip(p, end);

    if (p == end) {
        json->at = end;
        return INGEST_JSON_EMPTY;
    }

    do {
        p = scan.wanted ? ingest_json_value(&scan, p)
                        : ingest_json_next(&scan, p);

        if (p == NULL) {
            return scan.rc;
        }

    } while (scan.wanted || scan.depth != 0);

    if (json->duplicate != NULL) {
        json->at = scan.again;
        return INGEST_EVENT_DUPLICATE;
    }

    json->at = p;

    return INGEST_OK;
}


ingest_rc_e
ingest_json_document(ingest_json_t *json, const uint8_t *p,
    const uint8_t *end)
{
    ingest_rc_e  rc;

    rc = ingest_json_scan(json, p, end);

    if (rc != INGEST_OK && rc != INGEST_EVENT_DUPLICATE) {
        return rc;
    }

    p = ingest_json_skip(json->root.data + json->root.len, end);

    if (p != end) {
        json->at = p;
        return INGEST_JSON_TRAILING;
    }

    return rc;
}


bool
ingest_json_decode(const ingest_span_t *span, uint8_t *text, size_t size,
    size_t *len)
{
    ingest_str_t  raw;

    raw.data = span->data + 1;
    raw.len = span->len - 2;

    return ingest_text_decode(&raw, text, size, len);
}


/* Reads a scalar, or the opening of what is not one. */

static const uint8_t *
ingest_json_value(ingest_scan_t *scan, const uint8_t *p)
{
    ingest_kind_e   kind;
    const uint8_t  *start;

    if (p == scan->end) {
        return ingest_json_fail(scan, INGEST_JSON_TRUNCATED, p);
    }

    start = p;

    switch (*p) {

    case '{':
        return ingest_json_open(scan, p, INGEST_KIND_OBJECT);

    case '[':
        return ingest_json_open(scan, p, INGEST_KIND_ARRAY);

    case '"':
        kind = INGEST_KIND_STRING;
        p = ingest_json_string(scan, p);
        break;

    case '-':
    case '0': case '1': case '2': case '3': case '4':
    case '5': case '6': case '7': case '8': case '9':
        kind = INGEST_KIND_NUMBER;
        p = ingest_json_number(scan, p);
        break;

    case 't':
        kind = INGEST_KIND_BOOLEAN;
        p = ingest_json_literal(scan, p, "true");
        break;

    case 'f':
        kind = INGEST_KIND_BOOLEAN;
        p = ingest_json_literal(scan, p, "false");
        break;

    case 'n':
        kind = INGEST_KIND_NULL;
        p = ingest_json_literal(scan, p, "null");
        break;

    default:
        return ingest_json_unexpected(scan, p);
    }

    scan->wanted = false;

    if (scan->next != NULL && p != NULL) {
        ingest_json_keep(scan, start, p, kind);
    }

    return p;
}


static void
ingest_json_keep(ingest_scan_t *scan, const uint8_t *start, const uint8_t *p,
    ingest_kind_e kind)
{
    ingest_span_t  *span;

    span = scan->next;

    span->data = start;
    span->len = (size_t) (p - start);
    span->kind = kind;
    span->escaped = kind == INGEST_KIND_STRING && scan->escaped;

    scan->next = NULL;
}


/* Reads up to the first value inside, or behind what is empty. */

static const uint8_t *
ingest_json_open(ingest_scan_t *scan, const uint8_t *p, ingest_kind_e kind)
{
    ingest_span_t  *span;

    if (scan->depth == INGEST_JSON_LEVELS) {
        return ingest_json_fail(scan, INGEST_JSON_DEPTH, p);
    }

    span = scan->next;

    if (span != NULL) {
        span->data = p;
        span->kind = kind;
        scan->open[scan->depth] = span;
        scan->next = NULL;
    }

    scan->stack = (scan->stack << 1) | (kind == INGEST_KIND_OBJECT);
    scan->depth++;

    p = ingest_json_skip(p + 1, scan->end);

    if (p == scan->end) {
        return ingest_json_fail(scan, INGEST_JSON_TRUNCATED, p);
    }

    if (kind == INGEST_KIND_ARRAY) {
        return *p == ']' ? ingest_json_close(scan, p) : p;
    }

    if (*p != '}') {
        return ingest_json_name(scan, p);
    }

    if (scan->depth == 1) {
        scan->json->empty = true;
    }

    return ingest_json_close(scan, p);
}


/* Reads what follows a value inside of an array or object. */

static const uint8_t *
ingest_json_next(ingest_scan_t *scan, const uint8_t *p)
{
    bool  object;

    p = ingest_json_skip(p, scan->end);

    if (p == scan->end) {
        return ingest_json_fail(scan, INGEST_JSON_TRUNCATED, p);
    }

    object = scan->stack & 1;

    if (*p == ',') {
        scan->wanted = true;
        p = ingest_json_skip(p + 1, scan->end);
        return object ? ingest_json_name(scan, p) : p;
    }

    if (*p == (object ? '}' : ']')) {
        return ingest_json_close(scan, p);
    }

    return ingest_json_fail(scan, INGEST_JSON_SYNTAX, p);
}


static const uint8_t *
ingest_json_close(ingest_scan_t *scan, const uint8_t *p)
{
    ingest_span_t  *span;

    p++;

    scan->stack >>= 1;
    scan->depth--;
    scan->wanted = false;

    if (scan->depth < 2) {
        span = scan->open[scan->depth];

        if (span != NULL) {
            span->len = (size_t) (p - span->data);
            scan->open[scan->depth] = NULL;
        }
    }

    return p;
}


/* Reads a name and the colon, up to the value. */

static const uint8_t *
ingest_json_name(ingest_scan_t *scan, const uint8_t *p)
{
    const uint8_t  *start;

    if (p == scan->end) {
        return ingest_json_fail(scan, INGEST_JSON_TRUNCATED, p);
    }

    if (*p != '"') {
        return ingest_json_fail(scan, INGEST_JSON_SYNTAX, p);
    }

    start = p;
    p = ingest_json_string(scan, p);

    if (p == NULL) {
        return NULL;
    }

    if (scan->depth == 1) {
        ingest_json_track(scan, start, (size_t) (p - start));
    }

    p = ingest_json_skip(p, scan->end);

    if (p == scan->end) {
        return ingest_json_fail(scan, INGEST_JSON_TRUNCATED, p);
    }

    if (*p != ':') {
        return ingest_json_fail(scan, INGEST_JSON_SYNTAX, p);
    }

    return ingest_json_skip(p + 1, scan->end);
}


/* Whether the name, in its quotes, is one of those asked for. */

static void
ingest_json_track(ingest_scan_t *scan, const uint8_t *p, size_t len)
{
    unsigned          i;
    ingest_str_t      raw;
    ingest_json_t    *json;
    ingest_member_t  *member;

    json = scan->json;

    raw.data = p + 1;
    raw.len = len - 2;

    for (i = 0; i < json->nmembers; i++) {
        member = &json->members[i];

        if (scan->escaped) {
            if (!ingest_text_equal(&raw, &member->name)) {
                continue;
            }

        } else if (raw.len != member->name.len
                   || memcmp(raw.data, member->name.data, raw.len) != 0)
        {
            continue;
        }

        if (member->value.kind == INGEST_KIND_ABSENT) {
            scan->next = &member->value;

        } else if (json->duplicate == NULL) {
            json->duplicate = member;
            scan->again = p;
        }

        return;
    }
}


/* Most strings are plain, and need no call. */

static const uint8_t *
ingest_json_string(ingest_scan_t *scan, const uint8_t *p)
{
    ingest_rc_e     rc;
    const uint8_t  *q;

    scan->escaped = false;

    q = ingest_scalar_plain(p + 1, scan->end);

    if (q < scan->end && *q == '"') {
        return q + 1;
    }

    rc = ingest_scalar_string(&q, scan->end, &scan->escaped);

    return rc == INGEST_OK ? q : ingest_json_fail(scan, rc, q);
}


static const uint8_t *
ingest_json_number(ingest_scan_t *scan, const uint8_t *p)
{
    ingest_rc_e  rc;

    rc = ingest_scalar_number(&p, scan->end);

    return rc == INGEST_OK ? p : ingest_json_fail(scan, rc, p);
}


static const uint8_t *
ingest_json_literal(ingest_scan_t *scan, const uint8_t *p, const char *word)
{
    ingest_rc_e  rc;

    rc = ingest_scalar_literal(&p, scan->end, word);

    return rc == INGEST_OK ? p : ingest_json_fail(scan, rc, p);
}


static const uint8_t *
ingest_json_unexpected(ingest_scan_t *scan, const uint8_t *p)
{
    static const uint8_t  bom[] = { 0xef, 0xbb, 0xbf };

    if (scan->depth == 0
        && (size_t) (scan->end - p) >= sizeof(bom)
        && memcmp(p, bom, sizeof(bom)) == 0)
    {
        return ingest_json_fail(scan, INGEST_JSON_BOM, p);
    }

    return ingest_json_fail(scan, INGEST_JSON_SYNTAX, p);
}


static const uint8_t *
ingest_json_fail(ingest_scan_t *scan, ingest_rc_e rc, const uint8_t *p)
{
    scan->rc = rc;
    scan->json->at = p;

    return NULL;
}


static const uint8_t *
ingest_json_skip(const uint8_t *p, const uint8_t *end)
{
    while (p < end
           && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
    {
        p++;
    }

    return p;
}
