
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/* A ring of eight segments with one worker, fresh for each test. */


#ifndef WORKER_FIXTURE_H
#define WORKER_FIXTURE_H


#include "ring_fixture.h"
#include "unit.h"


#define NSEGMENTS  8
#define NONE       ((ingest_record_t *) NULL)


extern ingest_ring_t  *ring;
extern worker_t        worker;
extern ingest_slot_t  *slot;


void worker_setup(void);
void worker_teardown(void);

/* The length of value whose record takes that part of a segment. */

size_t segments(double n);

/* Reserves, appends and commits a record, which must succeed. */

void put(uint64_t number, size_t value_len);

/* Sends the next record, which must have this number. */

ingest_ref_t send_number(uint64_t number, uint64_t now_ms);

/* There must be no record to send. */

void send_nothing(uint64_t now_ms);

/*
 * Sends what the worker has at now_ms, as if delivered, and says how often each
 * number below n came.
 */

void worker_arrivals(worker_t *from, uint64_t now_ms, unsigned *times,
    unsigned n);

/* The heir takes over what slot has left, at 0 ms; returns the events. */

uint64_t worker_adopts(worker_t *heir, uint32_t slot);

/* What the worker has counted as lost at its end. */

uint64_t worker_lost(void);


#endif /* WORKER_FIXTURE_H */
