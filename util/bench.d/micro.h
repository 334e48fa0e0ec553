
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * What the micro benchmarks of util/bench share: a measured operation, the
 * clock, and events to work on.  One thread, so it is plain memory.
 */


#ifndef INGEST_BENCH_MICRO_H
#define INGEST_BENCH_MICRO_H


#include "../../src/core/ingest_event.h"
#include "../../src/core/ingest_json.h"
#include "../../src/core/ingest_reader.h"


#define MICRO_ROUNDS     99         /* at most */
#define MICRO_DOCUMENTS  1024       /* different ones: no branch is learnt */
#define MICRO_OPS        200000     /* in one round of an operation */


typedef struct {
    const char   *name;
    size_t        bytes;            /* one operation works on, or 0 */

    unsigned      rounds;           /* measured so far */
    double        ns[MICRO_ROUNDS]; /* an operation */
    double        allocs;           /* the same, of the last round */

    /* the round under way */
    uint64_t      start_ns;
    uint64_t      start_allocs;
    uint64_t      sum_ns;
    uint64_t      sum_allocs;
} micro_t;


/* events of one size, behind each other */

typedef struct {
    size_t        len;
    uint8_t      *data;
} micro_events_t;


/* A round may be measured in several pieces. */

void micro_begin(micro_t *micro);
void micro_end(micro_t *micro);
void micro_round(micro_t *micro, size_t ops);

/* len is 200 or 300; ends the program when something is wrong. */

void micro_events_make(micro_events_t *events, size_t len);

static inline const uint8_t *
micro_event(const micro_events_t *events, size_t i)
{
    return events->data + i % MICRO_DOCUMENTS * events->len;
}


void micro_scan(micro_t *micro, const micro_events_t *events);
void micro_cjson(micro_t *micro, const micro_events_t *events);
void micro_check(micro_t *micro, const micro_events_t *events);

/* Fills a ring and empties it again: two operations. */

void micro_ring(micro_t *append, micro_t *report);

void micro_die(const char *text);


#endif /* INGEST_BENCH_MICRO_H */
