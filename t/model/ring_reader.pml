
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * The sender of worker w, between the ring and librdkafka: ingest_reader.c,
 * ingest_reader_held.c, ingest_producer.c, ingest_outcome.c.
 *
 * Which of the held segments it looks at first is left open, and so is when a
 * report comes.
 */


inline ready()
{
    at_segment[w] = 0;
    at_offset[w] = 0;
    sender[w] = idle
}


/* Cursors are keyed by seq: what one said of an earlier life counts as 0. */

inline ingest_reader_hold(s)
{
    held[OF(s)] = true;
#ifndef CURSOR_NOT_KEYED
    cursor[OF(s)] = 0;
    undone[OF(s)] = 0;
#endif
}


inline ingest_reader_drop(s)
{
    held[OF(s)] = false;
#ifndef CURSOR_NOT_KEYED
    cursor[OF(s)] = 0;
    undone[OF(s)] = 0;
#endif

    if
    :: parking[w] == s -> parking[w] = NONE
    :: else
    fi
}


/* acquire of head */

inline ingest_reader_take()
{
    SAY("ingest_reader_take");

    i = 0;

    do
    :: i < SEGMENTS ->
        if
        :: claims[w] & BIT(i) -> ingest_reader_hold(i)
        :: else
        fi;
        i++
    :: else -> break
    od;

    claims[w] = 0
}


/* seen before, and not in flight: a record that waited */

#define IS_AGAIN(s, o)                                                      \
    ((o) < cursor[OF(s)] && r_state[AT(s, o)] != DONE                       \
     && flight[FLIGHT(AT(s, o))] == 0)

#define ANY_AGAIN(s)  (IS_AGAIN(s, 0) || IS_AGAIN(s, 1))

#define CAN_NEXT(s)                                                         \
    (sender[w] == idle && held[OF(s)]                                       \
     && (cursor[OF(s)] < committed[s] || ANY_AGAIN(s)))


/* Acquire of committed; then a look at the record's state. */

inline ingest_reader_next(s)
{
    SAY("ingest_reader_next");

    if
    :: ANY_AGAIN(s) ->
        at_segment[w] = s;
        at_offset[w] = (IS_AGAIN(s, 0) -> 0 : 1);
        sender[w] = found

    :: else ->
        if
        :: r_state[AT(s, cursor[OF(s)])] == DONE -> cursor[OF(s)]++
        :: else ->
            at_segment[w] = s;
            at_offset[w] = cursor[OF(s)];
            sender[w] = found
        fi
    fi
}


/* Then rd_kafka_producev(), which copies the key and not the value. */

inline ingest_producer_hand_over()
{
    SAY("ingest_producer_hand_over");

    n = AT(at_segment[w], at_offset[w]);

    MUST(r_key[n] != 0 && (accepted & BIT(r_key[n])),
         "a record is sent that was not committed");
    MUST(flight[FLIGHT(n)] == 0, "a record is in flight twice");

    i = 0;

    do
    :: i < POSITIONS ->
        MUST(flight[(1 - w) * POSITIONS + i] != r_key[n],
             "two owners send one record");
        i++
    :: else -> break
    od;

    flight[FLIGHT(n)] = r_key[n];

    /* ingest_reader_sent() */

    if
    :: at_offset[w] == cursor[OF(at_segment[w])] ->
        cursor[OF(at_segment[w])]++;
        undone[OF(at_segment[w])]++
    :: else
    fi;

    ready()
}


/*
 * The broker may have read the value at any time since then, whatever the
 * report will say, and also if there comes none.
 */

inline sent_bytes(p)
{
    MUST(flight[FLIGHT(p)] == r_value[p],
         "other bytes are sent than were committed")
}


inline ingest_reader_done(s, o)
{
    r_state[AT(s, o)] = DONE;

    if
    :: undone[OF(s)] > 0 -> undone[OF(s)]--
    :: else
    fi
}


#define IS_REPORTED(s, o)                                                   \
    (sender[w] == idle && flight[FLIGHT(AT(s, o))] != 0)


inline ingest_outcome_delivered(s, o)
{
    SAY("ingest_outcome_delivered");

    sent_bytes(AT(s, o));
    MUST(held[OF(s)], "a report comes of a segment that is not held");

    delivered = delivered | BIT(flight[FLIGHT(AT(s, o))]);
    flight[FLIGHT(AT(s, o))] = 0;
    ingest_reader_done(s, o)
}


/* It waits: ingest_reader_retry(). */

inline ingest_outcome_failed(s, o)
{
    SAY("ingest_outcome_failed");

    errors--;
    sent_bytes(AT(s, o));
    MUST(held[OF(s)], "a report comes of a segment that is not held");

    flight[FLIGHT(AT(s, o))] = 0;
#ifdef DONE_ON_ANY_REPORT
    ingest_reader_done(s, o)
#endif
}


/* What librdkafka had is gone, without a report. */

inline in_flight_is_gone()
{
    i = 0;

    do
    :: i < POSITIONS ->
        if
        :: flight[FLIGHT(i)] != 0 ->
            sent_bytes(i);
            flight[FLIGHT(i)] = 0
        :: else
        fi;
        i++
    :: else -> break
    od;

    i = 0
}


/* A fatal error: the handle is gone before there is a new one. */

inline ingest_reader_rewind()
{
    SAY("ingest_reader_rewind");

    fatals--;
    in_flight_is_gone()
}


/*
 * Sealed, all of it seen and all of it DONE.  The parking segment need not be
 * sealed: nobody else writes to it.
 */

#define CAN_FREE(s)                                                         \
    (sender[w] == idle && held[OF(s)] && (sealed[s] || parking[w] == s)     \
     && cursor[OF(s)] == committed[s] && !IS_UNDONE(s))


/* Relaxed stores: the next life, published by the release of owner. */

inline ingest_reader_release(s)
{
    SAY("ingest_reader_release: committed");

    MUST(owner[s] != 0, "a segment is freed twice");
    MUST(owner[s] == slot[w] + 1 || owner[s] == heir_of[w],
         "a segment is freed by who does not hold its slot");

    i = 0;

    do
    :: i < ROOM ->
        MUST(i >= committed[s] || r_state[AT(s, i)] == DONE,
             "a segment is freed with a record pending");
        MUST(flight[AT(s, i)] == 0 && flight[POSITIONS + AT(s, i)] == 0,
             "a segment is freed with a record in flight");
        i++
    :: else -> break
    od;

    ingest_reader_drop(s);
    at_segment[w] = s;

#ifdef INIT_AFTER_CLAIM
    sender[w] = free_owner
#else
    committed[s] = 0;
    sender[w] = free_sealed
#endif
}


inline ingest_reader_release_sealed()
{
    SAY("ingest_reader_release: sealed");

    sealed[at_segment[w]] = false;
    copy_of[at_segment[w]] = 0;
    sender[w] = free_seq
}


inline ingest_reader_release_seq()
{
    SAY("ingest_reader_release: seq");

    seq[at_segment[w]]++;
    sender[w] = free_owner
}


inline released()
{
    if
    :: heir_of[w] != 0 -> sender[w] = adopting
    :: else -> ready()
    fi
}


/* Release: pairs with the acquire of a claim. */

inline ingest_reader_release_owner()
{
    SAY("ingest_reader_release: owner");

    MUST(owner[at_segment[w]] != 0, "a segment is freed twice");

    owner[at_segment[w]] = 0;

#ifdef FULL_FOR_GOOD
    sender[w] = free_counted
#else
    released()
#endif
}


inline ingest_reader_release_freed()
{
    SAY("ingest_reader_release: freed");

#ifdef FULL_FOR_GOOD
    fresh[0] = false;
    fresh[1] = false;
#endif
    released()
}
