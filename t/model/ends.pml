
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * The ends of workers: who leaves events to whom (ingest_slot.c,
 * ingest_adopter.c, ingest_producer_settle()).  Kafka is away, so that all
 * events are lost in the end, and each must be said to be.
 *
 * A step is one write to shared memory, one look at one word of another's, or
 * one call of the kernel.  Signals and deadlines may come at any moment, to
 * each worker at another one.  Worker 0, or 0 and 1, may be of an older
 * generation.
 *
 * A worker that is killed takes nothing with it while another one is there that
 * has not begun with its last look; else nobody can say what it had, or was
 * left, and that is excused.
 *
 * Switches: SAME_GENERATION_IGNORED, HEIRS_BEFORE_LEAVING, LATE_IS_OVER,
 * OLD_HEIRS.
 */


#define WORKERS   3

#ifndef KILLS
#define KILLS     1
#endif

mtype = { SERVES, ENDS, LEAVES }
mtype = { EARLY, LATE, LAST }

mtype stage[WORKERS];
bool lock[WORKERS];         /* the process is there, and holds its slot */
bool past[WORKERS];         /* it may have had its last look at others */
bool old[WORKERS];          /* of the generation before */
byte events[WORKERS];       /* in its slot's segments, not DONE */

byte kills;
byte said;                  /* to be lost */
byte excused;


/* OLD_HEIRS: as it was, one that adopts nothing was taken for an heir. */

#ifdef OLD_HEIRS
#define IS_HEIR(v)                                                          \
    (v != w && lock[v] && stage[v] == SERVES && (!old[v] || old[w]))
#else
#define IS_HEIR(v)                                                          \
    (v != w && lock[v] && stage[v] == SERVES && !old[v])
#endif

/* SAME_GENERATION_IGNORED: as it was, only older ones are waited for. */

#ifdef SAME_GENERATION_IGNORED
#define IS_LEFT(v)                                                          \
    (v != w && events[v] != 0 && !lock[v])
#else
#define IS_LEFT(v)                                                          \
    (v != w && events[v] != 0 && (!lock[v] || stage[v] == LEAVES))
#endif

#define CAN_ADOPT(v)   (v != w && events[v] != 0 && !lock[v])

/* somebody who will still look, whether or not it knows that it ends */

#define LOOKS(v)       (v != w && lock[v] && !past[v] && !old[v])


#define IS_KILLED      (kills > 0)

inline killed()
{
    kills--;
    printf("worker %d: killed\n", w);
    past[w] = true;
    lock[w] = false;
    v = 0;

    do
    :: v == WORKERS || LOOKS(0) || LOOKS(1) || LOOKS(WORKERS - 1) -> break
    :: else ->
        if
        :: !lock[v] || stage[v] == LEAVES ->
            excused = excused + events[v];
            events[v] = 0
        :: else
        fi;
        v++
    od
}


inline adopt(v)
{
    printf("worker %d: ingest_adopter_adopt\n", w);
    events[w] = events[w] + events[v];
    events[v] = 0
}


proctype worker(byte w)
{
    byte v;
    bool heir;
    mtype look;

    /* it serves until a signal comes, and may adopt meanwhile */

    do
    :: atomic { IS_KILLED -> killed(); goto gone }
    :: d_step { !old[w] && CAN_ADOPT(0) -> adopt(0) }
    :: d_step { !old[w] && CAN_ADOPT(1) -> adopt(1) }
    :: d_step { !old[w] && CAN_ADOPT(WORKERS - 1) -> adopt(WORKERS - 1) }
    :: d_step {
           printf("worker %d: ingest_slot_retire\n", w);
           stage[w] = ENDS
       };
       break
    od;

    /*
     * ingest_adopter_is_over().  Before the deadline it may leave at once
     * (ingest_adopter_makes_room()); behind it, it looks at each of the others
     * first.
     */

again:
    atomic {
        past[w] = true;
        v = 0;
        if
        :: look = EARLY; goto leave
        :: look = LATE
        fi
    };

    do
    :: v == WORKERS -> break
    :: atomic { v < WORKERS && IS_KILLED -> killed(); goto gone }
#ifdef LATE_IS_OVER
    :: break
#endif
    :: d_step { v < WORKERS && (old[w] || !IS_LEFT(v)) -> v++ }
    :: d_step { v < WORKERS && !old[w] && CAN_ADOPT(v) -> adopt(v) };
       goto again
    od;

    /* ingest_slot_leave() */

leave:
    v = 0;

#ifndef HEIRS_BEFORE_LEAVING
    atomic {
        printf("worker %d: ingest_slot_leave\n", w);
        stage[w] = LEAVES
    };
#endif

    do
    :: heir || v == WORKERS -> break
    :: atomic { !heir && v < WORKERS && IS_KILLED -> killed(); goto gone }
    :: d_step { !heir && v < WORKERS && IS_HEIR(v) -> heir = true }
    :: d_step { !heir && v < WORKERS && !IS_HEIR(v) -> v++ }
    od;

#ifdef HEIRS_BEFORE_LEAVING
    atomic {
        printf("worker %d: ingest_slot_leave\n", w);
        stage[w] = LEAVES
    };
#endif

    if
    :: heir -> goto ended
    :: atomic { !heir -> stage[w] = ENDS }
    fi;

    /* it goes on, as ingest_adopter_awaits() may have it; or settles */

    if
    :: atomic { look != LAST -> past[w] = false; goto again }
    :: atomic { look == LATE -> look = LAST; goto leave }
    :: atomic {
           look == LAST ->
           printf("worker %d: ingest_outcome_lost\n", w);
           said = said + events[w];
           events[w] = 0
       }
    fi;

    /* librdkafka lets go; then the kernel drops the lock */

ended:
    if
    :: atomic { IS_KILLED -> killed(); goto gone }
    :: d_step {
           printf("worker %d: exit\n", w);
           lock[w] = false
       }
    fi;

gone:
    skip
}


init
{
    byte w;

    d_step {
        do
        :: w < WORKERS ->
            stage[w] = SERVES;
            lock[w] = true;
            events[w] = 1;
            w++
        :: else -> break
        od;

        w = 0;
        kills = KILLS
    };

    if
    :: old[0] = true;
       if
       :: old[1] = true
       :: skip
       fi
    :: skip
    fi;

    atomic {
        do
        :: w < WORKERS -> run worker(w); w++
        :: else -> break
        od
    };

    timeout;

    if
    :: said + excused == WORKERS
    :: else ->
        printf("broken: %d events are lost without a word\n",
               WORKERS - said - excused);
        assert(false)
    fi
}
