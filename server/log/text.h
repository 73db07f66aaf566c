/* server/log/text.h: Code points of a text, and whether a log line may contain them. */
#ifndef GW_SERVER_LOG_TEXT_H
#define GW_SERVER_LOG_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct server_text_point {
    int32_t code_point; /* -1: the byte begins no well-formed UTF-8 sequence */
    size_t byte_count;  /* of the sequence; 1 for such a byte */
    bool is_printable;  /* as in protocol/utf8.h, and of no private use */
};

/* Returns the first code point of `text`, which is not empty. */
struct server_text_point server_text_next(const char *text);

#endif
