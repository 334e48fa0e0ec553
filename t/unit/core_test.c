
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#include <string.h>

#include "../../src/core/ingest_core.h"
#include "unit.h"


START_TEST(every_result_has_a_sentence_of_its_own)
{
    unsigned  i, j;

    for (i = INGEST_OK; i <= INGEST_EVENT_PAYLOAD; i++) {
        ck_assert_ptr_ne(ingest_rc_text(i), NULL);
        ck_assert_uint_ge(strlen(ingest_rc_text(i)), 10);

        for (j = INGEST_OK; j < i; j++) {
            ck_assert_str_ne(ingest_rc_text(i), ingest_rc_text(j));
        }
    }
}
END_TEST


int
main(void)
{
    const TTest  *tests[] = { every_result_has_a_sentence_of_its_own, NULL };

    return unit_run("core", tests);
}
