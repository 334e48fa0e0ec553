
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * What a ring's counters say now, summed over its slots and segments.  It
 * takes no lock and reads no record: others go on while it adds up, so sums
 * may be off by what they do meanwhile.
 */


#ifndef INGEST_SNAPSHOT_H
#define INGEST_SNAPSHOT_H


#include "ingest_ring.h"


#define INGEST_TOTALS   256     /* different keys of all slots together */
#define INGEST_LIVE_MS  5000    /* a sender that was seen since is alive */


typedef struct {
    int64_t              key;
    uint64_t             count;
} ingest_total_t;


/* sorted by key; the last entry takes what finds no room */

typedef struct {
    uint32_t             n;
    ingest_total_t       entries[INGEST_TOTALS];
} ingest_totals_t;


typedef struct {
    const char          *name;          /* in the ring */
    bool                 up;            /* for at least one live sender */
} ingest_broker_seen_t;


typedef struct {
    uint64_t             received;
    uint64_t             published;
    uint64_t             dead_lettered;
    uint64_t             failed;        /* dead-lettered or dropped */
    uint64_t             dropped[INGEST_DROPS];
    uint64_t             rejected[INGEST_REASONS];
    ingest_totals_t      statuses;
    ingest_totals_t      errors;

    uint64_t             buckets[INGEST_LATENCY_BUCKETS + 1];
    uint64_t             sum_ms;

    uint64_t             events;        /* in the ring */
    uint64_t             bytes;
    uint64_t             capacity_bytes;
    uint64_t             used;          /* thousandths, ingest_ring_used() */
    uint64_t             free;          /* segments */
    uint64_t             reserved;      /* free ones that only parking takes */
    uint64_t             open;
    uint64_t             sealed;
    uint64_t             oldest_ms;     /* age, 0 when empty */

    uint32_t             nbrokers;
    ingest_broker_seen_t brokers[INGEST_BROKERS];
} ingest_snapshot_t;


/*
 * max_events as in ingest_ring_used(), now_ms is Unix time.  Any thread of any
 * process that maps the ring.
 */

void ingest_snapshot_collect(ingest_snapshot_t *snapshot, ingest_ring_t *ring,
    uint64_t max_events, uint64_t now_ms);


#endif /* INGEST_SNAPSHOT_H */
