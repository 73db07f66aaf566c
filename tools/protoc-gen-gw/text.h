/* tools/protoc-gen-gw/text.h: Growing text buffer. */
#ifndef GW_TOOLS_PROTOC_GEN_GW_TEXT_H
#define GW_TOOLS_PROTOC_GEN_GW_TEXT_H

#include <stddef.h>

/* All zero is an empty text. `bytes` ends with a NUL once text was added. */
struct text {
    char *bytes;
    size_t length;
    size_t capacity;
};

void text_add(struct text *text, const void *bytes, size_t length);
void text_print(struct text *text, const char *format, ...);
void text_fini(struct text *text);

#endif
