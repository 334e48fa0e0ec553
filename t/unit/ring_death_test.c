
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * A process that dies in the middle of a step, see ingest_fault.h.  What it
 * left is then adopted by the heir in slot 1.
 */


#include "heir_fixture.h"
#include "holder_fixture.h"


#define RECORDS  16
#define LATER    5000   /* ms: when what waits is due */


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
park_and_free(void)
{
    (void) ingest_reader_park(worker.reader, 8);
    (void) ingest_reader_free(worker.reader);
}


/* Each that waited comes once, of those below n. */

static void
heir_sends_all_that_waited(unsigned n)
{
    unsigned  i, times[RECORDS];

    worker_arrivals(&heir, LATER, times, RECORDS);

    for (i = 0; i < n; i++) {
        ck_assert_msg(times[i] == (i % 4 == 3),
                      "record %u was sent %u times", i, times[i]);
    }

    ck_assert_uint_eq(ring_nfree(ring), NSEGMENTS);
}


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


/* The first and the last of the copies, and all that follows. */

START_TEST(a_death_at_any_step_of_parking_neither_loses_nor_doubles)
{
    unsigned  i;

    static const char  *points[] = {
        "park_copy:1", "park_copy:4", "park_end:1", "park_end:2",
        "park_end:4", "park_named:1", "park_named:2", "park_named:4",
        "park_commit:1", "park_commit:2", "park_commit:4",
        "undone:1", "undone:2", "undone:4", "done:1", "done:2", "done:4",
        "free:1", "free_committed:1", "free_sealed:1", "free_adoptions:1",
        "free_seq:1", "free_owner:1", "free:4", "free_owner:4"
    };

    for (i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
        two_segments(0);
        two_segments(8);
        dies_at(points[i], park_and_free);
        (void) worker_adopts(&heir, 0);
        heir_sends_all_that_waited(16);

        heir_teardown();
        heir_setup();
    }
}
END_TEST


int
main(void)
{
    const TTest  *tests[] = {
        a_death_at_any_step_of_parking_neither_loses_nor_doubles,
        what_is_free_is_prepared_for_its_next_life,
        NULL
    };

    return unit_run_each("ring_death", tests, heir_setup, heir_teardown);
}
