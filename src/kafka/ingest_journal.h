
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * Log lines on their way from a sender thread to its event loop, which alone
 * may write to nginx's log: a bounded queue with one writer and one reader.
 * When it is full a line is counted instead, and the next one says how many
 * are missing.
 *
 *     word     written by    order    pairs with
 *     head     sender        release  the acquire of the event loop
 *     tail     event loop    release  the acquire of the sender
 */


#ifndef INGEST_JOURNAL_H
#define INGEST_JOURNAL_H


#include <stdarg.h>
#include <stdatomic.h>

#include "../core/ingest_core.h"


#define INGEST_JOURNAL_LINES  64
#define INGEST_JOURNAL_TEXT   500


typedef enum {
    INGEST_LOG_ALERT = 0,
    INGEST_LOG_ERROR,
    INGEST_LOG_WARN,
    INGEST_LOG_NOTICE,
    INGEST_LOG_INFO,
    INGEST_LOG_DEBUG
} ingest_level_e;


typedef struct {
    ingest_level_e       level;
    unsigned             missing;   /* lines before this one */
    char                 text[INGEST_JOURNAL_TEXT];
} ingest_line_t;


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


/* fd stays the caller's. */

void ingest_journal_init(ingest_journal_t *journal, int fd);

/* The sender thread only.  Line breaks in the text become spaces. */

void ingest_journal_write(ingest_journal_t *journal, ingest_level_e level,
    const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The event loop only: the oldest line, or NULL; taken by _release(). */

const ingest_line_t *ingest_journal_peek(ingest_journal_t *journal);
void ingest_journal_release(ingest_journal_t *journal);

/* Whether a line may pass at now_ms; *folded is how many did not before. */

bool ingest_fold_pass(ingest_fold_t *fold, uint64_t now_ms, uint64_t *folded);


#endif /* INGEST_JOURNAL_H */
