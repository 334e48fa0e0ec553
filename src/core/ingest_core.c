
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#include "ingest_core.h"


static const char  *const ingest_rc_texts[] = {
    [INGEST_OK]              = "all is well",
    [INGEST_ERROR]           = "a call failed",
    [INGEST_AGAIN]           = "there is no room now",
    [INGEST_TOO_LARGE]       = "it is too large to be taken",

    [INGEST_JSON_EMPTY]      = "there is no document",
    [INGEST_JSON_TRUNCATED]  = "the document ends too early",
    [INGEST_JSON_BOM]        = "a byte order mark is not allowed",
    [INGEST_JSON_SYNTAX]     = "this character is not expected here",
    [INGEST_JSON_LITERAL]    = "only true, false and null are literals",
    [INGEST_JSON_NUMBER]     = "this is not a valid number",
    [INGEST_JSON_CONTROL]    = "a control character must be escaped",
    [INGEST_JSON_ESCAPE]     = "this is not a valid escape sequence",
    [INGEST_JSON_SURROGATE]  = "a surrogate must be one of a pair",
    [INGEST_JSON_UTF8]       = "the text is not valid UTF-8",
    [INGEST_JSON_DEPTH]      = "the document is nested deeper than 64 levels",
    [INGEST_JSON_TRAILING]   = "only white space may follow the document",

    [INGEST_EVENT_ARRAY]     = "an array of events is not supported",
    [INGEST_EVENT_NOT_OBJECT] = "an event must be an object",
    [INGEST_EVENT_DUPLICATE] = "the member must not occur twice",
    [INGEST_EVENT_MISSING]   = "the member is required, and neither null nor "
                               "an empty string will do",
    [INGEST_EVENT_TYPE]      = "the type must be a string",
    [INGEST_EVENT_ID]        = "the id must be a string of 1 to 255 bytes "
                               "without control characters",
    [INGEST_EVENT_TIMESTAMP] = "the timestamp must be a string with a date "
                               "and time of RFC 3339",
    [INGEST_EVENT_PAYLOAD]   = "the payload must be an object or null"
};


const char *
ingest_rc_text(ingest_rc_e rc)
{
    return ingest_rc_texts[rc];
}
