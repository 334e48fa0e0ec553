
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * Who will adopt what a worker leaves, and what a worker waits for that ends:
 * ingest_slot.c, with a process for each worker.
 */


#define _GNU_SOURCE

#include <unistd.h>

#include "slot_fixture.h"


/*
 * Another worker, of generation 1; its slot is 0.  Who asks has a slot that
 * nobody else looks at.
 */

static bool
has_heir(uint32_t newest)
{
    ingest_held_t  held;

    memset(&held, 0, sizeof(ingest_held_t));
    atomic_store(&ring->generation, newest);

    return ingest_slot_leave(ring, &held, INGEST_SLOTS - 1);
}


static ingest_estate_e
estate(uint32_t generation)
{
    ingest_held_t  held;

    memset(&held, 0, sizeof(ingest_held_t));

    return ingest_slot_estate(ring, &held, generation);
}


/* One of an older generation adopts nothing. */

START_TEST(an_heir_lives_is_of_the_newest_and_does_not_end)
{
    holder_t        other;
    ingest_slot_t  *slot;

    slot = ingest_ring_slot(ring, 0);

    ck_assert(!has_heir(1));

    other = hold(slot_serve);
    ck_assert_int_eq(other.result, 0);
    ck_assert(has_heir(1));
    ck_assert(!has_heir(2));

    ingest_slot_retire(slot);
    ck_assert(!has_heir(1));
    ingest_slot_serve(slot);
    ck_assert(has_heir(1));

    end(&other);
    ck_assert(!has_heir(1));
}
END_TEST


/* Its sender may never come to life. */

START_TEST(who_has_a_slot_and_does_not_serve_yet_is_no_heir)
{
    holder_t  other;

    other = hold(slot_take);
    ck_assert_int_eq(other.result, 0);
    ck_assert(!has_heir(1));

    end(&other);
}
END_TEST


START_TEST(who_leaves_says_so_only_while_there_is_an_heir)
{
    holder_t        heir;
    ingest_slot_t  *slot;

    slot = ingest_ring_slot(ring, INGEST_SLOTS - 1);

    heir = hold(slot_serve);
    ck_assert(has_heir(1));
    ck_assert_uint_eq(atomic_load(&slot->stage), INGEST_STAGE_LEAVES);

    end(&heir);
    ck_assert(!has_heir(1));
    ck_assert_uint_eq(atomic_load(&slot->stage), INGEST_STAGE_ENDS);
}
END_TEST


START_TEST(whoever_adopted_a_slot_is_no_heir_by_its_name)
{
    holder_t  owner, adopter;

    owner = hold(slot_serve);
    atomic_store(&ingest_ring_segment(ring, 2)->owner, 1);
    end(&owner);

    adopter = hold(slot_adopt);
    ck_assert_int_eq(adopter.result, 0);
    ck_assert(!has_heir(1));

    end(&adopter);
}
END_TEST


START_TEST(an_estate_is_a_dead_slot_or_an_older_one_with_events)
{
    holder_t        other;
    ingest_slot_t  *slot;

    slot = ingest_ring_slot(ring, 0);

    other = hold(slot_serve);
    ck_assert_int_eq(estate(2), INGEST_ESTATE_NONE);

    /* an open segment without events */

    atomic_store(&ingest_ring_segment(ring, 2)->owner, 1);
    ck_assert_int_eq(estate(2), INGEST_ESTATE_NONE);

    ingest_counter_add(&slot->events_in, 1);
    ck_assert_int_eq(estate(2), INGEST_ESTATE_LIKELY);

    /* those of the same generation look after themselves */

    ck_assert_int_eq(estate(1), INGEST_ESTATE_NONE);

    end(&other);
    ck_assert_int_eq(estate(1), INGEST_ESTATE_CERTAIN);
}
END_TEST


/* Both of one generation: the first to end counts on the other. */

START_TEST(what_somebody_leaves_is_an_estate_before_it_is_gone)
{
    holder_t        other;
    ingest_slot_t  *slot;

    slot = ingest_ring_slot(ring, 0);

    other = hold(slot_serve);
    atomic_store(&ingest_ring_segment(ring, 2)->owner, 1);

    ingest_slot_retire(slot);
    ck_assert_int_eq(estate(1), INGEST_ESTATE_NONE);

    atomic_store(&slot->stage, INGEST_STAGE_LEAVES);
    ck_assert_int_eq(estate(1), INGEST_ESTATE_CERTAIN);

    end(&other);
    ck_assert_int_eq(estate(1), INGEST_ESTATE_CERTAIN);
    ck_assert_int_eq(slot_adopt(), 0);

    atomic_store(&ingest_ring_segment(ring, 2)->owner, 0);
    ck_assert_int_eq(estate(1), INGEST_ESTATE_NONE);
}
END_TEST


START_TEST(what_one_holds_is_no_estate)
{
    ingest_held_t  held;

    memset(&held, 0, sizeof(ingest_held_t));

    ck_assert_int_eq(ingest_slot_take(ring, &held, 1), 0);
    atomic_store(&ingest_ring_segment(ring, 2)->owner, 1);
    ingest_counter_add(&ingest_ring_slot(ring, 0)->events_in, 1);

    ck_assert_int_eq(ingest_slot_estate(ring, &held, 2), INGEST_ESTATE_NONE);
}
END_TEST


int
main(void)
{
    const TTest  *tests[] = {
        an_heir_lives_is_of_the_newest_and_does_not_end,
        who_has_a_slot_and_does_not_serve_yet_is_no_heir,
        who_leaves_says_so_only_while_there_is_an_heir,
        whoever_adopted_a_slot_is_no_heir_by_its_name,
        an_estate_is_a_dead_slot_or_an_older_one_with_events,
        what_somebody_leaves_is_an_estate_before_it_is_gone,
        what_one_holds_is_no_estate,
        NULL
    };

    return unit_run_each("slot_heir", tests, slot_setup, slot_teardown);
}
