/* server/admin/text.c: A text that grows, for answers; with JSON. */
#include "server/admin/text.h"

#include "protocol/utf8.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool make_room(struct admin_text *text, size_t bytes)
{
    size_t capacity = text->capacity == 0 ? 4096 : text->capacity;
    while (capacity - text->bytes <= bytes) {
        capacity *= 2;
    }
    if (capacity == text->capacity) {
        return true;
    }
    char *data = realloc(text->data, capacity);
    if (data == NULL) {
        text->failed = true;
        return false;
    }
    text->data = data;
    text->capacity = capacity;
    return true;
}

void admin_text_add(struct admin_text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int bytes = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (bytes < 0 || text->failed || !make_room(text, (size_t)bytes)) {
        return;
    }
    va_start(arguments, format);
    vsnprintf(text->data + text->bytes, text->capacity - text->bytes, format, arguments);
    va_end(arguments);
    text->bytes += (size_t)bytes;
}

void admin_text_add_json(struct admin_text *text, const char *string)
{
    const uint8_t *bytes = (const uint8_t *)string;
    size_t left = strlen(string);
    admin_text_add(text, "\"");
    while (left > 0) {
        uint32_t point;
        size_t length = gw_utf8_next(bytes, left, &point);
        if (length == 0) {
            admin_text_add(text, "\\ufffd");
            length = 1;
        } else if (point < 0x20 || point == '"' || point == '\\' || point == '<' || point == 0x7F) {
            admin_text_add(text, "\\u%04x", (unsigned)point);
        } else {
            admin_text_add(text, "%.*s", (int)length, (const char *)bytes);
        }
        bytes += length;
        left -= length;
    }
    admin_text_add(text, "\"");
}

void admin_text_add_label(struct admin_text *text, const char *string)
{
    for (; *string != '\0'; string++) {
        if (*string == '\n') {
            admin_text_add(text, "\\n");
        } else if (*string == '"' || *string == '\\') {
            admin_text_add(text, "\\%c", *string);
        } else {
            admin_text_add(text, "%c", *string);
        }
    }
}
