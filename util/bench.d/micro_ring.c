
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#include <stdlib.h>

#include "micro.h"


#define MICRO_RING      (64 * 1024 * 1024)
#define MICRO_SEGMENT   (1024 * 1024)
#define MICRO_VALUE     300         /* bytes, as an event of 200 becomes */
#define MICRO_TURN      2000        /* records in flight together */


typedef struct {
    ingest_ring_t    *ring;
    ingest_writer_t   writer;
    ingest_reader_t   reader;
    ingest_ref_t      refs[MICRO_TURN];
} micro_ring_t;


static micro_ring_t *micro_ring_create(void);
static void micro_ring_append(micro_ring_t *mr, size_t n);
static size_t micro_ring_report(micro_ring_t *mr);


void
micro_ring(micro_t *append, micro_t *report)
{
    size_t                n, m;

    static micro_ring_t  *mr;

    if (mr == NULL) {
        mr = micro_ring_create();
        append->bytes = MICRO_VALUE;
    }

    for (n = 0; n < MICRO_OPS; n += MICRO_TURN) {
        micro_begin(append);
        micro_ring_append(mr, MICRO_TURN);
        micro_end(append);

        micro_begin(report);
        m = micro_ring_report(mr);
        micro_end(report);

        if (m != MICRO_TURN) {
            micro_die("the ring has lost a record");
        }
    }

    micro_round(append, n);
    micro_round(report, n);
}


static micro_ring_t *
micro_ring_create(void)
{
    void          *writer, *reader;
    micro_ring_t  *mr;

    mr = malloc(sizeof(micro_ring_t));
    if (mr == NULL) {
        micro_die("no memory");
    }

    mr->ring = aligned_alloc(4096, MICRO_RING);

    if (mr->ring == NULL
        || ingest_ring_format(mr->ring, MICRO_RING, MICRO_SEGMENT, -1)
           != INGEST_OK)
    {
        micro_die("no ring");
    }

    writer = aligned_alloc(64, (ingest_writer_memory(mr->ring) + 63) / 64 * 64);
    reader = aligned_alloc(64, (ingest_reader_memory(mr->ring) + 63) / 64 * 64);

    if (writer == NULL || reader == NULL) {
        micro_die("no memory");
    }

    ingest_writer_init(&mr->writer, mr->ring, 0, writer);
    ingest_reader_init(&mr->reader, mr->ring, 0, &mr->writer.claims, reader);

    return mr;
}


/* As the event loop does it: one commit an event. */

static void
micro_ring_append(micro_ring_t *mr, size_t n)
{
    size_t                 size;
    uint8_t               *p;
    ingest_draft_t         draft;

    static const uint8_t   value[MICRO_VALUE];
    static const uint8_t   headers[8 + 8 + 36];
    static ingest_draft_t  event = {
        .topic = ingest_string("events"),
        .key = ingest_string("01932b7c-0d6f-7a51-9c7e-4f1d2a3b4c5d"),
        .headers = { sizeof(headers), headers },
        .value_len = MICRO_VALUE,
        .time_ms = 1795622566123,
        .accepted_ms = 1
    };

    while (n-- > 0) {
        draft = event;
        size = ingest_record_size(&draft);

        if (ingest_writer_reserve(&mr->writer, &size, 1) != INGEST_OK) {
            micro_die("the ring is full");
        }

        p = ingest_writer_append(&mr->writer, &draft);
        memcpy(p, value, MICRO_VALUE);

        ingest_writer_commit(&mr->writer);
    }
}


/* As the sender does it, without librdkafka; how many records. */

static size_t
micro_ring_report(micro_ring_t *mr)
{
    size_t        i, n;

    ingest_reader_take(&mr->reader);

    for (n = 0; n < MICRO_TURN; n++) {
        if (ingest_reader_next(&mr->reader, 1, &mr->refs[n]) == NULL) {
            break;
        }

        ingest_reader_sent(&mr->reader, mr->refs[n]);
    }

    for (i = 0; i < n; i++) {
        if (ingest_reader_find(&mr->reader, mr->refs[i]) == NULL) {
            micro_die("a record in flight was not found");
        }

        ingest_reader_done(&mr->reader, mr->refs[i]);
    }

    ingest_reader_free(&mr->reader);

    return n;
}
