
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * The state of the brokers, out of the statistics that librdkafka emits.
 * Any thread.
 */


#ifndef INGEST_STATS_H
#define INGEST_STATS_H


#include "../core/ingest_metrics.h"


typedef struct {
    uint64_t         known;     /* bits: ingest_broker_index() */
    uint64_t         up;
    unsigned         nknown;    /* with those that are not in the table */
    unsigned         nup;
} ingest_brokers_t;


/*
 * A broker is known once librdkafka has had a reason to connect to it.  New
 * names are entered into the table, as long as it has room.  INGEST_ERROR: the
 * text is not librdkafka's statistics; nothing is changed.
 */

ingest_rc_e ingest_stats_brokers(const char *json, size_t len,
    ingest_broker_t *table, ingest_brokers_t *brokers);


#endif /* INGEST_STATS_H */
