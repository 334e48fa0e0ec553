
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * What is logged of events, brokers and slots, by those who log it and with
 * the worst of names: each line is JSON, and those that come in numbers are
 * few.
 */


#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "../../src/kafka/ingest_adopter.h"
#include "../../src/kafka/ingest_handles.h"
#include "../../src/kafka/ingest_library.h"
#include "../../src/kafka/ingest_watch.h"
#include "line_fixture.h"
#include "outcome_fixture.h"


#define SECONDS     5
#define EVENTS      10000   /* a second */
#define EVER        UINT64_MAX
#define REFUSED     RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED
#define TIMED_OUT   RD_KAFKA_RESP_ERR__MSG_TIMED_OUT


static ingest_journal_t  journal;


static void
setup(void)
{
    ingest_str_t  dead_letter_topic = ingest_string(HOSTILE);

    outcome_setup();

    ingest_journal_init(&journal, -1);

    outcome.journal = &journal;
    outcome.dead_letter_topic = dead_letter_topic;
}


static void
teardown(void)
{
    ck_assert_ptr_null(ingest_journal_peek(&journal));

    outcome_teardown();
}


/* An event with that key for an id is the next to be sent, and is sent. */

static ingest_record_t *
send_event(const char *id, ingest_ref_t *ref)
{
    size_t            size;
    ingest_draft_t    draft;
    ingest_record_t  *record;

    draft = record_draft(0, VALUE);
    draft.key.data = (const uint8_t *) id;
    draft.key.len = strlen(id);

    size = ingest_record_size(&draft);

    ck_assert_int_eq(ingest_writer_reserve(worker.writer, &size, 1),
                     INGEST_OK);
    memset(ingest_writer_append(worker.writer, &draft), 0, VALUE);
    ingest_writer_commit(worker.writer);

    record = worker_send(&worker, EVER, ref);
    ck_assert_ptr_nonnull(record);

    return record;
}


/* The next line is of this kind; the caller deletes it. */

static cJSON *
says(const char *msg)
{
    cJSON                *object;
    const ingest_line_t  *line;

    line = ingest_journal_peek(&journal);
    ck_assert_ptr_nonnull(line);
    ck_assert_str_eq(line->msg, msg);
    ck_assert_ptr_null(strchr(line->text, '\n'));

    object = line_object(line);

    ingest_journal_release(&journal);

    return object;
}


START_TEST(an_event_that_is_sent_again)
{
    cJSON            *object;
    ingest_ref_t      ref;
    ingest_record_t  *record;

    record = send_event(HOSTILE, &ref);
    ingest_outcome_failed(&outcome, record, ref, TIMED_OUT);

    object = says("delivery failed");
    ck_assert_str_eq(line_text(object, "level"), "warn");
    ck_assert_str_eq(line_text(object, "id"), HOSTILE);
    ck_assert_str_eq(line_text(object, "code"), "_MSG_TIMED_OUT");
    ck_assert(line_number(object, "attempts") == 1);
    cJSON_Delete(object);
}
END_TEST


START_TEST(a_dead_letter_that_is_refused_too)
{
    cJSON            *object;
    ingest_ref_t      ref;
    ingest_record_t  *record;

    record = send_event(HOSTILE, &ref);
    ingest_outcome_failed(&outcome, record, ref, REFUSED);

    object = says("dead letter");
    ck_assert_str_eq(line_text(object, "id"), HOSTILE);
    ck_assert_str_eq(line_text(object, "topic"), HOSTILE);
    ck_assert_str_eq(line_text(object, "code"), "TOPIC_AUTHORIZATION_FAILED");
    cJSON_Delete(object);

    record = worker_send(&worker, EVER, &ref);
    ck_assert_ptr_nonnull(record);
    ingest_outcome_failed(&outcome, record, ref, REFUSED);

    object = says("event lost");
    ck_assert_str_eq(line_text(object, "level"), "error");
    ck_assert_str_eq(line_text(object, "id"), HOSTILE);
    ck_assert_str_eq(line_text(object, "reason"), "dead_letter_refused");
    cJSON_Delete(object);
}
END_TEST


START_TEST(an_event_that_kills_workers)
{
    cJSON            *object;
    ingest_ref_t      ref;
    ingest_record_t  *record;

    record = send_event(HOSTILE, &ref);
    record->crashes = 6;
    ck_assert(ingest_outcome_is_poison(&outcome, record, ref));

    object = says("poison event");
    ck_assert_str_eq(line_text(object, "level"), "alert");
    ck_assert_str_eq(line_text(object, "id"), HOSTILE);
    ck_assert(line_number(object, "workers") == 5);
    cJSON_Delete(object);

    cJSON_Delete(says("dead letter"));
}
END_TEST


/* Worker 0 of the fixture is gone, and its segment ends with damage. */

START_TEST(a_slot_that_is_adopted_with_corrupt_segments)
{
    cJSON             *object;
    worker_t           heir;
    ingest_adopter_t   adopter;

    put(1, VALUE);
    put(2, VALUE);
    ((ingest_record_t *) ingest_ring_data(ring, 0))->size = 1;

    worker_init(&heir, ring, 1);
    atomic_store(&ring->nslots, 2);

    ring->lock_fd = ingest_slot_file();
    ck_assert_int_ne(ring->lock_fd, -1);

    memset(&adopter, 0, sizeof(ingest_adopter_t));
    adopter.ring = ring;
    adopter.reader = heir.reader;
    adopter.journal = &journal;
    adopter.slot = 1;
    adopter.held.bits[0] = 2;

    ck_assert(ingest_adopter_turn(&adopter, 1000));

    object = says("corrupt segments");
    ck_assert_str_eq(line_text(object, "level"), "alert");
    ck_assert(line_number(object, "slot") == 0);
    ck_assert(line_number(object, "segments") == 1);
    cJSON_Delete(object);

    object = says("slot adopted");
    ck_assert(line_number(object, "events") == 0);
    cJSON_Delete(object);

    close(ring->lock_fd);
    worker_free(&heir);
}
END_TEST


START_TEST(a_broker_with_a_name_of_its_own)
{
    cJSON            *object;
    ingest_watch_t    watch;
    ingest_broker_t   brokers[INGEST_BROKERS];
    ingest_brokers_t  up = { .known = 1, .up = 1 };
    ingest_brokers_t  down = { .known = 1 };

    memset(&watch, 0, sizeof(ingest_watch_t));
    memset(brokers, 0, sizeof(brokers));
    strcpy(brokers[0].name, HOSTILE);

    watch.brokers = brokers;
    watch.journal = &journal;

    ingest_watch_look(&watch, &up);
    object = says("broker up");
    ck_assert_str_eq(line_text(object, "broker"), HOSTILE);
    cJSON_Delete(object);

    ingest_watch_look(&watch, &down);
    ingest_watch_look(&watch, &down);
    object = says("broker down");
    ck_assert_str_eq(line_text(object, "broker"), HOSTILE);
    cJSON_Delete(object);
}
END_TEST


START_TEST(what_librdkafka_says)
{
    int             level;
    cJSON          *object;
    ingest_fold_t   fold;

    memset(&fold, 0, sizeof(ingest_fold_t));

    for (level = LOG_EMERG; level <= LOG_DEBUG; level++) {
        memset(&fold, 0, sizeof(ingest_fold_t));
        ingest_library_log(&journal, &fold, 5000, level, HOSTILE);

        object = says("librdkafka");
        ck_assert_str_eq(line_text(object, "text"), HOSTILE);
        cJSON_Delete(object);
    }

    /* bytes that are no text */

    memset(&fold, 0, sizeof(ingest_fold_t));
    ingest_library_log(&journal, &fold, 5000, LOG_WARNING, "\xff\xc3\"\n");
    object = says("librdkafka");
    ck_assert_str_eq(line_text(object, "text"),
                     "\xef\xbf\xbd\xef\xbf\xbd\"\n");
    cJSON_Delete(object);
}
END_TEST


START_TEST(a_handle_that_cannot_be_made)
{
    char               error[INGEST_OPTIONS_ERROR];
    cJSON             *object;
    ingest_handles_t   handles;
    ingest_options_t  *options;

    options = ingest_options_create();

    ck_assert_int_eq(ingest_options_brokers(options, "a", error), INGEST_OK);
    ck_assert_int_eq(ingest_options_set(options, "security.protocol", "ssl",
                                        error),
                     INGEST_OK);
    ck_assert_int_eq(ingest_options_set(options, "ssl.ca.location",
                                        "/no/\"}{\\", error),
                     INGEST_OK);

    memset(&handles, 0, sizeof(ingest_handles_t));
    handles.options = options;
    handles.journal = &journal;
    handles.fd = -1;

    ck_assert_ptr_null(ingest_handles_get(&handles, INGEST_MODE_BATCHES,
                                          5000));

    object = says("no handle");
    ck_assert_str_eq(line_text(object, "level"), "warn");
    ck_assert_ptr_nonnull(strstr(line_text(object, "error"),
                                 "ssl.ca.location"));
    cJSON_Delete(object);

    /* once a second */

    ck_assert_ptr_null(ingest_handles_get(&handles, INGEST_MODE_BATCHES,
                                          5999));
    ck_assert_ptr_null(ingest_journal_peek(&journal));

    ingest_options_destroy(options);
}
END_TEST


/* Takes all lines, and adds how many deliveries they stand for. */

static unsigned
count_lines(uint64_t *failures)
{
    cJSON                *object;
    unsigned              n;
    const ingest_line_t  *line;

    for (n = 0; (line = ingest_journal_peek(&journal)) != NULL; n++) {
        ck_assert_uint_eq(line->missing, 0);

        object = line_object(line);
        *failures += 1 + (uint64_t) line_number(object, "folded");
        cJSON_Delete(object);

        ingest_journal_release(&journal);
    }

    return n;
}


/*
 * Each event fails three times: as itself, for good, and as a dead letter.
 * The last second of folded ones has no line that counts them yet.
 */

START_TEST(thousands_of_failing_deliveries_a_second_are_three_lines)
{
    int               step;
    uint64_t          failures, i;
    unsigned          lines;
    ingest_ref_t      ref;
    ingest_record_t  *record;

    static const int  errors[] = { TIMED_OUT, REFUSED, REFUSED };

    failures = 0;
    lines = 0;

    for (i = 0; i <= SECONDS * EVENTS; i++) {
        outcome.now_ms = 5000 + i * 1000 / EVENTS;

        record = send_event("a", &ref);

        for (step = 0; step < 3; step++) {
            ingest_outcome_failed(&outcome, record, ref, errors[step]);

            if (step < 2) {
                record = worker_send(&worker, EVER, &ref);
                ck_assert_ptr_nonnull(record);
            }
        }

        (void) ingest_reader_free(worker.reader);
        lines += count_lines(&failures);
    }

    ck_assert_uint_eq(lines, 3 * (SECONDS + 1));
    ck_assert_uint_eq(failures, 3 * (SECONDS * EVENTS + 1));
}
END_TEST


int
main(void)
{
    const TTest  *tests[] = {
        an_event_that_is_sent_again,
        a_dead_letter_that_is_refused_too,
        an_event_that_kills_workers,
        a_slot_that_is_adopted_with_corrupt_segments,
        a_broker_with_a_name_of_its_own,
        what_librdkafka_says,
        a_handle_that_cannot_be_made,
        thousands_of_failing_deliveries_a_second_are_three_lines,
        NULL
    };

    return unit_run_each("journal_lines", tests, setup, teardown);
}
