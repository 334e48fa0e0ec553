
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#include <string.h>

#include <cjson/cJSON.h>

#include "ingest_stats.h"


#define INGEST_STATS_IDLE_US    10000000    /* longer than between two tries */
#define INGEST_STATS_UNUSED_US  300000000   /* brokers close what is so idle */


static void ingest_stats_broker(const cJSON *broker, ingest_broker_t *table,
    ingest_brokers_t *brokers);
static bool ingest_stats_is_idle(const cJSON *broker, const char *state);
static double ingest_stats_number(const cJSON *broker, const char *name);


ingest_rc_e
ingest_stats_brokers(const char *json, size_t len, ingest_broker_t *table,
    ingest_brokers_t *brokers)
{
    cJSON        *root;
    const cJSON  *list, *broker;

    root = cJSON_ParseWithLength(json, len);
    if (root == NULL) {
        return INGEST_ERROR;
    }

    list = cJSON_GetObjectItemCaseSensitive(root, "brokers");

    if (!cJSON_IsObject(list)) {
        cJSON_Delete(root);
        return INGEST_ERROR;
    }

    memset(brokers, 0, sizeof(ingest_brokers_t));

    cJSON_ArrayForEach(broker, list) {
        ingest_stats_broker(broker, table, brokers);
    }

    cJSON_Delete(root);

    return INGEST_OK;
}


static void
ingest_stats_broker(const cJSON *broker, ingest_broker_t *table,
    ingest_brokers_t *brokers)
{
    int           index;
    bool          up;
    const char   *name, *state, *source;
    const cJSON  *item;

    /* "logical" ones are librdkafka's own and have no address */

    item = cJSON_GetObjectItemCaseSensitive(broker, "source");
    source = cJSON_GetStringValue(item);

    item = cJSON_GetObjectItemCaseSensitive(broker, "nodename");
    name = cJSON_GetStringValue(item);

    item = cJSON_GetObjectItemCaseSensitive(broker, "state");
    state = cJSON_GetStringValue(item);

    if (source == NULL || name == NULL || state == NULL
        || name[0] == '\0'
        || ingest_stats_is_idle(broker, state)
        || (strcmp(source, "configured") != 0
            && strcmp(source, "learned") != 0))
    {
        return;
    }

    up = strcmp(state, "UP") == 0;

    brokers->nknown++;
    brokers->nup += up;

    index = ingest_broker_index(table, name);
    if (index == -1) {
        return;
    }

    brokers->known |= (uint64_t) 1 << index;
    brokers->up |= (uint64_t) up << index;
}


/*
 * INIT is the state of a broker that librdkafka has not needed so far, of one
 * whose idle connection was closed, to which it has sent nothing for long, and,
 * between two tries, of one that it cannot reach: that one changes its state
 * all the time.
 */

static bool
ingest_stats_is_idle(const cJSON *broker, const char *state)
{
    return strcmp(state, "INIT") == 0
           && (ingest_stats_number(broker, "connects") == 0
               || ingest_stats_number(broker, "txidle")
                  > INGEST_STATS_UNUSED_US
               || ingest_stats_number(broker, "stateage")
                  > INGEST_STATS_IDLE_US);
}


static double
ingest_stats_number(const cJSON *broker, const char *name)
{
    const cJSON  *item;

    item = cJSON_GetObjectItemCaseSensitive(broker, name);

    return cJSON_IsNumber(item) ? cJSON_GetNumberValue(item) : 0;
}
