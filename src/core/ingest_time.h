
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/* Time as text, RFC 3339; nothing but arithmetic, no libc and no zone. */


#ifndef INGEST_TIME_H
#define INGEST_TIME_H


#include "ingest_core.h"


#define INGEST_TIME_TEXT  (sizeof("2026-11-25T16:02:46.123Z") - 1)


/*
 * Writes INGEST_TIME_TEXT bytes, UTC, without a terminator.  Whatever lies
 * behind the year 9999 is written as its last millisecond.
 */

void ingest_time_format(uint64_t unix_ms, uint8_t *text);

/*
 * Whether it is a date-time of RFC 3339: a day that the calendar has, a
 * fraction of any length, "t" and "z" in either case, and the second 60 only
 * where UTC can have one, at the end of a month.
 */

bool ingest_time_valid(const uint8_t *p, size_t len);


#endif /* INGEST_TIME_H */
