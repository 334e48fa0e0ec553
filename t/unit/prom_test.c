
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/* The text of a snapshot of a made-up ring. */


#include <stdio.h>
#include <stdlib.h>

#include "../../src/core/ingest_prom.h"
#include "prom_golden.h"
#include "prom_fixture.h"


#define SIZE  32768


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


static void
setup(void)
{
    ingest_str_t  name = ingest_string("main");
    ingest_str_t  other = ingest_string("other");

    ring = prom_ring_create();

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

    ingest_snapshot_collect(&snapshot, ring, 0, NOW_MS);
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

    ck_assert_uint_eq(occurrences("# HELP "), 18);
    ck_assert_uint_eq(occurrences("# TYPE "), 18);
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
    const TTest  *tests[] = {
        prometheus_text_is_exact,
        openmetrics_text_is_exact,
        label_values_are_escaped,
        families_are_not_interleaved_between_queues,
        without_queues_there_is_build_info,
        too_little_room_is_said_and_never_left,
        the_largest_numbers_are_written_whole,
        NULL
    };

    return unit_run_each("prom", tests, setup, teardown);
}
