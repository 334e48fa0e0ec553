
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * The ring with its real parties: the two threads of a worker, and several
 * workers that take segments from each other, as threads (for the thread
 * sanitizer, which does not look across processes) and as processes.
 */


#define _GNU_SOURCE

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ring_fixture.h"
#include "unit.h"


#define WORKERS     4
#define FLYING_MAX  64
#define BATCH_MAX   9
#define CLAIMS      20000


/* one event loop and one sender; ready for a record lasts VALUE_MIN bytes */

typedef struct {
    worker_t       worker;
    uint64_t       nrecords;
    uint32_t       seed;
    unsigned       batch;       /* records, at most */
    unsigned       failures;    /* one in so many fails once or more; 0 none */
    uint64_t       nclaims;     /* after the end */
    uint64_t       nfreed;
} race_t;


/* what the thread sanitizer asks for at its start; else nobody calls it */

const char *__tsan_default_options(void);

static uint32_t race_random(uint32_t *state);
static void *race_event_loop(void *data);
static void *race_sender(void *data);
static void *race_claims(void *data);
static void race_finish(race_t *race);
static void race_report(race_t *race, ingest_ref_t ref, uint8_t *seen,
    uint32_t *state, uint64_t *ndone);
static void race_start(race_t *race, pthread_t threads[2]);
static void race_join(race_t *race, pthread_t threads[2]);
static void race_init(race_t *race, ingest_ring_t *ring, uint32_t slot);


START_TEST(event_loop_and_sender_pass_every_record_once_and_in_order)
{
    race_t          race;
    pthread_t       threads[2];
    ingest_ring_t  *ring;

    ring = ring_create(4, SEGMENT);

    race_init(&race, ring, 0);
    race.nrecords = 300000;
    race.batch = 1;
    race.failures = 0;

    race_start(&race, threads);
    race_join(&race, threads);

    /* what was claimed was freed once, and nobody else freed anything */

    ck_assert_uint_eq(race.nfreed, race.nclaims);
    ck_assert_uint_gt(race.nclaims, 100);
    ck_assert_uint_eq(atomic_load(&ring->freed), race.nfreed);
    ck_assert_uint_eq(ring_nfree(ring), ring->nsegments);

    worker_free(&race.worker);
    ring_destroy(ring);
}
END_TEST


START_TEST(workers_as_threads_race_for_few_segments)
{
    unsigned        i;
    race_t          races[WORKERS];
    uint64_t        nclaims;
    pthread_t       threads[WORKERS][2];
    ingest_ring_t  *ring;

    ring = ring_create(WORKERS + 3, SEGMENT);

    for (i = 0; i < WORKERS; i++) {
        race_init(&races[i], ring, i);
    }

    for (i = 0; i < WORKERS; i++) {
        race_start(&races[i], threads[i]);
    }

    nclaims = 0;

    for (i = 0; i < WORKERS; i++) {
        race_join(&races[i], threads[i]);
        ck_assert_uint_eq(races[i].nfreed, races[i].nclaims);
        nclaims += races[i].nclaims;
        worker_free(&races[i].worker);
    }

    ck_assert_uint_eq(atomic_load(&ring->freed), nclaims);
    ck_assert_uint_eq(ring_nfree(ring), ring->nsegments);

    ring_destroy(ring);
}
END_TEST


START_TEST(no_two_workers_claim_the_same_segment)
{
    unsigned        i;
    race_t          races[WORKERS];
    pthread_t       threads[WORKERS];
    ingest_ring_t  *ring;

    ring = ring_create(2, SEGMENT);

    for (i = 0; i < WORKERS; i++) {
        race_init(&races[i], ring, i);
        ck_assert_int_eq(pthread_create(&threads[i], NULL, race_claims,
                                        &races[i]), 0);
    }

    for (i = 0; i < WORKERS; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
        worker_free(&races[i].worker);
    }

    ck_assert_uint_eq(atomic_load(&ring->freed), WORKERS * CLAIMS);
    ck_assert_uint_eq(ring_nfree(ring), ring->nsegments);

    ring_destroy(ring);
}
END_TEST


START_TEST(workers_as_processes_race_for_few_segments)
{
    int             status;
    pid_t           pids[WORKERS];
    race_t          race;
    unsigned        i;
    pthread_t       threads[2];
    ingest_ring_t  *ring;

    ring = ring_create(WORKERS + 3, SEGMENT);

    for (i = 0; i < WORKERS; i++) {
        pids[i] = fork();
        ck_assert_int_ne(pids[i], -1);

        if (pids[i] == 0) {
            race_init(&race, ring, i);
            race_start(&race, threads);
            race_join(&race, threads);
            _exit(race.nfreed == race.nclaims ? 0 : 1);
        }
    }

    for (i = 0; i < WORKERS; i++) {
        ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
        ck_assert_int_eq(status, 0);
    }

    ck_assert_uint_eq(ring_nfree(ring), ring->nsegments);
    ck_assert_uint_gt(atomic_load(&ring->freed), 100);

    ring_destroy(ring);
}
END_TEST


static void
race_init(race_t *race, ingest_ring_t *ring, uint32_t slot)
{
    memset(race, 0, sizeof(race_t));

    worker_init(&race->worker, ring, slot);

    race->nrecords = 60000;
    race->seed = 0x9e3779b9u * (slot + 1);
    race->batch = BATCH_MAX;
    race->failures = 8;
}


static void
race_start(race_t *race, pthread_t threads[2])
{
    ck_assert_int_eq(pthread_create(&threads[0], NULL, race_event_loop, race),
                     0);
    ck_assert_int_eq(pthread_create(&threads[1], NULL, race_sender, race), 0);
}


static void
race_join(race_t *race, pthread_t threads[2])
{
    ck_assert_int_eq(pthread_join(threads[0], NULL), 0);
    ck_assert_int_eq(pthread_join(threads[1], NULL), 0);

    race->nclaims = atomic_load(&race->worker.writer->claims.head) - 1;
}


/* Batches of a random number of records with one random size. */

static void *
race_event_loop(void *data)
{
    race_t    *race;
    size_t     value_len;
    uint32_t   state;
    uint64_t   number, i, n;

    race = data;
    state = race->seed;

    for (number = 0; number < race->nrecords; number += n) {
        n = 1 + race_random(&state) % race->batch;

        if (n > race->nrecords - number) {
            n = race->nrecords - number;
        }

        value_len = VALUE_MIN + race_random(&state) % 250;

        /* some batches need two segments */

        if (race->batch > 1 && race_random(&state) % 64 == 0) {
            value_len *= 30;
        }

        while (worker_reserve(&race->worker, n, value_len) != INGEST_OK) {
            sched_yield();
        }

        for (i = 0; i < n; i++) {
            worker_append(&race->worker, number + i, value_len);
        }

        ingest_writer_commit(race->worker.writer);
    }

    ingest_writer_seal(race->worker.writer);

    return NULL;
}


/* Has some records in flight and reports them in random order. */

static void *
race_sender(void *data)
{
    race_t           *race;
    uint8_t          *seen;
    uint32_t          i, state;
    uint64_t          number, expected, ndone, nflying;
    ingest_ref_t      ref, flying[FLYING_MAX];
    ingest_record_t  *record;

    race = data;
    state = race->seed + 1;
    seen = calloc(race->nrecords, 1);
    ndone = 0;
    nflying = 0;
    expected = 0;

    while (ndone < race->nrecords) {

        while (nflying < FLYING_MAX) {
            record = worker_send(&race->worker, 1, &ref);
            if (record == NULL) {
                break;
            }

            number = record_check(record);

            check_fast(record->seq == ingest_ref_seq(ref));
            check_fast(number < race->nrecords);

            if (race->failures == 0) {
                check_fast(number == expected++);
            }

            for (i = 0; i < nflying; i++) {
                check_fast(flying[i] != ref);
            }

            flying[nflying++] = ref;
        }

        if (nflying == 0) {
            race->nfreed += ingest_reader_free(race->worker.reader);
            sched_yield();
            continue;
        }

        for (i = 1 + race_random(&state) % nflying; i > 0; i--) {
            number = race_random(&state) % nflying;
            race_report(race, flying[number], seen, &state, &ndone);
            flying[number] = flying[--nflying];
        }

        race->nfreed += ingest_reader_free(race->worker.reader);
    }

    race_finish(race);

    check_fast(ingest_reader_empty(race->worker.reader));

    free(seen);

    return NULL;
}


/* The event loop seals its last segment. */

static void
race_finish(race_t *race)
{
    ingest_ref_t  ref;

    while (ring_nfree(race->worker.ring) == 0
           || race->worker.reader->first != UINT32_MAX)
    {
        check_fast(worker_send(&race->worker, 1, &ref) == NULL);
        race->nfreed += ingest_reader_free(race->worker.reader);
        sched_yield();
    }
}


/* Claims, fills, sends and frees one segment after the other. */

static void *
race_claims(void *data)
{
    race_t           *race;
    uint64_t          n;
    ingest_ref_t      ref;
    ingest_record_t  *record;

    race = data;

    for (n = 0; n < CLAIMS; n++) {

        while (worker_put(&race->worker, n, VALUE_MIN) != INGEST_OK) {
            sched_yield();
        }

        ingest_writer_seal(race->worker.writer);

        record = worker_send(&race->worker, 0, &ref);
        check_fast(record != NULL);
        check_fast(record_check(record) == n);
        check_fast(record->seq == ingest_ref_seq(ref));

        ingest_reader_done(race->worker.reader, ref);

        check_fast(worker_send(&race->worker, 0, &ref) == NULL);
        check_fast(ingest_reader_free(race->worker.reader) == 1);
    }

    return NULL;
}


static void
race_report(race_t *race, ingest_ref_t ref, uint8_t *seen, uint32_t *state,
    uint64_t *ndone)
{
    uint64_t          number;
    ingest_record_t  *record;

    record = ingest_reader_find(race->worker.reader, ref);
    check_fast(record != NULL);

    if (race->failures != 0 && race_random(state) % race->failures == 0) {
        ingest_reader_retry(race->worker.reader, ref, 1);
        check_fast(ingest_reader_find(race->worker.reader, ref) == NULL);
        return;
    }

    number = record_check(record);

    check_fast(seen[number] == 0);
    seen[number] = 1;
    (*ndone)++;

    ingest_reader_done(race->worker.reader, ref);
}


static uint32_t
race_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;

    return *state;
}


const char *
__tsan_default_options(void)
{
    return "halt_on_error=1";
}


int
main(void)
{
    const TTest  *tests[] = {
        event_loop_and_sender_pass_every_record_once_and_in_order,
        workers_as_threads_race_for_few_segments,
        no_two_workers_claim_the_same_segment,
        workers_as_processes_race_for_few_segments,
        NULL
    };

    return unit_run("ring_race", tests);
}
