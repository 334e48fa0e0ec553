
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * The events of http_load.  All of one follows from its number, so that
 * kafka_tool can say of each byte that it reads whether it is right.
 */


#ifndef LOAD_EVENT_H
#define LOAD_EVENT_H


#include <stdint.h>
#include <stdio.h>
#include <string.h>


#define LOAD_EVENT_HEAD  512        /* room for what stands around the text */


typedef struct {
    const char  *prefix;            /* ids are PREFIX-NUMBER */
    size_t       size;              /* of an event, in bytes */
    size_t       large;             /* of each EVERYth, when every is not 0 */
    uint64_t     every;
} load_shape_t;


static inline size_t
load_event_size(const load_shape_t *shape, uint64_t number)
{
    return shape->every != 0 && number % shape->every == 0 ? shape->large
                                                            : shape->size;
}


/* Bytes that such an event may take at most. */

static inline size_t
load_event_room(const load_shape_t *shape)
{
    return (shape->size > shape->large ? shape->size : shape->large)
           + strlen(shape->prefix) + LOAD_EVENT_HEAD;
}


/* Letters that follow from the number: splitmix64, four bits a letter. */

static inline void
load_event_text(char *text, size_t len, uint64_t number)
{
    size_t    i;
    uint64_t  x, z;

    x = number;
    z = 0;

    for (i = 0; i < len; i++) {

        if (i % 16 == 0) {
            x += 0x9e3779b97f4a7c15;
            z = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
            z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
            z ^= z >> 31;
        }

        text[i] = (char) ('a' + (z & 15));
        z >>= 4;
    }
}


/* Writes an event and returns its length; it ends with a zero. */

static inline size_t
load_event(char *event, const load_shape_t *shape, uint64_t number)
{
    size_t  len, size;

    size = load_event_size(shape, number);

    len = (size_t) sprintf(event, "{\"id\":\"%s-%llu\",\"type\":\"load\","
                           "\"payload\":{\"user_id\":123,\"note\":\"",
                           shape->prefix, (unsigned long long) number);

    if (size > len + 3) {
        load_event_text(event + len, size - 3 - len, number);
        len = size - 3;
    }

    memcpy(event + len, "\"}}", 4);

    return len + 3;
}


#endif /* LOAD_EVENT_H */
