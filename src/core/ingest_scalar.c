
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#include "ingest_scalar.h"


#define ingest_scalar_is_digit(c)   ((c) >= '0' && (c) <= '9')
#define ingest_scalar_is_high(code) ((code) >= 0xd800 && (code) <= 0xdbff)
#define ingest_scalar_is_low(code)  ((code) >= 0xdc00 && (code) <= 0xdfff)


static ingest_rc_e ingest_scalar_escape(const uint8_t **p,
    const uint8_t *end);
static ingest_rc_e ingest_scalar_low(const uint8_t **p, const uint8_t *end);
static ingest_rc_e ingest_scalar_hex(const uint8_t **p, const uint8_t *end,
    uint32_t *code);
static ingest_rc_e ingest_scalar_utf8(const uint8_t **p, const uint8_t *end);
static ingest_rc_e ingest_scalar_digits(const uint8_t **p,
    const uint8_t *end);


ingest_rc_e
ingest_scalar_string(const uint8_t **p, const uint8_t *end, bool *escaped)
{
    ingest_rc_e     rc;
    const uint8_t  *q;

    q = *p;

    do {
        q = ingest_scalar_plain(q, end);

        if (q == end) {
            rc = INGEST_JSON_TRUNCATED;

        } else if (*q == '"') {
            *p = q + 1;
            return INGEST_OK;

        } else if (*q == '\\') {
            *escaped = true;
            rc = ingest_scalar_escape(&q, end);

        } else if (*q >= 0x80) {
            rc = ingest_scalar_utf8(&q, end);

        } else {
            rc = INGEST_JSON_CONTROL;
        }

    } while (rc == INGEST_OK);

    *p = q;

    return rc;
}


ingest_rc_e
ingest_scalar_number(const uint8_t **p, const uint8_t *end)
{
    ingest_rc_e  rc;

    if (**p == '-') {
        (*p)++;
    }

    if (*p < end && **p == '0') {
        (*p)++;
        rc = *p < end && ingest_scalar_is_digit(**p) ? INGEST_JSON_NUMBER
                                                     : INGEST_OK;

    } else {
        rc = ingest_scalar_digits(p, end);
    }

    if (rc == INGEST_OK && *p < end && **p == '.') {
        (*p)++;
        rc = ingest_scalar_digits(p, end);
    }

    if (rc == INGEST_OK && *p < end && (**p == 'e' || **p == 'E')) {
        (*p)++;

        if (*p < end && (**p == '+' || **p == '-')) {
            (*p)++;
        }

        rc = ingest_scalar_digits(p, end);
    }

    return rc;
}


ingest_rc_e
ingest_scalar_literal(const uint8_t **p, const uint8_t *end, const char *word)
{
    for ( /* void */ ; *word != '\0'; word++, (*p)++) {

        if (*p == end) {
            return INGEST_JSON_TRUNCATED;
        }

        if (**p != (uint8_t) *word) {
            return INGEST_JSON_LITERAL;
        }
    }

    return INGEST_OK;
}


static ingest_rc_e
ingest_scalar_escape(const uint8_t **p, const uint8_t *end)
{
    uint32_t        code;
    ingest_rc_e     rc;
    const uint8_t  *q;

    q = *p + 1;

    if (q == end) {
        *p = end;
        return INGEST_JSON_TRUNCATED;
    }

    switch (*q++) {

    case '"': case '\\': case '/':
    case 'b': case 'f': case 'n': case 'r': case 't':
        *p = q;
        return INGEST_OK;

    case 'u':
        break;

    default:
        return INGEST_JSON_ESCAPE;
    }

    rc = ingest_scalar_hex(&q, end, &code);

    if (rc == INGEST_OK && ingest_scalar_is_high(code)) {
        rc = ingest_scalar_low(&q, end);

    } else if (rc == INGEST_OK && ingest_scalar_is_low(code)) {
        rc = INGEST_JSON_SURROGATE;
    }

    if (rc == INGEST_OK || rc == INGEST_JSON_TRUNCATED) {
        *p = q;
    }

    return rc;
}


/* The second half of a pair. */

static ingest_rc_e
ingest_scalar_low(const uint8_t **p, const uint8_t *end)
{
    unsigned     i;
    uint32_t     code;
    ingest_rc_e  rc;

    static const uint8_t  start[] = { '\\', 'u' };

    for (i = 0; i < sizeof(start); i++) {

        if (*p == end) {
            return INGEST_JSON_TRUNCATED;
        }

        if (*(*p)++ != start[i]) {
            return INGEST_JSON_SURROGATE;
        }
    }

    rc = ingest_scalar_hex(p, end, &code);

    if (rc == INGEST_OK && !ingest_scalar_is_low(code)) {
        return INGEST_JSON_SURROGATE;
    }

    return rc;
}


static ingest_rc_e
ingest_scalar_hex(const uint8_t **p, const uint8_t *end, uint32_t *code)
{
    uint8_t   c;
    unsigned  i;

    *code = 0;

    for (i = 0; i < 4; i++) {

        if (*p == end) {
            return INGEST_JSON_TRUNCATED;
        }

        c = *(*p)++;

        if (ingest_scalar_is_digit(c)) {
            c = (uint8_t) (c - '0');

        } else {
            c |= 0x20;

            if (c < 'a' || c > 'f') {
                return INGEST_JSON_ESCAPE;
            }

            c = (uint8_t) (c - 'a' + 10);
        }

        *code = *code << 4 | c;
    }

    return INGEST_OK;
}


/*
 * The table of RFC 3629, section 4: the first byte limits the range of the
 * second, which keeps out overlong forms, surrogates, and what is beyond
 * U+10FFFF.
 */

static ingest_rc_e
ingest_scalar_utf8(const uint8_t **p, const uint8_t *end)
{
    uint8_t         c, low, high;
    unsigned        n;
    const uint8_t  *q;

    q = *p;
    c = *q++;
    low = 0x80;
    high = 0xbf;

    if (c < 0xc2 || c > 0xf4) {
        return INGEST_JSON_UTF8;
    }

    if (c < 0xe0) {
        n = 1;

    } else if (c < 0xf0) {
        n = 2;
        low = c == 0xe0 ? 0xa0 : low;
        high = c == 0xed ? 0x9f : high;

    } else {
        n = 3;
        low = c == 0xf0 ? 0x90 : low;
        high = c == 0xf4 ? 0x8f : high;
    }

    while (n-- > 0) {

        if (q == end) {
            *p = end;
            return INGEST_JSON_TRUNCATED;
        }

        if (*q < low || *q > high) {
            return INGEST_JSON_UTF8;
        }

        q++;
        low = 0x80;
        high = 0xbf;
    }

    *p = q;

    return INGEST_OK;
}


/* At least one. */

static ingest_rc_e
ingest_scalar_digits(const uint8_t **p, const uint8_t *end)
{
    if (*p == end) {
        return INGEST_JSON_TRUNCATED;
    }

    if (!ingest_scalar_is_digit(**p)) {
        return INGEST_JSON_NUMBER;
    }

    do {
        (*p)++;
    } while (*p < end && ingest_scalar_is_digit(**p));

    return INGEST_OK;
}
