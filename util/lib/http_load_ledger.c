
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#include <stdlib.h>

#include "http_load.h"


static void load_write_entries(load_t *load);


void
load_begin(load_t *load, load_connection_t *c)
{
    c->waiting = true;
    c->start = load_time(CLOCK_MONOTONIC);

    if (!load->ledger || c->number < load->nentries) {
        return;
    }

    load->nentries = load->nentries == 0 ? 65536 : load->nentries * 2;
    load->entries = realloc(load->entries,
                            load->nentries * sizeof(load_entry_t));

    if (load->entries == NULL) {
        fprintf(stderr, "http_load: no memory\n");
        exit(1);
    }
}


void
load_end(load_t *load, load_connection_t *c, int status)
{
    load_entry_t  *entry;

    c->waiting = false;

    if (load->ledger) {
        entry = &load->entries[c->number];

        entry->start = c->start;
        entry->latency = load_time(CLOCK_MONOTONIC) - c->start;
        entry->status = status;
    }

    if (status < 100) {
        load->unanswered++;
        return;
    }

    if (status < 200 || status >= 300) {
        load->refused++;
        return;
    }

    load->accepted++;

    if (!load->ledger) {
        fprintf(load->file, "%s-%llu\n", load->shape.prefix,
                (unsigned long long) c->number);
    }
}


void
load_figures(load_t *load, FILE *out)
{
    fprintf(out, "accepted=%llu refused=%llu unanswered=%llu unconnected=%llu",
            (unsigned long long) load->accepted,
            (unsigned long long) load->refused,
            (unsigned long long) load->unanswered,
            (unsigned long long) load->unconnected);
}


/* Figures only grow, so that a file is never shorter than what it had. */

void
load_write_now(load_t *load)
{
    load->written = load->now;

    if (load->now_file == NULL) {
        return;
    }

    rewind(load->now_file);
    fprintf(load->now_file, "sent=%llu ", (unsigned long long) load->sent);
    load_figures(load, load->now_file);
    fprintf(load->now_file, "\n");
    fflush(load->now_file);
}


int
load_write(load_t *load)
{
    if (load->ledger) {
        load_write_entries(load);
    }

    return fclose(load->file);
}


static void
load_write_entries(load_t *load)
{
    double         offset;
    uint64_t       n;
    load_entry_t  *entry;

    offset = load_time(CLOCK_REALTIME) - load_time(CLOCK_MONOTONIC);

    for (n = 1; n <= load->sent; n++) {
        entry = &load->entries[n];

        fprintf(load->file, "%d %.0f %.0f\n", entry->status,
                (entry->start + offset) * 1e3, entry->latency * 1e6);
    }
}


double
load_time(clockid_t id)
{
    struct timespec  ts;

    clock_gettime(id, &ts);

    return (double) ts.tv_sec + (double) ts.tv_nsec / 1e9;
}
