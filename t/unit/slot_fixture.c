
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#define _GNU_SOURCE

#include <unistd.h>

#include "slot_fixture.h"


void
slot_setup(void)
{
    ring = ring_create(4, SEGMENT);
    ring->lock_fd = ingest_slot_file();
    ck_assert_int_ne(ring->lock_fd, -1);
}


void
slot_teardown(void)
{
    close(ring->lock_fd);
    ring_destroy(ring);
}


int
slot_take(void)
{
    ingest_held_t  held;

    memset(&held, 0, sizeof(ingest_held_t));

    return ingest_slot_take(ring, &held, 1);
}


int
slot_serve(void)
{
    int  number;

    number = slot_take();
    ingest_slot_serve(ingest_ring_slot(ring, (uint32_t) number));

    return number;
}


int
slot_adopt(void)
{
    ingest_held_t  held;

    memset(&held, 0, sizeof(ingest_held_t));

    return ingest_slot_adopt(ring, &held);
}
