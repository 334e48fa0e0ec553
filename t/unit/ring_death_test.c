
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * A process that dies in the middle of a step.  Memory that must not be
 * written is the knife: the child dies at its first store there.  What it left
 * is then adopted by the heir in slot 1.
 */


#define _GNU_SOURCE

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "worker_fixture.h"


#define DIED     77
#define RECORDS  16
#define LATER    5000   /* ms: when what waits is due */


static worker_t  heir;


static void
setup(void)
{
    worker_setup();
    worker_init(&heir, ring, 1);
}


static void
teardown(void)
{
    worker_free(&heir);
    worker_teardown();
}


/* Two segments of four records each; the last of each waits. */

static void
two_segments(unsigned first)
{
    unsigned      i;
    ingest_ref_t  ref;

    for (i = first; i < first + 8; i++) {
        put(i, segments(0.25));
    }

    ingest_writer_seal(worker.writer);

    for (i = first; i < first + 8; i++) {
        ref = send_number(i, 0);

        if (i % 4 == 3) {
            ingest_reader_retry(worker.reader, ref, LATER);

        } else {
            ingest_reader_done(worker.reader, ref);
        }
    }

    send_nothing(0);
    (void) ingest_reader_free(worker.reader);
}


static void
knife(int signo)
{
    _exit(signo == SIGSEGV ? DIED : 1);
}


/* A process parks, and dies when it touches these pages. */

static void
dies_parking_at(uint8_t *start, size_t len, int protection)
{
    int    status;
    pid_t  pid;

    pid = fork();
    ck_assert_int_ne(pid, -1);

    if (pid == 0) {
        (void) signal(SIGSEGV, knife);

        if (mprotect(start, len, protection) == -1) {
            _exit(2);
        }

        (void) ingest_reader_park(worker.reader, 8);
        _exit(0);
    }

    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), DIED);
}


static void
heir_adopts(void)
{
    uint32_t         i;
    ingest_census_t  census;

    memset(&census, 0, sizeof(ingest_census_t));

    for (i = 0; i < NSEGMENTS; i++) {
        if (atomic_load(&ingest_ring_segment(ring, i)->owner) == 1) {
            ingest_reader_adopt(heir.reader, i, LATER, &census);
        }
    }

    ck_assert_uint_eq(census.corrupt, 0);
}


/* Each that waited comes once, of those below n. */

static void
heir_sends_all_that_waited(unsigned n)
{
    unsigned          i, times[RECORDS];
    uint64_t          number;
    ingest_ref_t      ref;
    ingest_record_t  *record;

    memset(times, 0, sizeof(times));

    while ((record = worker_send(&heir, LATER, &ref)) != NULL) {
        number = record_check(record);
        ck_assert_uint_lt(number, RECORDS);
        times[number]++;
        ingest_reader_done(heir.reader, ref);
    }

    for (i = 0; i < n; i++) {
        ck_assert_msg(times[i] == (i % 4 == 3),
                      "record %u was sent %u times", i, times[i]);
    }

    (void) ingest_reader_free(heir.reader);
    ck_assert_uint_eq(ring_nfree(ring), NSEGMENTS);
}


START_TEST(a_death_in_the_first_byte_of_a_copy_loses_nothing)
{
    two_segments(0);

    dies_parking_at(ingest_ring_data(ring, 2), SEGMENT, PROT_NONE);

    heir_adopts();
    heir_sends_all_that_waited(8);
}
END_TEST


/* The parking segment is open already: its commit is the first store. */

START_TEST(a_death_at_the_commit_of_a_copy_loses_nothing)
{
    uint8_t  *start;
    size_t    page;

    two_segments(0);
    ck_assert_uint_eq(ingest_reader_park(worker.reader, 8), 2);
    two_segments(8);

    page = (size_t) sysconf(_SC_PAGESIZE);
    start = (uint8_t *) ring + ring->segments / page * page;

    dies_parking_at(start, (size_t) ((uint8_t *) ring + ring->data - start),
                    PROT_READ);

    heir_adopts();
    heir_sends_all_that_waited(16);
}
END_TEST


/* Nobody writes to a segment between its claim and its first record. */

START_TEST(what_is_free_is_prepared_for_its_next_life)
{
    uint32_t           owner, committed, sealed, adoptions, seq;
    ingest_segment_t  *segment;

    put(0, segments(1));
    ingest_writer_seal(worker.writer);
    segment = ingest_ring_segment(ring, 0);
    atomic_store(&segment->adoptions, 2);

    ingest_reader_done(worker.reader, send_number(0, 0));
    send_nothing(0);
    ck_assert_uint_eq(ingest_reader_free(worker.reader), 1);

    owner = atomic_load(&segment->owner);
    committed = atomic_load(&segment->committed);
    sealed = atomic_load(&segment->sealed);
    adoptions = atomic_load(&segment->adoptions);
    seq = atomic_load(&segment->seq);

    ck_assert_uint_eq(owner, 0);
    ck_assert_uint_eq(committed, 0);
    ck_assert_uint_eq(sealed, 0);
    ck_assert_uint_eq(adoptions, 0);
    ck_assert_uint_eq(seq, 2);

    ck_assert_int_eq(ingest_ring_claim(ring, 0, 0), 0);
    seq = atomic_load(&segment->seq);
    ck_assert_uint_eq(seq, 2);
}
END_TEST


int
main(void)
{
    const TTest  *tests[] = {
        a_death_in_the_first_byte_of_a_copy_loses_nothing,
        a_death_at_the_commit_of_a_copy_loses_nothing,
        what_is_free_is_prepared_for_its_next_life,
        NULL
    };

    return unit_run_each("ring_death", tests, setup, teardown);
}
