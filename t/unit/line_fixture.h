
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/* Lines of a journal as ingest_log has them, read by a parser. */


#ifndef LINE_FIXTURE_H
#define LINE_FIXTURE_H


#include <cjson/cJSON.h>

#include "../../src/kafka/ingest_journal.h"


/* what a client, a broker or an operator may call a thing */

#define HOSTILE  "\"}\n{\"level\":\"alert\\\" %s%n {id} \x01\x7f " \
                 "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"


/*
 * The line as an object, in a queue of a hostile name too; the caller deletes
 * it.  Whatever is not one object of JSON in one line ends the test.
 */

cJSON *line_object(const ingest_line_t *line);

/* The text of one of its members, and the number. */

const char *line_text(const cJSON *object, const char *name);
double line_number(const cJSON *object, const char *name);


#endif /* LINE_FIXTURE_H */
