
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * A ring with locks for its slots, and what processes do with these, for
 * hold().
 */


#ifndef SLOT_FIXTURE_H
#define SLOT_FIXTURE_H


#include "../../src/kafka/ingest_slot.h"
#include "holder_fixture.h"
#include "worker_fixture.h"


void slot_setup(void);
void slot_teardown(void);

/* As if this process had nothing: only the lock can say no. */

int slot_take(void);        /* by a worker of generation 1 */
int slot_serve(void);       /* the same, and its sender runs */
int slot_adopt(void);


#endif /* SLOT_FIXTURE_H */
