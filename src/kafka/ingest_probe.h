
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * What librdkafka finds only when it makes a handle: a missing CA file, a
 * mechanism that it was built without, properties that exclude each other.
 */


#ifndef INGEST_PROBE_H
#define INGEST_PROBE_H


#include <sys/types.h>

#include "ingest_options.h"


typedef struct {
    const char  *name;
    uid_t        uid;
    gid_t        gid;
} ingest_user_t;


/*
 * Makes and destroys a handle in a child process and waits for its word, at
 * most timeout_ms.  The child does it as that user, with its groups, so that a
 * file is missing which only root can read; NULL: as the user that calls.  To
 * be called by a process that has no threads.  On INGEST_ERROR error
 * (INGEST_OPTIONS_ERROR bytes) says why.  The child may be reaped by anybody:
 * its word comes over a pipe.
 */

ingest_rc_e ingest_probe(const ingest_options_t *options,
    const ingest_user_t *user, unsigned timeout_ms, char *error);


#endif /* INGEST_PROBE_H */
