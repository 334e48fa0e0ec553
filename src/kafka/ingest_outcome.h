
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * What follows from what Kafka said of a record.
 *
 *     delivered         it is DONE
 *     refused for good  it goes to the dead-letter topic, then it is DONE
 *     its batch refused it goes again, alone, to find out which one it was
 *     its time refused  it goes again with the time of the attempt
 *     topic unknown     it is sent again for a minute in which brokers say so
 *                       all the time, then it is refused
 *     anything else     it is sent again after a back-off, for ever
 *
 * The sender thread only.
 */


#ifndef INGEST_OUTCOME_H
#define INGEST_OUTCOME_H


#include "../core/ingest_reader.h"
#include "ingest_journal.h"
#include "ingest_unknown.h"


typedef struct {
    ingest_reader_t         *reader;
    ingest_slot_t           *slot;
    ingest_journal_t        *journal;
    ingest_str_t             dead_letter_topic;     /* empty: there is none */
    uint32_t                 max_attempts;          /* 0: for ever */
    uint32_t                 backoff_ms;    /* the first one, not 0 */

    uint64_t                 now_ms;    /* CLOCK_MONOTONIC, of this turn */
    bool                     connected; /* to any broker, a second ago */
    bool                     hurry;     /* there may be no later */

    ingest_unknowns_t        unknowns;

    ingest_folds_t           refused;   /* by error */
    ingest_folds_t           lost[INGEST_DROPS];
    ingest_folds_t           delayed;
} ingest_outcome_t;


/* Frees what the outcome has; what it was made with is the caller's. */

void ingest_outcome_destroy(ingest_outcome_t *outcome);

/* The topic the record goes to: its own, or the dead letters'. */

ingest_str_t ingest_outcome_topic(ingest_outcome_t *outcome,
    ingest_record_t *record);

/* The record was in flight, or has just been refused by librdkafka itself. */

void ingest_outcome_delivered(ingest_outcome_t *outcome,
    ingest_record_t *record, ingest_ref_t ref);

/*
 * Says how many events were dropped of which no line has told until now_ms;
 * UINT64_MAX: of all of them.
 */

void ingest_outcome_tell(ingest_outcome_t *outcome, uint64_t now_ms);

/* All that is left is lost because the last worker ends: counted, and said. */

void ingest_outcome_lost(ingest_outcome_t *outcome);

/*
 * Whether the record has killed so many processes that nobody sends it any
 * more: then it is on its way to the dead letters, or dropped if it killed as
 * one too.  It was handed out and is not in flight.
 */

bool ingest_outcome_is_poison(ingest_outcome_t *outcome,
    ingest_record_t *record, ingest_ref_t ref);

/*
 * Whether it is a dead letter of a configuration that had a topic for it, and
 * this one has none: then it was dropped, for what the event was refused for.
 * It was handed out and is not in flight.
 */

bool ingest_outcome_is_stranded(ingest_outcome_t *outcome,
    ingest_record_t *record, ingest_ref_t ref);

/* error is librdkafka's code, not 0. */

void ingest_outcome_failed(ingest_outcome_t *outcome,
    ingest_record_t *record, ingest_ref_t ref, int error);


#endif /* INGEST_OUTCOME_H */
