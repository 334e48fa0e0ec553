
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * The sender's half of the ring: walks the committed records of the segments
 * it holds, keeps in mind what is in flight and what waits to be sent again,
 * and frees segments.  One reader a process and queue, used by the sender
 * thread only; private memory.
 *
 * What is in flight is a bit for each 64 bytes of a segment: a record is
 * never handed out while its bit is set, so it is never in flight twice.
 */


#ifndef INGEST_READER_H
#define INGEST_READER_H


#include "ingest_ref.h"
#include "ingest_writer.h"


/*
 * What of a segment is to be sent again in one mode.  A record that waits is at
 * or behind one of the two offsets.  A walk that is under way is not called
 * back to what waits before it, or it might never come to its end.
 */

typedef struct {
    uint32_t                again;      /* where the walk is, or none */
    uint32_t                wait;       /* lowest that waits for the next */
    uint64_t                wait_ms;    /* and when that one is due */
} ingest_walk_t;


/*
 * Private memory on a segment that is held.  Offsets of records, of which
 *
 *     before low       all are DONE; it may lag behind
 *     before cursor    all were seen: each is DONE, in flight, or waits
 *     from cursor on   none was handed out; those up to committed come in order
 */

typedef struct {
    uint32_t                seq;        /* the segment's; 0: it is not held */
    uint32_t                cursor;
    uint32_t                low;
    uint32_t                undone;     /* records before cursor, not DONE */
    uint32_t                live;       /* bytes of these */
    uint32_t                flying;     /* of these, in flight */
    uint32_t                still;      /* undone at the last look */
    uint64_t                still_ms;   /* and since when */
    bool                    suspect;    /* its senders died again and again */
    uint64_t                rest_ms;    /* and it is not sent before that */

    ingest_walk_t           walks[INGEST_MODES];

    uint32_t                prev;       /* held segments in claim order */
    uint32_t                next;
} ingest_cursor_t;


#define INGEST_TRIALS  64


/* records of suspect segments that were just sent */

typedef struct {
    ingest_ref_t            refs[INGEST_TRIALS];
    uint32_t                n;          /* of these */
    uint32_t                joined;     /* sent in this round */
    uint32_t                max;        /* in a round */
    bool                    alone;      /* one that was there at a death */
    uint64_t                since_ms;
} ingest_trials_t;


/* the walks of all segments in one mode */

typedef struct {
    uint32_t                nwaiting;   /* segments with records that wait */
    uint32_t                nagain;     /* segments with a walk under way */
    uint32_t                turn;       /* where to go on: each has its turn */
    uint64_t                wait_ms;    /* not later than the next begins */
} ingest_walks_t;


typedef struct {
    ingest_ring_t          *ring;
    uint32_t                slot;       /* its own */
    ingest_claims_t        *claims;
    uint64_t                tail;       /* next claim to take */

    ingest_cursor_t        *cursors;    /* one a segment */
    uint64_t               *in_flight;  /* bits, nwords for each segment */
    uint32_t                nwords;

    uint32_t                first;      /* list of held segments */
    uint32_t                last;
    uint32_t                walk;       /* first with records never seen */

    ingest_walks_t          walks[INGEST_MODES];
    uint32_t                nretries;   /* in flight in batches, and not for
                                           the first time */
    bool                    freeable;   /* a segment may have become so */
    uint32_t                returned;   /* claims->returned, as last seen */

    uint32_t                parking;    /* open segment that takes copies */
    uint32_t                retries_max;    /* the same: others wait */

    ingest_trials_t         trials;
    bool                    full[INGEST_MODES];     /* no room for more; set
                                                       by the owner */
    bool                    reachable;  /* a broker is; the same */
    bool                    hurry;      /* the same: the process ends */
} ingest_reader_t;


/* Bytes that ingest_reader_init() needs behind the struct. */

size_t ingest_reader_memory(const ingest_ring_t *ring);

/* memory stays the caller's and must outlive the reader; claims may be NULL. */

void ingest_reader_init(ingest_reader_t *reader, ingest_ring_t *ring,
    uint32_t slot, ingest_claims_t *claims, void *memory);

/* what was found in the segments of a slot that was left */

typedef struct {
    uint64_t                events;     /* not DONE */
    uint64_t                bytes;      /* of these */
    uint64_t                corrupt;    /* segments that end too early */
} ingest_census_t;


/*
 * The first thing to do with another slot, whose lock the caller has: its
 * sender may have died between the copy of a record and the end of the
 * original, which is made up for.
 */

void ingest_reader_resolve(ingest_reader_t *reader, uint32_t slot);

/*
 * Takes over the segments of another slot, whose lock the caller has: seals
 * them, adds what is not DONE to the census, and makes them those of the
 * reader's own slot, or frees them at once if that is nothing.  The first
 * record that cannot be one ends its segment.
 *
 * In a ring that is nearly full the records wait for a moment, so that they can
 * be parked before they are sent.  In a hurry nothing waits.
 *
 * A segment whose senders died twice may hold what kills them: from the third
 * time on it is suspect.  It rests for a while, and is sent while a broker is
 * reachable only, a few records at a time.  now_ms is CLOCK_MONOTONIC.
 */

void ingest_reader_adopt(ingest_reader_t *reader, uint32_t slot,
    uint64_t now_ms, ingest_census_t *census);

/*
 * One segment less that waits for a few records: those of the held, sealed
 * segments that are not half full any more and have nothing in flight are
 * copied into a free one, or behind what another one of them has; at most n
 * segments.  Returns how many it cleared, for ingest_reader_free().  Nothing is
 * copied when there is only one to clear.
 */

uint32_t ingest_reader_park(ingest_reader_t *reader, uint32_t n);

/*
 * How many segments are like that, but for what is in flight, and have stood
 * still for that time: at each call their progress since the last one is noted.
 * now_ms is CLOCK_MONOTONIC.
 */

uint32_t ingest_reader_sparse(ingest_reader_t *reader, uint64_t now_ms,
    uint64_t still_ms);

/*
 * Nothing is in flight any more, and no report will come: all that is not DONE
 * is to be sent again.
 */

void ingest_reader_rewind(ingest_reader_t *reader);

/* Takes over what the event loop has claimed since the last call. */

void ingest_reader_take(ingest_reader_t *reader);

/*
 * The next record to send, or NULL when there is none now: first those whose
 * retry is due at now_ms (CLOCK_MONOTONIC), what goes alone before batches, and
 * segment after segment in turn; then those never seen, in the order of their
 * segments.  The same one again until ingest_reader_sent() or
 * ingest_reader_done().
 *
 * In a mode that is full none comes; but one that was never seen may have to go
 * alone, and comes so that it does not hold up those behind it.
 */

ingest_record_t *ingest_reader_next(ingest_reader_t *reader, uint64_t now_ms,
    ingest_ref_t *ref);

/*
 * To be called for a record of ingest_reader_next() before anything is done
 * with it.  In a suspect segment record->crashes is raised, and is 0 again when
 * the report comes, by ingest_reader_tried(), or when the process has lived for
 * a second with it.  If it was not sent: ingest_reader_untried().
 */

void ingest_reader_try(ingest_reader_t *reader, ingest_ref_t ref,
    uint64_t now_ms);

void ingest_reader_tried(ingest_reader_t *reader, ingest_ref_t ref);
void ingest_reader_untried(ingest_reader_t *reader, ingest_ref_t ref);

/* The record is in flight now; a report will follow. */

void ingest_reader_sent(ingest_reader_t *reader, ingest_ref_t ref);

/*
 * The record of a report; NULL when there is no such record in flight, which
 * is a bug of the caller.
 */

ingest_record_t *ingest_reader_find(ingest_reader_t *reader,
    ingest_ref_t ref);

/*
 * The record is delivered or given up: it is DONE and never touched again.
 * Whether in flight or handed out by ingest_reader_next().
 */

void ingest_reader_done(ingest_reader_t *reader, ingest_ref_t ref);

/*
 * The record is to be sent again, not before due_ms (CLOCK_MONOTONIC) and, so
 * that a segment is not walked for each of its records, up to 50 ms later.
 */

void ingest_reader_retry(ingest_reader_t *reader, ingest_ref_t ref,
    uint64_t due_ms);

/* Before that: how it is to be sent, flags that are added to the record's. */

void ingest_reader_flag(ingest_reader_t *reader, ingest_ref_t ref,
    uint16_t flags);

/*
 * When ingest_reader_next() may have a record again that waits now; 0 when
 * none waits.  CLOCK_MONOTONIC.
 */

uint64_t ingest_reader_due(ingest_reader_t *reader);

/* All that waits is due now: there may be no later. */

void ingest_reader_hasten(ingest_reader_t *reader, uint64_t now_ms);

/* Frees the segments that are sealed and DONE; how many. */

uint32_t ingest_reader_free(ingest_reader_t *reader);

/* How many records of what is held are committed and not DONE. */

uint64_t ingest_reader_left(ingest_reader_t *reader);

/*
 * The first of these, in flight or not, to be given up by ingest_reader_done();
 * NULL when there is none.  *ref is 0 at first, and then that of the one
 * before: segments are passed once, however many they are.  Nothing is held,
 * freed or reported in between.
 */

ingest_record_t *ingest_reader_last(ingest_reader_t *reader,
    ingest_ref_t *ref);

/*
 * The process ends in peace, and others will adopt what it holds: that adoption
 * is no sign of a death, nor is what is in flight.
 */

void ingest_reader_leave(ingest_reader_t *reader);

/* Unix time in ms of the oldest record that is not DONE, or 0. */

uint64_t ingest_reader_oldest(ingest_reader_t *reader);

/* Whether nothing is held that is not DONE. */

bool ingest_reader_empty(ingest_reader_t *reader);


#endif /* INGEST_READER_H */
