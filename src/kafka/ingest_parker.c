
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#include "ingest_parker.h"


#define INGEST_PARK_MS        100       /* between two looks */
#define INGEST_PARK_SEGMENTS  8         /* at one look */
#define INGEST_STILL_MS       500       /* that a segment stands still */
#define INGEST_PURGE_MS       1000      /* between two purges */
#define INGEST_FULL_MS        1000      /* that librdkafka may be stuck */
#define INGEST_FEW_PART       100       /* of its queue: few in that time */
#define INGEST_FEW_MAX        1000      /* more than that are not few */


static bool ingest_parker_is_stuck(ingest_parker_t *parker, uint64_t now_ms);
static uint32_t ingest_parker_park(ingest_parker_t *parker, uint64_t now_ms);


uint32_t
ingest_parker_turn(ingest_parker_t *parker, ingest_handles_t *handles,
    bool full, uint64_t now_ms)
{
    bool             stuck;
    uint32_t         n;
    ingest_reader_t *reader;

    if (!full) {
        parker->full_ms = 0;
    }

    if (now_ms < parker->look_ms) {
        return 0;
    }

    parker->look_ms = now_ms + INGEST_PARK_MS;

    stuck = full && ingest_parker_is_stuck(parker, now_ms);

    n = 0;
    reader = parker->reader;

    if (ingest_ring_is_tight(reader->ring)) {
        n = ingest_parker_park(parker, now_ms);
        stuck |= ingest_reader_sparse(reader, now_ms, INGEST_STILL_MS) > 1;
    }

    if (n == 0
        && stuck
        && parker->purges
        && !reader->hurry
        && parker->purge_ms <= now_ms)
    {
        parker->purge_ms = now_ms + INGEST_PURGE_MS;
        ingest_handles_purge(handles);
    }

    return n;
}


/*
 * Whether next to nothing has left librdkafka's full queue lately: brokers that
 * are there have nothing to do.  When it is full because Kafka is slower than
 * clients they have.  With one broker there is nobody who could do more.
 */

static bool
ingest_parker_is_stuck(ingest_parker_t *parker, uint64_t now_ms)
{
    bool      stuck;
    uint64_t  few, delivered;

    few = parker->queue_max / INGEST_FEW_PART + 1;

    if (few > INGEST_FEW_MAX) {
        few = INGEST_FEW_MAX;
    }

    delivered = ingest_counter_get(&parker->slot->delivery.published);
    stuck = false;

    if (parker->full_ms != 0) {

        if (now_ms - parker->full_ms < INGEST_FULL_MS) {
            return false;
        }

        stuck = parker->nbrokers > 1 && delivered - parker->delivered < few;
    }

    parker->full_ms = now_ms;
    parker->delivered = delivered;

    return stuck;
}


static uint32_t
ingest_parker_park(ingest_parker_t *parker, uint64_t now_ms)
{
    uint32_t  n;
    uint64_t  folded;

    n = ingest_reader_park(parker->reader, INGEST_PARK_SEGMENTS);

    if (n != 0 && ingest_fold_pass(&parker->parked, now_ms, &folded)) {
        ingest_journal_write(parker->journal, INGEST_LOG_INFO,
                             "segments parked",
                             "{segments} segments parked ({folded} more times "
                             "before)",
                             ingest_fields(
                                 ingest_field_number("segments", n),
                                 ingest_field_number("folded", folded)));
    }

    return n;
}
