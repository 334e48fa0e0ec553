
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/* A handle made in a child: what it says, and how the child ends. */


#define _GNU_SOURCE

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../src/kafka/ingest_clock.h"
#include "../../src/kafka/ingest_probe.h"
#include "unit.h"


#define TIMEOUT_MS  20000       /* never reached by a probe that ends */
#define SHORT_MS    100
#define TICK_US     20000


static ingest_options_t  *options;
static char               error[INGEST_OPTIONS_ERROR];
static sigset_t           child;


/* SIGCHLD stays pending: it says how the child ended, whoever reaped it. */

static void
setup(void)
{
    struct sigaction  action = { .sa_flags = SA_NOCLDSTOP };

    ck_assert_int_eq(sigaction(SIGCHLD, &action, NULL), 0);

    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    ck_assert_int_eq(sigprocmask(SIG_BLOCK, &child, NULL), 0);

    options = ingest_options_create();
    ck_assert_int_eq(ingest_options_brokers(options, "127.0.0.1:1", error),
                     INGEST_OK);

    memset(error, 'x', sizeof(error));
}


static void
teardown(void)
{
    ingest_options_destroy(options);
}


static void
set(const char *name, const char *value)
{
    ck_assert_msg(ingest_options_set(options, name, value, error)
                  == INGEST_OK, "%s", error);
}


/* The probe fails, and says this in one line. */

static void
fails(unsigned timeout_ms, const char *text)
{
    ck_assert_int_eq(ingest_probe(options, NULL, timeout_ms, error),
                     INGEST_ERROR);
    ck_assert_msg(strstr(error, text) != NULL, "%s", error);
    ck_assert_msg(strpbrk(error, "\r\n") == NULL, "%s", error);
}


/* There is no child left, and the one there was ended in this way. */

static void
ended(int code, int status)
{
    siginfo_t        info;
    struct timespec  now = { 0, 0 };

    ck_assert_int_eq(waitpid(-1, NULL, 0), -1);
    ck_assert_int_eq(errno, ECHILD);

    ck_assert_int_eq(sigtimedwait(&child, &info, &now), SIGCHLD);
    ck_assert_int_eq(info.si_code, code);
    ck_assert_int_eq(info.si_status, status);
}


static void
stop(void)
{
    raise(SIGSTOP);
}


static void
die(void)
{
    _exit(3);
}


static void
tick(int signo)
{
    (void) signo;
}


START_TEST(good_options_pass_and_the_child_ends_by_itself)
{
    ck_assert_int_eq(ingest_probe(options, NULL, TIMEOUT_MS, error),
                     INGEST_OK);
    ck_assert_str_eq(error, "");
    ended(CLD_EXITED, 0);
}
END_TEST


START_TEST(properties_that_exclude_each_other_fail)
{
    set("enable.idempotence", "true");
    set("acks", "1");
    fails(TIMEOUT_MS, "acks");
    ended(CLD_EXITED, 0);
}
END_TEST


START_TEST(a_missing_ca_file_fails_with_its_property)
{
    set("security.protocol", "ssl");
    set("ssl.ca.location", "/nonexistent/ca.pem");
    fails(TIMEOUT_MS, "ssl.ca.location");
    ended(CLD_EXITED, 0);
}
END_TEST


START_TEST(a_probe_leaves_the_options_as_they_were)
{
    ck_assert_int_eq(ingest_probe(options, NULL, TIMEOUT_MS, error),
                     INGEST_OK);
    ck_assert_int_eq(ingest_probe(options, NULL, TIMEOUT_MS, error),
                     INGEST_OK);
}
END_TEST


START_TEST(a_child_that_hangs_is_killed_at_the_deadline)
{
    uint64_t  start_ms;

    ck_assert_int_eq(pthread_atfork(NULL, NULL, stop), 0);

    start_ms = ingest_clock_ms(CLOCK_MONOTONIC);
    fails(SHORT_MS, "within 100 ms");
    ck_assert_uint_ge(ingest_clock_ms(CLOCK_MONOTONIC) - start_ms, SHORT_MS);

    ended(CLD_KILLED, SIGKILL);
}
END_TEST


START_TEST(signals_do_not_put_the_deadline_off)
{
    struct sigaction  action = { .sa_handler = tick };
    struct itimerval  timer = { { 0, TICK_US }, { 0, TICK_US } };

    ck_assert_int_eq(pthread_atfork(NULL, NULL, stop), 0);
    ck_assert_int_eq(sigaction(SIGALRM, &action, NULL), 0);
    ck_assert_int_eq(setitimer(ITIMER_REAL, &timer, NULL), 0);

    fails(SHORT_MS, "within 100 ms");
    ended(CLD_KILLED, SIGKILL);
}
END_TEST


START_TEST(a_child_that_dies_without_a_word_is_a_failure_at_once)
{
    ck_assert_int_eq(pthread_atfork(NULL, NULL, die), 0);

    fails(TIMEOUT_MS, "failed while making a handle");
    ended(CLD_EXITED, 3);
}
END_TEST


START_TEST(no_descriptor_is_left_open)
{
    int  before, after;

    before = dup(0);
    close(before);

    ck_assert_int_eq(ingest_probe(options, NULL, TIMEOUT_MS, error),
                     INGEST_OK);

    after = dup(0);
    ck_assert_int_eq(after, before);
}
END_TEST


int
main(void)
{
    const TTest  *tests[] = {
        good_options_pass_and_the_child_ends_by_itself,
        properties_that_exclude_each_other_fail,
        a_missing_ca_file_fails_with_its_property,
        a_probe_leaves_the_options_as_they_were,
        a_child_that_hangs_is_killed_at_the_deadline,
        signals_do_not_put_the_deadline_off,
        a_child_that_dies_without_a_word_is_a_failure_at_once,
        no_descriptor_is_left_open,
        NULL
    };

    return unit_run_each("probe", tests, setup, teardown);
}
