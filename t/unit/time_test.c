
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../src/core/ingest_time.h"
#include "unit.h"


#define LAST_DAY  2932896         /* 9999-12-31 */


static void
format(uint64_t unix_ms, char *text)
{
    memset(text, '#', INGEST_TIME_TEXT + 2);
    text[INGEST_TIME_TEXT + 2] = '\0';

    ingest_time_format(unix_ms, (uint8_t *) text + 1);

    ck_assert_int_eq(text[0], '#');
    ck_assert_int_eq(text[INGEST_TIME_TEXT + 1], '#');

    text[INGEST_TIME_TEXT + 1] = '\0';
    memmove(text, text + 1, INGEST_TIME_TEXT + 1);
}


/* The end of the text is the end of the memory. */

static bool
valid(const char *text)
{
    bool          rc;
    size_t        len;
    guard_t       guard;

    len = strlen(text);

    guard_init(&guard, 64);
    rc = ingest_time_valid(guard_put(&guard, text, len), len);
    guard_free(&guard);

    return rc;
}


START_TEST(times_are_written_in_utc_with_milliseconds)
{
    char      text[INGEST_TIME_TEXT + 3];
    unsigned  i;

    static const struct {
        uint64_t     unix_ms;
        const char  *text;
    } times[] = {
        { 0,                "1970-01-01T00:00:00.000Z" },
        { 1,                "1970-01-01T00:00:00.001Z" },
        { 951782399999,     "2000-02-28T23:59:59.999Z" },
        { 951782400000,     "2000-02-29T00:00:00.000Z" },
        { 951868800000,     "2000-03-01T00:00:00.000Z" },
        { 1795622566123,    "2026-11-25T16:02:46.123Z" },
        { 4107542399000,    "2100-02-28T23:59:59.000Z" },
        { 4107542400000,    "2100-03-01T00:00:00.000Z" },
        { 253402300799999,  "9999-12-31T23:59:59.999Z" }
    };

    for (i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        format(times[i].unix_ms, text);
        ck_assert_str_eq(text, times[i].text);
    }
}
END_TEST


START_TEST(every_day_up_to_the_year_9999_is_written_as_libc_does)
{
    char       text[INGEST_TIME_TEXT + 1], expected[64];
    time_t     seconds;
    uint64_t   day;
    struct tm  tm;

    for (day = 0; day <= LAST_DAY; day++) {
        seconds = (time_t) (day * 86400 + day % 86400);
        gmtime_r(&seconds, &tm);
        snprintf(expected, sizeof(expected),
                 "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900,
                 tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
                 (int) (day % 1000));

        ingest_time_format((uint64_t) seconds * 1000 + day % 1000,
                           (uint8_t *) text);
        text[INGEST_TIME_TEXT] = '\0';

        if (strcmp(text, expected) != 0) {
            ck_abort_msg("%s is not %s", text, expected);
        }

        if (!ingest_time_valid((uint8_t *) text, INGEST_TIME_TEXT)) {
            ck_abort_msg("%s is not valid", text);
        }
    }
}
END_TEST


START_TEST(a_time_behind_the_year_9999_is_written_as_its_last_moment)
{
    char  text[INGEST_TIME_TEXT + 3];

    format(253402300800000, text);
    ck_assert_str_eq(text, "9999-12-31T23:59:59.999Z");

    format(UINT64_MAX, text);
    ck_assert_str_eq(text, "9999-12-31T23:59:59.999Z");
}
END_TEST


START_TEST(date_times_of_rfc_3339_are_valid)
{
    unsigned  i;

    static const char  *texts[] = {
        "2026-11-25T16:02:46Z",
        "2026-11-25t16:02:46z",
        "2026-11-25T16:02:46.1Z",
        "2026-11-25T16:02:46.123456789012345678901234567890Z",
        "2026-11-25T16:02:46+00:00",
        "2026-11-25T16:02:46-00:00",
        "2026-11-25T16:02:46.5+23:59",
        "2026-11-25T16:02:46-23:59",
        "0000-01-01T00:00:00Z",
        "0000-02-29T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "2000-02-29T00:00:00Z",
        "2024-02-29T00:00:00Z",
        "1985-04-12T23:20:50.52Z",
        "1937-01-01T12:00:27.87+00:20"
    };

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        ck_assert_msg(valid(texts[i]), "%s", texts[i]);
    }
}
END_TEST


START_TEST(what_is_no_date_time_of_rfc_3339_is_refused)
{
    unsigned  i;

    static const char  *texts[] = {
        "",
        "Z",
        "now",
        "1795622566",
        "2026-11-25",
        "16:02:46Z",
        "2026-11-25T16:02:46",
        "2026-11-25T16:02Z",
        "2026-11-25 16:02:46Z",
        "2026-11-25_16:02:46Z",
        "2026/11/25T16:02:46Z",
        "2026-11-25T16.02.46Z",
        "20261125T160246Z",
        "26-11-25T16:02:46.00Z",
        "+2026-11-25T16:02:46Z",
        "02026-11-25T16:02:46Z",
        "2026-1-25T16:02:46.0Z",
        "2026-11-25T6:02:46.00Z",
        "2026-11-25T16:02:46.Z",
        "2026-11-25T16:02:46,5Z",
        "2026-11-25T16:02:46.5",
        "2026-11-25T16:02:46.5.5Z",
        "2026-11-25T16:02:46.",
        "2026-11-25T16:02:46ZZ",
        "2026-11-25T16:02:46Z ",
        " 2026-11-25T16:02:46Z",
        "2026-11-25T16:02:46UTC",
        "2026-11-25T16:02:46+00",
        "2026-11-25T16:02:46+0000",
        "2026-11-25T16:02:46+0:00",
        "2026-11-25T16:02:46+00:0",
        "2026-11-25T16:02:46+00.00",
        "2026-11-25T16:02:46+00:000",
        "2026-11-25T16:02:46*00:00",
        "2026-11-25T16:02:46+24:00",
        "2026-11-25T16:02:46+00:60",
        "2026-11-25T16:02:46+-1:00",
        "2026-00-25T16:02:46Z",
        "2026-13-25T16:02:46Z",
        "2026-11-00T16:02:46Z",
        "2026-11-31T16:02:46Z",
        "2026-04-31T16:02:46Z",
        "2026-01-32T16:02:46Z",
        "2026-02-29T16:02:46Z",
        "1900-02-29T16:02:46Z",
        "2024-02-30T16:02:46Z",
        "2026-11-25T24:00:00Z",
        "2026-11-25T16:60:46Z",
        "2026-11-25T16:02:61Z",
        "2026-11-25T16:02:-1Z",
        "2026-11-25T16:02:4aZ",
        "2026-11-2 T16:02:46Z"
    };

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        ck_assert_msg(!valid(texts[i]), "%s", texts[i]);
    }
}
END_TEST


START_TEST(a_leap_second_is_valid_only_where_utc_can_have_one)
{
    unsigned  i;

    static const struct {
        const char  *text;
        bool         valid;
    } times[] = {
        { "1990-12-31T23:59:60Z",       true },
        { "2015-06-30T23:59:60.5Z",     true },
        { "1990-12-31T15:59:60-08:00",  true },
        { "1991-01-01T00:59:60+01:00",  true },
        { "1990-12-31T00:59:60-23:00",  true },
        { "1990-12-30T00:59:60-23:00",  false },
        { "1990-12-30T23:59:60-00:01",  false },
        { "1990-12-31T12:59:60+13:00",  false },
        { "1990-12-31T23:58:60Z",       false },
        { "1990-12-31T22:59:60Z",       false },
        { "1990-12-30T23:59:60Z",       false },
        { "1990-12-31T23:59:60+01:00",  false },
        { "1991-01-02T00:59:60+01:00",  false },
        { "2024-02-29T23:59:60Z",       true },
        { "2024-02-28T23:59:60Z",       false }
    };

    for (i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        ck_assert_msg(valid(times[i].text) == times[i].valid, "%s",
                      times[i].text);
    }
}
END_TEST


START_TEST(no_prefix_of_a_time_is_valid_and_none_is_read_past)
{
    char    text[64];
    size_t  len;

    static const char  time[] = "2026-11-25T16:02:46.123+01:00";

    for (len = 0; len < sizeof(time) - 1; len++) {
        memcpy(text, time, len);
        text[len] = '\0';

        ck_assert_msg(!valid(text), "%s", text);
    }

    ck_assert(valid(time));
}
END_TEST


int
main(void)
{
    const TTest  *tests[] = {
        times_are_written_in_utc_with_milliseconds,
        every_day_up_to_the_year_9999_is_written_as_libc_does,
        a_time_behind_the_year_9999_is_written_as_its_last_moment,
        date_times_of_rfc_3339_are_valid,
        what_is_no_date_time_of_rfc_3339_is_refused,
        a_leap_second_is_valid_only_where_utc_can_have_one,
        no_prefix_of_a_time_is_valid_and_none_is_read_past,
        NULL
    };

    return unit_run("time", tests);
}
