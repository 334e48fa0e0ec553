
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#include <string.h>

#include "ingest_line.h"
#include "ingest_output.h"
#include "ingest_time.h"


/* of a line without its fields: names and numbers of the module alone */

#define INGEST_LINE_HEAD    700
#define INGEST_LINE_ESCAPE  6       /* bytes, of one that is escaped */


_Static_assert(INGEST_LINE_HEAD + INGEST_LINE_ESCAPE * INGEST_LINE_BYTES
               + INGEST_LINE_FIELDS * 48
               <= INGEST_LINE_JSON,
               "a line of JSON has room for the worst of fields");


static void ingest_line_add(ingest_line_t *line, const ingest_field_t *field);
static size_t ingest_line_whole(const ingest_str_t *text, size_t room);
static void ingest_line_sentence(ingest_line_t *line, const char *sentence);
static const ingest_line_field_t *ingest_line_find(const ingest_line_t *line,
    const char *name, size_t len);
static void ingest_line_value(ingest_output_t *out, const ingest_line_t *line,
    const ingest_line_field_t *field);


ingest_field_t
ingest_field_word(const char *name, const char *text)
{
    ingest_str_t  value;

    value.data = (const uint8_t *) text;
    value.len = strlen(text);

    return ingest_field_text(name, value);
}


void
ingest_line_set(ingest_line_t *line, ingest_level_e level, const char *msg,
    const char *sentence, const ingest_field_t *fields)
{
    line->level = level;
    line->missing = 0;
    line->msg = msg;
    line->nfields = 0;

    if (fields != NULL) {
        while (fields->name != NULL && line->nfields < INGEST_LINE_FIELDS) {
            ingest_line_add(line, fields++);
        }
    }

    ingest_line_sentence(line, sentence);
}


size_t
ingest_line_json(const ingest_line_t *line, const ingest_origin_t *origin,
    uint8_t *out)
{
    unsigned                    i;
    uint8_t                     time[INGEST_TIME_TEXT];
    ingest_output_t             output;
    const ingest_line_field_t  *field;

    static const char  *levels[] = {
        "alert", "crit", "error", "warn", "notice", "info", "debug"
    };

    output = (ingest_output_t) { out, out + INGEST_LINE_JSON, false };

    ingest_time_format(origin->time_ms, time);

    ingest_output_text(&output, "{\"time\":");
    ingest_output_json(&output, time, INGEST_TIME_TEXT);
    ingest_output_text(&output, ",\"level\":\"");
    ingest_output_text(&output, levels[line->level]);
    ingest_output_text(&output, "\",\"msg\":\"");
    ingest_output_text(&output, line->msg);
    ingest_output_text(&output, "\"");

    if (origin->queue.len != 0) {
        ingest_output_text(&output, ",\"queue\":");
        ingest_output_json(&output, origin->queue.data, origin->queue.len);
    }

    if (origin->worker != 0) {
        ingest_output_text(&output, ",\"worker\":");
        ingest_output_uint(&output, origin->worker);
    }

    for (i = 0; i < line->nfields; i++) {
        field = &line->fields[i];

        ingest_output_text(&output, ",\"");
        ingest_output_text(&output, field->name);
        ingest_output_text(&output, "\":");

        if (field->is_text) {
            ingest_output_json(&output, line->bytes + field->offset,
                               field->len);
        } else {
            ingest_output_uint(&output, field->number);
        }
    }

    ingest_output_text(&output, "}\n");

    return (size_t) (output.p - out);
}


static void
ingest_line_add(ingest_line_t *line, const ingest_field_t *field)
{
    size_t                used, len;
    ingest_line_field_t  *last, *added;

    added = &line->fields[line->nfields];
    used = 0;

    if (line->nfields != 0) {
        last = added - 1;
        used = last->offset + last->len;
    }

    len = ingest_line_whole(&field->text, INGEST_LINE_BYTES - used);

    added->name = field->name;
    added->is_text = field->text.data != NULL;
    added->number = field->number;
    added->offset = (uint16_t) used;
    added->len = (uint16_t) len;

    if (added->is_text) {
        memcpy(line->bytes + used, field->text.data, len);
    }

    line->nfields++;
}


/* How much of it there is room for, without a part of a character. */

static size_t
ingest_line_whole(const ingest_str_t *text, size_t room)
{
    if (text->len <= room) {
        return text->len;
    }

    while (room > 0 && (text->data[room] & 0xc0) == 0x80) {
        room--;
    }

    return room;
}


static void
ingest_line_sentence(ingest_line_t *line, const char *sentence)
{
    char                       *p;
    size_t                      len;
    ingest_output_t             output;
    const ingest_line_field_t  *field;

    /* written as far as it goes, unlike what must be whole */

    output.p = (uint8_t *) line->text;
    output.end = output.p + INGEST_LINE_TEXT - 1;
    output.full = false;

    while (*sentence != '\0') {
        field = NULL;

        if (*sentence == '{') {
            for (len = 1; sentence[len] != '\0' && sentence[len] != '}'; len++)
            {
                /* void */
            }

            if (sentence[len] == '}') {
                field = ingest_line_find(line, sentence + 1, len - 1);
            }
        }

        if (field == NULL) {
            ingest_output_some(&output, sentence++, 1);
            continue;
        }

        ingest_line_value(&output, line, field);
        sentence += len + 1;
    }

    *output.p = '\0';

    for (p = line->text; p < (char *) output.p; p++) {
        if ((uint8_t) *p < 0x20 || *p == 0x7f) {
            *p = ' ';
        }
    }
}


static const ingest_line_field_t *
ingest_line_find(const ingest_line_t *line, const char *name, size_t len)
{
    unsigned  i;

    for (i = 0; i < line->nfields; i++) {
        if (strlen(line->fields[i].name) == len
            && memcmp(line->fields[i].name, name, len) == 0)
        {
            return &line->fields[i];
        }
    }

    return NULL;
}


static void
ingest_line_value(ingest_output_t *out, const ingest_line_t *line,
    const ingest_line_field_t *field)
{
    if (field->is_text) {
        ingest_output_some(out, line->bytes + field->offset, field->len);

    } else {
        ingest_output_uint(out, field->number);
    }
}
