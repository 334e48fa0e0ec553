
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * The wake-up: an event loop that commits, and a sender that falls asleep
 * (ingest_sender.c), under the memory order of x86.  A store goes into its
 * thread's buffer and into memory at some time later; a fence waits until the
 * buffer is empty.  A load never finds a store of its own thread in the
 * buffer here: neither thread reads a word between its store and its fence.
 *
 * write(), read() and poll() of the eventfd count as fences, since the kernel
 * takes a lock in them.  That poll() returns after 500 ms in any case is left
 * out: it is the net, not the protocol.
 *
 * Switches: NO_FENCE_IN_WAKE, NO_FENCE_IN_SLEEP.
 */


#ifndef COMMITS
#define COMMITS   3
#endif

#ifndef REPORTS
#define REPORTS   2         /* times that librdkafka writes the eventfd */
#endif

#define WIDTH     4         /* stores in a buffer; one more waits for room */

mtype = { committed_word, asleep_word }


/* memory, and what is on its way there */

byte committed;
bool asleep;

chan loop_buffer = [WIDTH] of { mtype, byte };
chan sender_buffer = [WIDTH] of { mtype, byte };

bool eventfd;               /* not 0 */
byte seen;                  /* the sender's cursor */


inline arrive(word, value)
{
    if
    :: word == committed_word -> committed = value
    :: else -> asleep = value
    fi;

    word = 0;
    value = 0
}


/* The buffers drain, each in its order. */

active proctype memory()
{
    mtype word;
    byte value;

end:
    do
    :: atomic { loop_buffer?word,value -> arrive(word, value) }
    :: atomic { sender_buffer?word,value -> arrive(word, value) }
    od
}


active proctype event_loop()
{
    byte n;
    bool seen_asleep;

    do
    :: n == COMMITS -> break
    :: else ->
        n++;
        loop_buffer!committed_word,n;       /* ingest_writer_commit() */

#ifndef NO_FENCE_IN_WAKE
        empty(loop_buffer);                 /* ingest_sender_wake() */
#endif
        seen_asleep = asleep;

        if
        :: !seen_asleep
        :: else ->
            loop_buffer!asleep_word,0;
            atomic { empty(loop_buffer) -> eventfd = true }
        fi;

        seen_asleep = false
    od
}


active proctype librdkafka()
{
    byte n;

    do
    :: n == REPORTS -> break
    :: else -> atomic { n++; eventfd = true }
    od
}


active proctype sender()
{
    byte look;

end:
    do
    :: seen = committed;                    /* ingest_producer_turn() */

        sender_buffer!asleep_word,1;        /* ingest_sender_sleep() */

#ifndef NO_FENCE_IN_SLEEP
        empty(sender_buffer);
#endif
        look = committed;                   /* ingest_producer_has_work() */

        if
        :: look != seen
        :: else ->
end_poll:   atomic { empty(sender_buffer) && eventfd -> skip }
        fi;

        look = 0;
        sender_buffer!asleep_word,0;
        atomic { empty(sender_buffer) -> eventfd = false }
    od
}


/* Nothing moves any more, so nobody will wake the sender. */

active proctype at_rest()
{
    timeout;

    if
    :: seen == COMMITS
    :: else ->
        printf("broken: the sender sleeps and there is work\n");
        assert(false)
    fi
}
