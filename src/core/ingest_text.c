
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#include <string.h>

#include "ingest_text.h"


#define INGEST_TEXT_CHAR     4      /* bytes of a character in UTF-8 */

#define ingest_text_is_high(code)  ((code) >= 0xd800 && (code) <= 0xdbff)


static const uint8_t *ingest_text_next(const uint8_t *p, uint8_t *text,
    size_t *len);
static uint32_t ingest_text_code(const uint8_t **p);
static size_t ingest_text_encode(uint32_t code, uint8_t *text);


bool
ingest_text_decode(const ingest_str_t *raw, uint8_t *text, size_t size,
    size_t *len)
{
    size_t          n;
    uint8_t         c[INGEST_TEXT_CHAR];
    const uint8_t  *p, *end;

    p = raw->data;
    end = p + raw->len;

    *len = 0;

    while (p < end) {
        p = ingest_text_next(p, c, &n);

        if (n > size - *len) {
            return false;
        }

        memcpy(text + *len, c, n);
        *len += n;
    }

    return true;
}


bool
ingest_text_equal(const ingest_str_t *raw, const ingest_str_t *decoded)
{
    size_t          n, i;
    uint8_t         c[INGEST_TEXT_CHAR];
    const uint8_t  *p, *end;

    p = raw->data;
    end = p + raw->len;

    for (i = 0; p < end; i += n) {
        p = ingest_text_next(p, c, &n);

        if (n > decoded->len - i || memcmp(decoded->data + i, c, n) != 0) {
            return false;
        }
    }

    return i == decoded->len;
}


/* One escape decoded, or one byte as it is. */

static const uint8_t *
ingest_text_next(const uint8_t *p, uint8_t *text, size_t *len)
{
    uint32_t  code, low;

    *len = 1;
    *text = *p++;

    if (*text != '\\') {
        return p;
    }

    *text = *p++;

    switch (*text) {

    case 'b':
        *text = '\b';
        return p;

    case 'f':
        *text = '\f';
        return p;

    case 'n':
        *text = '\n';
        return p;

    case 'r':
        *text = '\r';
        return p;

    case 't':
        *text = '\t';
        return p;

    case 'u':
        break;

    default:
        return p;
    }

    code = ingest_text_code(&p);

    if (ingest_text_is_high(code)) {
        p += sizeof("\\u") - 1;
        low = ingest_text_code(&p);
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }

    *len = ingest_text_encode(code, text);

    return p;
}


/* Four digits of base 16. */

static uint32_t
ingest_text_code(const uint8_t **p)
{
    uint8_t   c;
    unsigned  i;
    uint32_t  code;

    code = 0;

    for (i = 0; i < 4; i++) {
        c = *(*p)++;
        c = (uint8_t) (c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
        code = code << 4 | c;
    }

    return code;
}


static size_t
ingest_text_encode(uint32_t code, uint8_t *text)
{
    size_t   i, n;
    uint8_t  lead;

    if (code < 0x80) {
        *text = (uint8_t) code;
        return 1;
    }

    if (code < 0x800) {
        n = 2;
        lead = 0xc0;

    } else if (code < 0x10000) {
        n = 3;
        lead = 0xe0;

    } else {
        n = 4;
        lead = 0xf0;
    }

    for (i = n - 1; i > 0; i--) {
        text[i] = (uint8_t) (0x80 | (code & 0x3f));
        code >>= 6;
    }

    *text = (uint8_t) (lead | code);

    return n;
}
