
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * Counters in shared memory.  Each has one writer, the thread whose struct it
 * stands in, so an increment is a load and a store and no locked instruction.
 * Anybody reads at any time: relaxed, a scrape need not be a moment in time.
 * A new owner of the memory goes on counting, it never resets.
 */


#ifndef INGEST_METRICS_H
#define INGEST_METRICS_H


#include <stdatomic.h>

#include "ingest_reason.h"


#define INGEST_LATENCY_BUCKETS  10      /* le 1, 2, 4 ... 512 ms; then +Inf */
#define INGEST_STATUSES         24      /* different HTTP statuses */
#define INGEST_ERRORS           32      /* different librdkafka codes */
#define INGEST_BROKERS          64      /* one bit each in a uint64_t */
#define INGEST_BROKER_NAME      256     /* librdkafka's limit, with the NUL */


typedef _Atomic uint64_t  ingest_counter_t;


typedef struct {
    ingest_counter_t         buckets[INGEST_LATENCY_BUCKETS + 1];
    ingest_counter_t         sum_ms;
} ingest_histogram_t;


/*
 * A counter by number: key 0 is a free entry, and the last entry takes what
 * finds no room, under the key that its first comer had.
 */

typedef struct {
    _Atomic int64_t          key;
    ingest_counter_t         count;
} ingest_tally_t;


/* written by a worker's event loop */

typedef struct {
    ingest_counter_t         received;
    ingest_counter_t         rejected[INGEST_REASONS];
    ingest_tally_t           statuses[INGEST_STATUSES];
} ingest_intake_t;


/* written by a worker's sender */

typedef struct {
    ingest_counter_t         published;
    ingest_counter_t         dead_lettered;
    ingest_counter_t         dropped[INGEST_DROPS];
    ingest_tally_t           errors[INGEST_ERRORS];
    ingest_histogram_t       latency;
} ingest_delivery_t;


typedef enum {
    INGEST_BROKER_FREE = 0,
    INGEST_BROKER_WRITING,
    INGEST_BROKER_READY
} ingest_broker_state_e;


/*
 * The queue's brokers by name, shared by all senders: an entry is made once
 * and never goes away.  Whether a broker is up is a bit in each sender's slot.
 */

typedef struct {
    _Atomic uint32_t         state;     /* ingest_broker_state_e */
    char                     name[INGEST_BROKER_NAME];
} ingest_broker_t;


/* The writer of the counter only. */

static inline void
ingest_counter_add(ingest_counter_t *counter, uint64_t n)
{
    uint64_t  value;

    value = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, value + n, memory_order_relaxed);
}


static inline uint64_t
ingest_counter_get(const ingest_counter_t *counter)
{
    return atomic_load_explicit((ingest_counter_t *) counter,
                                memory_order_relaxed);
}


/* The writer of the table only; key is not 0. */

void ingest_tally_add(ingest_tally_t *tally, unsigned size, int64_t key);

/* The writer of the histogram only. */

void ingest_histogram_add(ingest_histogram_t *histogram, uint64_t ms);

/*
 * The index of the broker with this name, which is entered if it is new; -1
 * when the table is full.  Any thread of any process.  An entry whose writer
 * died while writing it stays unused, and two processes that meet a broker at
 * the same moment may enter it twice: who reads the table merges by name.
 */

int ingest_broker_index(ingest_broker_t *brokers, const char *name);


#endif /* INGEST_METRICS_H */
