
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#include <string.h>

#include "ingest_snapshot.h"


/* what live senders say of brokers, by bits */

typedef struct {
    uint64_t  known;
    uint64_t  up;
} ingest_brokers_told_t;


static void ingest_snapshot_intake(ingest_snapshot_t *snapshot,
    const ingest_intake_t *intake);
static void ingest_snapshot_delivery(ingest_snapshot_t *snapshot,
    const ingest_delivery_t *delivery);
static void ingest_snapshot_tally(ingest_totals_t *totals,
    const ingest_tally_t *tally, unsigned size);
static void ingest_snapshot_add(ingest_totals_t *totals, int64_t key,
    uint64_t count);
static void ingest_snapshot_segments(ingest_snapshot_t *snapshot,
    ingest_ring_t *ring);
static void ingest_snapshot_brokers(ingest_snapshot_t *snapshot,
    ingest_ring_t *ring, const ingest_brokers_told_t *told);
static void ingest_snapshot_broker(ingest_snapshot_t *snapshot,
    const char *name, bool up);


void
ingest_snapshot_collect(ingest_snapshot_t *snapshot, ingest_ring_t *ring,
    uint64_t max_events, uint64_t now_ms)
{
    uint32_t                i, n;
    uint64_t                in, out, oldest_ms, slot_ms;
    ingest_slot_t          *slot;
    ingest_brokers_told_t   told;

    memset(snapshot, 0, sizeof(ingest_snapshot_t));

    in = 0;
    out = 0;
    oldest_ms = 0;
    told.known = 0;
    told.up = 0;

    n = atomic_load_explicit(&ring->nslots, memory_order_relaxed);

    for (i = 0; i < n; i++) {
        slot = ingest_ring_slot(ring, i);

        out += ingest_counter_get(&slot->bytes_out);
        in += ingest_counter_get(&slot->bytes_in)
              + ingest_counter_get(&slot->bytes_moved);

        ingest_snapshot_intake(snapshot, &slot->intake);
        ingest_snapshot_delivery(snapshot, &slot->delivery);

        slot_ms = ingest_counter_get(&slot->oldest_ms);

        /* its sender may have ended before it told that nothing is left */

        if (slot_ms != 0
            && (oldest_ms == 0 || slot_ms < oldest_ms)
            && ingest_ring_slot_events(slot) != 0)
        {
            oldest_ms = slot_ms;
        }

        if (ingest_counter_get(&slot->seen_ms) + INGEST_LIVE_MS >= now_ms) {
            told.known |= ingest_counter_get(&slot->brokers_known);
            told.up |= ingest_counter_get(&slot->brokers_up);
        }
    }

    /* of workers without a slot: no intake is theirs */

    snapshot->rejected[INGEST_UNAVAILABLE] +=
                                       ingest_counter_get(&ring->unavailable);

    snapshot->events = ingest_ring_events(ring);
    snapshot->bytes = in > out ? in - out : 0;
    snapshot->used = ingest_ring_used(ring, max_events);

    if (oldest_ms != 0 && oldest_ms < now_ms) {
        snapshot->oldest_ms = now_ms - oldest_ms;
    }

    ingest_snapshot_segments(snapshot, ring);
    ingest_snapshot_brokers(snapshot, ring, &told);
}


static void
ingest_snapshot_intake(ingest_snapshot_t *snapshot,
    const ingest_intake_t *intake)
{
    unsigned  i;

    snapshot->received += ingest_counter_get(&intake->received);

    for (i = 0; i < INGEST_REASONS; i++) {
        snapshot->rejected[i] += ingest_counter_get(&intake->rejected[i]);
    }

    ingest_snapshot_tally(&snapshot->statuses, intake->statuses,
                          INGEST_STATUSES);
}


static void
ingest_snapshot_delivery(ingest_snapshot_t *snapshot,
    const ingest_delivery_t *delivery)
{
    unsigned  i;
    uint64_t  n;

    snapshot->published += ingest_counter_get(&delivery->published);

    n = ingest_counter_get(&delivery->dead_lettered);
    snapshot->dead_lettered += n;
    snapshot->failed += n;

    for (i = 0; i < INGEST_DROPS; i++) {
        n = ingest_counter_get(&delivery->dropped[i]);
        snapshot->dropped[i] += n;
        snapshot->failed += n;
    }

    ingest_snapshot_tally(&snapshot->errors, delivery->errors, INGEST_ERRORS);

    for (i = 0; i <= INGEST_LATENCY_BUCKETS; i++) {
        snapshot->buckets[i] +=
                             ingest_counter_get(&delivery->latency.buckets[i]);
    }

    snapshot->sum_ms += ingest_counter_get(&delivery->latency.sum_ms);
}


static void
ingest_snapshot_tally(ingest_totals_t *totals, const ingest_tally_t *tally,
    unsigned size)
{
    int64_t   key;
    uint64_t  count;
    unsigned  i;

    for (i = 0; i < size; i++) {
        key = atomic_load_explicit((_Atomic int64_t *) &tally[i].key,
                                   memory_order_relaxed);

        /* a key is there before its first count */

        count = ingest_counter_get(&tally[i].count);

        if (key != 0 && count != 0) {
            ingest_snapshot_add(totals, key, count);
        }
    }
}


static void
ingest_snapshot_add(ingest_totals_t *totals, int64_t key, uint64_t count)
{
    uint32_t         i;
    ingest_total_t  *entry;

    for (i = 0; i < totals->n && totals->entries[i].key < key; i++) {
        /* void */
    }

    entry = &totals->entries[i];

    if (i < totals->n && entry->key == key) {
        entry->count += count;
        return;
    }

    if (totals->n == INGEST_TOTALS) {
        totals->entries[INGEST_TOTALS - 1].count += count;
        return;
    }

    memmove(entry + 1, entry, (totals->n - i) * sizeof(ingest_total_t));

    entry->key = key;
    entry->count = count;
    totals->n++;
}


static void
ingest_snapshot_segments(ingest_snapshot_t *snapshot, ingest_ring_t *ring)
{
    uint32_t           i, reserve;
    ingest_segment_t  *segment;

    reserve = atomic_load_explicit(&ring->reserve, memory_order_relaxed);

    snapshot->capacity_bytes = (uint64_t) (ring->nsegments - reserve)
                               * ring->segment_bytes;

    for (i = 0; i < ring->nsegments; i++) {
        segment = ingest_ring_segment(ring, i);

        if (atomic_load_explicit(&segment->owner, memory_order_relaxed) == 0) {

            if (i < reserve) {
                snapshot->reserved++;

            } else {
                snapshot->free++;
            }

        } else if (atomic_load_explicit(&segment->sealed,
                                        memory_order_relaxed))
        {
            snapshot->sealed++;

        } else {
            snapshot->open++;
        }
    }
}


static void
ingest_snapshot_brokers(ingest_snapshot_t *snapshot, ingest_ring_t *ring,
    const ingest_brokers_told_t *told)
{
    uint32_t          i;
    uint64_t          bit;
    ingest_broker_t  *broker;

    for (i = 0; i < INGEST_BROKERS; i++) {
        bit = (uint64_t) 1 << i;
        broker = &ring->brokers[i];

        /* acquire: pairs with the release in ingest_broker_index() */

        if ((told->known & bit) != 0
            && atomic_load_explicit(&broker->state, memory_order_acquire)
               == INGEST_BROKER_READY)
        {
            ingest_snapshot_broker(snapshot, broker->name,
                                   (told->up & bit) != 0);
        }
    }
}


/* Two processes that meet a broker at once may have entered it twice. */

static void
ingest_snapshot_broker(ingest_snapshot_t *snapshot, const char *name, bool up)
{
    size_t     len;
    uint32_t   i;

    len = strlen(name);

    for (i = 0; i < snapshot->nbrokers; i++) {
        if (strlen(snapshot->brokers[i].name) == len
            && memcmp(snapshot->brokers[i].name, name, len) == 0)
        {
            snapshot->brokers[i].up |= up;
            return;
        }
    }

    snapshot->brokers[i].name = name;
    snapshot->brokers[i].up = up;
    snapshot->nbrokers++;
}
