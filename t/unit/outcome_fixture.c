
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#include <string.h>

#include "outcome_fixture.h"


ingest_outcome_t  outcome;

static ingest_journal_t  journal;


static void counted_in(size_t size);


void
outcome_setup(void)
{
    ingest_str_t  dead_letter_topic = ingest_string("d");

    worker_setup();

    ingest_journal_init(&journal, -1);

    memset(&outcome, 0, sizeof(ingest_outcome_t));
    outcome.reader = worker.reader;
    outcome.slot = slot;
    outcome.journal = &journal;
    outcome.dead_letter_topic = dead_letter_topic;
    outcome.backoff_ms = 100;
    outcome.connected = true;
}


void
outcome_teardown(void)
{
    ingest_outcome_destroy(&outcome);
    worker_teardown();
}


void
accept_event(uint64_t number)
{
    ingest_draft_t  draft;

    put(number, VALUE);

    draft = record_draft(number, VALUE);
    counted_in(ingest_record_size(&draft));
}


void
accept_event_of(const char *topic)
{
    size_t          size;
    ingest_draft_t  draft;

    draft = record_draft(0, VALUE);
    draft.topic.data = (const uint8_t *) topic;
    draft.topic.len = strlen(topic);

    size = ingest_record_size(&draft);

    ck_assert_int_eq(ingest_writer_reserve(worker.writer, &size, 1),
                     INGEST_OK);
    memset(ingest_writer_append(worker.writer, &draft), 0, VALUE);
    ingest_writer_commit(worker.writer);

    counted_in(size);
}


ingest_record_t *
fails(uint64_t number, int error, uint64_t now_ms)
{
    ingest_ref_t      ref;
    ingest_record_t  *record;

    ref = send_number(number, now_ms);
    record = ingest_reader_find(worker.reader, ref);

    outcome.now_ms = now_ms;
    ingest_outcome_failed(&outcome, record, ref, error);

    return record;
}


ingest_record_t *
delivers(uint64_t number, uint64_t now_ms)
{
    ingest_ref_t      ref;
    ingest_record_t  *record;

    ref = send_number(number, now_ms);
    record = ingest_reader_find(worker.reader, ref);

    outcome.now_ms = now_ms;
    ingest_outcome_delivered(&outcome, record, ref);

    ck_assert_uint_eq(record->state, INGEST_RECORD_DONE);

    return record;
}


ingest_record_t *
takes_next(uint64_t now_ms, ingest_ref_t *ref)
{
    outcome.now_ms = now_ms;

    return worker_send(&worker, now_ms, ref);
}


void
goes_to(ingest_record_t *record, const char *topic)
{
    ingest_str_t  name;

    name = ingest_outcome_topic(&outcome, record);

    ck_assert_uint_eq(name.len, strlen(topic));
    ck_assert_mem_eq(name.data, topic, name.len);
}


void
ended(ends_t ends)
{
    uint64_t            out;
    ingest_delivery_t  *delivery;

    delivery = &slot->delivery;
    out = ends.published + ends.dead_lettered + ends.refused
          + ends.dead_letter_refused;

    ck_assert_uint_eq(delivery->published, ends.published);
    ck_assert_uint_eq(delivery->dead_lettered, ends.dead_lettered);
    ck_assert_uint_eq(delivery->dropped[INGEST_DROP_REFUSED], ends.refused);
    ck_assert_uint_eq(delivery->dropped[INGEST_DROP_DEAD_LETTER],
                      ends.dead_letter_refused);
    ck_assert_uint_eq(slot->events_out, out);
    ck_assert_uint_eq(slot->events_in - out, ingest_ring_events(ring));

    ingest_reader_take(worker.reader);
    ck_assert_int_eq(ingest_reader_empty(worker.reader),
                     slot->events_in == out);
}


void
logs(ingest_level_e level, const char *text)
{
    const ingest_line_t  *line;

    line = ingest_journal_peek(&journal);
    ck_assert_ptr_nonnull(line);
    ck_assert_str_eq(line->text, text);
    ck_assert_int_eq(line->level, level);
    ingest_journal_release(&journal);
}


void
logs_nothing(void)
{
    const ingest_line_t  *line;

    line = ingest_journal_peek(&journal);
    ck_assert_msg(line == NULL, "%s", line != NULL ? line->text : "");
}


static void
counted_in(size_t size)
{
    ingest_counter_add(&slot->events_in, 1);
    ingest_counter_add(&slot->bytes_in, size);
}
