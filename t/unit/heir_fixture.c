
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#include "heir_fixture.h"


worker_t  heir;


void
heir_setup(void)
{
    worker_setup();
    worker_init(&heir, ring, 1);
}


void
heir_teardown(void)
{
    worker_free(&heir);
    worker_teardown();
}
