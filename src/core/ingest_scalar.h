
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * The scalars of a JSON text.  Each function begins at *p, before end, and on
 * INGEST_OK leaves *p behind the scalar; what comes there is not its concern.
 * Else *p is at the byte that cannot stand there, or at the first byte of the
 * escape, surrogate or UTF-8 sequence at fault, or at the end.
 *
 * Any thread; no state.
 */


#ifndef INGEST_SCALAR_H
#define INGEST_SCALAR_H


#include "ingest_core.h"


/* *p is at the opening quote; escaped: there is a backslash in it. */

ingest_rc_e ingest_scalar_string(const uint8_t **p, const uint8_t *end,
    bool *escaped);

/* *p is at a minus or a digit. */

ingest_rc_e ingest_scalar_number(const uint8_t **p, const uint8_t *end);

ingest_rc_e ingest_scalar_literal(const uint8_t **p, const uint8_t *end,
    const char *word);


#endif /* INGEST_SCALAR_H */
