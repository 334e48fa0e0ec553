
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * The moment in which the thread falls asleep and the event loop commits.  A
 * wake-up that is lost shows in a window of some nanoseconds, so this is the
 * real sender with a producer that does nothing: the thread says what it has
 * taken right before it sleeps, and the event loop answers at once.  What is
 * lost is made up for after half a second, when the thread looks by itself.
 */


#define _GNU_SOURCE

#define ingest_sender_create        wake_sender_create
#define ingest_sender_wake          wake_sender_wake
#define ingest_sender_journal       wake_sender_journal
#define ingest_sender_retire        wake_sender_retire
#define ingest_sender_drain         wake_sender_drain
#define ingest_sender_join          wake_sender_join
#define ingest_sender_settle        wake_sender_settle
#define ingest_sender_destroy       wake_sender_destroy

#define ingest_producer_create      wake_producer_create
#define ingest_producer_destroy     wake_producer_destroy
#define ingest_producer_turn        wake_producer_turn
#define ingest_producer_has_work    wake_producer_has_work
#define ingest_producer_idle_ms     wake_producer_idle_ms
#define ingest_producer_drain       wake_producer_drain
#define ingest_producer_flush       wake_producer_flush
#define ingest_producer_is_over     wake_producer_is_over
#define ingest_producer_settle      wake_producer_settle

#include "../../src/kafka/ingest_sender.c"

#include <sched.h>
#include <stdlib.h>

#include "worker_fixture.h"


#define ROUNDS       1000000
#define LONG_MS      10000  /* fewer of them, where they take so long; or as */
                            /* many as fit into WAKE_SECONDS, if that is set */
#define LOOKS        10000  /* without one at the clock */
#define TURN_DELAY   150    /* turns of an empty loop before the sleep */
#define DELAY_MAX    400    /* the same before the commit */
#define LOST_MS      400    /* of the 500 that it sleeps at most */
#define LOST_MAX     2      /* rounds in which the machine was that slow */
#define DEADLINE_MS  30000


struct ingest_producer_s {
    _Alignas(64)
    _Atomic uint64_t     committed;     /* by the event loop */

    _Alignas(64)
    _Atomic uint64_t     taken;         /* by the thread */
};


static ingest_producer_t  producer;


static void
delay(unsigned n)
{
    volatile unsigned  i;

    for (i = 0; i < n; i++) {
        /* void */
    }
}


ingest_producer_t *
ingest_producer_create(const ingest_producer_conf_t *conf)
{
    (void) conf;

    return &producer;
}


void
ingest_producer_destroy(ingest_producer_t *p)
{
    (void) p;
}


/* It never says that it had work: the thread sleeps rather than nap. */

bool
ingest_producer_turn(ingest_producer_t *p)
{
    uint64_t  committed;

    committed = atomic_load_explicit(&p->committed, memory_order_acquire);
    atomic_store_explicit(&p->taken, committed, memory_order_release);

    delay(TURN_DELAY);

    return false;
}


bool
ingest_producer_has_work(ingest_producer_t *p)
{
    return atomic_load_explicit(&p->committed, memory_order_acquire)
           != atomic_load_explicit(&p->taken, memory_order_relaxed);
}


unsigned
ingest_producer_idle_ms(ingest_producer_t *p, unsigned max_ms)
{
    (void) p;

    return max_ms;
}


void
ingest_producer_drain(ingest_producer_t *p)
{
    (void) p;
}


bool
ingest_producer_flush(ingest_producer_t *p, int timeout_ms)
{
    (void) p;
    (void) timeout_ms;

    return false;
}


bool
ingest_producer_is_over(ingest_producer_t *p, uint64_t late_ms)
{
    return late_ms != 0 || !ingest_producer_has_work(p);
}


void
ingest_producer_settle(ingest_producer_t *p)
{
    (void) p;
}


/* The calling thread, and those that it starts, on one processor of these. */

static void
move_to(const cpu_set_t *cpus, int number)
{
    int        i;
    cpu_set_t  one;

    for (i = 0; i < CPU_SETSIZE; i++) {

        if (CPU_ISSET(i, cpus) && number-- == 0) {
            CPU_ZERO(&one);
            CPU_SET(i, &one);
            (void) sched_setaffinity(0, sizeof(one), &one);
            return;
        }
    }
}


static ingest_sender_t *
start(void)
{
    cpu_set_t             cpus;
    ingest_sender_t      *sender;
    ingest_sender_conf_t  conf;

    memset(&conf, 0, sizeof(ingest_sender_conf_t));
    conf.ring = ring;
    conf.journal_fd = -1;

    ck_assert_int_eq(sched_getaffinity(0, sizeof(cpus), &cpus), 0);

    move_to(&cpus, 0);
    sender = ingest_sender_create(&conf);
    ck_assert_ptr_nonnull(sender);
    move_to(&cpus, 1);

    return sender;
}


/* Waits until so much was taken; how long it took. */

static uint64_t
taken(uint64_t n)
{
    uint64_t  looks, start_ms;

    start_ms = ingest_clock_ms(CLOCK_MONOTONIC);

    for (looks = 1;
         atomic_load_explicit(&producer.taken, memory_order_acquire) < n;
         looks++)
    {
        if (looks % LOOKS == 0) {
            ck_assert_uint_lt(ingest_clock_ms(CLOCK_MONOTONIC),
                              start_ms + DEADLINE_MS);
        }
    }

    return ingest_clock_ms(CLOCK_MONOTONIC) - start_ms;
}


START_TEST(no_wake_up_is_lost)
{
    unsigned          lost;
    uint64_t          n, rounds, end_ms;
    const char       *seconds;
    ingest_sender_t  *sender;

    sender = start();
    lost = 0;
    seconds = getenv("WAKE_SECONDS");
    rounds = seconds != NULL ? UINT64_MAX : ROUNDS;
    end_ms = ingest_clock_ms(CLOCK_MONOTONIC)
             + (seconds != NULL ? 1000 * strtoul(seconds, NULL, 10) : LONG_MS);

    for (n = 1; n <= rounds; n++) {

        if (n % 100 == 0 && ingest_clock_ms(CLOCK_MONOTONIC) > end_ms) {
            break;
        }

        /* a look at it before, or the one that counts comes too late */

        (void) atomic_load_explicit(&sender->asleep, memory_order_relaxed);

        delay(n % DELAY_MAX);

        atomic_store_explicit(&producer.committed, n, memory_order_release);
        ingest_sender_wake(sender);

        if (taken(n) >= LOST_MS && ++lost > LOST_MAX) {
            ck_abort_msg("%u wake-ups were lost in %llu rounds", lost,
                         (unsigned long long) n);
        }
    }

    ingest_sender_drain(sender, 0);
    ck_assert_int_eq(ingest_sender_join(sender, DEADLINE_MS), INGEST_OK);
    ingest_sender_destroy(sender);
}
END_TEST


int
main(void)
{
    const TTest  *tests[] = {
        no_wake_up_is_lost,
        NULL
    };

    return unit_run_each("sender_wake", tests, worker_setup, worker_teardown);
}
