
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * A ring in shared memory, and workers that use it: both halves, an event loop
 * and a sender.  A record's value begins with its number and every other byte
 * follows from that.
 */


#ifndef RING_FIXTURE_H
#define RING_FIXTURE_H


#include <check.h>

#include "../../src/core/ingest_reader.h"


/* ck_assert() writes to a pipe each time: not for a million records */

#define check_fast(condition)                                                 \
    do {                                                                      \
        if (!(condition)) {                                                   \
            ck_abort_msg("%s", #condition);                                   \
        }                                                                     \
    } while (0)


#define SEGMENT    INGEST_SEGMENT_MIN
#define VALUE_MIN  sizeof(uint64_t)


typedef struct {
    ingest_ring_t    *ring;
    ingest_writer_t  *writer;
    ingest_reader_t  *reader;
    void             *writer_memory;
    void             *reader_memory;
} worker_t;


/* Exactly so many segments, over memory full of 0xff. */

ingest_ring_t *ring_create(uint32_t nsegments, uint32_t segment_bytes);
void ring_destroy(ingest_ring_t *ring);

/* Segments that nobody owns. */

uint32_t ring_nfree(ingest_ring_t *ring);

void worker_init(worker_t *worker, ingest_ring_t *ring, uint32_t slot);
void worker_free(worker_t *worker);

/* The draft of a record with topic "t", a key and a header. */

ingest_draft_t record_draft(uint64_t number, size_t value_len);

/* The length of value that makes a record of this size. */

size_t record_value_len(size_t size);

/* Reserves, appends and commits one record. */

ingest_rc_e worker_put(worker_t *worker, uint64_t number, size_t value_len);

/* Appends a record that was reserved. */

void worker_append(worker_t *worker, uint64_t number, size_t value_len);

/* All segments a batch of n records of this value needs, or none. */

ingest_rc_e worker_reserve(worker_t *worker, size_t n, size_t value_len);

/* Takes claims over, and has the next record sent; NULL when there is none. */

ingest_record_t *worker_send(worker_t *worker, uint64_t now_ms,
    ingest_ref_t *ref);

/* Sends and reports all there is, in order from first; how many. */

uint64_t worker_drain(worker_t *worker, uint64_t first);

/* The number of a record, all of whose bytes are right. */

uint64_t record_check(const ingest_record_t *record);


#endif /* RING_FIXTURE_H */
