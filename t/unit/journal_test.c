
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/* Log lines between two threads, and how they are folded. */


#define _GNU_SOURCE

#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "../../src/kafka/ingest_journal.h"
#include "unit.h"


#define LINES    50000u     /* of the two threads */
#define FOR_ALL  (INGEST_JOURNAL_LINES - INGEST_JOURNAL_RESERVE)


static ingest_journal_t  journal;


static void
setup(void)
{
    ingest_journal_init(&journal, eventfd(0, EFD_NONBLOCK));
}


static void
teardown(void)
{
    close(journal.fd);
}


static void put(ingest_level_e level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));


static void
put(ingest_level_e level, const char *format, ...)
{
    char     text[2 * INGEST_LINE_TEXT];
    va_list  args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);

    ingest_journal_write(&journal, level, "test", "{text}",
                         ingest_fields(ingest_field_word("text", text)));
}


/* the oldest line is this one */

static void
takes(ingest_level_e level, const char *text, unsigned missing)
{
    const ingest_line_t  *line;

    line = ingest_journal_peek(&journal);
    ck_assert_ptr_nonnull(line);
    ck_assert_int_eq(line->level, level);
    ck_assert_str_eq(line->text, text);
    ck_assert_uint_eq(line->missing, missing);

    ingest_journal_release(&journal);
}


START_TEST(lines_come_out_in_order_with_their_levels)
{
    ck_assert_ptr_null(ingest_journal_peek(&journal));

    put(INGEST_LOG_ERROR, "first %d", 1);
    put(INGEST_LOG_NOTICE, "second");
    takes(INGEST_LOG_ERROR, "first 1", 0);

    put(INGEST_LOG_ALERT, "%s %%", "third");
    takes(INGEST_LOG_NOTICE, "second", 0);
    takes(INGEST_LOG_ALERT, "third %", 0);

    ck_assert_ptr_null(ingest_journal_peek(&journal));
}
END_TEST


START_TEST(a_line_stays_the_oldest_until_it_is_released)
{
    put(INGEST_LOG_WARN, "a");
    put(INGEST_LOG_WARN, "b");

    ck_assert_ptr_eq(ingest_journal_peek(&journal),
                     ingest_journal_peek(&journal));
    takes(INGEST_LOG_WARN, "a", 0);
    takes(INGEST_LOG_WARN, "b", 0);
}
END_TEST


START_TEST(a_line_wakes_the_event_loop)
{
    struct pollfd  pfd = { .fd = journal.fd, .events = POLLIN };

    ck_assert_int_eq(poll(&pfd, 1, 0), 0);
    put(INGEST_LOG_WARN, "a");
    ck_assert_int_eq(poll(&pfd, 1, 0), 1);
}
END_TEST


START_TEST(a_full_journal_counts_and_the_next_line_says_how_many)
{
    char      text[32];
    unsigned  i;

    for (i = 0; i < INGEST_JOURNAL_LINES + 3; i++) {
        put(INGEST_LOG_ERROR, "line %u", i);
    }

    takes(INGEST_LOG_ERROR, "line 0", 0);
    put(INGEST_LOG_ERROR, "late");
    put(INGEST_LOG_ERROR, "too late");

    for (i = 1; i < INGEST_JOURNAL_LINES; i++) {
        snprintf(text, sizeof(text), "line %u", i);
        takes(INGEST_LOG_ERROR, text, 0);
    }

    takes(INGEST_LOG_ERROR, "late", 3);
    ck_assert_ptr_null(ingest_journal_peek(&journal));

    put(INGEST_LOG_ERROR, "after");
    put(INGEST_LOG_ERROR, "last");
    takes(INGEST_LOG_ERROR, "after", 1);
    takes(INGEST_LOG_ERROR, "last", 0);
}
END_TEST


START_TEST(errors_have_room_when_other_lines_have_none)
{
    unsigned  i;

    for (i = 0; i < FOR_ALL + 2; i++) {
        put(INGEST_LOG_WARN, "warning");
    }

    put(INGEST_LOG_ERROR, "error");
    put(INGEST_LOG_WARN, "warning");
    put(INGEST_LOG_ALERT, "alert");

    for (i = 0; i < FOR_ALL; i++) {
        takes(INGEST_LOG_WARN, "warning", 0);
    }

    takes(INGEST_LOG_ERROR, "error", 2);
    takes(INGEST_LOG_ALERT, "alert", 1);
    ck_assert_ptr_null(ingest_journal_peek(&journal));
}
END_TEST


START_TEST(a_line_has_its_fields)
{
    const ingest_line_t  *line;

    ingest_journal_write(&journal, INGEST_LOG_NOTICE, "slot adopted",
                         "adopted slot {slot}",
                         ingest_fields(ingest_field_number("slot", 7)));

    line = ingest_journal_peek(&journal);
    ck_assert_str_eq(line->msg, "slot adopted");
    ck_assert_str_eq(line->text, "adopted slot 7");
    ck_assert_uint_eq(line->nfields, 1);
    ck_assert_str_eq(line->fields[0].name, "slot");
    ck_assert_uint_eq(line->fields[0].number, 7);
}
END_TEST


START_TEST(a_long_line_is_cut_at_its_room)
{
    char  text[2 * INGEST_LINE_TEXT];

    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';

    put(INGEST_LOG_WARN, "%s", text);
    text[INGEST_LINE_TEXT - 1] = '\0';
    takes(INGEST_LOG_WARN, text, 0);
}
END_TEST


START_TEST(a_journal_goes_on_when_its_numbers_wrap)
{
    unsigned  i;

    atomic_store(&journal.head, UINT32_MAX - 5);
    atomic_store(&journal.tail, UINT32_MAX - 5);

    for (i = 0; i < INGEST_JOURNAL_LINES + 1; i++) {
        put(INGEST_LOG_ERROR, "line");
    }

    for (i = 0; i < INGEST_JOURNAL_LINES; i++) {
        takes(INGEST_LOG_ERROR, "line", 0);
    }

    ck_assert_ptr_null(ingest_journal_peek(&journal));
}
END_TEST


static void *
write_lines(void *data)
{
    unsigned  i;

    (void) data;

    for (i = 0; i < LINES; i++) {
        put(INGEST_LOG_WARN, "line %u", i);
    }

    return NULL;
}


START_TEST(two_threads_lose_no_line_that_is_not_counted)
{
    int                   running;
    char                  text[32];
    unsigned              next, taken;
    pthread_t             thread;
    const ingest_line_t  *line;

    ck_assert_int_eq(pthread_create(&thread, NULL, write_lines, NULL), 0);

    next = 0;
    taken = 0;
    running = 1;

    for ( ;; ) {
        line = ingest_journal_peek(&journal);

        if (line == NULL) {

            /* once more when it has ended: it may have written meanwhile */

            if (!running) {
                break;
            }

            running = pthread_tryjoin_np(thread, NULL) != 0;
            continue;
        }

        next += line->missing;
        snprintf(text, sizeof(text), "line %u", next++);

        if (strcmp(line->text, text) != 0) {
            ck_abort_msg("\"%s\" instead of \"%s\"", line->text, text);
        }

        taken++;
        ingest_journal_release(&journal);
    }

    ck_assert_uint_eq(next + journal.missing, LINES);
    ck_assert_uint_ge(taken, FOR_ALL);
}
END_TEST


START_TEST(a_fold_lets_one_a_second_pass_with_the_count_of_the_others)
{
    uint64_t       folded;
    ingest_fold_t  fold;

    memset(&fold, 0, sizeof(ingest_fold_t));

    ck_assert(ingest_fold_pass(&fold, 5000, &folded));
    ck_assert_uint_eq(folded, 0);
    ck_assert(!ingest_fold_pass(&fold, 5000, &folded));
    ck_assert(!ingest_fold_pass(&fold, 5001, &folded));
    ck_assert(!ingest_fold_pass(&fold, 5999, &folded));

    ck_assert(ingest_fold_pass(&fold, 6000, &folded));
    ck_assert_uint_eq(folded, 3);
    ck_assert(!ingest_fold_pass(&fold, 6999, &folded));

    /* counted from the one that passed, and anew */

    ck_assert(ingest_fold_pass(&fold, 9500, &folded));
    ck_assert_uint_eq(folded, 1);
    ck_assert(!ingest_fold_pass(&fold, 10499, &folded));
    ck_assert(ingest_fold_pass(&fold, 10500, &folded));
    ck_assert(ingest_fold_pass(&fold, 99999, &folded));
    ck_assert_uint_eq(folded, 0);
}
END_TEST


START_TEST(folds_are_one_for_each_key)
{
    int             key;
    uint64_t        folded;
    ingest_folds_t  folds;

    memset(&folds, 0, sizeof(ingest_folds_t));

    for (key = 0; key < INGEST_FOLDS; key++) {
        ck_assert(ingest_folds_pass(&folds, -key, 5000, &folded));
        ck_assert(!ingest_folds_pass(&folds, -key, 5000, &folded));
    }

    /* the last entry is shared by those that came too late */

    ck_assert(!ingest_folds_pass(&folds, 1, 5000, &folded));
    ck_assert(!ingest_folds_pass(&folds, 2, 5000, &folded));

    ck_assert(ingest_folds_pass(&folds, 0, 6000, &folded));
    ck_assert_uint_eq(folded, 1);
    ck_assert(ingest_folds_pass(&folds, 2, 6000, &folded));
    ck_assert_uint_eq(folded, 3);
    ck_assert(!ingest_folds_pass(&folds, 1, 6000, &folded));
}
END_TEST


int
main(void)
{
    const TTest  *tests[] = {
        lines_come_out_in_order_with_their_levels,
        a_line_stays_the_oldest_until_it_is_released,
        a_line_wakes_the_event_loop,
        a_full_journal_counts_and_the_next_line_says_how_many,
        errors_have_room_when_other_lines_have_none,
        a_line_has_its_fields,
        a_long_line_is_cut_at_its_room,
        a_journal_goes_on_when_its_numbers_wrap,
        two_threads_lose_no_line_that_is_not_counted,
        a_fold_lets_one_a_second_pass_with_the_count_of_the_others,
        folds_are_one_for_each_key,
        NULL
    };

    return unit_run_each("journal", tests, setup, teardown);
}
