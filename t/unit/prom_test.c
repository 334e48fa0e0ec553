
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/* Snapshots of a made-up ring, and their text. */


#include <stdio.h>
#include <stdlib.h>

#include "../../src/core/ingest_prom.h"
#include "prom_golden.h"
#include "ring_fixture.h"


#define NOW_MS  1700000000000ull
#define SIZE    32768


static ingest_ring_t        *ring;
static ingest_snapshot_t     snapshot;
static ingest_prom_t         prom;
static ingest_prom_queue_t   queues[2];
static uint8_t               text[SIZE + 1];


static const char *
error_name(int code)
{
    return code == -185 ? "_TIMED_OUT" : code == 10 ? "MSG_SIZE_TOO_LARGE"
           : NULL;
}


/* what two workers may have counted */

static void
fill(void)
{
    int             i;
    ingest_slot_t  *slot;

    ring->nslots = 2;

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

    ingest_ring_segment(ring, 0)->owner = 1;
    ingest_ring_segment(ring, 0)->sealed = 1;
    ingest_ring_segment(ring, 1)->owner = 2;
}


static void
setup(void)
{
    ingest_str_t  name = ingest_string("main");
    ingest_str_t  other = ingest_string("other");

    ring = ring_create(4, SEGMENT);
    fill();

    queues[0].name = name;
    queues[0].snapshot = &snapshot;
    queues[1].name = other;
    queues[1].snapshot = &snapshot;

    memset(&prom, 0, sizeof(prom));
    prom.queues = queues;
    prom.nqueues = 1;
    prom.build.version = "0.1.0";
    prom.build.nginx = "1.22.1";
    prom.build.librdkafka = "2.0.2";
    prom.error_name = error_name;

    ingest_snapshot_collect(&snapshot, ring, NOW_MS);
}


static void
teardown(void)
{
    ring_destroy(ring);
}


static size_t
write_text(void)
{
    size_t  len;

    ck_assert_int_eq(ingest_prom_write(&prom, text, SIZE, &len), INGEST_OK);
    ck_assert_uint_lt(len, SIZE);
    text[len] = '\0';

    return len;
}


static unsigned
occurrences(const char *what)
{
    unsigned     n;
    const char  *p;

    n = 0;

    for (p = (char *) text; (p = strstr(p, what)) != NULL; p++) {
        n++;
    }

    return n;
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

    ingest_snapshot_collect(&snapshot, ring, NOW_MS);
    ck_assert_uint_eq(snapshot.received, 110);
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

    ingest_snapshot_collect(&snapshot, ring, NOW_MS);

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
    ingest_snapshot_collect(&snapshot, ring, NOW_MS);

    ck_assert_uint_eq(snapshot.events, 0);
    ck_assert_uint_eq(snapshot.bytes, 0);
    ck_assert_uint_eq(snapshot.oldest_ms, 0);

    ingest_ring_slot(ring, 0)->oldest_ms = 0;
    ingest_ring_slot(ring, 1)->oldest_ms = NOW_MS - 3;
    ingest_snapshot_collect(&snapshot, ring, NOW_MS);
    ck_assert_uint_eq(snapshot.oldest_ms, 3);
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
    ingest_snapshot_collect(&snapshot, ring, NOW_MS);
    ck_assert(snapshot.brokers[0].up);
    ck_assert(snapshot.brokers[1].up);
}
END_TEST


START_TEST(what_dead_senders_said_of_brokers_is_forgotten)
{
    ingest_ring_slot(ring, 1)->brokers_known = 2;
    ingest_ring_slot(ring, 1)->brokers_up = 0;

    /* slot 0 was seen 5 s ago: just alive; a millisecond later it is not */

    ingest_snapshot_collect(&snapshot, ring, NOW_MS);
    ck_assert_uint_eq(snapshot.nbrokers, 2);

    ingest_snapshot_collect(&snapshot, ring, NOW_MS + 1);
    ck_assert_uint_eq(snapshot.nbrokers, 1);
    ck_assert_str_eq(snapshot.brokers[0].name, "b:1");
    ck_assert(!snapshot.brokers[0].up);

    /* and one that never ran is no sender */

    ingest_ring_slot(ring, 1)->seen_ms = 0;
    ingest_snapshot_collect(&snapshot, ring, NOW_MS + 1);
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

    ingest_snapshot_collect(&snapshot, ring, NOW_MS);
    ck_assert_uint_eq(snapshot.nbrokers, 2);
    ck_assert_str_eq(snapshot.brokers[1].name, "b:1");
    ck_assert(snapshot.brokers[1].up);

    /* whichever of the two entries says so */

    ingest_ring_slot(ring, 1)->brokers_known = 0x62;
    ingest_ring_slot(ring, 1)->brokers_up = 0x42;
    ingest_snapshot_collect(&snapshot, ring, NOW_MS);
    ck_assert_uint_eq(snapshot.nbrokers, 2);
    ck_assert(snapshot.brokers[1].up);
}
END_TEST


START_TEST(prometheus_text_is_exact)
{
    (void) write_text();
    ck_assert_str_eq((char *) text, prom_golden_text);
}
END_TEST


START_TEST(openmetrics_text_is_exact)
{
    prom.format = INGEST_PROM_OPENMETRICS;
    (void) write_text();
    ck_assert_str_eq((char *) text, prom_golden_openmetrics);
}
END_TEST


START_TEST(label_values_are_escaped)
{
    ingest_str_t  name = ingest_string("a\"b\\c\nd");

    queues[0].name = name;
    prom.build.nginx = "nginx \"\\\n";
    (void) write_text();

    ck_assert_uint_eq(occurrences("ingest_queue_size{queue=\"a\\\"b\\\\c\\nd\"}"
                                  " 40\n"), 1);
    ck_assert_uint_eq(occurrences(",nginx=\"nginx \\\"\\\\\\n\","), 1);
}
END_TEST


START_TEST(families_are_not_interleaved_between_queues)
{
    size_t       len;
    char        *line, *name, *save, seen[64][40];
    unsigned     i, n;

    prom.nqueues = 2;
    len = write_text();
    ck_assert_uint_gt(len, 2 * (sizeof(prom_golden_text) - 1) * 2 / 3);

    ck_assert_uint_eq(occurrences("# HELP "), 17);
    ck_assert_uint_eq(occurrences("# TYPE "), 17);
    ck_assert_uint_eq(occurrences("ingest_queue_size{queue=\"main\"} 40\n"
                                  "ingest_queue_size{queue=\"other\"} 40\n"),
                      1);
    ck_assert_uint_eq(occurrences("ingest_build_info{"), 1);

    /* each family begins once, and holds all that follows until the next */

    n = 0;
    name = NULL;

    for (line = strtok_r((char *) text, "\n", &save);
         line != NULL;
         line = strtok_r(NULL, "\n", &save))
    {
        if (strncmp(line, "# HELP ", 7) == 0) {
            name = seen[n++];
            sscanf(line, "# HELP %39s", name);

            for (i = 0; i + 1 < n; i++) {
                ck_assert_str_ne(seen[i], name);
            }

        } else if (line[0] != '#') {
            ck_assert_uint_eq(strncmp(line, name, strlen(name)), 0);
        }
    }
}
END_TEST


START_TEST(without_queues_there_is_build_info)
{
    prom.nqueues = 0;
    (void) write_text();
    ck_assert_uint_eq(occurrences("queue="), 0);
    ck_assert_uint_eq(occurrences("ingest_build_info{version=\"0.1.0\","
                                  "nginx=\"1.22.1\",librdkafka=\"2.0.2\"} 1\n"),
                      1);
}
END_TEST


START_TEST(too_little_room_is_said_and_never_left)
{
    size_t    size, whole, len;
    uint8_t  *buf;

    prom.format = INGEST_PROM_OPENMETRICS;
    whole = write_text();

    /* malloc(): ASan guards the byte behind; 0xa5 does without it */

    for (size = 0; size < whole; size++) {
        buf = malloc(size + 1);
        buf[size] = 0xa5;
        len = 12345;

        check_fast(ingest_prom_write(&prom, buf, size, &len) == INGEST_AGAIN);
        check_fast(buf[size] == 0xa5);
        check_fast(len == 12345);

        free(buf);
    }

    buf = malloc(whole);
    ck_assert_int_eq(ingest_prom_write(&prom, buf, whole, &len), INGEST_OK);
    ck_assert_uint_eq(len, whole);
    ck_assert_mem_eq(buf, text, whole);
    free(buf);
}
END_TEST


START_TEST(the_largest_numbers_are_written_whole)
{
    memset(&snapshot, 0, sizeof(snapshot));
    snapshot.received = UINT64_MAX;
    snapshot.oldest_ms = UINT64_MAX;
    snapshot.sum_ms = 1200;
    snapshot.errors.n = 1;
    snapshot.errors.entries[0].key = INT32_MIN;
    (void) write_text();

    ck_assert_uint_eq(occurrences("events_received_total{queue=\"main\"} "
                                  "18446744073709551615\n"), 1);
    ck_assert_uint_eq(occurrences("age_seconds{queue=\"main\"} "
                                  "18446744073709551.615\n"), 1);
    ck_assert_uint_eq(occurrences("seconds_sum{queue=\"main\"} 1.2\n"), 1);
    ck_assert_uint_eq(occurrences("ms_sum{queue=\"main\"} 1200\n"), 1);
    ck_assert_uint_eq(occurrences("code=\"-2147483648\"} 0\n"), 1);
}
END_TEST


int
main(void)
{
    int       nfailed;
    Suite    *suite;
    TCase    *tcase;
    SRunner  *runner;

    suite = suite_create("prom");
    tcase = tcase_create("prom");
    tcase_add_checked_fixture(tcase, setup, teardown);

    tcase_add_test(tcase, a_snapshot_is_the_sum_over_the_slots);
    tcase_add_test(tcase, statuses_and_errors_are_merged_and_sorted);
    tcase_add_test(tcase,
                   more_keys_than_a_snapshot_holds_are_counted_at_its_end);
    tcase_add_test(tcase, what_is_in_the_queue_is_never_below_zero);
    tcase_add_test(tcase, a_broker_is_up_if_one_live_sender_says_so);
    tcase_add_test(tcase, what_dead_senders_said_of_brokers_is_forgotten);
    tcase_add_test(tcase, a_broker_that_was_entered_twice_is_shown_once);
    tcase_add_test(tcase, prometheus_text_is_exact);
    tcase_add_test(tcase, openmetrics_text_is_exact);
    tcase_add_test(tcase, label_values_are_escaped);
    tcase_add_test(tcase, families_are_not_interleaved_between_queues);
    tcase_add_test(tcase, without_queues_there_is_build_info);
    tcase_add_test(tcase, too_little_room_is_said_and_never_left);
    tcase_add_test(tcase, the_largest_numbers_are_written_whole);

    suite_add_tcase(suite, tcase);

    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    nfailed = srunner_ntests_failed(runner);
    srunner_free(runner);

    return nfailed == 0 ? 0 : 1;
}
