
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/* Parking when no segment is free, not even in the reserve. */


#include "heir_fixture.h"


#define LATER  5000     /* ms: when what waits is due */


/* As many reloads leave them: one record in each segment. */

static void
one_in_each(void)
{
    unsigned      i;
    ingest_ref_t  ref;

    for (i = 0; i < NSEGMENTS; i++) {
        put(i, segments(0.25));
        ingest_writer_seal(worker.writer);
    }

    ck_assert_uint_eq(ring_nfree(ring), 0);

    for (i = 0; i < NSEGMENTS; i++) {
        ref = send_number(i, 0);
        ingest_reader_retry(worker.reader, ref, LATER);
    }

    send_nothing(0);
}


static void
all_come_once(worker_t *from)
{
    unsigned  i, times[NSEGMENTS];

    worker_arrivals(from, LATER, times, NSEGMENTS);

    for (i = 0; i < NSEGMENTS; i++) {
        ck_assert_uint_eq(times[i], 1);
    }

    ck_assert_uint_eq(ring_nfree(ring), NSEGMENTS);
}


START_TEST(without_a_free_segment_copies_go_behind_other_records)
{
    one_in_each();

    /* four of them fit into one */

    ck_assert_uint_eq(ingest_reader_park(worker.reader, 8), 6);
    ck_assert_uint_eq(ingest_reader_free(worker.reader), 6);
    ck_assert_uint_eq(ingest_reader_left(worker.reader), NSEGMENTS);

    send_nothing(0);
    all_come_once(&worker);
}
END_TEST


START_TEST(copies_behind_other_records_are_adopted)
{
    ingest_record_t  *record;

    one_in_each();

    ck_assert_uint_eq(ingest_reader_park(worker.reader, 1), 1);

    /* as if it had been killed before the original was DONE */

    record = (ingest_record_t *) ingest_ring_data(ring, 0);
    atomic_store(&record->state, INGEST_RECORD_PENDING);

    ck_assert_uint_eq(worker_adopts(&heir, 0), NSEGMENTS);
    all_come_once(&heir);
}
END_TEST


int
main(void)
{
    const TTest  *tests[] = {
        without_a_free_segment_copies_go_behind_other_records,
        copies_behind_other_records_are_adopted,
        NULL
    };

    return unit_run_each("park_full", tests, heir_setup, heir_teardown);
}
