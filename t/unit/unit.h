
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * What the tests of parsers share: memory that ends at a page which must not
 * be touched, so that one byte read or written too far is a crash.
 */


#ifndef UNIT_H
#define UNIT_H


#include <check.h>
#include <stddef.h>
#include <stdint.h>


typedef struct {
    uint8_t  *memory;
    uint8_t  *end;          /* the first byte of the page */
    size_t    bytes;
} guard_t;


/* Room for size bytes at least. */

void guard_init(guard_t *guard, size_t size);
void guard_free(guard_t *guard);

/* The last len bytes before the page. */

uint8_t *guard_room(guard_t *guard, size_t len);

/* The same, with a copy of the data. */

uint8_t *guard_put(guard_t *guard, const void *data, size_t len);

/* Runs the tests, NULL behind the last; what main() returns. */

int unit_run(const char *name, const TTest **tests);

/* The same, with setup() before and teardown() after each of them. */

int unit_run_each(const char *name, const TTest **tests, SFun setup,
    SFun teardown);


#endif /* UNIT_H */
