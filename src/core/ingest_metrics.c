
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#include <string.h>

#include "ingest_metrics.h"


void
ingest_tally_add(ingest_tally_t *tally, unsigned size, int64_t key)
{
    int64_t   seen;
    unsigned  i;

    for (i = 0; i < size - 1; i++) {
        seen = atomic_load_explicit(&tally[i].key, memory_order_relaxed);

        if (seen == key || seen == 0) {
            break;
        }
    }

    if (atomic_load_explicit(&tally[i].key, memory_order_relaxed) == 0) {
        atomic_store_explicit(&tally[i].key, key, memory_order_relaxed);
    }

    ingest_counter_add(&tally[i].count, 1);
}


void
ingest_histogram_add(ingest_histogram_t *histogram, uint64_t ms)
{
    unsigned  i;

    for (i = 0; i < INGEST_LATENCY_BUCKETS; i++) {
        if (ms <= (1u << i)) {
            break;
        }
    }

    ingest_counter_add(&histogram->buckets[i], 1);
    ingest_counter_add(&histogram->sum_ms, ms);
}


int
ingest_broker_index(ingest_broker_t *brokers, const char *name)
{
    int       i;
    size_t    len;
    uint32_t  state;

    len = strlen(name);

    if (len >= INGEST_BROKER_NAME) {
        return -1;
    }

    for (i = 0; i < INGEST_BROKERS; i++) {

        /* acquire: pairs with the release below, the name is whole */

        state = atomic_load_explicit(&brokers[i].state, memory_order_acquire);

        if (state == INGEST_BROKER_FREE
            && atomic_compare_exchange_strong_explicit(&brokers[i].state,
                   &state, INGEST_BROKER_WRITING, memory_order_acquire,
                   memory_order_acquire))
        {
            memcpy(brokers[i].name, name, len + 1);
            atomic_store_explicit(&brokers[i].state, INGEST_BROKER_READY,
                                  memory_order_release);
            return i;
        }

        if (state == INGEST_BROKER_READY
            && strlen(brokers[i].name) == len
            && memcmp(brokers[i].name, name, len) == 0)
        {
            return i;
        }
    }

    return -1;
}
