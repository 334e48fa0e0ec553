
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * The pieces of an event that has been checked: its body, with an id and a
 * timestamp where it has none.
 */


#ifndef INGEST_SPLICE_H
#define INGEST_SPLICE_H


#include "ingest_event.h"
#include "ingest_json.h"


/*
 * Sets pieces and size, which are empty before, and the id if it is missing.
 * json is the scan of an object, id and time are its members.
 */

void ingest_splice(ingest_event_t *event, const ingest_json_t *json,
    const ingest_member_t *id, const ingest_member_t *time,
    const ingest_defaults_t *defaults);


#endif /* INGEST_SPLICE_H */
