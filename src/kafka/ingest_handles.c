
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#include <unistd.h>

#include "ingest_handles.h"


#define INGEST_CREATE_MS  1000      /* between tries to make a handle */


ingest_client_t *
ingest_handles_get(ingest_handles_t *handles, ingest_mode_e mode,
    uint64_t now_ms)
{
    char                error[INGEST_OPTIONS_ERROR];
    ingest_callbacks_t  callbacks;

    if (handles->clients[mode] != NULL || handles->create_ms[mode] > now_ms) {
        return handles->clients[mode];
    }

    handles->create_ms[mode] = now_ms + INGEST_CREATE_MS;

    callbacks = handles->callbacks;

    /* both know the same brokers */

    if (mode != INGEST_MODE_BATCHES) {
        callbacks.stats = NULL;
    }

    handles->clients[mode] = ingest_client_create(handles->options, mode,
                                                  handles->fd, &callbacks,
                                                  error);

    if (handles->clients[mode] == NULL) {
        ingest_journal_write(handles->journal, INGEST_LOG_WARN,
                             "no handle",
                             "rd_kafka_new() failed: {error}",
                             ingest_fields(ingest_field_word("error", error)));
    }

    return handles->clients[mode];
}


unsigned
ingest_handles_poll(ingest_handles_t *handles)
{
    unsigned  i, n;

    n = 0;

    for (i = 0; i < INGEST_MODES; i++) {
        if (handles->clients[i] != NULL) {
            n += (unsigned) ingest_client_poll(handles->clients[i]);
        }
    }

    return n;
}


bool
ingest_handles_flush(ingest_handles_t *handles, int timeout_ms)
{
    ingest_client_t  *client;

    client = handles->clients[INGEST_MODE_BATCHES];

    return client != NULL && ingest_client_flush(client, timeout_ms);
}


void
ingest_handles_purge(ingest_handles_t *handles)
{
    unsigned  i;

    for (i = 0; i < INGEST_MODES; i++) {
        if (handles->clients[i] != NULL) {
            ingest_client_purge(handles->clients[i]);
        }
    }
}


bool
ingest_handles_is_fatal(ingest_handles_t *handles, int *error)
{
    unsigned  i;

    for (i = 0; i < INGEST_MODES; i++) {
        if (handles->clients[i] != NULL
            && ingest_client_is_fatal(handles->clients[i], error))
        {
            return true;
        }
    }

    return false;
}


void
ingest_handles_destroy(ingest_handles_t *handles)
{
    unsigned  i;

    for (i = 0; i < INGEST_MODES; i++) {
        if (handles->clients[i] != NULL) {
            ingest_client_destroy(handles->clients[i]);
            handles->clients[i] = NULL;
        }
    }
}


void
ingest_handles_renew(ingest_handles_t *handles, _Atomic uint32_t *hand)
{
    uint32_t  expected;

    /* pairs with the acquire in ingest_sender_settle() */

    atomic_store_explicit(hand, INGEST_HAND_LIBRARY, memory_order_release);

    ingest_handles_destroy(handles);

    expected = INGEST_HAND_LIBRARY;

    /* relaxed: nobody has written to what the thread goes on with */

    if (atomic_compare_exchange_strong_explicit(hand, &expected,
            INGEST_HAND_THREAD, memory_order_relaxed, memory_order_relaxed))
    {
        return;
    }

    for ( ;; ) {
        (void) pause();
    }
}
