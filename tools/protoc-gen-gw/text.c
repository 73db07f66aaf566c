/* tools/protoc-gen-gw/text.c: Growing text buffer. */
#include "tools/protoc-gen-gw/text.h"

#include "tools/protoc-gen-gw/pool.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void make_room(struct text *text, size_t length)
{
    size_t needed = text->length + length + 1;
    if (needed <= text->capacity) {
        return;
    }
    text->capacity = needed * 2;
    text->bytes = must_allocate(text->bytes, text->capacity);
}

void text_add(struct text *text, const void *bytes, size_t length)
{
    make_room(text, length);
    if (length != 0) {
        memcpy(text->bytes + text->length, bytes, length);
    }
    text->length += length;
    text->bytes[text->length] = '\0';
}

void text_print(struct text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    struct pool scratch = {0};
    char *printed = pool_print_list(&scratch, format, arguments);
    text_add(text, printed, strlen(printed));
    pool_fini(&scratch);
    va_end(arguments);
}

void text_fini(struct text *text)
{
    free(text->bytes);
    *text = (struct text){0};
}
