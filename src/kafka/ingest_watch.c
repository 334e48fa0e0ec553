
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#include "ingest_watch.h"


static void ingest_watch_say(ingest_watch_t *watch, int index, bool up);


ingest_rc_e
ingest_watch_stats(ingest_watch_t *watch, const char *json, size_t len,
    ingest_brokers_t *brokers)
{
    if (ingest_stats_brokers(json, len, watch->brokers, brokers) != INGEST_OK) {
        return INGEST_ERROR;
    }

    /* relaxed: a scrape need not be one moment */

    atomic_store_explicit(&watch->slot->brokers_known, brokers->known,
                          memory_order_relaxed);
    atomic_store_explicit(&watch->slot->brokers_up, brokers->up,
                          memory_order_relaxed);

    ingest_watch_look(watch, brokers);

    return INGEST_OK;
}


void
ingest_watch_look(ingest_watch_t *watch, const ingest_brokers_t *brokers)
{
    int       i;
    uint64_t  bit, away, down;

    away = brokers->known & ~brokers->up;
    down = away & watch->away;

    watch->away = away;

    for (i = 0; i < INGEST_BROKERS; i++) {
        bit = (uint64_t) 1 << i;

        if ((brokers->up & bit) && !(watch->said_up & bit)) {
            ingest_watch_say(watch, i, true);
        }

        if ((down & bit) && !(watch->said_down & bit)) {
            ingest_watch_say(watch, i, false);
        }
    }
}


static void
ingest_watch_say(ingest_watch_t *watch, int index, bool up)
{
    uint64_t         bit;
    ingest_field_t  *fields;

    bit = (uint64_t) 1 << index;

    fields = ingest_fields(ingest_field_word("broker",
                                             watch->brokers[index].name));

    if (up) {
        watch->said_up |= bit;
        watch->said_down &= ~bit;

        ingest_journal_write(watch->journal, INGEST_LOG_NOTICE, "broker up",
                             "broker {broker} is up", fields);
        return;
    }

    watch->said_down |= bit;
    watch->said_up &= ~bit;

    ingest_journal_write(watch->journal, INGEST_LOG_WARN, "broker down",
                         "broker {broker} is down", fields);
}
