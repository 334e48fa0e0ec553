
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * Who holds a slot: ingest_slot.c, ingest_adopter.c, ingest_reader_adopt.c;
 * and the life and death of worker w.
 */


#define IN_SLOT_0(s)     (owner[s] == 1)
#define IN_SLOT_1(s)     (owner[s] == 2)
#define IN_SLOT_2(s)     (owner[s] == 3)
#define IN_SLOT_3(s)     (owner[s] == 4)

#define HAS_SEGMENTS(t)  ANY_SEGMENT(IN_SLOT_##t)

#define CAN_ADOPT(t)                                                        \
    (sender[w] == idle && IS_ADOPTED && !IS_HELD(t) && IS_GRANTED(t)        \
     && HAS_SEGMENTS(t))


inline ingest_slot_adopt(t)
{
    SAY("ingest_slot_adopt: F_SETLK");

    LOCK(t) = w + 1;
    heir_of[w] = t + 1;
    at_segment[w] = 0;
    sender[w] = resolving
}


/*
 * A copy that was committed, and whose original may not be DONE: there is one
 * such at most, so this is one access that changes something.
 */

#define IS_COPIED(s)                                                        \
    (owner[s] == heir_of[w] && copy_of[s] != 0                              \
     && copy_end[s] == committed[s]                                         \
     && owner[(copy_of[s] - 1) / ROOM] == heir_of[w]                        \
     && seq[(copy_of[s] - 1) / ROOM] == copy_seq[s])


inline ingest_reader_resolve()
{
    SAY("ingest_reader_resolve");

    do
    :: at_segment[w] < SEGMENTS ->
        if
        :: IS_COPIED(at_segment[w]) ->
            r_state[copy_of[at_segment[w]] - 1] = DONE
        :: else
        fi;
        at_segment[w]++
    :: else -> break
    od;

    at_segment[w] = 0;
    sender[w] = adopting
}


/* n: the records of the segment that are not DONE */

inline ingest_reader_count()
{
    n = 0;
    i = 0;

    do
    :: i < committed[at_segment[w]] ->
        MUST(r_seq[AT(at_segment[w], i)] == seq[at_segment[w]],
             "a dead worker left a corrupt record");

        if
        :: r_state[AT(at_segment[w], i)] != DONE -> n++
        :: else
        fi;
        i++
    :: else -> break
    od;

    i = 0
}


/* The slot's next segment: sealed, counted, and held or freed. */

inline ingest_reader_adopt()
{
    do
    :: at_segment[w] < SEGMENTS && owner[at_segment[w]] != heir_of[w] ->
        at_segment[w]++
    :: else -> break
    od;

    if
    :: at_segment[w] == SEGMENTS -> sender[w] = releasing

    :: else ->
        SAY("ingest_reader_adopt: sealed");

        sealed[at_segment[w]] = true;
        ingest_reader_count();
        ingest_reader_hold(at_segment[w]);
        GIVE_AWAY;

        if
        :: n == 0 -> sender[w] = free_adopted
        :: else -> sender[w] = owning
        fi
    fi
}


/* It is of the own slot now. */

inline ingest_reader_adopt_owner()
{
    SAY("ingest_reader_adopt: owner");

    owner[at_segment[w]] = slot[w] + 1;
    at_segment[w]++;
    sender[w] = adopting
}


/* Nothing is left in the dead slot. */

inline ingest_slot_release()
{
    SAY("ingest_slot_release: F_UNLCK");

    LOCK(heir_of[w] - 1) = 0;
    heir_of[w] = 0;
    ready()
}


/* Private memory as a process begins with it. */

inline nothing()
{
    loop[w] = gone;
    slot[w] = SLOTS;
    open[w] = NONE;
    offset[w] = 0;
    reserved[w] = NONE;
    last[w] = NONE;
    last_end[w] = 0;
    request[w] = 0;
    claims[w] = 0;

    ready();
    sender[w] = gone;
    heir_of[w] = 0;
    parking[w] = NONE;

#ifdef FULL_FOR_GOOD
    was_full[w] = false;
    fresh[w] = false;
#endif

    i = 0;

    do
    :: i < SEGMENTS ->
        held[OF(i)] = false;
        cursor[OF(i)] = 0;
        undone[OF(i)] = 0;
        i++
    :: else -> break
    od;

    i = 0
}


/* The kernel drops the locks when the process is gone. */

inline killed()
{
    SAY("killed");

    kills--;
    in_flight_is_gone();
    nothing();

    do
    :: i < LOCKS ->
        if
        :: lock[i] == w + 1 -> lock[i] = 0
        :: else
        fi;
        i++
    :: else -> break
    od;

    i = 0;
    NEXT_LOCK_FILE
}


#define IS_SLOT_FREE(t)  (LOCK(t) == 0 && !HAS_SEGMENTS(t))

#define ANY_SLOT_FREE                                                       \
    (IS_SLOT_FREE(0) || IS_SLOT_FREE(1) || IS_SLOT_FREE(2)                  \
     || IS_SLOT_FREE(3))


inline ingest_slot_take()
{
    SAY("ingest_slot_take: F_SETLK");

    i = (IS_SLOT_FREE(0) -> 0 : (IS_SLOT_FREE(1) -> 1
         : (IS_SLOT_FREE(2) -> 2 : 3)));

    LOCK(i) = w + 1;
    slot[w] = i;
    loop[w] = idle;
    sender[w] = idle
}
