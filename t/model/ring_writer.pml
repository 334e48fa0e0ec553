
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/* The event loop of worker w: ingest_writer.c, ingest_ring_claim(). */


#define IS_FREE(s)       (owner[s] == 0)
#define IS_CLAIMABLE(s)  ((s) >= RESERVE && owner[s] == 0)

#define CAN_APPEND                                                          \
    (loop[w] == idle && requests > 0 && request[w] == 0                     \
     && open[w] != NONE && offset[w] < ROOM)

/*
 * A record may be too large for what is left of the open segment.  One that
 * was refused is tried again.
 */

#define CAN_LOOK                                                            \
    (loop[w] == idle && (requests > 0 || request[w] != 0) && !IS_REFUSED)

/* when the worker stops */

#define CAN_SEAL                                                            \
    (loop[w] == idle && open[w] != NONE && stops > 0)


inline asked()
{
    if
    :: request[w] == 0 ->
        request[w] = requests;
        requests--
    :: else
    fi
}


/* acquire of freed */

inline ingest_writer_looks_full()
{
    SAY("ingest_writer_looks_full");

    asked();
#ifdef FULL_FOR_GOOD
    was_full[w] = false;
    fresh[w] = true;
#endif
    loop[w] = looking
}


inline lowest_free(first)
{
    i = first;

    do
    :: i < SEGMENTS && owner[i] != 0 -> i++
    :: else -> break
    od
}


/* The CAS, acquire: pairs with the release of the free. */

inline ingest_writer_claim()
{
    lowest_free(RESERVE);

    if
    :: i == SEGMENTS ->
        SAY("ingest_writer_claim: full");
#ifdef FULL_FOR_GOOD
        was_full[w] = true;
#endif
        loop[w] = idle

    :: else ->
        SAY("ingest_writer_claim: owner");
        owner[i] = slot[w] + 1;
        reserved[w] = i;
        loop[w] = claimed
    fi
}


/* Release of head: the sender may take the segment from now on. */

inline ingest_writer_claim_head()
{
    SAY("ingest_writer_claim: head");

    claims[w] = claims[w] | BIT(reserved[w]);
    loop[w] = listed
}


/* A batch that found too few segments: this one stays empty, 503. */

inline ingest_writer_give_back()
{
    SAY("ingest_writer_give_back: sealed");

    sealed[reserved[w]] = true;
    reserved[w] = NONE;
    request[w] = 0;
    loop[w] = idle
}


inline advance()
{
    SAY("ingest_writer_advance");

#ifdef INIT_AFTER_CLAIM
    committed[reserved[w]] = 0;
    sealed[reserved[w]] = false;
    seq[reserved[w]]++;
#endif

    if
    :: open[w] != NONE ->
        last[w] = open[w];
        last_end[w] = offset[w]
    :: else
    fi;

    open[w] = reserved[w];
    reserved[w] = NONE;
    offset[w] = 0
}


/* Nobody may have the place in flight. */

inline untouched(p)
{
    MUST(flight[p] == 0 && flight[POSITIONS + p] == 0,
         "memory in flight is written to")
}


inline ingest_writer_append_header()
{
    SAY("ingest_writer_append: header");

    asked();
    n = AT(open[w], offset[w]);
    untouched(n);

    r_seq[n] = seq[open[w]];
    r_key[n] = request[w];
#ifndef HEADER_NOT_ZEROED
    r_state[n] = PENDING;
#endif
    loop[w] = has_header
}


inline ingest_writer_append_value()
{
    SAY("ingest_writer_append: value");

    n = AT(open[w], offset[w]);
    untouched(n);

    r_value[n] = request[w];
    loop[w] = has_value
}


/* The segment before, once more, and then sealed. */

inline ingest_writer_commit_last()
{
    SAY("ingest_writer_commit: the segment before");

    committed[last[w]] = last_end[w];
    loop[w] = last_committed
}


inline ingest_writer_seal_last()
{
    SAY("ingest_writer_seal_at: the segment before");

    sealed[last[w]] = true;
    last[w] = NONE;
    last_end[w] = 0;
    loop[w] = has_value
}


/* The release store of committed: from here on the record exists. */

inline ingest_writer_commit()
{
    SAY("ingest_writer_commit");

    asked();
    committed[open[w]] = offset[w] + 1;
    accepted = accepted | BIT(request[w]);
    loop[w] = visible
}


inline answered()
{
    offset[w]++;
    request[w] = 0;
    loop[w] = idle
}


inline ingest_writer_seal()
{
    SAY("ingest_writer_seal");

    stops--;
    sealed[open[w]] = true;
    open[w] = NONE;
    offset[w] = 0
}
