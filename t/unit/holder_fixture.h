
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#ifndef HOLDER_FIXTURE_H
#define HOLDER_FIXTURE_H


#include <sys/types.h>


/* a process that holds something until it is killed */

typedef struct {
    pid_t             pid;
    int               result;       /* of what it did */
} holder_t;


/* Has a child do it, and stay. */

holder_t hold(int (*function)(void));

/* Kills it. */

void end(holder_t *holder);

/* Has a child do it, which must be killed at that fault point. */

void dies_at(const char *point, void (*function)(void));


#endif /* HOLDER_FIXTURE_H */
