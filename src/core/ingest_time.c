
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#include "ingest_time.h"


#define INGEST_DAY_MS      86400000ull
#define INGEST_DAY_MINUTES 1440
#define INGEST_DAYS_1600   135080               /* 1600-03-01 to 1970 */
#define INGEST_TIME_MAX    253402300799999ull   /* 9999-12-31T23:59:59.999Z */

/* the shortest: without a fraction, and with a Z */
#define INGEST_TIME_MIN    (sizeof("2026-11-25T16:02:46Z") - 1)


typedef struct {
    unsigned  year;
    unsigned  month;
    unsigned  day;
    unsigned  hour;
    unsigned  minute;
    unsigned  second;
    int       zone;         /* minutes east of UTC */
} ingest_time_t;


static void ingest_time_civil(ingest_time_t *tm, unsigned days);
static uint8_t *ingest_time_put(uint8_t *p, unsigned value, unsigned width);
static bool ingest_time_date(ingest_time_t *tm, const uint8_t *p);
static bool ingest_time_clock(ingest_time_t *tm, const uint8_t *p);
static bool ingest_time_zone(ingest_time_t *tm, const uint8_t *p, size_t len);
static bool ingest_time_leap_second(const ingest_time_t *tm);
static bool ingest_time_get(const uint8_t *p, unsigned width, unsigned *value);
static bool ingest_time_leap_year(unsigned year);
static unsigned ingest_time_days(unsigned year, unsigned month);


void
ingest_time_format(uint64_t unix_ms, uint8_t *text)
{
    unsigned       ms;
    ingest_time_t  tm;

    if (unix_ms > INGEST_TIME_MAX) {
        unix_ms = INGEST_TIME_MAX;
    }

    ingest_time_civil(&tm, (unsigned) (unix_ms / INGEST_DAY_MS));
    ms = (unsigned) (unix_ms % INGEST_DAY_MS);

    text = ingest_time_put(text, tm.year, 4);
    *text++ = '-';
    text = ingest_time_put(text, tm.month, 2);
    *text++ = '-';
    text = ingest_time_put(text, tm.day, 2);
    *text++ = 'T';
    text = ingest_time_put(text, ms / 3600000, 2);
    *text++ = ':';
    text = ingest_time_put(text, ms / 60000 % 60, 2);
    *text++ = ':';
    text = ingest_time_put(text, ms / 1000 % 60, 2);
    *text++ = '.';
    text = ingest_time_put(text, ms % 1000, 3);
    *text = 'Z';
}


bool
ingest_time_valid(const uint8_t *p, size_t len)
{
    size_t         i;
    ingest_time_t  tm;

    if (len < INGEST_TIME_MIN) {
        return false;
    }

    if (!ingest_time_date(&tm, p)
        || (p[10] != 'T' && p[10] != 't')
        || !ingest_time_clock(&tm, p + 11))
    {
        return false;
    }

    i = INGEST_TIME_MIN - 1;

    if (p[i] == '.') {
        i++;

        while (i < len && p[i] >= '0' && p[i] <= '9') {
            i++;
        }

        if (i == INGEST_TIME_MIN) {
            return false;
        }
    }

    if (!ingest_time_zone(&tm, p + i, len - i)) {
        return false;
    }

    return tm.second < 60 || ingest_time_leap_second(&tm);
}


/*
 * Counts from 1600-03-01: with years that begin in March a leap day is the
 * last of its four years, of its century, and of its 400 years.
 */

static void
ingest_time_civil(ingest_time_t *tm, unsigned days)
{
    unsigned  n;

    days += INGEST_DAYS_1600;

    tm->year = 1600 + days / 146097 * 400;
    days %= 146097;

    n = days / 36524;
    n -= n / 4;
    tm->year += n * 100;
    days -= n * 36524;

    tm->year += days / 1461 * 4;
    days %= 1461;

    n = days / 365;
    n -= n / 4;
    tm->year += n;
    days -= n * 365;

    /* only the last month, February, depends on the year */

    for (tm->month = 3; /* void */ ; tm->month++) {

        if (tm->month == 13) {
            tm->month = 1;
            tm->year++;
        }

        n = ingest_time_days(tm->year, tm->month);

        if (days < n) {
            break;
        }

        days -= n;
    }

    tm->day = days + 1;
}


static uint8_t *
ingest_time_put(uint8_t *p, unsigned value, unsigned width)
{
    unsigned  i;

    for (i = width; i > 0; i--) {
        p[i - 1] = (uint8_t) ('0' + value % 10);
        value /= 10;
    }

    return p + width;
}


static bool
ingest_time_date(ingest_time_t *tm, const uint8_t *p)
{
    return ingest_time_get(p, 4, &tm->year)
           && p[4] == '-'
           && ingest_time_get(p + 5, 2, &tm->month)
           && p[7] == '-'
           && ingest_time_get(p + 8, 2, &tm->day)
           && tm->month >= 1
           && tm->month <= 12
           && tm->day >= 1
           && tm->day <= ingest_time_days(tm->year, tm->month);
}


static bool
ingest_time_clock(ingest_time_t *tm, const uint8_t *p)
{
    return ingest_time_get(p, 2, &tm->hour)
           && p[2] == ':'
           && ingest_time_get(p + 3, 2, &tm->minute)
           && p[5] == ':'
           && ingest_time_get(p + 6, 2, &tm->second)
           && tm->hour <= 23
           && tm->minute <= 59
           && tm->second <= 60;
}


static bool
ingest_time_zone(ingest_time_t *tm, const uint8_t *p, size_t len)
{
    unsigned  hour, minute;

    tm->zone = 0;

    if (len == 1) {
        return *p == 'Z' || *p == 'z';
    }

    if (len != sizeof("+00:00") - 1
        || (p[0] != '+' && p[0] != '-')
        || !ingest_time_get(p + 1, 2, &hour)
        || p[3] != ':'
        || !ingest_time_get(p + 4, 2, &minute)
        || hour > 23
        || minute > 59)
    {
        return false;
    }

    tm->zone = (int) (hour * 60 + minute);

    if (p[0] == '-') {
        tm->zone = -tm->zone;
    }

    return true;
}


/*
 * In UTC it is the last minute of a month, by RFC 3339, section 5.7.  Zones of
 * less than a day cannot make it that of the next day.
 */

static bool
ingest_time_leap_second(const ingest_time_t *tm)
{
    int  minutes;

    minutes = (int) (tm->hour * 60 + tm->minute) - tm->zone;

    switch (minutes) {

    case -1:
        return tm->day == 1;

    case INGEST_DAY_MINUTES - 1:
        return tm->day == ingest_time_days(tm->year, tm->month);

    default:
        return false;
    }
}


static bool
ingest_time_get(const uint8_t *p, unsigned width, unsigned *value)
{
    unsigned  i;

    *value = 0;

    for (i = 0; i < width; i++) {
        if (p[i] < '0' || p[i] > '9') {
            return false;
        }

        *value = *value * 10 + (p[i] - '0');
    }

    return true;
}


static bool
ingest_time_leap_year(unsigned year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}


static unsigned
ingest_time_days(unsigned year, unsigned month)
{
    static const uint8_t  days[] =
        { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

    if (month == 2 && ingest_time_leap_year(year)) {
        return 29;
    }

    return days[month - 1];
}
