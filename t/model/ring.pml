
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * The protocol of the ring: two workers, each an event loop and a sender, one
 * ring, one Kafka.  `util/test model` searches all of its states.
 *
 * A step is one write to shared memory, with the reads that led to it, or one
 * call of librdkafka or the kernel; it bears the name of the function that it
 * stands for.  Between any two steps a worker may be killed, both of its
 * threads at once: what it kept privately is gone, the kernel has dropped its
 * locks, and librdkafka what it had in flight.  To die behind a read is to die
 * before it.
 *
 * What could go on for ever is bounded: requests, stops, kills, failed reports,
 * handles made anew, records parked.  So every run ends, and where no step is
 * left, faults have stopped and the queue must be empty.  Memory is
 * sequentially consistent here; wake.pml is about the one place where the
 * protocol needs more than release and acquire.
 *
 * A record is a number: its key and its value are both that, so that a value
 * other than the key's was torn, overwritten or never written.
 *
 * The switches, one for each known mistake, are in ring_switches.h.
 */


#ifndef RECORDS
#define RECORDS    2        /* requests, of both workers together */
#endif

#ifndef KILLS
#define KILLS      1
#endif

#ifndef ERRORS
#define ERRORS     1        /* delivery reports with an error */
#endif

#ifndef STOPS
#define STOPS      1        /* open segments that are sealed before their time */
#endif

#ifndef FATALS
#define FATALS     0        /* librdkafka handles that are made anew */
#endif

#ifndef PARKS
#define PARKS      1        /* records that are parked */
#endif

#ifndef SEGMENTS
#define SEGMENTS   3
#endif

#ifndef RESERVE
#define RESERVE    1        /* the first segments, for parking alone */
#endif

#define ROOM       2        /* records in a segment */
#define WORKERS    2
#define SLOTS      4        /* both workers, and one for each of two kills */

#define NONE       SEGMENTS
#define POSITIONS  (SEGMENTS * ROOM)

/* a position is a record's place: segment and offset */

#define AT(s, o)   ((s) * ROOM + (o))

/* what worker w keeps on a segment, and on a position */

#define OF(s)      (w * SEGMENTS + (s))
#define FLIGHT(p)  (w * POSITIONS + (p))

#define BIT(n)     (1 << (n))

/* the state of a record; 0 in memory that nobody wrote */

#define PENDING    1
#define DONE       2


#include "ring_switches.h"


/* shared memory: ingest_segment_t, ingest_record_t */

byte owner[SEGMENTS];
byte copy_of[SEGMENTS];     /* a position, plus 1 */
byte copy_seq[SEGMENTS];
byte copy_end[SEGMENTS];
byte seq[SEGMENTS];
byte committed[SEGMENTS];
bool sealed[SEGMENTS];

byte r_seq[POSITIONS];
byte r_key[POSITIONS];
byte r_value[POSITIONS];
byte r_state[POSITIONS];


/* the kernel: who holds a slot's lock, as worker + 1; see LOCK() */

byte lock[LOCKS];


mtype = {
    gone, idle,

    /* event loop */
    looking, claimed, listed, visible, has_header, has_value, last_committed,

    /* sender */
    found, adopting, owning, releasing, free_adopted, free_sealed, free_seq, free_owner,
    free_counted, resolving, park_claim, park_header, park_value, park_end,
    park_name, park_commit, park_done
}


/* the event loop's private memory: ingest_writer_t, ingest_claims_t */

mtype loop[WORKERS];        /* its next step */
byte slot[WORKERS];
byte open[WORKERS];         /* the segment being filled */
byte offset[WORKERS];       /* where the next record goes */
byte reserved[WORKERS];     /* the segment to be filled next */
byte last[WORKERS];         /* the one filled before, while not sealed */
byte last_end[WORKERS];     /* and where its records end */
byte request[WORKERS];      /* the record that is asked for */
byte claims[WORKERS];       /* bits: segments the sender has not taken */


/* the sender's: ingest_reader_t, ingest_adopter_t */

mtype sender[WORKERS];      /* its next step */
byte at_segment[WORKERS];   /* and what that is about */
byte at_offset[WORKERS];
byte heir_of[WORKERS];      /* the slot being adopted, plus 1 */
byte parking[WORKERS];      /* the parking segment */

bool held[WORKERS * SEGMENTS];
byte cursor[WORKERS * SEGMENTS];
byte undone[WORKERS * SEGMENTS];


/* librdkafka: the key of what is in flight, which it copies, or 0 */

byte flight[WORKERS * POSITIONS];


/* what is left of the bounds */

byte requests;
byte kills;
byte errors;
byte stops;
byte fatals;
byte parks;


/* what only the properties know, as bits: records */

byte accepted;
byte delivered;


hidden byte i;
hidden byte n;


/* A property; a replay of the counterexample prints the text. */

#define MUST(condition, text)                                               \
    if                                                                      \
    :: condition                                                            \
    :: else -> printf("broken: "); printf(text); printf("\n"); assert(false) \
    fi

#define SAY(text)                                                           \
    printf("worker %d: ", w); printf(text); printf("\n")


#if SEGMENTS == 2
#define ANY_SEGMENT(p)     (p(0) || p(1))
#define EVERY_SEGMENT(p)   (p(0) && p(1))
#define EACH_SEGMENT(p)    p(0) p(1)
#elif SEGMENTS == 3
#define ANY_SEGMENT(p)     (p(0) || p(1) || p(2))
#define EVERY_SEGMENT(p)   (p(0) && p(1) && p(2))
#define EACH_SEGMENT(p)    p(0) p(1) p(2)
#elif SEGMENTS == 4
#define ANY_SEGMENT(p)     (p(0) || p(1) || p(2) || p(3))
#define EVERY_SEGMENT(p)   (p(0) && p(1) && p(2) && p(3))
#define EACH_SEGMENT(p)    p(0) p(1) p(2) p(3)
#endif

#define EACH_OFFSET(p, s)  p(s, 0) p(s, 1)
#define EACH_SLOT(p)       p(0) p(1) p(2) p(3)


#include "ring_writer.pml"
#include "ring_reader.pml"
#include "ring_park.pml"
#include "ring_slot.pml"


#define NEXT(s)                                                             \
    :: d_step { CAN_NEXT(s) -> ingest_reader_next(s) }

#define DELIVERED(s, o)                                                     \
    :: d_step { IS_REPORTED(s, o) -> ingest_outcome_delivered(s, o) }

#define FAILED(s, o)                                                        \
    :: d_step { IS_REPORTED(s, o) && errors > 0 ->                          \
                    ingest_outcome_failed(s, o) }

#define FREE(s)                                                             \
    :: d_step { CAN_FREE(s) -> ingest_reader_release(s) }

#define ADOPT(t)                                                            \
    :: d_step { CAN_ADOPT(t) -> ingest_slot_adopt(t) }

#define PARK(s, o)                                                          \
    :: d_step { CAN_PARK(s, o) -> ingest_reader_park(s, o) }

#define REPORTS(s)  EACH_OFFSET(DELIVERED, s) EACH_OFFSET(FAILED, s)
#define PARKS_OF(s)  EACH_OFFSET(PARK, s)


proctype worker(byte w)
{
end:
    do
    :: d_step { loop[w] == gone && ANY_SLOT_FREE -> ingest_slot_take() }
    :: d_step { loop[w] != gone && kills > 0 -> killed() }

    /* event loop */

    :: d_step { CAN_LOOK -> ingest_writer_looks_full() }
    :: d_step { loop[w] == looking -> ingest_writer_claim() }
    :: d_step { loop[w] == claimed -> ingest_writer_claim_head() }
    :: d_step { loop[w] == listed -> ingest_writer_give_back() }

#ifdef COMMIT_BEFORE_COPY
    :: d_step { CAN_APPEND -> ingest_writer_commit() }
    :: d_step { loop[w] == listed -> advance(); ingest_writer_commit() }
    :: d_step { loop[w] == visible -> ingest_writer_append_header() }
#else
    :: d_step { CAN_APPEND -> ingest_writer_append_header() }
    :: d_step { loop[w] == listed -> advance(); ingest_writer_append_header() }
#endif

    :: d_step { loop[w] == has_header -> ingest_writer_append_value() }
    :: d_step { loop[w] == has_value && last[w] != NONE ->
                    ingest_writer_commit_last() }
    :: d_step { loop[w] == last_committed -> ingest_writer_seal_last() }

#ifdef COMMIT_BEFORE_COPY
    :: d_step { loop[w] == has_value && last[w] == NONE -> answered() }
#else
    :: d_step { loop[w] == has_value && last[w] == NONE ->
                    ingest_writer_commit(); answered() }
#endif

    :: d_step { CAN_SEAL -> ingest_writer_seal() }

    /* sender */

    :: d_step { sender[w] == idle && claims[w] != 0 -> ingest_reader_take() }
    EACH_SEGMENT(NEXT)
    :: d_step { sender[w] == found -> ingest_producer_hand_over() }
    EACH_SEGMENT(REPORTS)
    :: d_step { sender[w] == idle && fatals > 0 -> ingest_reader_rewind() }

    EACH_SEGMENT(FREE)
    :: d_step { sender[w] == free_sealed -> ingest_reader_release_sealed() }
    :: d_step { sender[w] == free_seq -> ingest_reader_release_seq() }
    :: d_step { sender[w] == free_owner -> ingest_reader_release_owner() }
    :: d_step { sender[w] == free_counted -> ingest_reader_release_freed() }

    EACH_SLOT(ADOPT)
    :: d_step { sender[w] == resolving -> ingest_reader_resolve() }
    :: d_step { sender[w] == adopting -> ingest_reader_adopt() }
    :: d_step { sender[w] == free_adopted ->
                    ingest_reader_release(at_segment[w]) }
    :: d_step { sender[w] == owning -> ingest_reader_adopt_owner() }
    :: d_step { sender[w] == releasing -> ingest_slot_release() }

    EACH_SEGMENT(PARKS_OF)
    :: d_step { sender[w] == park_claim -> ingest_ring_claim_parking() }
    :: d_step { sender[w] == park_header -> ingest_reader_park_header() }
    :: d_step { sender[w] == park_value -> ingest_reader_park_value() }
    :: d_step { sender[w] == park_end -> ingest_reader_park_end() }
    :: d_step { sender[w] == park_name -> ingest_reader_park_name() }
    :: d_step { sender[w] == park_commit -> ingest_reader_park_commit() }
    :: d_step { sender[w] == park_done -> ingest_reader_park_done() }
    od
}


/* the open segment of a worker that lives */

#define IS_OPEN(s, v)                                                       \
    (loop[v] != gone && open[v] == s && owner[s] == slot[v] + 1             \
     && !sealed[s])

#define IS_AT_REST(s)                                                       \
    (owner[s] == 0 || IS_OPEN(s, 0) || IS_OPEN(s, 1))


init
{
    byte w;

    d_step {
        do
        :: i < SEGMENTS -> seq[i] = 1; i++
        :: else -> break
        od;

        requests = RECORDS;
        kills = KILLS;
        errors = ERRORS;
        stops = STOPS;
        fatals = FATALS;
        parks = PARKS;

        do
        :: w < WORKERS -> nothing(); ingest_slot_take(); w++
        :: else -> break
        od;

        w = 0
    };

    atomic { run worker(0); run worker(1) };

    /* no step is left: faults have stopped */

    timeout;

    d_step {
        MUST(loop[0] != gone && loop[1] != gone, "a worker finds no slot");
        MUST((accepted & delivered) == accepted, "a record is lost");
        MUST(EVERY_SEGMENT(IS_AT_REST), "a segment is never freed");
        MUST(requests + request[0] + request[1] == 0
             || !ANY_SEGMENT(IS_CLAIMABLE),
             "requests are refused although there is room")
    }
}
