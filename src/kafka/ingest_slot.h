
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * Who holds a slot: a byte lock (fcntl, F_SETLK) on a memfd that is born with
 * the zone.  The kernel drops it when the process is really gone, whatever
 * killed it, and not a moment before: no pid can be taken for another one.
 *
 * The descriptor is inherited by all workers and kept over reloads; its
 * number stands in the superblock.  A process that closed any descriptor of
 * that inode would lose its locks, so nobody but the master ever does.  A
 * worker never unlocks its own slot, it dies.
 */


#ifndef INGEST_SLOT_H
#define INGEST_SLOT_H


#include "../core/ingest_ring.h"


/* A new lock file, as a descriptor that exec() closes; -1 and errno. */

int ingest_slot_file(void);

/*
 * Takes the lowest slot that nobody holds and that has no segments.  Returns
 * its number, or -1 when there is none.  Not twice in one process and ring:
 * a lock that the process has is granted again.
 */

int ingest_slot_take(ingest_ring_t *ring);


#endif /* INGEST_SLOT_H */
