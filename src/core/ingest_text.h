
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * JSON strings decoded.  They are without their quotes, and a scan has found
 * them right: no escape is checked here.
 *
 * Any thread; no state.
 */


#ifndef INGEST_TEXT_H
#define INGEST_TEXT_H


#include "ingest_core.h"


/*
 * Decodes into text.  False when there are more than size bytes; text then
 * holds the first of them.
 */

bool ingest_text_decode(const ingest_str_t *raw, uint8_t *text, size_t size,
    size_t *len);

bool ingest_text_equal(const ingest_str_t *raw, const ingest_str_t *decoded);


#endif /* INGEST_TEXT_H */
