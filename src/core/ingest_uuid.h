
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/* Version 7 UUIDs, RFC 9562: they sort by the millisecond of their birth. */


#ifndef INGEST_UUID_H
#define INGEST_UUID_H


#include "ingest_core.h"


#define INGEST_UUID_TEXT    36
#define INGEST_UUID_RANDOM  10      /* bytes, of which six bits are not used */


/*
 * Writes INGEST_UUID_TEXT bytes, lower case, without a terminator.  random is
 * INGEST_UUID_RANDOM bytes that no other id was made of.
 */

void ingest_uuid_v7(uint8_t *text, uint64_t unix_ms, const uint8_t *random);


#endif /* INGEST_UUID_H */
