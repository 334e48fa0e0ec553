
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * Log lines on their way from a sender thread to its event loop, which alone
 * may write to files: a bounded queue with one writer and one reader.
 * When it is full a line is counted instead, and the next one says how many
 * are missing.  The last places are kept for errors and worse.
 *
 *     word     written by    order    pairs with
 *     head     sender        release  the acquire of the event loop
 *     tail     event loop    release  the acquire of the sender
 */


#ifndef INGEST_JOURNAL_H
#define INGEST_JOURNAL_H


#include <stdatomic.h>

#include "../core/ingest_line.h"


#define INGEST_JOURNAL_LINES    64
#define INGEST_JOURNAL_RESERVE  16
#define INGEST_FOLDS            8


typedef struct {
    int                  fd;        /* eventfd that wakes the event loop */
    unsigned             missing;

    _Alignas(64)
    _Atomic unsigned     head;

    _Alignas(64)
    _Atomic unsigned     tail;

    ingest_line_t        lines[INGEST_JOURNAL_LINES];
} ingest_journal_t;


/*
 * Lines of one kind that come in numbers: one a second passes, the others are
 * counted.  Zeroed memory is a fold that has seen nothing.
 */

typedef struct {
    uint64_t             next_ms;
    uint64_t             folded;
} ingest_fold_t;


/*
 * The same for kinds that are known by a number, such as an error's code.  The
 * last entry takes those that find no other free.
 */

typedef struct {
    unsigned             n;
    int                  keys[INGEST_FOLDS];
    ingest_fold_t        folds[INGEST_FOLDS];
} ingest_folds_t;


/* fd stays the caller's. */

void ingest_journal_init(ingest_journal_t *journal, int fd);

/* The sender thread only.  The line is as ingest_line_set() makes it. */

void ingest_journal_write(ingest_journal_t *journal, ingest_level_e level,
    const char *msg, const char *sentence, const ingest_field_t *fields);

/* The event loop only: the oldest line, or NULL; taken by _release(). */

const ingest_line_t *ingest_journal_peek(ingest_journal_t *journal);
void ingest_journal_release(ingest_journal_t *journal);

/* Whether a line may pass at now_ms; *folded is how many did not before. */

bool ingest_fold_pass(ingest_fold_t *fold, uint64_t now_ms, uint64_t *folded);

bool ingest_folds_pass(ingest_folds_t *folds, int key, uint64_t now_ms,
    uint64_t *folded);

/*
 * How many did not pass and had their second, so that a line could have told of
 * them by now_ms and none has.  They are told of then.
 */

uint64_t ingest_folds_rest(ingest_folds_t *folds, uint64_t now_ms);


#endif /* INGEST_JOURNAL_H */
