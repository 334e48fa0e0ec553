
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/* Kernel locks need processes: each test forks those that it wants. */


#define _GNU_SOURCE

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "slot_fixture.h"


#define WORKERS  5


/* what a worker does with descriptors that it does not need */

static int
close_copy(void)
{
    return close(ring->lock_fd);
}


static int
lock_all(void)
{
    struct flock  lock = { .l_type = F_WRLCK, .l_len = INGEST_SLOTS };

    return fcntl(ring->lock_fd, F_SETLK, &lock);
}


/* What another process would get now. */

static int
others_take(void)
{
    holder_t  holder;

    holder = hold(slot_take);
    end(&holder);

    return holder.result;
}


START_TEST(a_slot_that_is_held_is_given_to_nobody_else)
{
    unsigned  i;
    holder_t  holders[WORKERS];

    for (i = 0; i < WORKERS; i++) {
        holders[i] = hold(slot_take);
        ck_assert_int_eq(holders[i].result, (int) i);
    }

    ck_assert_int_eq(slot_take(), WORKERS);

    for (i = 0; i < WORKERS; i++) {
        end(&holders[i]);
    }
}
END_TEST


START_TEST(a_killed_process_leaves_its_slot_to_the_next_at_once)
{
    unsigned  i;
    holder_t  holders[3];

    for (i = 0; i < 3; i++) {
        holders[i] = hold(slot_take);
    }

    for (i = 0; i < 20; i++) {
        end(&holders[1]);
        holders[1] = hold(slot_take);
        ck_assert_int_eq(holders[1].result, 1);
    }

    for (i = 0; i < 3; i++) {
        end(&holders[i]);
    }

    ck_assert_int_eq(others_take(), 0);
}
END_TEST


START_TEST(a_slot_with_segments_is_passed_over_and_not_kept)
{
    atomic_store(&ingest_ring_segment(ring, 3)->owner, 1);
    atomic_store(&ingest_ring_segment(ring, 0)->owner, 3);

    ck_assert_int_eq(slot_take(), 1);
    ck_assert_int_eq(others_take(), 3);

    /* it was not locked in passing: with its segments gone it is free */

    atomic_store(&ingest_ring_segment(ring, 3)->owner, 0);
    ck_assert_int_eq(others_take(), 0);
}
END_TEST


START_TEST(with_all_slots_taken_there_is_none)
{
    holder_t  holder;

    holder = hold(lock_all);
    ck_assert_int_eq(holder.result, 0);
    ck_assert_int_eq(slot_take(), -1);

    end(&holder);
    ck_assert_int_eq(slot_take(), 0);
}
END_TEST


START_TEST(the_last_slot_can_be_taken)
{
    uint32_t       i;
    ingest_held_t  held;
    ingest_ring_t *large;

    memset(&held, 0, sizeof(ingest_held_t));

    large = ring_create(INGEST_SLOTS, SEGMENT);
    large->lock_fd = ring->lock_fd;

    for (i = 0; i < INGEST_SLOTS - 1; i++) {
        atomic_store(&ingest_ring_segment(large, i)->owner, i + 1);
    }

    ck_assert_int_eq(ingest_slot_take(large, &held, 1), INGEST_SLOTS - 1);
    ck_assert_uint_eq(atomic_load(&large->nslots), INGEST_SLOTS);

    atomic_store(&ingest_ring_segment(large, i)->owner, i + 1);
    ck_assert_int_eq(ingest_slot_take(large, &held, 1), -1);

    ring_destroy(large);
}
END_TEST


START_TEST(a_copy_closed_by_a_child_drops_no_lock_of_its_parent)
{
    holder_t  holder;

    ck_assert_int_eq(slot_take(), 0);

    holder = hold(close_copy);
    ck_assert_int_eq(holder.result, 0);
    ck_assert_int_eq(others_take(), 1);

    /* nor does its end */

    end(&holder);
    ck_assert_int_eq(others_take(), 1);
}
END_TEST


START_TEST(a_slot_is_not_inherited)
{
    ck_assert_int_eq(slot_take(), 0);
    ck_assert_int_eq(others_take(), 1);
    ck_assert_int_eq(others_take(), 1);
}
END_TEST


START_TEST(the_number_of_slots_in_use_only_grows)
{
    holder_t  holder;

    ck_assert_uint_eq(atomic_load(&ring->nslots), 0);

    holder = hold(slot_take);
    ck_assert_uint_eq(atomic_load(&ring->nslots), 1);
    ck_assert_int_eq(others_take(), 1);
    ck_assert_uint_eq(atomic_load(&ring->nslots), 2);

    end(&holder);
    ck_assert_int_eq(others_take(), 0);
    ck_assert_uint_eq(atomic_load(&ring->nslots), 2);
}
END_TEST


START_TEST(what_a_process_holds_is_not_given_to_it_again)
{
    ingest_held_t  held;

    memset(&held, 0, sizeof(ingest_held_t));

    ck_assert_int_eq(ingest_slot_take(ring, &held, 1), 0);
    ck_assert_int_eq(ingest_slot_take(ring, &held, 1), 1);
    ck_assert(ingest_slot_is_held(&held, 1));

    /* its own segments are no reason to adopt itself */

    atomic_store(&ingest_ring_segment(ring, 0)->owner, 1);
    ck_assert_int_eq(ingest_slot_adopt(ring, &held), -1);
}
END_TEST


START_TEST(a_slot_with_segments_is_adopted_when_its_process_is_gone)
{
    holder_t  owner, adopter;

    owner = hold(slot_take);
    ck_assert_int_eq(owner.result, 0);
    atomic_store(&ingest_ring_segment(ring, 2)->owner, 1);

    ck_assert_int_eq(slot_adopt(), -1);

    end(&owner);

    adopter = hold(slot_adopt);
    ck_assert_int_eq(adopter.result, 0);

    /* by one process only, and again when that one is gone */

    ck_assert_int_eq(slot_adopt(), -1);
    end(&adopter);
    ck_assert_int_eq(slot_adopt(), 0);
}
END_TEST


START_TEST(an_adopted_slot_that_is_released_can_be_taken)
{
    ingest_held_t  held;

    memset(&held, 0, sizeof(ingest_held_t));

    atomic_store(&ingest_ring_segment(ring, 2)->owner, 1);
    ck_assert_int_eq(ingest_slot_adopt(ring, &held), 0);
    ck_assert_int_eq(others_take(), 1);

    atomic_store(&ingest_ring_segment(ring, 2)->owner, 0);
    ck_assert(!ingest_slot_has_segments(ring, 0));
    ck_assert_int_eq(others_take(), 1);

    ingest_slot_release(ring, &held, 0);
    ck_assert(!ingest_slot_is_held(&held, 0));
    ck_assert_int_eq(others_take(), 0);
}
END_TEST


START_TEST(the_lock_file_is_closed_by_exec)
{
    ck_assert_int_eq(fcntl(ring->lock_fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
}
END_TEST


START_TEST(without_a_lock_file_there_is_no_slot)
{
    int  fd;

    fd = ring->lock_fd;
    ring->lock_fd = -1;
    ck_assert_int_eq(slot_take(), -1);
    ring->lock_fd = fd;
}
END_TEST


int
main(void)
{
    const TTest  *tests[] = {
        a_slot_that_is_held_is_given_to_nobody_else,
        a_killed_process_leaves_its_slot_to_the_next_at_once,
        a_slot_with_segments_is_passed_over_and_not_kept,
        with_all_slots_taken_there_is_none,
        the_last_slot_can_be_taken,
        a_copy_closed_by_a_child_drops_no_lock_of_its_parent,
        a_slot_is_not_inherited,
        the_number_of_slots_in_use_only_grows,
        what_a_process_holds_is_not_given_to_it_again,
        a_slot_with_segments_is_adopted_when_its_process_is_gone,
        an_adopted_slot_that_is_released_can_be_taken,
        the_lock_file_is_closed_by_exec,
        without_a_lock_file_there_is_no_slot,
        NULL
    };

    return unit_run_each("slot", tests, slot_setup, slot_teardown);
}
