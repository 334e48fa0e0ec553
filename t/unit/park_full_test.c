
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/* Parking when no segment is free, not even in the reserve. */


#include "heir_fixture.h"


#define LATER  5000     /* ms: when what waits is due */
#define ASIDE  300      /* ms that a full ring keeps what is adopted aside */


/* As many reloads leave them: one record in each of n segments. */

static void
one_in_each_of(unsigned n)
{
    unsigned  i;

    for (i = 0; i < n; i++) {
        put(i, segments(0.25));
        ingest_writer_seal(worker.writer);
    }

    ck_assert_uint_eq(ring_nfree(ring), NSEGMENTS - n);
}


/* All of them, sent in vain and waiting. */

static void
one_in_each(void)
{
    unsigned      i;
    ingest_ref_t  ref;

    one_in_each_of(NSEGMENTS);

    for (i = 0; i < NSEGMENTS; i++) {
        ref = send_number(i, 0);
        ingest_reader_retry(worker.reader, ref, LATER);
    }

    send_nothing(0);
}


/* All that is due, which must be new. */

static unsigned
sent_by_heir(uint64_t now_ms)
{
    unsigned  i, n, times[NSEGMENTS];

    worker_arrivals(&heir, now_ms, times, NSEGMENTS);

    for (i = 0, n = 0; i < NSEGMENTS; i++) {
        ck_assert_uint_le(times[i], 1);
        n += times[i];
    }

    return n;
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


/* Sent at once, none of it could be parked before librdkafka gave it back. */

START_TEST(what_a_full_ring_adopts_waits_to_be_parked)
{
    one_in_each_of(NSEGMENTS);

    ck_assert_uint_eq(worker_adopts(&heir, 0), NSEGMENTS);
    ck_assert_uint_eq(sent_by_heir(ASIDE - 1), 0);

    ck_assert_uint_eq(ingest_reader_park(heir.reader, 8), 6);
    (void) ingest_reader_free(heir.reader);
    ck_assert_uint_eq(ring_nfree(ring), 6);

    all_come_once(&heir);
}
END_TEST


START_TEST(what_is_not_parked_is_sent_all_the_same)
{
    one_in_each_of(NSEGMENTS);

    ck_assert_uint_eq(worker_adopts(&heir, 0), NSEGMENTS);
    ck_assert_uint_eq(sent_by_heir(ASIDE), NSEGMENTS);
}
END_TEST


START_TEST(what_a_ring_with_room_adopts_is_sent_at_once)
{
    one_in_each_of(NSEGMENTS / 2);

    ck_assert_uint_eq(worker_adopts(&heir, 0), NSEGMENTS / 2);
    ck_assert_uint_eq(sent_by_heir(0), NSEGMENTS / 2);
}
END_TEST


/* There is no time to park it, nor for a back-off. */

START_TEST(what_a_worker_adopts_that_ends_is_sent_at_once)
{
    one_in_each();

    heir.reader->hurry = true;
    ck_assert_uint_eq(worker_adopts(&heir, 0), NSEGMENTS);
    ck_assert_uint_eq(sent_by_heir(0), NSEGMENTS);
}
END_TEST


START_TEST(what_waits_to_be_parked_does_not_when_its_worker_ends)
{
    one_in_each_of(NSEGMENTS);

    ck_assert_uint_eq(worker_adopts(&heir, 0), NSEGMENTS);
    ingest_reader_hasten(heir.reader, 1);
    ck_assert_uint_eq(sent_by_heir(1), NSEGMENTS);
}
END_TEST


int
main(void)
{
    const TTest  *tests[] = {
        without_a_free_segment_copies_go_behind_other_records,
        copies_behind_other_records_are_adopted,
        what_a_full_ring_adopts_waits_to_be_parked,
        what_is_not_parked_is_sent_all_the_same,
        what_a_ring_with_room_adopts_is_sent_at_once,
        what_a_worker_adopts_that_ends_is_sent_at_once,
        what_waits_to_be_parked_does_not_when_its_worker_ends,
        NULL
    };

    return unit_run_each("park_full", tests, heir_setup, heir_teardown);
}
