
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * A record: an event as it lies in a segment.
 *
 *     header (64 bytes) | topic | key | headers | value | padding to 64
 *
 * The worker that appends it writes everything once, before the commit.
 * Afterwards only the sender of the slot that holds the segment writes to it,
 * and only to what comes behind accepted_ms, and to flags.
 */


#ifndef INGEST_RECORD_H
#define INGEST_RECORD_H


#include <stdatomic.h>
#include <string.h>

#include "ingest_core.h"


#define INGEST_RECORD_ALIGN   64


/* neither is 0: memory that nobody wrote is no record */

#define INGEST_RECORD_PENDING 1
#define INGEST_RECORD_DONE    2


/* flags */

#define INGEST_RECORD_ALONE   0x01  /* to be sent in a batch of its own */
#define INGEST_RECORD_DEAD    0x02  /* to be sent to the dead-letter topic */
#define INGEST_RECORD_RETIMED 0x04  /* to be sent with the time it is then */


/* how a record is to be sent: there is a handle for each */

typedef enum {
    INGEST_MODE_BATCHES = 0,    /* with others, by the queue's properties */
    INGEST_MODE_ALONE           /* in a batch of its own, of any size: brokers
                                   say what is too big */
} ingest_mode_e;


#define INGEST_MODES          2


typedef struct {
    uint32_t             seq;           /* of the segment's life */
    uint32_t             size;          /* with header and padding */
    uint32_t             value_len;
    uint32_t             headers_len;
    uint16_t             topic_len;
    uint16_t             key_len;
    uint16_t             flags;
    uint16_t             crashes;       /* processes that died sending it */
    uint64_t             time_ms;       /* Unix time, when it was accepted */
    uint64_t             accepted_ms;   /* the same on CLOCK_MONOTONIC */
    _Atomic uint32_t     state;
    uint16_t             attempts;      /* failed ones, for the back-off */
    uint16_t             answers;       /* of these, answered by a broker */
    int32_t              error;         /* librdkafka's code, of the last */
    int32_t              partition;     /* of that, or -1 */
    uint64_t             due_ms;        /* CLOCK_MONOTONIC: not before it */
} ingest_record_t;


_Static_assert(sizeof(ingest_record_t) == INGEST_RECORD_ALIGN,
               "a record's header is one cache line");


/* a record that is to be appended; all of it is copied, value is not here */

typedef struct {
    ingest_str_t         topic;
    ingest_str_t         key;
    ingest_str_t         headers;       /* as ingest_header_write() made it */
    size_t               value_len;
    uint64_t             time_ms;
    uint64_t             accepted_ms;
} ingest_draft_t;


/* one Kafka header; points into the record */

typedef struct {
    ingest_str_t         name;
    ingest_str_t         value;
} ingest_header_t;


static inline size_t
ingest_record_size(const ingest_draft_t *draft)
{
    size_t  size;

    size = sizeof(ingest_record_t) + draft->topic.len + draft->key.len
           + draft->headers.len + draft->value_len;

    return (size + INGEST_RECORD_ALIGN - 1)
           & ~ (size_t) (INGEST_RECORD_ALIGN - 1);
}


static inline ingest_mode_e
ingest_record_mode(const ingest_record_t *record)
{
    return record->flags & (INGEST_RECORD_ALONE|INGEST_RECORD_DEAD)
           ? INGEST_MODE_ALONE : INGEST_MODE_BATCHES;
}


static inline ingest_str_t
ingest_record_topic(const ingest_record_t *record)
{
    ingest_str_t  s;

    s.data = (const uint8_t *) record + sizeof(ingest_record_t);
    s.len = record->topic_len;

    return s;
}


static inline ingest_str_t
ingest_record_key(const ingest_record_t *record)
{
    ingest_str_t  s;

    s.data = (const uint8_t *) record + sizeof(ingest_record_t)
             + record->topic_len;
    s.len = record->key_len;

    return s;
}


static inline ingest_str_t
ingest_record_headers(const ingest_record_t *record)
{
    ingest_str_t  s;

    s.data = (const uint8_t *) record + sizeof(ingest_record_t)
             + record->topic_len + record->key_len;
    s.len = record->headers_len;

    return s;
}


static inline ingest_str_t
ingest_record_value(const ingest_record_t *record)
{
    ingest_str_t  s;

    s.data = (const uint8_t *) record + sizeof(ingest_record_t)
             + record->topic_len + record->key_len + record->headers_len;
    s.len = record->value_len;

    return s;
}


/* A header's bytes: name length, value length (32 bits each), name, value. */

static inline size_t
ingest_header_size(const ingest_header_t *header)
{
    return 2 * sizeof(uint32_t) + header->name.len + header->value.len;
}


static inline uint8_t *
ingest_header_write(const ingest_header_t *header, uint8_t *p)
{
    uint32_t  lens[2];

    lens[0] = (uint32_t) header->name.len;
    lens[1] = (uint32_t) header->value.len;

    memcpy(p, lens, sizeof(lens));
    p += sizeof(lens);

    memcpy(p, header->name.data, header->name.len);
    p += header->name.len;

    memcpy(p, header->value.data, header->value.len);

    return p + header->value.len;
}


/* Takes the next header off the bytes; false when there is none. */

static inline bool
ingest_header_next(ingest_str_t *headers, ingest_header_t *header)
{
    size_t    size;
    uint32_t  lens[2];

    if (headers->len < sizeof(lens)) {
        return false;
    }

    memcpy(lens, headers->data, sizeof(lens));

    size = sizeof(lens) + (size_t) lens[0] + lens[1];

    if (size > headers->len) {
        return false;
    }

    header->name.data = headers->data + sizeof(lens);
    header->name.len = lens[0];
    header->value.data = header->name.data + lens[0];
    header->value.len = lens[1];

    headers->data += size;
    headers->len -= size;

    return true;
}


#endif /* INGEST_RECORD_H */
