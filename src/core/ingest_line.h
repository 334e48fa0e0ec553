
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * A log line with named fields, which is printed twice: as a sentence for
 * nginx's log and as an object of JSON.  It is a value, with all its bytes
 * in it, and may go from one thread to another.
 */


#ifndef INGEST_LINE_H
#define INGEST_LINE_H


#include "ingest_core.h"


#define INGEST_LINE_TEXT    500
#define INGEST_LINE_FIELDS  6
#define INGEST_LINE_BYTES   512     /* of all fields that are text */
#define INGEST_LINE_JSON    4096    /* a line of JSON, whatever is in it */


typedef enum {
    INGEST_LOG_ALERT = 0,
    INGEST_LOG_CRIT,
    INGEST_LOG_ERROR,
    INGEST_LOG_WARN,
    INGEST_LOG_NOTICE,
    INGEST_LOG_INFO,
    INGEST_LOG_DEBUG
} ingest_level_e;


/* name is static and terminated; NULL: there are no more fields */

typedef struct {
    const char          *name;
    ingest_str_t         text;      /* data NULL: it is a number */
    uint64_t             number;
} ingest_field_t;


typedef struct {
    const char          *name;
    bool                 is_text;
    uint16_t             offset;    /* in bytes */
    uint16_t             len;
    uint64_t             number;
} ingest_line_field_t;


typedef struct {
    ingest_level_e       level;
    unsigned             missing;   /* lines that there was no room for */
    const char          *msg;
    char                 text[INGEST_LINE_TEXT];

    unsigned             nfields;
    ingest_line_field_t  fields[INGEST_LINE_FIELDS];
    uint8_t              bytes[INGEST_LINE_BYTES];
} ingest_line_t;


/* where a line of JSON comes from; len 0 and worker 0 are left out */

typedef struct {
    uint64_t             time_ms;   /* Unix time */
    ingest_str_t         queue;     /* 249 bytes at most */
    uint64_t             worker;    /* its pid */
} ingest_origin_t;


static inline ingest_field_t
ingest_field_text(const char *name, ingest_str_t text)
{
    static const uint8_t  nothing = 0;

    if (text.data == NULL) {
        text.data = &nothing;
        text.len = 0;
    }

    return (ingest_field_t) { name, text, 0 };
}


static inline ingest_field_t
ingest_field_number(const char *name, uint64_t number)
{
    return (ingest_field_t) { name, { 0, NULL }, number };
}


ingest_field_t ingest_field_word(const char *name, const char *text);

/* Fields for a call, with their end. */

#define ingest_fields(...)                                                    \
    (ingest_field_t []) { __VA_ARGS__, { NULL, { 0, NULL }, 0 } }

/*
 * msg is static and always the same for this kind of line: what programs look
 * for.  sentence is what people read, with {name} where the value of that
 * field goes.  Of fields, which end with a NULL name and may be NULL, the first
 * INGEST_LINE_FIELDS are taken, and text of them as far as there is room.
 * Control characters in the sentence become spaces.
 */

void ingest_line_set(ingest_line_t *line, ingest_level_e level,
    const char *msg, const char *sentence, const ingest_field_t *fields);

/*
 * Writes an object and a line feed, INGEST_LINE_JSON bytes at most, and
 * returns their number.  Bytes that are no UTF-8 become U+FFFD.
 */

size_t ingest_line_json(const ingest_line_t *line,
    const ingest_origin_t *origin, uint8_t *out);


#endif /* INGEST_LINE_H */
