
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#include "../../src/core/ingest_snapshot.h"
#include "prom_fixture.h"


static void prom_fill_first(ingest_ring_t *ring);
static void prom_fill_second(ingest_ring_t *ring);


ingest_ring_t *
prom_ring_create(void)
{
    ingest_ring_t  *ring;

    ring = ring_create(4, SEGMENT);
    ring->nslots = 2;

    prom_fill_first(ring);
    prom_fill_second(ring);

    ingest_ring_segment(ring, 0)->owner = 1;
    ingest_ring_segment(ring, 0)->sealed = 1;
    ingest_ring_segment(ring, 1)->owner = 2;

    return ring;
}


static void
prom_fill_first(ingest_ring_t *ring)
{
    int             i;
    ingest_slot_t  *slot;

    slot = ingest_ring_slot(ring, 0);
    slot->events_in = 100;
    slot->bytes_in = 25600;
    slot->events_out = 60;
    slot->bytes_out = 15360;
    slot->oldest_ms = NOW_MS - 2050;
    slot->seen_ms = NOW_MS - INGEST_LIVE_MS;
    slot->intake.received = 100;
    slot->intake.rejected[INGEST_INVALID_JSON] = 3;
    slot->delivery.published = 55;
    slot->delivery.dead_lettered = 4;
    slot->delivery.dropped[INGEST_DROP_REFUSED] = 1;

    for (i = 0; i < 100; i++) {
        ingest_tally_add(slot->intake.statuses, INGEST_STATUSES, 202);
    }

    ingest_tally_add(slot->intake.statuses, INGEST_STATUSES, 400);
    ingest_tally_add(slot->delivery.errors, INGEST_ERRORS, 10);
    ingest_tally_add(slot->delivery.errors, INGEST_ERRORS, -185);

    for (i = 0; i < 54; i++) {
        ingest_histogram_add(&slot->delivery.latency, 20);
    }

    ingest_histogram_add(&slot->delivery.latency, 1);

    slot->brokers_known = 1ull << ingest_broker_index(ring->brokers, "a:9092")
                          | 1ull << ingest_broker_index(ring->brokers, "b:1");
    slot->brokers_up = 1;
}


static void
prom_fill_second(ingest_ring_t *ring)
{
    int             i;
    ingest_slot_t  *slot;

    slot = ingest_ring_slot(ring, 1);
    slot->events_in = 10;
    slot->bytes_in = 2560;
    slot->events_out = 10;
    slot->bytes_out = 2560;
    slot->seen_ms = NOW_MS + 3;
    slot->intake.received = 10;
    slot->intake.rejected[INGEST_INVALID_JSON] = 2;
    slot->intake.rejected[INGEST_SERVER_ERROR] = 1;
    slot->delivery.published = 9;
    slot->delivery.dead_lettered = 0;
    slot->delivery.dropped[INGEST_DROP_DEAD_LETTER] = 1;

    ingest_tally_add(slot->intake.statuses, INGEST_STATUSES, 503);
    ingest_tally_add(slot->intake.statuses, INGEST_STATUSES, 400);
    ingest_tally_add(slot->intake.statuses, INGEST_STATUSES, 202);
    ingest_tally_add(slot->delivery.errors, INGEST_ERRORS, -185);
    ingest_tally_add(slot->delivery.errors, INGEST_ERRORS, -9999);

    for (i = 0; i < 9; i++) {
        ingest_histogram_add(&slot->delivery.latency, 600);
    }

    slot->brokers_known = 3;
    slot->brokers_up = 1;
}
