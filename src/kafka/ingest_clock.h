
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#ifndef INGEST_CLOCK_H
#define INGEST_CLOCK_H


#include <stdint.h>
#include <time.h>


/* Milliseconds of CLOCK_MONOTONIC or CLOCK_REALTIME. */

static inline uint64_t
ingest_clock_ms(clockid_t id)
{
    struct timespec  ts;

    (void) clock_gettime(id, &ts);

    return (uint64_t) ts.tv_sec * 1000 + (uint64_t) ts.tv_nsec / 1000000;
}


#endif /* INGEST_CLOCK_H */
