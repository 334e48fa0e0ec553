
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * The end of a worker: its producers deliver what they can, and nothing is
 * lost without a word.
 */


#ifndef NGX_HTTP_INGEST_EXIT_H
#define NGX_HTTP_INGEST_EXIT_H


#include "ngx_http_ingest.h"


/* Process hook; may take drain_timeout and a little more. */

void ngx_http_ingest_workers_exit(ngx_cycle_t *cycle);

/*
 * A new cycle with master_process off, where no process ends and none starts:
 * the old cycle's producers end before their zones are unmapped.
 */

void ngx_http_ingest_workers_reload(ngx_cycle_t *cycle);


#endif /* NGX_HTTP_INGEST_EXIT_H */
