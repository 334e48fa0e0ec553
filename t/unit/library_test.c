
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/* What librdkafka says, which may quote what a broker said. */


#include <string.h>
#include <syslog.h>

#include <cjson/cJSON.h>

#include "../../src/kafka/ingest_library.h"
#include "unit.h"


static ingest_fold_t     fold;
static ingest_journal_t  journal;


static void
setup(void)
{
    memset(&fold, 0, sizeof(ingest_fold_t));
    ingest_journal_init(&journal, -1);
}


static const ingest_line_t *
says(uint64_t now_ms, int level, const char *text)
{
    ingest_library_log(&journal, &fold, now_ms, level, text);

    return ingest_journal_peek(&journal);
}


/* What a parser makes of the field of the line's object, which is one line. */

static void
reads(const ingest_line_t *line, const char *expected)
{
    char             json[INGEST_LINE_JSON + 1];
    size_t           len;
    cJSON           *root;
    ingest_origin_t  origin;

    memset(&origin, 0, sizeof(ingest_origin_t));

    len = ingest_line_json(line, &origin, (uint8_t *) json);
    json[len] = '\0';

    ck_assert_ptr_eq(strchr(json, '\n'), json + len - 1);

    root = cJSON_Parse(json);
    ck_assert_ptr_nonnull(root);
    ck_assert_str_eq(cJSON_GetStringValue(
                         cJSON_GetObjectItemCaseSensitive(root, "text")),
                     expected);
    cJSON_Delete(root);
}


START_TEST(a_hostile_text_of_a_broker_stays_one_line)
{
    const ingest_line_t  *line;

    static const char  hostile[] = "failed: \"}\r\n2026/11/26 [emerg] 1#1: "
                                   "{reason} {folded} %n%s\x1b[31m\x7f";

    line = says(1000, LOG_ERR, hostile);
    ck_assert_ptr_nonnull(line);
    ck_assert_str_eq(line->text,
                     "librdkafka: failed: \"}  2026/11/26 [emerg] 1#1: "
                     "{reason} {folded} %n%s [31m  (0 more before)");
    ck_assert_str_eq(line->msg, "librdkafka");
    reads(line, hostile);
}
END_TEST


START_TEST(bytes_that_are_no_text_and_a_text_without_end_stay_one_line)
{
    char                  endless[10000];
    const ingest_line_t  *line;

    line = says(1000, LOG_ERR, "\xff\n\xc0\xaf");
    ck_assert_ptr_nonnull(line);
    ck_assert_ptr_null(strchr(line->text, '\n'));
    reads(line, "\xef\xbf\xbd\n\xef\xbf\xbd\xef\xbf\xbd");
    ingest_journal_release(&journal);

    memset(endless, '\n', sizeof(endless) - 1);
    endless[sizeof(endless) - 1] = '\0';

    line = says(2000, LOG_ERR, endless);
    ck_assert_ptr_nonnull(line);
    ck_assert_uint_lt(strlen(line->text), INGEST_LINE_TEXT);
    ck_assert_ptr_null(strchr(line->text, '\n'));

    endless[INGEST_LINE_BYTES] = '\0';
    reads(line, endless);
}
END_TEST


START_TEST(it_is_never_more_than_a_warning)
{
    int  i;

    static const ingest_level_e  levels[] = {
        [LOG_EMERG] = INGEST_LOG_WARN,
        [LOG_ALERT] = INGEST_LOG_WARN,
        [LOG_CRIT] = INGEST_LOG_WARN,
        [LOG_ERR] = INGEST_LOG_WARN,
        [LOG_WARNING] = INGEST_LOG_WARN,
        [LOG_NOTICE] = INGEST_LOG_NOTICE,
        [LOG_INFO] = INGEST_LOG_INFO,
        [LOG_DEBUG] = INGEST_LOG_DEBUG
    };

    for (i = LOG_EMERG; i <= LOG_DEBUG; i++) {
        ck_assert_int_eq(says(2000 * (i + 1), i, "x")->level, levels[i]);
        ingest_journal_release(&journal);
    }
}
END_TEST


START_TEST(one_warning_a_second_passes_and_counts_the_others)
{
    ck_assert_ptr_nonnull(says(1000, LOG_ERR, "first"));
    ingest_journal_release(&journal);

    ck_assert_ptr_null(says(1001, LOG_ERR, "second"));
    ck_assert_ptr_null(says(1999, LOG_WARNING, "third"));
    ck_assert_str_eq(says(2000, LOG_ERR, "fourth")->text,
                     "librdkafka: fourth (2 more before)");
}
END_TEST


int
main(void)
{
    const TTest  *tests[] = {
        a_hostile_text_of_a_broker_stays_one_line,
        bytes_that_are_no_text_and_a_text_without_end_stay_one_line,
        it_is_never_more_than_a_warning,
        one_warning_a_second_passes_and_counts_the_others,
        NULL
    };

    return unit_run_each("library", tests, setup, NULL);
}
