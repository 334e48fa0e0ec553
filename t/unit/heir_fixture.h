
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/* A second worker beside that of worker_fixture.h, in slot 1. */


#ifndef HEIR_FIXTURE_H
#define HEIR_FIXTURE_H


#include "worker_fixture.h"


extern worker_t  heir;


/* Both of them, with the ring. */

void heir_setup(void);
void heir_teardown(void);


#endif /* HEIR_FIXTURE_H */
