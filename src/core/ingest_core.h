
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * What all of the core shares: byte strings that somebody else owns, and the
 * one set of results.  The core is pure: it makes no system call, allocates
 * nothing, starts no thread, reads no clock.  It works in the memory that it
 * is handed, and time and randomness are arguments.
 */


#ifndef INGEST_CORE_H
#define INGEST_CORE_H


#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>


/* bytes that belong to somebody else; not terminated */

typedef struct {
    size_t           len;
    const uint8_t   *data;
} ingest_str_t;


#define ingest_string(literal)                                                \
    { sizeof(literal) - 1, (const uint8_t *) literal }


typedef enum {
    INGEST_OK = 0,
    INGEST_ERROR,               /* a call failed; the caller's log says which */
    INGEST_AGAIN,               /* no room now */
    INGEST_TOO_LARGE,           /* no room ever */

    /* the document is not JSON: RFC 8259, RFC 3629 */

    INGEST_JSON_EMPTY,
    INGEST_JSON_TRUNCATED,
    INGEST_JSON_BOM,
    INGEST_JSON_SYNTAX,
    INGEST_JSON_LITERAL,
    INGEST_JSON_NUMBER,
    INGEST_JSON_CONTROL,
    INGEST_JSON_ESCAPE,
    INGEST_JSON_SURROGATE,
    INGEST_JSON_UTF8,
    INGEST_JSON_DEPTH,
    INGEST_JSON_TRAILING,

    /* the document is JSON, but not an event */

    INGEST_EVENT_ARRAY,
    INGEST_EVENT_NOT_OBJECT,
    INGEST_EVENT_DUPLICATE,
    INGEST_EVENT_MISSING,
    INGEST_EVENT_TYPE,
    INGEST_EVENT_ID,
    INGEST_EVENT_TIMESTAMP,
    INGEST_EVENT_PAYLOAD
} ingest_rc_e;


/* A short sentence, for the `detail` of an answer; static, terminated. */

const char *ingest_rc_text(ingest_rc_e rc);


#endif /* INGEST_CORE_H */
