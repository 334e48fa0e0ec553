
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#define _GNU_SOURCE

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "ingest_clock.h"
#include "ingest_producer.h"
#include "ingest_sender.h"


#define INGEST_SLEEP_MS  500    /* at most, between two turns */
#define INGEST_DRAIN_MS  10     /* the same under a deadline, and of a flush */


/*
 * After a turn that had work the thread does not ask to be woken for this
 * long: under load it takes what came meanwhile in one turn, and the event
 * loop makes no system call.  It adds to the latency of an event.
 */

#define INGEST_NAP_MS    1


struct ingest_sender_s {
    pthread_t            thread;
    int                  fd;        /* wakes the thread */
    ingest_producer_t   *producer;
    ingest_slot_t       *slot;
    ingest_journal_t     journal;

    _Alignas(64)
    _Atomic uint32_t     asleep;

    _Alignas(64)
    _Atomic uint64_t     drain_ms;  /* CLOCK_MONOTONIC, 0: go on */
    _Atomic uint32_t     hand;      /* ingest_hand_e */
};


static ingest_rc_e ingest_sender_start(ingest_sender_t *sender);
static void *ingest_sender_run(void *data);
static bool ingest_sender_is_over(ingest_sender_t *sender,
    uint64_t drain_ms);
static uint64_t ingest_sender_deadline(ingest_sender_t *sender);
static void ingest_sender_nap(void);
static void ingest_sender_sleep(ingest_sender_t *sender);


ingest_sender_t *
ingest_sender_create(const ingest_sender_conf_t *conf)
{
    ingest_sender_t         *sender;
    ingest_producer_conf_t   producer;

    sender = aligned_alloc(64, sizeof(ingest_sender_t));
    if (sender == NULL) {
        return NULL;
    }

    memset(sender, 0, sizeof(ingest_sender_t));

    sender->fd = eventfd(0, EFD_NONBLOCK|EFD_CLOEXEC);
    if (sender->fd == -1) {
        goto failed;
    }

    sender->slot = ingest_ring_slot(conf->ring, conf->slot);

    ingest_journal_init(&sender->journal, conf->journal_fd);

    producer.ring = conf->ring;
    producer.slot = conf->slot;
    producer.generation = conf->generation;
    producer.held = conf->held;
    producer.claims = conf->claims;
    producer.options = conf->options;
    producer.max_attempts = conf->max_attempts;
    producer.dead_letter_topic = conf->dead_letter_topic;
    producer.fd = sender->fd;
    producer.journal = &sender->journal;
    producer.hand = &sender->hand;

    sender->producer = ingest_producer_create(&producer);
    if (sender->producer == NULL) {
        goto failed;
    }

    if (ingest_sender_start(sender) != INGEST_OK) {
        goto failed;
    }

    ingest_slot_serve(sender->slot);

    return sender;

failed:

    ingest_sender_destroy(sender);

    return NULL;
}


void
ingest_sender_wake(ingest_sender_t *sender)
{
    ssize_t   n;
    uint64_t  one;

    /* pairs with the fence in ingest_sender_sleep() */

    atomic_thread_fence(memory_order_seq_cst);

    if (atomic_load_explicit(&sender->asleep, memory_order_relaxed) == 0) {
        return;
    }

    /* once for each sleep */

    atomic_store_explicit(&sender->asleep, 0, memory_order_relaxed);

    one = 1;
    n = write(sender->fd, &one, sizeof(one));
    (void) n;
}


ingest_journal_t *
ingest_sender_journal(ingest_sender_t *sender)
{
    return &sender->journal;
}


void
ingest_sender_retire(ingest_sender_t *sender)
{
    ingest_slot_retire(sender->slot);
}


void
ingest_sender_drain(ingest_sender_t *sender, uint64_t timeout_ms)
{
    ssize_t   n;
    uint64_t  one;

    /* pairs with the acquire in ingest_sender_deadline() */

    atomic_store_explicit(&sender->drain_ms,
                          ingest_clock_ms(CLOCK_MONOTONIC) + timeout_ms,
                          memory_order_release);
    one = 1;
    n = write(sender->fd, &one, sizeof(one));
    (void) n;
}


ingest_rc_e
ingest_sender_join(ingest_sender_t *sender, unsigned timeout_ms)
{
    uint64_t  end_ms;

    end_ms = ingest_clock_ms(CLOCK_MONOTONIC) + timeout_ms;

    while (pthread_tryjoin_np(sender->thread, NULL) != 0) {

        if (ingest_clock_ms(CLOCK_MONOTONIC) >= end_ms) {
            return INGEST_AGAIN;
        }

        ingest_sender_nap();
    }

    sender->producer = NULL;  /* the thread has destroyed it */

    return INGEST_OK;
}


ingest_rc_e
ingest_sender_settle(ingest_sender_t *sender)
{
    uint32_t  hand;

    hand = INGEST_HAND_LIBRARY;

    /* acquire: pairs with both releases of the thread */

    if (atomic_compare_exchange_strong_explicit(&sender->hand, &hand,
            INGEST_HAND_LOOP, memory_order_acquire, memory_order_acquire))
    {
        ingest_producer_drain(sender->producer);
        ingest_producer_settle(sender->producer);

    } else if (hand != INGEST_HAND_LOOP) {
        return hand == INGEST_HAND_THREAD ? INGEST_AGAIN : INGEST_OK;
    }

    return ingest_producer_inherit(sender->producer);
}


void
ingest_sender_destroy(ingest_sender_t *sender)
{
    int  err;

    err = errno;

    if (sender->producer != NULL) {
        ingest_producer_destroy(sender->producer);
    }

    if (sender->fd != -1) {
        close(sender->fd);
    }

    free(sender);

    errno = err;
}


/* Signals are the event loop's: librdkafka's threads inherit the mask too. */

static ingest_rc_e
ingest_sender_start(ingest_sender_t *sender)
{
    int       err;
    sigset_t  all, old;

    sigfillset(&all);

    err = pthread_sigmask(SIG_SETMASK, &all, &old);

    if (err == 0) {
        err = pthread_create(&sender->thread, NULL, ingest_sender_run, sender);
        (void) pthread_sigmask(SIG_SETMASK, &old, NULL);
    }

    if (err != 0) {
        errno = err;
        return INGEST_ERROR;
    }

    return INGEST_OK;
}


static void *
ingest_sender_run(void *data)
{
    bool              busy;
    uint64_t          drain_ms;
    ingest_sender_t  *sender;

    sender = data;

    (void) pthread_setname_np(pthread_self(), "ingest");

    for ( ;; ) {
        drain_ms = ingest_sender_deadline(sender);

        if (drain_ms != 0) {
            ingest_producer_drain(sender->producer);
        }

        busy = ingest_producer_turn(sender->producer);

        if (drain_ms != 0 && ingest_sender_is_over(sender, drain_ms)) {
            break;
        }

        if (busy) {
            ingest_sender_nap();
            continue;
        }

        if (drain_ms == 0
            || !ingest_producer_flush(sender->producer, INGEST_DRAIN_MS))
        {
            ingest_sender_sleep(sender);
        }
    }

    ingest_producer_settle(sender->producer);

    /* pairs with the acquire in ingest_sender_settle() */

    atomic_store_explicit(&sender->hand, INGEST_HAND_SETTLED,
                          memory_order_release);

    ingest_producer_destroy(sender->producer);

    return NULL;
}


static bool
ingest_sender_is_over(ingest_sender_t *sender, uint64_t drain_ms)
{
    uint64_t  now_ms;

    now_ms = ingest_clock_ms(CLOCK_MONOTONIC);

    return ingest_producer_is_over(sender->producer,
                                   now_ms < drain_ms ? 0
                                                     : now_ms - drain_ms + 1);
}


static uint64_t
ingest_sender_deadline(ingest_sender_t *sender)
{
    /* acquire: what was committed before the call is seen behind it */

    return atomic_load_explicit(&sender->drain_ms, memory_order_acquire);
}


static void
ingest_sender_nap(void)
{
    struct timespec  ts;

    ts.tv_sec = 0;
    ts.tv_nsec = INGEST_NAP_MS * 1000000;

    (void) nanosleep(&ts, NULL);
}


static void
ingest_sender_sleep(ingest_sender_t *sender)
{
    ssize_t        n;
    uint64_t       value;
    unsigned       max_ms, timeout_ms;
    struct pollfd  pfd;

    atomic_store_explicit(&sender->asleep, 1, memory_order_relaxed);

    /* pairs with the fence in ingest_sender_wake() */

    atomic_thread_fence(memory_order_seq_cst);

    max_ms = ingest_sender_deadline(sender) != 0 ? INGEST_DRAIN_MS
                                                 : INGEST_SLEEP_MS;

    timeout_ms = ingest_producer_idle_ms(sender->producer, max_ms);

    if (!ingest_producer_has_work(sender->producer)) {
        pfd.fd = sender->fd;
        pfd.events = POLLIN;

        (void) poll(&pfd, 1, (int) timeout_ms);
    }

    atomic_store_explicit(&sender->asleep, 0, memory_order_relaxed);

    n = read(sender->fd, &value, sizeof(value));
    (void) n;
}
