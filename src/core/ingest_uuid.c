
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#include <string.h>

#include "ingest_uuid.h"


#define INGEST_UUID_BYTES  16
#define INGEST_UUID_TIME   6


void
ingest_uuid_v7(uint8_t *text, uint64_t unix_ms, const uint8_t *random)
{
    unsigned  i;
    uint8_t   bytes[INGEST_UUID_BYTES];

    static const char  hex[] = "0123456789abcdef";

    for (i = 0; i < INGEST_UUID_TIME; i++) {
        bytes[i] = (uint8_t) (unix_ms >> (8 * (INGEST_UUID_TIME - 1 - i)));
    }

    memcpy(bytes + INGEST_UUID_TIME, random, INGEST_UUID_RANDOM);

    bytes[6] = (uint8_t) ((bytes[6] & 0x0f) | 0x70);    /* version 7 */
    bytes[8] = (uint8_t) ((bytes[8] & 0x3f) | 0x80);    /* variant 10 */

    for (i = 0; i < INGEST_UUID_BYTES; i++) {

        if (i == 4 || i == 6 || i == 8 || i == 10) {
            *text++ = '-';
        }

        *text++ = (uint8_t) hex[bytes[i] >> 4];
        *text++ = (uint8_t) hex[bytes[i] & 0x0f];
    }
}
