
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#include <string.h>

#include "ingest_output.h"


#define INGEST_DIGITS  20       /* of a uint64_t */


static void ingest_output_control(ingest_output_t *out, uint8_t c);
static size_t ingest_output_utf8(const uint8_t *p, const uint8_t *end);
static void ingest_output_bytes(ingest_output_t *out, const void *data,
    size_t len);


void
ingest_output_escaped(ingest_output_t *out, const uint8_t *data, size_t len)
{
    size_t  i;

    for (i = 0; i < len; i++) {

        switch (data[i]) {

        case '\\':
            ingest_output_text(out, "\\\\");
            break;

        case '"':
            ingest_output_text(out, "\\\"");
            break;

        case '\n':
            ingest_output_text(out, "\\n");
            break;

        default:
            ingest_output_bytes(out, &data[i], 1);
        }
    }
}


void
ingest_output_thousandths(ingest_output_t *out, uint64_t ms)
{
    size_t   len;
    uint8_t  fraction[4];

    ingest_output_uint(out, ms / 1000);

    ms %= 1000;

    if (ms == 0) {
        return;
    }

    fraction[0] = '.';
    fraction[1] = (uint8_t) ('0' + ms / 100);
    fraction[2] = (uint8_t) ('0' + ms / 10 % 10);
    fraction[3] = (uint8_t) ('0' + ms % 10);

    for (len = sizeof(fraction); fraction[len - 1] == '0'; len--) {
        /* void */
    }

    ingest_output_bytes(out, fraction, len);
}


void
ingest_output_uint(ingest_output_t *out, uint64_t value)
{
    uint8_t  digits[INGEST_DIGITS], *p;

    p = digits + INGEST_DIGITS;

    do {
        *--p = (uint8_t) ('0' + value % 10);
        value /= 10;
    } while (value != 0);

    ingest_output_bytes(out, p, (size_t) (digits + INGEST_DIGITS - p));
}


void
ingest_output_text(ingest_output_t *out, const char *text)
{
    ingest_output_bytes(out, text, strlen(text));
}


void
ingest_output_some(ingest_output_t *out, const void *data, size_t len)
{
    if (len > (size_t) (out->end - out->p)) {
        len = (size_t) (out->end - out->p);
    }

    ingest_output_bytes(out, data, len);
}


void
ingest_output_json(ingest_output_t *out, const uint8_t *data, size_t len)
{
    size_t          n;
    const uint8_t  *p, *end;

    end = data + len;

    ingest_output_text(out, "\"");

    for (p = data; p < end; p += n) {
        n = 1;

        if (*p == '"' || *p == '\\') {
            ingest_output_text(out, "\\");
            ingest_output_bytes(out, p, 1);

        } else if (*p < 0x20) {
            ingest_output_control(out, *p);

        } else if (*p < 0x80) {
            ingest_output_bytes(out, p, 1);

        } else {
            n = ingest_output_utf8(p, end);

            if (n == 0) {
                ingest_output_text(out, "\\ufffd");
                n = 1;

            } else {
                ingest_output_bytes(out, p, n);
            }
        }
    }

    ingest_output_text(out, "\"");
}


static void
ingest_output_control(ingest_output_t *out, uint8_t c)
{
    uint8_t  escape[2];

    static const uint8_t  hex[] = "0123456789abcdef";

    escape[0] = hex[c >> 4];
    escape[1] = hex[c & 0xf];

    ingest_output_text(out, "\\u00");
    ingest_output_bytes(out, escape, sizeof(escape));
}


/*
 * The bytes of the character at p, which is no ASCII, or 0: overlong forms,
 * surrogates and what is beyond U+10FFFF are none (RFC 3629).
 */

static size_t
ingest_output_utf8(const uint8_t *p, const uint8_t *end)
{
    size_t    n, i;
    uint32_t  code;

    static const uint32_t  lowest[] = { 0, 0, 0x80, 0x800, 0x10000 };

    n = *p >= 0xf0 ? 4 : *p >= 0xe0 ? 3 : 2;

    if (*p < 0xc0 || *p > 0xf7 || (size_t) (end - p) < n) {
        return 0;
    }

    code = *p & (0xffu >> (n + 1));

    for (i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return 0;
        }

        code = code << 6 | (p[i] & 0x3f);
    }

    if (code < lowest[n] || code > 0x10ffff
        || (code >= 0xd800 && code <= 0xdfff))
    {
        return 0;
    }

    return n;
}


static void
ingest_output_bytes(ingest_output_t *out, const void *data, size_t len)
{
    if (out->full || len > (size_t) (out->end - out->p)) {
        out->full = true;
        return;
    }

    memcpy(out->p, data, len);
    out->p += len;
}
