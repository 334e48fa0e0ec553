
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * When to tidy up: a partition that takes nothing would fill the ring with
 * segments that wait for a few of their records, and librdkafka's queue with
 * messages that nobody fetches.
 *
 *     few segments free      sparse ones are merged (ingest_reader_park())
 *     and they stand still   what librdkafka has not sent yet is taken back,
 *     in librdkafka's hands  and merged when its reports have come
 *     librdkafka is full     the same, or the other partitions would wait too
 *     and nothing leaves it
 *
 * The sender thread only.
 */


#ifndef INGEST_PARKER_H
#define INGEST_PARKER_H


#include "../core/ingest_reader.h"
#include "ingest_handles.h"
#include "ingest_journal.h"


typedef struct {
    ingest_reader_t         *reader;
    ingest_journal_t        *journal;
    const ingest_slot_t     *slot;      /* tells what is delivered */
    bool                     purges;    /* whether librdkafka can give back */
    uint64_t                 queue_max; /* of librdkafka's queue, not 0 */
    unsigned                 nbrokers;  /* known ones; set by the owner */

    uint64_t                 look_ms;
    uint64_t                 purge_ms;
    uint64_t                 full_ms;   /* full since then, or 0 */
    uint64_t                 delivered; /* until then */
    ingest_fold_t            parked;
} ingest_parker_t;


/*
 * Before the turn sends: what was taken back from librdkafka for this waits no
 * longer than that.  full: the handle of batches had no room in the last turn.
 * now_ms is CLOCK_MONOTONIC.
 * Returns how many segments ingest_reader_free() can free.
 */

uint32_t ingest_parker_turn(ingest_parker_t *parker, ingest_handles_t *handles,
    bool full, uint64_t now_ms);


#endif /* INGEST_PARKER_H */
