
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * The scalars of a JSON text.  Each function begins at *p, and on INGEST_OK
 * leaves *p behind the scalar; what comes there is not its concern.  Else *p
 * is at the byte that cannot stand there, or at the first byte of the escape,
 * surrogate or UTF-8 sequence at fault, or at the end.
 *
 * Any thread; no state.
 */


#ifndef INGEST_SCALAR_H
#define INGEST_SCALAR_H


#include <string.h>

#include "ingest_core.h"


#define INGEST_SCALAR_EACH  0x0101010101010101ull
#define INGEST_SCALAR_HIGH  (INGEST_SCALAR_EACH * 0x80)


/*
 * *p is inside of the string, and goes behind the closing quote; *escaped is
 * set when there is a backslash on the way.
 */

ingest_rc_e ingest_scalar_string(const uint8_t **p, const uint8_t *end,
    bool *escaped);

/* *p is at a minus or a digit. */

ingest_rc_e ingest_scalar_number(const uint8_t **p, const uint8_t *end);

ingest_rc_e ingest_scalar_literal(const uint8_t **p, const uint8_t *end,
    const char *word);


/*
 * Runs over what needs no look: ASCII but controls, quote and backslash.  The
 * subtractions set the highest bit of the bytes searched for, and by a borrow
 * perhaps of later ones, so the lowest bit set is right.  A byte that is not
 * ASCII keeps that bit in one of the last two at least.
 */

static inline const uint8_t *
ingest_scalar_plain(const uint8_t *p, const uint8_t *end)
{
    uint64_t  word, found;

    while (end - p >= (ptrdiff_t) sizeof(word)) {
        memcpy(&word, p, sizeof(word));

#if (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)
        word = __builtin_bswap64(word);
#endif

        found = word - INGEST_SCALAR_EACH * 0x20;
        found |= (word ^ INGEST_SCALAR_EACH * '"') - INGEST_SCALAR_EACH;
        found |= (word ^ INGEST_SCALAR_EACH * '\\') - INGEST_SCALAR_EACH;
        found &= INGEST_SCALAR_HIGH;

        if (found != 0) {
            return p + __builtin_ctzll(found) / 8;
        }

        p += sizeof(word);
    }

    while (p < end && *p >= 0x20 && *p < 0x80 && *p != '"' && *p != '\\') {
        p++;
    }

    return p;
}


#endif /* INGEST_SCALAR_H */
