
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * A strict scanner of JSON: RFC 8259, UTF-8 of RFC 3629, surrogates in pairs,
 * no byte order mark, at most INGEST_JSON_LEVELS levels.  It builds nothing:
 * it says whether the text is right and where the members lie that the caller
 * asked for.  No recursion, no allocation, and no byte is read at or behind
 * the end.
 *
 * Any thread; no state but the caller's.
 */


#ifndef INGEST_JSON_H
#define INGEST_JSON_H


#include "ingest_core.h"


#define INGEST_JSON_LEVELS  64      /* arrays and objects around a value */


typedef enum {
    INGEST_KIND_ABSENT = 0,
    INGEST_KIND_NULL,
    INGEST_KIND_BOOLEAN,
    INGEST_KIND_NUMBER,
    INGEST_KIND_STRING,
    INGEST_KIND_ARRAY,
    INGEST_KIND_OBJECT
} ingest_kind_e;


/* a value as it is written in the text, a string with its quotes */

typedef struct {
    const uint8_t        *data;
    size_t                len;
    ingest_kind_e         kind;
    bool                  escaped;      /* a string with a backslash */
} ingest_span_t;


/* a member of the root object; names are compared decoded */

typedef struct {
    ingest_str_t          name;         /* set by the caller, decoded */
    ingest_span_t         value;        /* set by the scan */
} ingest_member_t;


typedef struct {

    /* set by the caller: what to look for, no name twice */
    ingest_member_t      *members;
    unsigned              nmembers;

    ingest_span_t         root;
    bool                  empty;        /* an object without members */

    /*
     * INGEST_OK: behind the value.  Else the byte that cannot stand there,
     * or the first one of the escape, surrogate or UTF-8 sequence at fault,
     * or of the second name; the end when something is missing.
     */
    const uint8_t        *at;

    ingest_member_t      *duplicate;    /* its first, or NULL */
} ingest_json_t;


/* What a default takes the place of: a member that is absent, null or "". */

static inline bool
ingest_span_is_missing(const ingest_span_t *span)
{
    return span->kind == INGEST_KIND_ABSENT
           || span->kind == INGEST_KIND_NULL
           || (span->kind == INGEST_KIND_STRING && span->len == 2);
}


/*
 * Scans one value, white space before it included, and stops behind it: what
 * follows is not looked at.  INGEST_EVENT_DUPLICATE: the value is right but
 * for a name that was asked for and is there twice.
 */

ingest_rc_e ingest_json_scan(ingest_json_t *json, const uint8_t *p,
    const uint8_t *end);

/*
 * The same for one value with nothing but white space behind it.  Whether the
 * text is JSON comes before INGEST_EVENT_DUPLICATE.
 */

ingest_rc_e ingest_json_document(ingest_json_t *json, const uint8_t *p,
    const uint8_t *end);

/*
 * Decodes a string that a scan has found right.  False when it has more than
 * size bytes; text then holds its beginning.
 */

bool ingest_json_decode(const ingest_span_t *span, uint8_t *text, size_t size,
    size_t *len);


#endif /* INGEST_JSON_H */
