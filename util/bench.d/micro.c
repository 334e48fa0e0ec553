
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * The micro benchmarks of util/bench: micro ROUNDS
 *
 * Nanoseconds, bytes a second and allocations of one operation.  All of them
 * take turns, round for round, so that what the machine does besides meets
 * all; what is printed are medians.
 */


#define _GNU_SOURCE

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "micro.h"


/* ours stand before the C library's, for the libraries that we use too */

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t size);


static void micro_print(const micro_t *micro);
static int micro_compare(const void *one, const void *two);
static uint64_t micro_now(void);


static uint64_t  micro_allocs;


static micro_t  micro_scan_200 = { .name = "scanner, 200 bytes", .bytes = 200 };
static micro_t  micro_scan_300 = { .name = "scanner, 300 bytes", .bytes = 300 };
static micro_t  micro_cjson_200 = { .name = "cJSON, 200 bytes", .bytes = 200 };
static micro_t  micro_cjson_300 = { .name = "cJSON, 300 bytes", .bytes = 300 };
static micro_t  micro_event_200 = { .name = "event, 200 bytes", .bytes = 200 };
static micro_t  micro_event_300 = { .name = "event, 300 bytes", .bytes = 300 };
static micro_t  micro_append = { .name = "ring, append and commit" };
static micro_t  micro_report = { .name = "ring, send, report and free" };


int
main(int argc, char **argv)
{
    int             i, rounds;
    micro_events_t  short_events, long_events;

    rounds = argc == 2 ? atoi(argv[1]) : 0;

    if (rounds < 1 || rounds > MICRO_ROUNDS) {
        fprintf(stderr, "usage: micro ROUNDS, %d at most\n", MICRO_ROUNDS);
        return 2;
    }

    micro_events_make(&short_events, 200);
    micro_events_make(&long_events, 300);

    for (i = 0; i < rounds; i++) {
        micro_scan(&micro_scan_200, &short_events);
        micro_cjson(&micro_cjson_200, &short_events);
        micro_scan(&micro_scan_300, &long_events);
        micro_cjson(&micro_cjson_300, &long_events);
        micro_check(&micro_event_200, &short_events);
        micro_check(&micro_event_300, &long_events);
        micro_ring(&micro_append, &micro_report);
    }

    printf("\n  %-28s  %8s  %8s  %11s\n", "operation", "ns", "MB/s",
           "allocations");

    micro_print(&micro_scan_200);
    micro_print(&micro_cjson_200);
    micro_print(&micro_scan_300);
    micro_print(&micro_cjson_300);
    micro_print(&micro_event_200);
    micro_print(&micro_event_300);
    micro_print(&micro_append);
    micro_print(&micro_report);

    return 0;
}


static void
micro_print(const micro_t *micro)
{
    double  ns, sorted[MICRO_ROUNDS];

    memcpy(sorted, micro->ns, sizeof(sorted));
    qsort(sorted, micro->rounds, sizeof(double), micro_compare);

    ns = (sorted[micro->rounds / 2] + sorted[(micro->rounds - 1) / 2]) / 2;

    printf("  %-28s  %8.1f  ", micro->name, ns);

    if (micro->bytes != 0) {
        printf("%8.0f", (double) micro->bytes / ns * 1000);

    } else {
        printf("%8s", "");
    }

    printf("  %11.2f\n", micro->allocs);
}


static int
micro_compare(const void *one, const void *two)
{
    double  a, b;

    a = *(const double *) one;
    b = *(const double *) two;

    return (a > b) - (a < b);
}


void
micro_begin(micro_t *micro)
{
    micro->start_allocs = micro_allocs;
    micro->start_ns = micro_now();
}


void
micro_end(micro_t *micro)
{
    micro->sum_ns += micro_now() - micro->start_ns;
    micro->sum_allocs += micro_allocs - micro->start_allocs;
}


void
micro_round(micro_t *micro, size_t ops)
{
    micro->ns[micro->rounds++] = (double) micro->sum_ns / (double) ops;
    micro->allocs = (double) micro->sum_allocs / (double) ops;
    micro->sum_ns = 0;
    micro->sum_allocs = 0;
}


static uint64_t
micro_now(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);

    return (uint64_t) ts.tv_sec * 1000000000 + (uint64_t) ts.tv_nsec;
}


void
micro_die(const char *text)
{
    fprintf(stderr, "micro: %s\n", text);
    exit(1);
}


void *
malloc(size_t size)
{
    micro_allocs++;

    return __libc_malloc(size);
}


void *
calloc(size_t n, size_t size)
{
    micro_allocs++;

    return __libc_calloc(n, size);
}


void *
realloc(void *p, size_t size)
{
    micro_allocs++;

    return __libc_realloc(p, size);
}
