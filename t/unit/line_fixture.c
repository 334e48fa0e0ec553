
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#include <string.h>

#include "line_fixture.h"
#include "unit.h"


cJSON *
line_object(const ingest_line_t *line)
{
    char             json[INGEST_LINE_JSON + 1];
    size_t           len;
    cJSON           *object;
    ingest_origin_t  origin = { 0, ingest_string(HOSTILE), 4711 };

    len = ingest_line_json(line, &origin, (uint8_t *) json);
    json[len] = '\0';

    ck_assert_ptr_eq(strchr(json, '\n'), json + len - 1);

    object = cJSON_ParseWithOpts(json, NULL, 1);
    ck_assert_msg(cJSON_IsObject(object), "%s", json);
    ck_assert_str_eq(line_text(object, "queue"), HOSTILE);
    ck_assert_str_eq(line_text(object, "msg"), line->msg);

    return object;
}


const char *
line_text(const cJSON *object, const char *name)
{
    const cJSON  *member;

    member = cJSON_GetObjectItemCaseSensitive(object, name);
    ck_assert_msg(cJSON_IsString(member), "no text \"%s\"", name);

    return cJSON_GetStringValue(member);
}


double
line_number(const cJSON *object, const char *name)
{
    const cJSON  *member;

    member = cJSON_GetObjectItemCaseSensitive(object, name);
    ck_assert_msg(cJSON_IsNumber(member), "no number \"%s\"", name);

    return cJSON_GetNumberValue(member);
}
