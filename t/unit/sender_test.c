
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/* A sender that reaches nobody: it waits, and ends when it is told to. */


#define _GNU_SOURCE

#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../src/kafka/ingest_clock.h"
#include "sender_fixture.h"


START_TEST(with_nothing_queued_a_drain_ends_at_once)
{
    start(NOBODY);
    ck_assert_uint_lt(stop(DEADLINE_MS), DEADLINE_MS / 2);
}
END_TEST


START_TEST(a_drain_ends_at_its_deadline_and_leaves_the_rest_to_others)
{
    uint64_t  i, ms;

    with_heir();
    start(NOBODY);

    for (i = 0; i < 10; i++) {
        commit(i);
    }

    ms = stop(300);
    ck_assert_uint_ge(ms, 300);
    ck_assert_uint_lt(ms, DEADLINE_MS / 2);

    ck_assert_uint_eq(slot->events_out, 0);
    ck_assert_uint_eq(worker_drain(&worker, 0), 10);
}
END_TEST


/* No broker is there, others will adopt it, and they need the room. */

START_TEST(in_a_full_ring_the_rest_of_a_drain_is_left_to_others_at_once)
{
    uint64_t  i;

    with_heir();
    start(NOBODY);

    for (i = 0; i < NSEGMENTS - 1; i++) {
        commit(i);
        ingest_writer_seal(worker.writer);
    }

    reaches(&slot->brokers_known, 1);

    ck_assert_uint_lt(stop(DEADLINE_MS), DEADLINE_MS / 2);
    ck_assert_uint_eq(slot->events_out, 0);
}
END_TEST


START_TEST(without_others_the_rest_of_a_drain_is_counted_as_lost)
{
    uint64_t  i;

    start(NOBODY);

    for (i = 0; i < 10; i++) {
        commit(i);
    }

    (void) stop(50);

    ck_assert_uint_eq(slot->delivery.dropped[INGEST_DROP_SHUTDOWN], 10);
    ck_assert_uint_eq(slot->events_out, 10);
    ck_assert_uint_eq(worker_drain(&worker, 0), 0);
}
END_TEST


/* Nobody asks for room, so nothing but its own back-off wakes it. */

START_TEST(a_full_ring_is_tidied_up_in_silence)
{
    uint64_t  i, end_ms;

    start(NOBODY);

    for (i = 0; i < NSEGMENTS; i++) {
        commit(i);
        ingest_writer_seal(worker.writer);
    }

    end_ms = now() + DEADLINE_MS;

    while (ring_nfree(ring) < NSEGMENTS / 2 && now() < end_ms) {
        (void) poll(NULL, 0, POLL_MS);
    }

    ck_assert_uint_ge(ring_nfree(ring), NSEGMENTS / 2);
    (void) stop(0);
}
END_TEST


START_TEST(a_sender_that_goes_on_is_not_joined)
{
    start(NOBODY);
    ck_assert_int_eq(ingest_sender_join(sender, 50), INGEST_AGAIN);
    (void) stop(0);
}
END_TEST


START_TEST(a_sender_that_waits_takes_no_time_of_the_cpu)
{
    uint64_t  cpu_ms, seen_ms, start_ms;

    start(NOBODY);
    commit(0);
    reaches(&slot->oldest_ms, 1000);

    start_ms = now();
    seen_ms = ingest_counter_get(&slot->seen_ms);
    cpu_ms = ingest_clock_ms(CLOCK_PROCESS_CPUTIME_ID);

    reaches(&slot->seen_ms, seen_ms + 600);

    cpu_ms = ingest_clock_ms(CLOCK_PROCESS_CPUTIME_ID) - cpu_ms;
    ck_assert_msg(cpu_ms < (now() - start_ms) / 3, "%llu of %llu ms",
                  (unsigned long long) cpu_ms,
                  (unsigned long long) (now() - start_ms));

    (void) stop(0);
}
END_TEST


START_TEST(an_event_that_times_out_is_sent_again_and_stays_queued)
{
    set("message.timeout.ms", "50");
    with_heir();
    start(NOBODY);
    commit(0);

    reaches_error(RD_KAFKA_RESP_ERR__MSG_TIMED_OUT, 2);
    (void) stop(0);

    ck_assert_uint_eq(slot->events_out, 0);
    ck_assert_uint_eq(ingest_ring_events(ring), 1);
    ck_assert_uint_eq(worker_drain(&worker, 0), 1);
}
END_TEST


START_TEST(all_signals_are_blocked_in_the_threads_of_a_sender)
{
    DIR            *dir;
    FILE           *file;
    char            path[300], line[256];
    unsigned        n;
    uint64_t        blocked, wanted;
    struct dirent  *entry;

    start(NOBODY);
    commit(0);
    reaches(&slot->oldest_ms, 1000);

    wanted = 1ull << (SIGTERM - 1) | 1ull << (SIGCHLD - 1)
             | 1ull << (SIGHUP - 1) | 1ull << (SIGIO - 1);
    n = 0;

    dir = opendir("/proc/self/task");
    ck_assert_ptr_nonnull(dir);

    while ((entry = readdir(dir)) != NULL) {

        if (entry->d_name[0] == '.' || atoi(entry->d_name) == getpid()) {
            continue;
        }

        snprintf(path, sizeof(path), "/proc/self/task/%s/status",
                 entry->d_name);

        file = fopen(path, "r");
        if (file == NULL) {
            continue;  /* it has ended meanwhile */
        }

        blocked = 0;

        while (fgets(line, sizeof(line), file) != NULL) {
            if (strncmp(line, "SigBlk:", 7) == 0) {
                blocked = strtoull(line + 7, NULL, 16);
            }
        }

        fclose(file);

        ck_assert_msg((blocked & wanted) == wanted, "thread %s: %llx",
                      entry->d_name, (unsigned long long) blocked);
        n++;
    }

    closedir(dir);
    ck_assert_uint_ge(n, 2);

    (void) stop(0);
}
END_TEST


START_TEST(what_librdkafka_says_reaches_the_journal)
{
    struct pollfd         pfd = { .fd = fd, .events = POLLIN };
    const ingest_line_t  *line;

    start(NOBODY);
    commit(0);

    ck_assert_int_eq(poll(&pfd, 1, DEADLINE_MS), 1);

    line = ingest_journal_peek(ingest_sender_journal(sender));
    ck_assert_ptr_nonnull(line);
    ck_assert_int_eq(line->level, INGEST_LOG_WARN);
    ck_assert_msg(strncmp(line->text, "librdkafka: ", 12) == 0, "%s",
                  line->text);

    (void) stop(0);
}
END_TEST


START_TEST(a_broker_out_of_reach_is_known_and_down)
{
    start(NOBODY);
    reaches(&slot->brokers_known, 1);
    (void) stop(0);

    ck_assert_str_eq(ring->brokers[0].name, NOBODY);
    ck_assert_uint_eq(slot->brokers_up, 0);
}
END_TEST


int
main(void)
{
    const TTest  *tests[] = {
        with_nothing_queued_a_drain_ends_at_once,
        a_drain_ends_at_its_deadline_and_leaves_the_rest_to_others,
        in_a_full_ring_the_rest_of_a_drain_is_left_to_others_at_once,
        without_others_the_rest_of_a_drain_is_counted_as_lost,
        a_full_ring_is_tidied_up_in_silence,
        a_sender_that_goes_on_is_not_joined,
        a_sender_that_waits_takes_no_time_of_the_cpu,
        an_event_that_times_out_is_sent_again_and_stays_queued,
        all_signals_are_blocked_in_the_threads_of_a_sender,
        what_librdkafka_says_reaches_the_journal,
        a_broker_out_of_reach_is_known_and_down,
        NULL
    };

    return unit_run_each("sender", tests, sender_setup, sender_teardown);
}
