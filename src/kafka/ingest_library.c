
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#include <syslog.h>

#include "ingest_library.h"


void
ingest_library_log(ingest_journal_t *journal, ingest_fold_t *fold,
    uint64_t now_ms, int level, const char *text)
{
    uint64_t        folded;
    ingest_level_e  to;

    /* degraded, and still serving: never more than a warning */

    to = level <= LOG_WARNING ? INGEST_LOG_WARN
         : level == LOG_NOTICE ? INGEST_LOG_NOTICE
         : level == LOG_INFO ? INGEST_LOG_INFO : INGEST_LOG_DEBUG;

    if (to != INGEST_LOG_WARN) {
        ingest_journal_write(journal, to, "librdkafka", "librdkafka: {text}",
                             ingest_fields(ingest_field_word("text", text)));
        return;
    }

    if (ingest_fold_pass(fold, now_ms, &folded)) {
        ingest_journal_write(journal, to, "librdkafka",
                             "librdkafka: {text} ({folded} more before)",
                             ingest_fields(
                                 ingest_field_word("text", text),
                                 ingest_field_number("folded", folded)));
    }
}
