
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/* A made-up ring, as two workers may have left it. */


#ifndef PROM_FIXTURE_H
#define PROM_FIXTURE_H


#include "ring_fixture.h"
#include "unit.h"


#define NOW_MS  1700000000000ull


/* Four segments, and what was counted until NOW_MS; for ring_destroy(). */

ingest_ring_t *prom_ring_create(void);


#endif /* PROM_FIXTURE_H */
