
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#include "ingest_fault.h"


#ifdef INGEST_FAULTS


#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>


/* The part behind "NAME:" when the variable is for that point. */

static const char *
ingest_fault_argument(const char *name)
{
    size_t       len;
    const char  *value;

    value = getenv("INGEST_FAULT");
    len = strlen(name);

    if (value == NULL || strncmp(value, name, len) != 0 || value[len] != ':') {
        return NULL;
    }

    return value + len + 1;
}


void
ingest_fault(const char *name)
{
    char                       *end;
    unsigned long               n;
    const char                 *argument;
    static _Atomic unsigned long  passed;

    argument = ingest_fault_argument(name);

    if (argument == NULL) {
        return;
    }

    n = strtoul(argument, &end, 10);

    if (atomic_fetch_add(&passed, 1) + 1 != n) {
        return;
    }

    if (*end == ':' && open(end + 1, O_CREAT|O_EXCL|O_CLOEXEC, 0600) == -1) {
        return;
    }

    (void) kill(getpid(), SIGKILL);
}


void
ingest_fault_key(ingest_str_t key)
{
    const char  *argument;

    argument = ingest_fault_argument("poison");

    if (argument != NULL
        && strlen(argument) == key.len
        && memcmp(argument, key.data, key.len) == 0)
    {
        (void) kill(getpid(), SIGKILL);
    }
}


uint64_t
ingest_fault_number(const char *name, uint64_t number)
{
    const char  *argument;

    argument = ingest_fault_argument(name);

    return argument != NULL ? strtoull(argument, NULL, 10) : number;
}


#endif
