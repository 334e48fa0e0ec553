
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * The shared zone of a queue, from its birth in the master to its end.  The
 * ring lies behind nginx's own slab header, in one allocation.
 */


#ifndef NGX_HTTP_INGEST_ZONE_H
#define NGX_HTTP_INGEST_ZONE_H


#include "ngx_http_ingest.h"


/* Declares the zone; it is made or taken over once all of it is parsed. */

char *ngx_http_ingest_zone_add(ngx_conf_t *cf,
    ngx_http_ingest_queue_t *queue);

/*
 * A new cycle has come to life (init_module, in the master): its workers are
 * of a new generation, and queues that it no longer has give back their lock
 * files.
 */

ngx_int_t ngx_http_ingest_zones_commit(ngx_cycle_t *cycle);


#endif /* NGX_HTTP_INGEST_ZONE_H */
