
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#include <string.h>

#include <cjson/cJSON.h>

#include "ingest_stats.h"


static void ingest_stats_broker(const cJSON *broker, ingest_broker_t *table,
    ingest_brokers_t *brokers);


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

    brokers->known = 0;
    brokers->up = 0;

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
        || strcmp(state, "INIT") == 0
        || (strcmp(source, "configured") != 0
            && strcmp(source, "learned") != 0))
    {
        return;
    }

    index = ingest_broker_index(table, name);
    if (index == -1) {
        return;
    }

    brokers->known |= (uint64_t) 1 << index;

    if (strcmp(state, "UP") == 0) {
        brokers->up |= (uint64_t) 1 << index;
    }
}
