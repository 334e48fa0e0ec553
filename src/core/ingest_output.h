
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * Text into bounded memory.  Once something did not fit nothing more is
 * written, and the caller looks at that once, at the end.
 */


#ifndef INGEST_OUTPUT_H
#define INGEST_OUTPUT_H


#include "ingest_core.h"


typedef struct {
    uint8_t         *p;
    uint8_t         *end;
    bool             full;
} ingest_output_t;


void ingest_output_text(ingest_output_t *out, const char *text);
void ingest_output_uint(ingest_output_t *out, uint64_t value);

/* Milliseconds as seconds, without zeros at the end. */

void ingest_output_thousandths(ingest_output_t *out, uint64_t ms);

/* The value of a label: backslash, quote and newline are escaped. */

void ingest_output_escaped(ingest_output_t *out, const uint8_t *data,
    size_t len);

/* As much of it as there is room for; never makes the output full. */

void ingest_output_some(ingest_output_t *out, const void *data, size_t len);

/*
 * A string of JSON with its quotes.  Bytes that are no UTF-8 become U+FFFD,
 * one for each of them.
 */

void ingest_output_json(ingest_output_t *out, const uint8_t *data, size_t len);


#endif /* INGEST_OUTPUT_H */
