
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#define _GNU_SOURCE

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "unit.h"


#define TIMEOUT_SECONDS  60     /* a sanitizer takes its time */


void
guard_init(guard_t *guard, size_t size)
{
    size_t  page;

    page = (size_t) sysconf(_SC_PAGESIZE);

    guard->bytes = (size / page + 2) * page;
    guard->memory = mmap(NULL, guard->bytes, PROT_READ|PROT_WRITE,
                         MAP_PRIVATE|MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(guard->memory, MAP_FAILED);

    guard->end = guard->memory + guard->bytes - page;

    ck_assert_int_eq(mprotect(guard->end, page, PROT_NONE), 0);
}


void
guard_free(guard_t *guard)
{
    ck_assert_int_eq(munmap(guard->memory, guard->bytes), 0);
}


uint8_t *
guard_room(guard_t *guard, size_t len)
{
    if (len > (size_t) (guard->end - guard->memory)) {
        ck_abort_msg("the guarded memory is too small");
    }

    return guard->end - len;
}


uint8_t *
guard_put(guard_t *guard, const void *data, size_t len)
{
    uint8_t  *p;

    p = guard_room(guard, len);
    memcpy(p, data, len);

    return p;
}


int
unit_run(const char *name, const TTest **tests)
{
    return unit_run_each(name, tests, NULL, NULL);
}


int
unit_run_each(const char *name, const TTest **tests, SFun setup,
    SFun teardown)
{
    int       nfailed;
    Suite    *suite;
    TCase    *tcase;
    SRunner  *runner;

    tcase = tcase_create(name);
    tcase_set_timeout(tcase, TIMEOUT_SECONDS);

    tcase_add_checked_fixture(tcase, setup, teardown);

    while (*tests != NULL) {
        tcase_add_test(tcase, *tests++);
    }

    suite = suite_create(name);
    suite_add_tcase(suite, tcase);

    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    nfailed = srunner_ntests_failed(runner);
    srunner_free(runner);

    return nfailed == 0 ? 0 : 1;
}
