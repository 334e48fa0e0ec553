
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * An outcome over a ring with one worker: what Kafka would have said of a
 * record is said by the test, at the time that the test hands in.
 */


#ifndef OUTCOME_FIXTURE_H
#define OUTCOME_FIXTURE_H


#include <librdkafka/rdkafka.h>

#include "../../src/kafka/ingest_outcome.h"
#include "worker_fixture.h"


#define VALUE  100


typedef struct {
    uint64_t  published;
    uint64_t  dead_lettered;
    uint64_t  refused;              /* dropped */
    uint64_t  dead_letter_refused;  /* dropped */
} ends_t;


extern ingest_outcome_t  outcome;


void outcome_setup(void);
void outcome_teardown(void);

/* Takes this event in, counted as the event loop does. */

void accept_event(uint64_t number);

/* The same, with a topic of its own. */

void accept_event_of(const char *topic);

/* The next record to send at now_ms, which must be this one, fails. */

ingest_record_t *fails(uint64_t number, int error, uint64_t now_ms);

/* The same, and it is delivered. */

ingest_record_t *delivers(uint64_t number, uint64_t now_ms);

/* The next record, whichever it is; NULL when there is none. */

ingest_record_t *takes_next(uint64_t now_ms, ingest_ref_t *ref);

/* Where the record goes. */

void goes_to(ingest_record_t *record, const char *topic);

/* These are the counters, and all events that left are in one of them. */

void ended(ends_t ends);

/* The next line of the journal is this one. */

void logs(ingest_level_e level, const char *text);
void logs_nothing(void);


#endif /* OUTCOME_FIXTURE_H */
