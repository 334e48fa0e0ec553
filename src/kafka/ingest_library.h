
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * librdkafka's own log lines.  It repeats itself at every try to connect: one
 * warning a second passes, the others are counted.
 */


#ifndef INGEST_LIBRARY_H
#define INGEST_LIBRARY_H


#include "ingest_journal.h"


/* The sender thread; level is syslog's, now_ms CLOCK_MONOTONIC. */

void ingest_library_log(ingest_journal_t *journal, ingest_fold_t *fold,
    uint64_t now_ms, int level, const char *text);


#endif /* INGEST_LIBRARY_H */
