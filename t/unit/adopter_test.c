
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * Segments of a process that is gone: worker 0 of the fixture has left them,
 * the heir in slot 1 takes them over.
 */


#include <stdlib.h>
#include <unistd.h>

#include "../../src/kafka/ingest_adopter.h"
#include "holder_fixture.h"
#include "worker_fixture.h"


#define VALUE  100
#define NOW    1000     /* ms */


static worker_t           heir;
static ingest_census_t    census;
static ingest_adopter_t   adopter;
static ingest_journal_t  *journal;


static void
setup(void)
{
    worker_setup();
    worker_init(&heir, ring, 1);

    memset(&census, 0, sizeof(ingest_census_t));

    ring->lock_fd = ingest_slot_file();
    ck_assert_int_ne(ring->lock_fd, -1);

    journal = aligned_alloc(64, sizeof(ingest_journal_t));
    ingest_journal_init(journal, -1);

    memset(&adopter, 0, sizeof(ingest_adopter_t));
    adopter.ring = ring;
    adopter.reader = heir.reader;
    adopter.journal = journal;
    adopter.slot = 1;
    adopter.held.bits[0] = 2;

    atomic_store(&ring->nslots, 2);
}


static void
teardown(void)
{
    free(journal);
    close(ring->lock_fd);
    worker_free(&heir);
    worker_teardown();
}


static void
adopt(void)
{
    ingest_reader_adopt(heir.reader, 0, NOW, &census);
}


static void
heir_delivers(uint64_t number)
{
    ingest_ref_t      ref;
    ingest_record_t  *record;

    record = worker_send(&heir, NOW, &ref);
    ck_assert_ptr_ne(record, NULL);
    ck_assert_uint_eq(record_check(record), number);

    ingest_reader_done(heir.reader, ref);
}


static void
heir_has_nothing(void)
{
    ingest_ref_t  ref;

    ck_assert_ptr_eq(worker_send(&heir, NOW, &ref), NULL);
}


/* The record with that number, counted from 0, of the first segment. */

static ingest_record_t *
record_at(unsigned number)
{
    uint8_t  *p;

    for (p = ingest_ring_data(ring, 0); number > 0; number--) {
        p += ((ingest_record_t *) p)->size;
    }

    return (ingest_record_t *) p;
}


START_TEST(what_was_committed_is_sent_by_the_heir)
{
    put(1, VALUE);
    put(2, segments(0.9));
    put(3, VALUE);

    adopt();

    ck_assert_uint_eq(census.events, 3);
    ck_assert_uint_eq(census.corrupt, 0);

    heir_delivers(1);
    heir_delivers(2);
    heir_delivers(3);
    heir_has_nothing();

    (void) ingest_reader_free(heir.reader);
    ck_assert_uint_eq(ring_nfree(ring), NSEGMENTS);
}
END_TEST


START_TEST(what_is_done_is_not_sent_again)
{
    put(1, VALUE);
    put(2, VALUE);
    put(3, VALUE);

    (void) send_number(1, NOW);
    ingest_reader_done(worker.reader, send_number(2, NOW));

    adopt();

    ck_assert_uint_eq(census.events, 2);

    heir_delivers(1);
    heir_delivers(3);
    heir_has_nothing();
}
END_TEST


START_TEST(a_segment_without_events_is_freed_at_once)
{
    put(1, VALUE);
    ingest_reader_done(worker.reader, send_number(1, NOW));

    adopt();

    ck_assert_uint_eq(census.events, 0);
    ck_assert_uint_eq(ring_nfree(ring), NSEGMENTS);
    heir_has_nothing();
}
END_TEST


START_TEST(adopted_segments_go_before_an_open_one)
{
    put(1, VALUE);
    ck_assert_int_eq(worker_put(&heir, 10, VALUE), INGEST_OK);
    heir_delivers(10);
    ck_assert_int_eq(worker_put(&heir, 11, VALUE), INGEST_OK);

    adopt();

    heir_delivers(1);
    heir_delivers(11);
    heir_has_nothing();
}
END_TEST


START_TEST(an_uncommitted_record_never_was)
{
    put(1, VALUE);
    ck_assert_int_eq(worker_reserve(&worker, 1, VALUE), INGEST_OK);
    worker_append(&worker, 2, VALUE);

    adopt();

    ck_assert_uint_eq(census.events, 1);
    heir_delivers(1);
    heir_has_nothing();
}
END_TEST


START_TEST(the_first_record_that_cannot_be_one_ends_its_segment)
{
    ingest_record_t  *record;

    put(1, VALUE);
    put(2, VALUE);
    put(3, VALUE);

    record = record_at(1);

    switch (_i) {

    case 0:
        record->seq++;
        break;

    case 1:
        record->size = 0;
        break;

    case 2:
        record->size += 8;
        break;

    case 3:
        record->size = SEGMENT;
        break;

    case 4:
        record->value_len = record->size;
        break;

    default:
        record->headers_len = UINT32_MAX;
    }

    adopt();

    ck_assert_uint_eq(census.events, 1);
    ck_assert_uint_eq(census.corrupt, 1);

    heir_delivers(1);
    heir_has_nothing();

    (void) ingest_reader_free(heir.reader);
    ck_assert_uint_eq(ring_nfree(ring), NSEGMENTS);
}
END_TEST


START_TEST(the_counters_of_the_dead_are_not_believed)
{
    const ingest_line_t  *line;

    put(1, VALUE);
    put(2, VALUE);
    put(3, VALUE);
    ingest_reader_done(worker.reader, send_number(1, NOW));

    /* killed between counting and committing, and behind other lives */

    ingest_counter_add(&slot->events_in, 104);
    ingest_counter_add(&slot->events_moved, 7);
    ingest_counter_add(&slot->events_out, 100);

    ck_assert(ingest_adopter_turn(&adopter, NOW));
    ck_assert_uint_eq(ingest_ring_events(ring), 2);

    line = ingest_journal_peek(journal);
    ck_assert_ptr_ne(line, NULL);
    ck_assert_str_eq(line->text, "adopted slot 0 with 2 events");
}
END_TEST


START_TEST(a_slot_that_has_counted_too_little_is_set_right_too)
{
    put(1, VALUE);
    put(2, VALUE);

    ck_assert(ingest_adopter_turn(&adopter, NOW));
    ck_assert_uint_eq(ingest_ring_events(ring), 2);
}
END_TEST


START_TEST(only_the_newest_generation_adopts)
{
    put(1, VALUE);

    atomic_store(&ring->generation, 1);
    ck_assert(!ingest_adopter_turn(&adopter, NOW));
    heir_has_nothing();

    adopter.generation = 1;
    ck_assert(ingest_adopter_turn(&adopter, 2 * NOW));
    heir_delivers(1);
}
END_TEST


START_TEST(what_is_adopted_belongs_to_the_own_slot_and_the_other_is_free)
{
    ingest_slot_t  *own;

    own = ingest_ring_slot(ring, 1);

    put(1, VALUE);
    put(2, VALUE);
    ingest_counter_add(&slot->events_in, 2);

    ck_assert(ingest_adopter_turn(&adopter, NOW));

    ck_assert_uint_eq(atomic_load(&ingest_ring_segment(ring, 0)->owner), 2);
    ck_assert(!ingest_slot_is_held(&adopter.held, 0));
    ck_assert(ingest_slot_is_held(&adopter.held, 1));

    ck_assert_uint_eq(ingest_ring_slot_events(slot), 0);
    ck_assert_uint_eq(ingest_ring_slot_events(own), 2);
    ck_assert_uint_gt(ingest_counter_get(&own->bytes_moved), 2 * VALUE);

    heir_delivers(1);
    heir_delivers(2);
}
END_TEST


static void
adopt_one(void)
{
    (void) ingest_adopter_turn(&adopter, NOW);
}


START_TEST(a_death_at_any_step_of_an_adoption_loses_no_event_and_no_count)
{
    unsigned      i, n;
    worker_t      last;
    ingest_ref_t  ref;

    static const char  *points[] = {
        "adopt_resolved:1", "adopt_cleared:1", "adopt:1", "adopt_sealed:2",
        "adopt_counted:1", "adopt_owned:1", "adopt_owned:2",
        "adopt_uncounted:1", "adopted:1", "unlock:1", "unlocked:1"
    };

    for (i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
        put(0, VALUE);
        put(1, segments(0.9));
        put(2, segments(0.9));
        ingest_counter_add(&slot->events_in, 3);

        dies_at(points[i], adopt_one);

        /* who comes next has slot 2 */

        worker_init(&last, ring, 2);
        adopter.slot = 2;
        adopter.held.bits[0] = 4;
        adopter.reader = last.reader;
        adopter.hurry = true;

        while (ingest_adopter_turn(&adopter, NOW)) {
            /* void */
        }

        ck_assert_msg(ingest_ring_events(ring) == 3, "%s: %llu", points[i],
                      (unsigned long long) ingest_ring_events(ring));

        for (n = 0; worker_send(&last, NOW, &ref) != NULL; n++) {
            ingest_reader_done(last.reader, ref);
        }

        ck_assert_msg(n == 3, "%s: %u", points[i], n);

        worker_free(&last);
        teardown();
        setup();
    }
}
END_TEST


START_TEST(it_looks_a_few_times_a_second)
{
    ck_assert(!ingest_adopter_turn(&adopter, NOW));

    put(1, VALUE);

    ck_assert(!ingest_adopter_turn(&adopter, NOW + 1));
    ck_assert(ingest_adopter_turn(&adopter, NOW + 500));
}
END_TEST


int
main(void)
{
    int       failed;
    Suite    *suite;
    TCase    *tcase;
    SRunner  *runner;

    suite = suite_create("adopter");
    tcase = tcase_create("all");
    tcase_add_checked_fixture(tcase, setup, teardown);

    tcase_add_test(tcase, what_was_committed_is_sent_by_the_heir);
    tcase_add_test(tcase, what_is_done_is_not_sent_again);
    tcase_add_test(tcase, a_segment_without_events_is_freed_at_once);
    tcase_add_test(tcase, adopted_segments_go_before_an_open_one);
    tcase_add_test(tcase, an_uncommitted_record_never_was);
    tcase_add_loop_test(tcase,
                        the_first_record_that_cannot_be_one_ends_its_segment,
                        0, 6);
    tcase_add_test(tcase, the_counters_of_the_dead_are_not_believed);
    tcase_add_test(tcase,
                   a_slot_that_has_counted_too_little_is_set_right_too);
    tcase_add_test(tcase, only_the_newest_generation_adopts);
    tcase_add_test(tcase,
        what_is_adopted_belongs_to_the_own_slot_and_the_other_is_free);
    tcase_add_test(tcase,
        a_death_at_any_step_of_an_adoption_loses_no_event_and_no_count);
    tcase_add_test(tcase, it_looks_a_few_times_a_second);

    suite_add_tcase(suite, tcase);

    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);

    return failed != 0;
}
