
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * A sender and the slots of others.  This process holds slot 0; those that it
 * adopts belong to children that were killed.
 */


#define _GNU_SOURCE

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "holder_fixture.h"
#include "sender_fixture.h"


#define ADOPTED_MS  3000    /* a second on a machine with time */


static unsigned  asked;     /* the slot that slot_is_locked() is about */


static void
setup(void)
{
    ingest_held_t  held;

    sender_setup();

    memset(&held, 0, sizeof(ingest_held_t));

    ring->lock_fd = ingest_slot_file();
    ck_assert_int_ne(ring->lock_fd, -1);
    ck_assert_int_eq(ingest_slot_take(ring, &held, 0), 0);
}


static void
teardown(void)
{
    close(ring->lock_fd);
    sender_teardown();
}


/* One's own locks do not count, so another process asks. */

static int
ask(void)
{
    struct flock  lock;

    memset(&lock, 0, sizeof(struct flock));

    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    lock.l_start = asked;
    lock.l_len = 1;

    if (fcntl(ring->lock_fd, F_GETLK, &lock) == -1) {
        return -1;
    }

    return lock.l_type != F_UNLCK;
}


static bool
slot_is_locked(unsigned slot)
{
    holder_t  other;

    asked = slot;
    other = hold(ask);
    end(&other);

    ck_assert_int_ne(other.result, -1);

    return other.result;
}


START_TEST(what_a_killed_worker_left_is_delivered)
{
    uint64_t  end_ms;
    holder_t  other;

    other = hold(accept_in_another);
    ck_assert_int_eq(other.result, 1);

    start_with_brokers();
    end(&other);

    end_ms = now() + ADOPTED_MS;

    while (ingest_counter_get(&slot->delivery.published) < OTHERS) {
        ck_assert_msg(now() < end_ms, "%llu events of the dead are delivered",
                      (unsigned long long)
                      ingest_counter_get(&slot->delivery.published));
        (void) poll(NULL, 0, POLL_MS);
    }

    (void) stop(DEADLINE_MS);
    ck_assert_uint_eq(ring_nfree(ring), NSEGMENTS);
}
END_TEST


static int
adopt_any(void)
{
    ingest_held_t  held;

    memset(&held, 0, sizeof(ingest_held_t));

    return ingest_slot_adopt(ring, &held);
}


/* Its events are in flight, to nobody, and another worker looks around. */

START_TEST(what_a_sender_has_adopted_is_not_adopted_again)
{
    uint64_t  end_ms;
    holder_t  dead, other;

    dead = hold(accept_in_another);
    ck_assert_int_eq(dead.result, 1);

    start(NOBODY);
    end(&dead);

    end_ms = now() + DEADLINE_MS / 3;

    while (ingest_ring_slot_events(slot) < OTHERS) {
        ck_assert_msg(now() < end_ms, "the slot is not adopted");
        (void) poll(NULL, 0, POLL_MS);
    }

    other = hold(adopt_any);
    ck_assert_int_eq(other.result, -1);
    end(&other);

    ck_assert(!slot_is_locked(1));
    ck_assert(slot_is_locked(0));

    (void) stop(0);
}
END_TEST


/* Its process still has librdkafka, which points into these segments. */

START_TEST(a_sender_that_leaves_events_to_others_keeps_its_slot)
{
    holder_t  other;

    other = hold(accept_in_another);
    ck_assert_int_eq(other.result, 1);

    start(NOBODY);
    commit(0);
    (void) stop(0);

    ck_assert_uint_eq(slot->events_out, 0);
    ck_assert(slot_is_locked(0));

    end(&other);
}
END_TEST


int
main(void)
{
    const TTest  *tests[] = {
        what_a_killed_worker_left_is_delivered,
        what_a_sender_has_adopted_is_not_adopted_again,
        a_sender_that_leaves_events_to_others_keeps_its_slot,
        NULL
    };

    return unit_run_each("sender_slot", tests, setup, teardown);
}
