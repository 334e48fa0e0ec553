
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/* Snapshots of a made-up ring. */


#include "../../src/core/ingest_snapshot.h"
#include "prom_fixture.h"


static ingest_ring_t      *ring;
static ingest_snapshot_t   snapshot;


static void
setup(void)
{
    ring = prom_ring_create();

    ingest_snapshot_collect(&snapshot, ring, 0, NOW_MS);
}


static void
teardown(void)
{
    ring_destroy(ring);
}


START_TEST(a_snapshot_is_the_sum_over_the_slots)
{
    unsigned  i;

    ck_assert_uint_eq(snapshot.received, 110);
    ck_assert_uint_eq(snapshot.published, 64);
    ck_assert_uint_eq(snapshot.dead_lettered, 4);
    ck_assert_uint_eq(snapshot.failed, 6);
    ck_assert_uint_eq(snapshot.dropped[INGEST_DROP_REFUSED], 1);
    ck_assert_uint_eq(snapshot.dropped[INGEST_DROP_DEAD_LETTER], 1);
    ck_assert_uint_eq(snapshot.rejected[INGEST_INVALID_JSON], 5);
    ck_assert_uint_eq(snapshot.rejected[INGEST_SERVER_ERROR], 1);
    ck_assert_uint_eq(snapshot.rejected[INGEST_QUEUE_FULL], 0);
    ck_assert_uint_eq(snapshot.buckets[0], 1);
    ck_assert_uint_eq(snapshot.buckets[5], 54);
    ck_assert_uint_eq(snapshot.buckets[INGEST_LATENCY_BUCKETS], 9);
    ck_assert_uint_eq(snapshot.sum_ms, 1 + 54 * 20 + 9 * 600);
    ck_assert_uint_eq(snapshot.events, 40);
    ck_assert_uint_eq(snapshot.bytes, 40 * 256);
    ck_assert_uint_eq(snapshot.capacity_bytes, 4 * SEGMENT);
    ck_assert_uint_eq(snapshot.free, 2);
    ck_assert_uint_eq(snapshot.open, 1);
    ck_assert_uint_eq(snapshot.sealed, 1);
    ck_assert_uint_eq(snapshot.oldest_ms, 2050);

    /* received = published + dead-lettered + dropped + queued */

    ck_assert_uint_eq(snapshot.received,
                      snapshot.published + snapshot.failed + snapshot.events);

    for (i = 2; i < INGEST_SLOTS; i++) {
        ingest_ring_slot(ring, i)->intake.received = 7;
    }

    ingest_snapshot_collect(&snapshot, ring, 0, NOW_MS);
    ck_assert_uint_eq(snapshot.received, 110);
}
END_TEST


START_TEST(what_workers_without_a_slot_refuse_is_counted)
{
    ring->unavailable = 3;

    ingest_snapshot_collect(&snapshot, ring, 0, NOW_MS);
    ck_assert_uint_eq(snapshot.rejected[INGEST_UNAVAILABLE], 3);
}
END_TEST


START_TEST(the_nearer_of_two_limits_says_how_full_it_is)
{
    /* two of four segments, and 40 events */

    ck_assert_uint_eq(snapshot.used, 500);

    ingest_snapshot_collect(&snapshot, ring, 1000, NOW_MS);
    ck_assert_uint_eq(snapshot.used, 500);

    ingest_snapshot_collect(&snapshot, ring, 43, NOW_MS);
    ck_assert_uint_eq(snapshot.used, 930);

    ingest_snapshot_collect(&snapshot, ring, 39, NOW_MS);
    ck_assert_uint_eq(snapshot.used, 1000);

    /* what only parking takes is no room */

    ring->reserve = 2;
    ingest_snapshot_collect(&snapshot, ring, 0, NOW_MS);
    ck_assert_uint_eq(snapshot.used, 0);

    ingest_ring_segment(ring, 2)->owner = 1;
    ingest_snapshot_collect(&snapshot, ring, 0, NOW_MS);
    ck_assert_uint_eq(snapshot.used, 500);
}
END_TEST


START_TEST(statuses_and_errors_are_merged_and_sorted)
{
    ck_assert_uint_eq(snapshot.statuses.n, 3);
    ck_assert_int_eq(snapshot.statuses.entries[0].key, 202);
    ck_assert_uint_eq(snapshot.statuses.entries[0].count, 101);
    ck_assert_int_eq(snapshot.statuses.entries[1].key, 400);
    ck_assert_uint_eq(snapshot.statuses.entries[1].count, 2);
    ck_assert_int_eq(snapshot.statuses.entries[2].key, 503);
    ck_assert_uint_eq(snapshot.statuses.entries[2].count, 1);

    ck_assert_uint_eq(snapshot.errors.n, 3);
    ck_assert_int_eq(snapshot.errors.entries[0].key, -9999);
    ck_assert_int_eq(snapshot.errors.entries[1].key, -185);
    ck_assert_uint_eq(snapshot.errors.entries[1].count, 2);
    ck_assert_int_eq(snapshot.errors.entries[2].key, 10);
}
END_TEST


START_TEST(more_keys_than_a_snapshot_holds_are_counted_at_its_end)
{
    unsigned        i, k;
    uint64_t        count;
    ingest_slot_t  *slot;

    ring->nslots = INGEST_SLOTS;

    for (i = 0; i < INGEST_SLOTS; i++) {
        slot = ingest_ring_slot(ring, i);
        memset(slot->delivery.errors, 0, sizeof(slot->delivery.errors));

        for (k = 0; k < INGEST_ERRORS; k++) {
            ingest_tally_add(slot->delivery.errors, INGEST_ERRORS,
                             1 + i * INGEST_ERRORS + k);
        }
    }

    ingest_snapshot_collect(&snapshot, ring, 0, NOW_MS);

    ck_assert_uint_eq(snapshot.errors.n, INGEST_TOTALS);

    count = 0;

    for (i = 0; i < INGEST_TOTALS; i++) {
        ck_assert_int_eq(snapshot.errors.entries[i].key, i + 1);
        count += snapshot.errors.entries[i].count;
    }

    ck_assert_uint_eq(count, INGEST_SLOTS * INGEST_ERRORS);
}
END_TEST


START_TEST(what_is_in_the_queue_is_never_below_zero)
{
    ingest_ring_slot(ring, 1)->events_out = 1000;
    ingest_ring_slot(ring, 1)->bytes_out = 1000000;
    ingest_ring_slot(ring, 0)->oldest_ms = NOW_MS + 1000;
    ingest_snapshot_collect(&snapshot, ring, 0, NOW_MS);

    ck_assert_uint_eq(snapshot.events, 0);
    ck_assert_uint_eq(snapshot.bytes, 0);
    ck_assert_uint_eq(snapshot.oldest_ms, 0);

    ingest_ring_slot(ring, 0)->oldest_ms = NOW_MS - 3;
    ingest_snapshot_collect(&snapshot, ring, 0, NOW_MS);
    ck_assert_uint_eq(snapshot.oldest_ms, 3);
}
END_TEST


/* It may have ended, or have been killed, right behind the last report. */

START_TEST(what_a_sender_without_events_said_of_the_oldest_is_old)
{
    ingest_ring_slot(ring, 1)->oldest_ms = NOW_MS - 9000;
    ingest_snapshot_collect(&snapshot, ring, 0, NOW_MS);
    ck_assert_uint_eq(snapshot.oldest_ms, 2050);
}
END_TEST


START_TEST(a_broker_is_up_if_one_live_sender_says_so)
{
    ck_assert_uint_eq(snapshot.nbrokers, 2);
    ck_assert_str_eq(snapshot.brokers[0].name, "a:9092");
    ck_assert(snapshot.brokers[0].up);
    ck_assert_str_eq(snapshot.brokers[1].name, "b:1");
    ck_assert(!snapshot.brokers[1].up);

    ingest_ring_slot(ring, 1)->brokers_up = 2;
    ingest_snapshot_collect(&snapshot, ring, 0, NOW_MS);
    ck_assert(snapshot.brokers[0].up);
    ck_assert(snapshot.brokers[1].up);
}
END_TEST


START_TEST(what_dead_senders_said_of_brokers_is_forgotten)
{
    ingest_ring_slot(ring, 1)->brokers_known = 2;
    ingest_ring_slot(ring, 1)->brokers_up = 0;

    /* slot 0 was seen 5 s ago: just alive; a millisecond later it is not */

    ingest_snapshot_collect(&snapshot, ring, 0, NOW_MS);
    ck_assert_uint_eq(snapshot.nbrokers, 2);

    ingest_snapshot_collect(&snapshot, ring, 0, NOW_MS + 1);
    ck_assert_uint_eq(snapshot.nbrokers, 1);
    ck_assert_str_eq(snapshot.brokers[0].name, "b:1");
    ck_assert(!snapshot.brokers[0].up);

    /* and one that never ran is no sender */

    ingest_ring_slot(ring, 1)->seen_ms = 0;
    ingest_snapshot_collect(&snapshot, ring, 0, NOW_MS + 1);
    ck_assert_uint_eq(snapshot.nbrokers, 0);
}
END_TEST


START_TEST(a_broker_that_was_entered_twice_is_shown_once)
{
    memcpy(ring->brokers[5].name, "b:1", 4);
    ring->brokers[5].state = INGEST_BROKER_READY;
    ring->brokers[6].state = INGEST_BROKER_WRITING;
    ingest_ring_slot(ring, 1)->brokers_known = 0x61;
    ingest_ring_slot(ring, 1)->brokers_up = 0x60;

    ingest_snapshot_collect(&snapshot, ring, 0, NOW_MS);
    ck_assert_uint_eq(snapshot.nbrokers, 2);
    ck_assert_str_eq(snapshot.brokers[1].name, "b:1");
    ck_assert(snapshot.brokers[1].up);

    /* whichever of the two entries says so */

    ingest_ring_slot(ring, 1)->brokers_known = 0x62;
    ingest_ring_slot(ring, 1)->brokers_up = 0x42;
    ingest_snapshot_collect(&snapshot, ring, 0, NOW_MS);
    ck_assert_uint_eq(snapshot.nbrokers, 2);
    ck_assert(snapshot.brokers[1].up);
}
END_TEST


int
main(void)
{
    const TTest  *tests[] = {
        a_snapshot_is_the_sum_over_the_slots,
        what_workers_without_a_slot_refuse_is_counted,
        the_nearer_of_two_limits_says_how_full_it_is,
        statuses_and_errors_are_merged_and_sorted,
        more_keys_than_a_snapshot_holds_are_counted_at_its_end,
        what_is_in_the_queue_is_never_below_zero,
        what_a_sender_without_events_said_of_the_oldest_is_old,
        a_broker_is_up_if_one_live_sender_says_so,
        what_dead_senders_said_of_brokers_is_forgotten,
        a_broker_that_was_entered_twice_is_shown_once,
        NULL
    };

    return unit_run_each("snapshot", tests, setup, teardown);
}
