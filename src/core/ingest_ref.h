
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * A reference to a record, as wide as a pointer: it goes to librdkafka as a
 * message's opaque and comes back with the delivery report.  It names the
 * segment's life, so that one from an earlier life finds nothing.
 *
 *     segment:16 | offset / 64:16 | seq:32
 */


#ifndef INGEST_REF_H
#define INGEST_REF_H


#include "ingest_record.h"


typedef uint64_t  ingest_ref_t;


_Static_assert(sizeof(void *) >= sizeof(ingest_ref_t),
               "a reference fits a pointer");


static inline ingest_ref_t
ingest_ref(uint32_t index, uint32_t offset, uint32_t seq)
{
    return ((uint64_t) index << 48)
           | ((uint64_t) (offset / INGEST_RECORD_ALIGN) << 32)
           | seq;
}


static inline uint32_t
ingest_ref_segment(ingest_ref_t ref)
{
    return (uint32_t) (ref >> 48);
}


static inline uint32_t
ingest_ref_offset(ingest_ref_t ref)
{
    return (uint32_t) ((ref >> 32) & 0xffff) * INGEST_RECORD_ALIGN;
}


static inline uint32_t
ingest_ref_seq(ingest_ref_t ref)
{
    return (uint32_t) ref;
}


#endif /* INGEST_REF_H */
