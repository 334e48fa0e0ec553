
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#include <check.h>
#include <string.h>

#include "../../src/core/ingest_uuid.h"
#include "unit.h"


static void
make(uint64_t unix_ms, uint8_t random_byte, char *text)
{
    uint8_t       *p;
    uint8_t        random[INGEST_UUID_RANDOM];
    guard_t        guard;

    memset(random, random_byte, sizeof(random));

    guard_init(&guard, INGEST_UUID_TEXT);
    p = guard_room(&guard, INGEST_UUID_TEXT);

    ingest_uuid_v7(p, unix_ms, random);

    memcpy(text, p, INGEST_UUID_TEXT);
    text[INGEST_UUID_TEXT] = '\0';

    guard_free(&guard);
}


/* The time and the bits are those of RFC 9562, appendix A.6. */

START_TEST(the_example_of_rfc_9562_is_made_to_the_letter)
{
    char  text[INGEST_UUID_TEXT + 1];

    static const uint8_t  random[INGEST_UUID_RANDOM] =
        { 0x0c, 0xc3, 0x18, 0xc4, 0xdc, 0x0c, 0x0c, 0x07, 0x39, 0x8f };

    ingest_uuid_v7((uint8_t *) text, 0x017f22e279b0, random);
    text[INGEST_UUID_TEXT] = '\0';

    ck_assert_str_eq(text, "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
}
END_TEST


START_TEST(version_and_variant_stand_whatever_the_random_bits_are)
{
    char  text[INGEST_UUID_TEXT + 1];

    make(0, 0x00, text);
    ck_assert_str_eq(text, "00000000-0000-7000-8000-000000000000");

    make(0, 0xff, text);
    ck_assert_str_eq(text, "00000000-0000-7fff-bfff-ffffffffffff");

    make(UINT64_MAX, 0x00, text);
    ck_assert_str_eq(text, "ffffffff-ffff-7000-8000-000000000000");
}
END_TEST


START_TEST(every_usable_random_bit_makes_another_id)
{
    char      text[INGEST_UUID_TEXT + 1], zero[INGEST_UUID_TEXT + 1];
    unsigned  bit, changed;
    uint8_t   random[INGEST_UUID_RANDOM];

    make(1795622566123, 0x00, zero);
    changed = 0;

    for (bit = 0; bit < 8 * INGEST_UUID_RANDOM; bit++) {
        memset(random, 0, sizeof(random));
        random[bit / 8] = (uint8_t) (1 << bit % 8);

        ingest_uuid_v7((uint8_t *) text, 1795622566123, random);
        text[INGEST_UUID_TEXT] = '\0';

        changed += strcmp(text, zero) != 0;
    }

    ck_assert_uint_eq(changed, 74);
}
END_TEST


START_TEST(ids_of_later_milliseconds_sort_behind_earlier_ones)
{
    char      earlier[INGEST_UUID_TEXT + 1], later[INGEST_UUID_TEXT + 1];
    unsigned  bit;

    for (bit = 0; bit < 48; bit++) {
        make((1ull << bit) - 1, 0xff, earlier);
        make(1ull << bit, 0x00, later);

        ck_assert_str_lt(earlier, later);
    }
}
END_TEST


int
main(void)
{
    const TTest  *tests[] = {
        the_example_of_rfc_9562_is_made_to_the_letter,
        version_and_variant_stand_whatever_the_random_bits_are,
        every_usable_random_bit_makes_another_id,
        ids_of_later_milliseconds_sort_behind_earlier_ones,
        NULL
    };

    return unit_run("uuid", tests);
}
