
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#include "../core/ingest_fault.h"
#include "ingest_error.h"
#include "ingest_outcome.h"


#define INGEST_BACKOFF_MAX_MS    5000   /* unless the first one is longer */
#define INGEST_BACKOFF_DOUBLINGS 13     /* from 1 ms to the longest */
#define INGEST_BACKOFF_HURRY_MS  100    /* the longest in a hurry */
#define INGEST_UNKNOWN_MS        60000  /* a topic may be on its way so long */
#define INGEST_UNKNOWN_PAUSE     3      /* of the longest back-offs */
#define INGEST_ASIDE_MS          200    /* time to park it */
#define INGEST_CRASHES           5      /* that make a record poison */


static ingest_verdict_e ingest_outcome_judge(ingest_outcome_t *outcome,
    ingest_record_t *record, int error);
static bool ingest_outcome_is_enough(ingest_outcome_t *outcome,
    ingest_record_t *record, int error);
static bool ingest_outcome_unknown(ingest_outcome_t *outcome,
    const ingest_str_t *topic);
static void ingest_outcome_refused(ingest_outcome_t *outcome,
    ingest_record_t *record, ingest_ref_t ref, int error);
static void ingest_outcome_drop(ingest_outcome_t *outcome,
    ingest_record_t *record, ingest_ref_t ref, ingest_drop_e drop, int error);
static void ingest_outcome_say_lost(ingest_outcome_t *outcome, uint64_t n,
    ingest_drop_e drop);
static void ingest_outcome_out(ingest_outcome_t *outcome,
    ingest_record_t *record, ingest_ref_t ref);
static void ingest_outcome_later(ingest_outcome_t *outcome,
    ingest_record_t *record, ingest_ref_t ref, int error);
static uint64_t ingest_outcome_backoff(ingest_outcome_t *outcome,
    ingest_record_t *record);
static uint64_t ingest_outcome_backoff_max(ingest_outcome_t *outcome);


void
ingest_outcome_destroy(ingest_outcome_t *outcome)
{
    ingest_unknowns_destroy(&outcome->unknowns);
}


ingest_str_t
ingest_outcome_topic(ingest_outcome_t *outcome, ingest_record_t *record)
{
    return record->flags & INGEST_RECORD_DEAD ? outcome->dead_letter_topic
                                              : ingest_record_topic(record);
}


void
ingest_outcome_delivered(ingest_outcome_t *outcome, ingest_record_t *record,
    ingest_ref_t ref)
{
    uint64_t      ms;
    ingest_str_t  topic;

    topic = ingest_outcome_topic(outcome, record);

    /* a topic that takes records exists */

    ingest_unknowns_forget(&outcome->unknowns, &topic);

    if (record->flags & INGEST_RECORD_DEAD) {
        ingest_counter_add(&outcome->slot->delivery.dead_lettered, 1);

    } else {
        ms = outcome->now_ms > record->accepted_ms
             ? outcome->now_ms - record->accepted_ms : 0;

        ingest_histogram_add(&outcome->slot->delivery.latency, ms);
        ingest_counter_add(&outcome->slot->delivery.published, 1);
    }

    ingest_outcome_out(outcome, record, ref);
}


void
ingest_outcome_failed(ingest_outcome_t *outcome, ingest_record_t *record,
    ingest_ref_t ref, int error)
{
    ingest_verdict_e  verdict;

    verdict = ingest_outcome_judge(outcome, record, error);

    if (verdict == INGEST_VERDICT_ASIDE) {
        ingest_reader_retry(outcome->reader, ref,
                            outcome->now_ms + (outcome->hurry
                                               ? INGEST_BACKOFF_HURRY_MS
                                               : INGEST_ASIDE_MS));
        return;
    }

    ingest_tally_add(outcome->slot->delivery.errors, INGEST_ERRORS, error);

    if (record->attempts < UINT16_MAX) {
        record->attempts++;
    }

    switch (verdict) {

    case INGEST_VERDICT_REFUSED:
        ingest_outcome_refused(outcome, record, ref, error);
        return;

    case INGEST_VERDICT_ALONE:
        ingest_reader_flag(outcome->reader, ref, INGEST_RECORD_ALONE);
        ingest_reader_retry(outcome->reader, ref, outcome->now_ms);
        return;

    case INGEST_VERDICT_RETIME:
        ingest_reader_flag(outcome->reader, ref, INGEST_RECORD_RETIMED);
        ingest_outcome_later(outcome, record, ref, error);
        return;

    default:
        ingest_outcome_later(outcome, record, ref, error);
    }
}


bool
ingest_outcome_is_poison(ingest_outcome_t *outcome, ingest_record_t *record,
    ingest_ref_t ref)
{
    if (record->crashes < INGEST_CRASHES) {
        return false;
    }

    ingest_journal_write(outcome->journal, INGEST_LOG_ALERT,
                         "poison event",
                         "event \"{id}\": {workers} workers died sending it",
                         ingest_fields(
                             ingest_field_text("id", ingest_record_key(record)),
                             ingest_field_number("workers", INGEST_CRASHES)));

    record->crashes = 0;

    ingest_reader_sent(outcome->reader, ref);
    ingest_outcome_refused(outcome, record, ref, INGEST_ERROR_POISON);

    return true;
}


bool
ingest_outcome_is_stranded(ingest_outcome_t *outcome,
    ingest_record_t *record, ingest_ref_t ref)
{
    if (!(record->flags & INGEST_RECORD_DEAD)
        || outcome->dead_letter_topic.len != 0)
    {
        return false;
    }

    ingest_reader_sent(outcome->reader, ref);
    ingest_outcome_drop(outcome, record, ref, INGEST_DROP_REFUSED,
                        record->error);

    return true;
}


void
ingest_outcome_tell(ingest_outcome_t *outcome, uint64_t now_ms)
{
    uint64_t       n;
    ingest_drop_e  drop;

    for (drop = 0; drop < INGEST_DROPS; drop++) {
        n = ingest_folds_rest(&outcome->lost[drop], now_ms);

        if (n != 0) {
            ingest_outcome_say_lost(outcome, n, drop);
        }
    }
}


void
ingest_outcome_lost(ingest_outcome_t *outcome)
{
    uint64_t          n;
    ingest_ref_t      ref;
    ingest_record_t  *record;

    ref = 0;

    for (n = 0; /* void */ ; n++) {

        record = ingest_reader_last(outcome->reader, &ref);
        if (record == NULL) {
            break;
        }

        ingest_counter_add(
            &outcome->slot->delivery.dropped[INGEST_DROP_SHUTDOWN], 1);

        ingest_outcome_out(outcome, record, ref);
    }

    ingest_outcome_say_lost(outcome, n, INGEST_DROP_SHUTDOWN);
}


/* What the error means for this record, with what is known of it. */

static ingest_verdict_e
ingest_outcome_judge(ingest_outcome_t *outcome, ingest_record_t *record,
    int error)
{
    ingest_str_t      topic;
    ingest_verdict_e  verdict;

    verdict = ingest_error_verdict(error);

    if (verdict == INGEST_VERDICT_UNKNOWN) {
        topic = ingest_outcome_topic(outcome, record);

        return ingest_outcome_unknown(outcome, &topic)
               ? INGEST_VERDICT_REFUSED : INGEST_VERDICT_AGAIN;
    }

    if (verdict == INGEST_VERDICT_AGAIN
        && ingest_outcome_is_enough(outcome, record, error))
    {
        return INGEST_VERDICT_REFUSED;
    }

    /* it was alone already: the batch was this record */

    if (verdict == INGEST_VERDICT_ALONE
        && ingest_record_mode(record) == INGEST_MODE_ALONE)
    {
        return INGEST_VERDICT_REFUSED;
    }

    return verdict;
}


/* A dead letter has nowhere else to go: it is tried for ever. */

static bool
ingest_outcome_is_enough(ingest_outcome_t *outcome, ingest_record_t *record,
    int error)
{
    if (!ingest_error_is_answer(error)
        || (record->flags & INGEST_RECORD_DEAD))
    {
        return false;
    }

    if (record->answers < UINT16_MAX) {
        record->answers++;
    }

    return outcome->max_attempts != 0
           && record->answers >= outcome->max_attempts;
}


/*
 * Whether the topic has been unknown for so long that it will stay so.  What
 * makes the time are answers, which a retry asks for every few seconds: a pause
 * begins it anew, and so does a time without a broker, in which librdkafka goes
 * on saying what it heard last.
 */

static bool
ingest_outcome_unknown(ingest_outcome_t *outcome, const ingest_str_t *topic)
{
    uint64_t  ms;

    if (!outcome->connected) {
        ingest_unknowns_forget(&outcome->unknowns, topic);
        return false;
    }

    ms = ingest_unknowns_hear(&outcome->unknowns, topic, outcome->now_ms,
                              INGEST_UNKNOWN_PAUSE
                              * ingest_outcome_backoff_max(outcome));

    return ms >= INGEST_FAULT_NUMBER("unknown_ms", INGEST_UNKNOWN_MS);
}


static void
ingest_outcome_refused(ingest_outcome_t *outcome, ingest_record_t *record,
    ingest_ref_t ref, int error)
{
    uint64_t  folded;

    if (record->flags & INGEST_RECORD_DEAD) {
        ingest_outcome_drop(outcome, record, ref, INGEST_DROP_DEAD_LETTER,
                            error);
        return;
    }

    record->error = error;

    if (outcome->dead_letter_topic.len == 0) {
        ingest_outcome_drop(outcome, record, ref, INGEST_DROP_REFUSED, error);
        return;
    }

    if (ingest_folds_pass(&outcome->refused, error, outcome->now_ms, &folded))
    {
        ingest_journal_write(outcome->journal, INGEST_LOG_WARN,
            "dead letter",
            "event \"{id}\" refused by Kafka, goes to the dead-letter topic: "
            "{error} ({folded} more before)",
            ingest_fields(
                ingest_field_text("id", ingest_record_key(record)),
                ingest_field_word("code", ingest_error_name(error)),
                ingest_field_word("error", ingest_error_text(error)),
                ingest_field_text("topic", outcome->dead_letter_topic),
                ingest_field_number("folded", folded)));
    }

    ingest_reader_flag(outcome->reader, ref, INGEST_RECORD_DEAD);
    ingest_reader_retry(outcome->reader, ref, outcome->now_ms);
}


static void
ingest_outcome_drop(ingest_outcome_t *outcome, ingest_record_t *record,
    ingest_ref_t ref, ingest_drop_e drop, int error)
{
    uint64_t  folded;

    if (ingest_folds_pass(&outcome->lost[drop], error, outcome->now_ms,
                          &folded))
    {
        ingest_journal_write(outcome->journal, INGEST_LOG_ERROR,
            "event lost",
            "event \"{id}\" lost, {reason}: {error} ({folded} more before)",
            ingest_fields(
                ingest_field_text("id", ingest_record_key(record)),
                ingest_field_word("reason", ingest_drop_name(drop)),
                ingest_field_word("code", ingest_error_name(error)),
                ingest_field_word("error", ingest_error_text(error)),
                ingest_field_number("folded", folded)));
    }

    ingest_counter_add(&outcome->slot->delivery.dropped[drop], 1);

    ingest_outcome_out(outcome, record, ref);
}


static void
ingest_outcome_say_lost(ingest_outcome_t *outcome, uint64_t n,
    ingest_drop_e drop)
{
    ingest_journal_write(outcome->journal, INGEST_LOG_ERROR,
        "events lost", "{events} events lost: {reason}",
        ingest_fields(
            ingest_field_number("events", n),
            ingest_field_word("reason", ingest_drop_name(drop))));
}


static void
ingest_outcome_out(ingest_outcome_t *outcome, ingest_record_t *record,
    ingest_ref_t ref)
{
    ingest_counter_add(&outcome->slot->events_out, 1);
    ingest_counter_add(&outcome->slot->bytes_out, record->size);

    ingest_reader_done(outcome->reader, ref);
}


static void
ingest_outcome_later(ingest_outcome_t *outcome, ingest_record_t *record,
    ingest_ref_t ref, int error)
{
    uint64_t  folded;

    ingest_reader_retry(outcome->reader, ref,
                        outcome->now_ms + ingest_outcome_backoff(outcome,
                                                                 record));

    if (ingest_folds_pass(&outcome->delayed, error, outcome->now_ms, &folded))
    {
        ingest_journal_write(outcome->journal, INGEST_LOG_WARN,
            "delivery failed",
            "event \"{id}\" will be sent again: {error} "
            "({folded} more before)",
            ingest_fields(
                ingest_field_text("id", ingest_record_key(record)),
                ingest_field_word("code", ingest_error_name(error)),
                ingest_field_word("error", ingest_error_text(error)),
                ingest_field_number("attempts", record->attempts),
                ingest_field_number("folded", folded)));
    }
}


static uint64_t
ingest_outcome_backoff(ingest_outcome_t *outcome, ingest_record_t *record)
{
    uint64_t  backoff_ms, max_ms;
    unsigned  doublings;

    doublings = record->attempts - 1;

    if (doublings > INGEST_BACKOFF_DOUBLINGS) {
        doublings = INGEST_BACKOFF_DOUBLINGS;
    }

    backoff_ms = (uint64_t) outcome->backoff_ms << doublings;
    max_ms = outcome->hurry ? INGEST_BACKOFF_HURRY_MS
                            : ingest_outcome_backoff_max(outcome);

    return backoff_ms < max_ms ? backoff_ms : max_ms;
}


static uint64_t
ingest_outcome_backoff_max(ingest_outcome_t *outcome)
{
    return outcome->backoff_ms > INGEST_BACKOFF_MAX_MS
           ? outcome->backoff_ms : INGEST_BACKOFF_MAX_MS;
}
