
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#include <string.h>

#include "ingest_output.h"


#define INGEST_DIGITS  20       /* of a uint64_t */


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
