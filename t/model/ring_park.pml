
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * The sender of worker w tidies up: ingest_reader_park.c.  One record out of a
 * sealed segment: copied, committed there, DONE here.
 */


#define CAN_PARK(s, o)                                                      \
    (sender[w] == idle && parks > 0 && held[OF(s)] && sealed[s]             \
     && parking[w] != s && IS_AGAIN(s, o))

/* the parking segment takes one more */

#define HAS_ROOM                                                            \
    (parking[w] != NONE && committed[parking[w]] < ROOM)


inline ingest_reader_park_seal()
{
    SAY("ingest_reader_park_seal");

    sealed[parking[w]] = true;
    parking[w] = NONE;
    sender[w] = park_claim
}


/* room behind the records of another sealed segment */

#define IS_HOST(s)                                                          \
    (held[OF(s)] && sealed[s] && s != at_segment[w] && undone[OF(s)] > 0    \
     && cursor[OF(s)] == committed[s] && committed[s] < ROOM)


inline ingest_reader_park_host()
{
    i = 0;

    do
    :: i < SEGMENTS && !IS_HOST(i) -> i++
    :: else -> break
    od;

    if
    :: i == SEGMENTS -> ready()

    :: else ->
        SAY("ingest_reader_park_host");

        parking[w] = i;
        sender[w] = park_header
    fi
}


/* The CAS; the reserve is for this. */

inline ingest_ring_claim_parking()
{
    lowest_free(0);

    if
    :: i == SEGMENTS -> ingest_reader_park_host()

    :: else ->
        SAY("ingest_ring_claim: parking");

        owner[i] = slot[w] + 1;
        parking[w] = i;
        ingest_reader_hold(i);
        sender[w] = park_header
    fi
}


/* the record's place in the parking segment */

#define COPY      AT(parking[w], committed[parking[w]])
#define ORIGINAL  AT(at_segment[w], at_offset[w])


inline ingest_reader_park_header()
{
    SAY("ingest_reader_park_record: header");

    n = COPY;
    untouched(n);

    r_seq[n] = seq[parking[w]];
    r_key[n] = r_key[ORIGINAL];
    r_state[n] = r_state[ORIGINAL];
    sender[w] = park_value
}


inline ingest_reader_park_value()
{
    SAY("ingest_reader_park_record: value");

    n = COPY;
    untouched(n);

    r_value[n] = r_value[ORIGINAL];
#ifdef DONE_BEFORE_PARKED
    sender[w] = park_done
#else
#ifdef NAMED_BEFORE_END
    sender[w] = park_name
#else
    sender[w] = park_end
#endif
#endif
}


inline ingest_reader_park_end()
{
    SAY("ingest_reader_park_record: copy_end");

    copy_end[parking[w]] = committed[parking[w]] + 1;
#ifdef NAMED_BEFORE_END
    sender[w] = park_commit
#else
    sender[w] = park_name
#endif
}


inline ingest_reader_park_name()
{
    SAY("ingest_reader_park_record: copy_of");

    copy_of[parking[w]] = ORIGINAL + 1;
    copy_seq[parking[w]] = seq[at_segment[w]];
#ifdef NAMED_BEFORE_END
    sender[w] = park_end
#else
    sender[w] = park_commit
#endif
}


inline ingest_reader_park(s, o)
{
    parks--;
    at_segment[w] = s;
    at_offset[w] = o;

    if
    :: HAS_ROOM -> ingest_reader_park_header()

    :: else ->
        if
        :: parking[w] == NONE -> ingest_ring_claim_parking()
        :: else -> ingest_reader_park_seal()
        fi
    fi
}


/* It counts as seen, and waits. */

inline ingest_reader_park_commit()
{
    SAY("ingest_reader_park_record: committed");

    cursor[OF(parking[w])]++;
    undone[OF(parking[w])]++;
    committed[parking[w]]++;
#ifdef DONE_BEFORE_PARKED
    ready()
#else
    sender[w] = park_done
#endif
}


inline ingest_reader_park_done()
{
    SAY("ingest_reader_park_segment: the original is DONE");

    ingest_reader_done(at_segment[w], at_offset[w]);
#ifdef DONE_BEFORE_PARKED
    sender[w] = park_commit
#else
    ready()
#endif
}
