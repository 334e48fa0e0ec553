
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * One event: the check of its members, their defaults, and the bytes that go
 * into the ring.
 *
 * An event stays byte-exact but for its id and timestamp: what is missing is
 * spliced in behind the opening brace, what is null or "" is replaced in
 * place.  Nothing is copied until ingest_event_write(): until then the event
 * is a list of pieces that point into the body and into ingest_event_t.
 *
 * Any thread; no state but the caller's.
 */


#ifndef INGEST_EVENT_H
#define INGEST_EVENT_H


#include "ingest_core.h"
#include "ingest_time.h"
#include "ingest_uuid.h"


#define INGEST_EVENT_ID_MAX      255    /* bytes, decoded */
#define INGEST_EVENT_REQUIRE_MAX 16     /* names of ingest_require */
#define INGEST_EVENT_PIECES      8


/* members that an event must have, decoded names; owned by the caller */

typedef struct {
    ingest_str_t     names[INGEST_EVENT_REQUIRE_MAX];
    unsigned         nnames;
} ingest_rules_t;


/* what an event gets where it has none */

typedef struct {
    uint64_t         time_ms;                       /* Unix time */
    uint8_t          random[INGEST_UUID_RANDOM];    /* fresh for each event */
} ingest_defaults_t;


typedef struct {
    ingest_str_t     id;            /* decoded; into the body or into id_text */
    size_t           size;          /* bytes of the event as it will be */

    /* where parsing stopped, when it did */
    size_t           offset;        /* from the start of the body */
    ingest_str_t     member;        /* its decoded name, or empty */

    unsigned         npieces;
    ingest_str_t     pieces[INGEST_EVENT_PIECES];

    uint8_t          id_text[INGEST_EVENT_ID_MAX];
    uint8_t          id_quoted[INGEST_UUID_TEXT + 2];
    uint8_t          time_quoted[INGEST_TIME_TEXT + 2];
    uint8_t          spliced[INGEST_UUID_TEXT + INGEST_TIME_TEXT + 32];
} ingest_event_t;


/*
 * Checks the one event that [data, data + len) must be: an object, with
 * nothing but white space around it.  On INGEST_OK the pieces, size and id
 * are set; they stay valid as long as the body and the event do.  Otherwise
 * offset, and member where one is at fault, say where.
 */

ingest_rc_e ingest_event_parse(ingest_event_t *event, const uint8_t *data,
    size_t len, const ingest_rules_t *rules,
    const ingest_defaults_t *defaults);

/* Writes the event's size bytes; returns the position behind them. */

uint8_t *ingest_event_write(const ingest_event_t *event, uint8_t *p);


#endif /* INGEST_EVENT_H */
