
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * What the switches of ring.pml change, where that is a condition; the others
 * change the order of steps and stand there.
 *
 *     DONE_ON_ANY_REPORT    an error ends a record like a success
 *     FREE_AT_PRODUCE       a segment is free once all of it was handed over
 *     COMMIT_BEFORE_COPY    committed is stored before the record is written
 *     NO_ADOPTION           what a dead worker leaves is nobody's
 *     LOCK_IGNORED          the adopter does not ask for the slot's lock
 *     OWN_SLOT_ADOPTED      it does not ask what its process holds already
 *     SLOT_GIVEN_AWAY       the lock is dropped before the segments are one's own
 *     LOCK_FILE_PER_RELOAD  each generation of workers has locks of its own
 *     INIT_AFTER_CLAIM      a segment's next life is prepared by who claims it
 *     CURSOR_NOT_KEYED      a cursor is believed in the segment's next life
 *     HEADER_NOT_ZEROED     a record's state is what was there before
 *     DONE_BEFORE_PARKED    the original is DONE before the copy is committed
 *     NAMED_BEFORE_END      a copy is named before it is said where it ends
 *     FULL_FOR_GOOD         a full ring is not looked at before freed changes
 */


#ifdef LOCK_FILE_PER_RELOAD
#define LOCKS           (SLOTS * 2)
#define LOCK(t)         lock[(t) + SLOTS * space[w]]
#define NEXT_LOCK_FILE  space[w] = !space[w]
bool space[WORKERS];
#else
#define LOCKS           SLOTS
#define LOCK(t)         lock[t]
#define NEXT_LOCK_FILE  skip
#endif

#ifdef LOCK_IGNORED
#define IS_GRANTED(t)   true
#else
#define IS_GRANTED(t)   (LOCK(t) == 0 || LOCK(t) == w + 1)
#endif

#ifdef OWN_SLOT_ADOPTED
#define IS_HELD(t)      false
#else
#define IS_HELD(t)      (slot[w] == t)
#endif

#ifdef NO_ADOPTION
#define IS_ADOPTED      false
#else
#define IS_ADOPTED      true
#endif

#ifdef SLOT_GIVEN_AWAY
#define GIVE_AWAY       LOCK(heir_of[w] - 1) = 0
#else
#define GIVE_AWAY       skip
#endif

#ifdef FREE_AT_PRODUCE
#define IS_UNDONE(s)    false
#else
#define IS_UNDONE(s)    (undone[OF(s)] != 0)
#endif


/*
 * What was found full is looked at again, after a while even if freed did not
 * change: who should have changed it may have died one step before.  A look
 * that finds nothing is no step here.
 */

#ifdef FULL_FOR_GOOD
#define IS_REFUSED      (was_full[w] && fresh[w])
bool was_full[WORKERS];
bool fresh[WORKERS];        /* freed is still what was seen at that look */
#else
#define IS_REFUSED      (!ANY_SEGMENT(IS_CLAIMABLE))
#endif
