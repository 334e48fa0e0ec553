
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#include <string.h>
#include <unistd.h>

#include "ingest_journal.h"


#define INGEST_FOLD_MS  1000


void
ingest_journal_init(ingest_journal_t *journal, int fd)
{
    memset(journal, 0, sizeof(ingest_journal_t));

    journal->fd = fd;
}


void
ingest_journal_write(ingest_journal_t *journal, ingest_level_e level,
    const char *msg, const char *sentence, const ingest_field_t *fields)
{
    ssize_t         n;
    unsigned        head, tail, room;
    uint64_t        one;
    ingest_line_t  *line;

    room = INGEST_JOURNAL_LINES;

    if (level > INGEST_LOG_ERROR) {
        room -= INGEST_JOURNAL_RESERVE;
    }

    head = atomic_load_explicit(&journal->head, memory_order_relaxed);

    /* acquire: pairs with the release in ingest_journal_release() */

    tail = atomic_load_explicit(&journal->tail, memory_order_acquire);

    if (head - tail >= room) {
        journal->missing++;
        return;
    }

    line = &journal->lines[head % INGEST_JOURNAL_LINES];

    ingest_line_set(line, level, msg, sentence, fields);

    line->missing = journal->missing;
    journal->missing = 0;

    /* pairs with the acquire in ingest_journal_peek() */

    atomic_store_explicit(&journal->head, head + 1, memory_order_release);

    /* EAGAIN means that the event loop is being woken already */

    one = 1;
    n = write(journal->fd, &one, sizeof(one));
    (void) n;
}


const ingest_line_t *
ingest_journal_peek(ingest_journal_t *journal)
{
    unsigned  head, tail;

    /* acquire: pairs with the release in ingest_journal_write() */

    head = atomic_load_explicit(&journal->head, memory_order_acquire);
    tail = atomic_load_explicit(&journal->tail, memory_order_relaxed);

    if (head == tail) {
        return NULL;
    }

    return &journal->lines[tail % INGEST_JOURNAL_LINES];
}


void
ingest_journal_release(ingest_journal_t *journal)
{
    unsigned  tail;

    tail = atomic_load_explicit(&journal->tail, memory_order_relaxed);

    /* pairs with the acquire in ingest_journal_write() */

    atomic_store_explicit(&journal->tail, tail + 1, memory_order_release);
}


bool
ingest_fold_pass(ingest_fold_t *fold, uint64_t now_ms, uint64_t *folded)
{
    if (now_ms < fold->next_ms) {
        fold->folded++;
        return false;
    }

    *folded = fold->folded;

    fold->folded = 0;
    fold->next_ms = now_ms + INGEST_FOLD_MS;

    return true;
}


bool
ingest_folds_pass(ingest_folds_t *folds, int key, uint64_t now_ms,
    uint64_t *folded)
{
    unsigned  i;

    for (i = 0; i < folds->n && folds->keys[i] != key; i++) {
        /* void */
    }

    if (i == INGEST_FOLDS) {
        i--;

    } else if (i == folds->n) {
        folds->keys[i] = key;
        folds->n++;
    }

    return ingest_fold_pass(&folds->folds[i], now_ms, folded);
}


uint64_t
ingest_folds_rest(ingest_folds_t *folds, uint64_t now_ms)
{
    unsigned        i;
    uint64_t        n;
    ingest_fold_t  *fold;

    n = 0;

    for (i = 0; i < folds->n; i++) {
        fold = &folds->folds[i];

        if (fold->next_ms <= now_ms) {
            n += fold->folded;
            fold->folded = 0;
        }
    }

    return n;
}
