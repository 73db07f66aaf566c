/* server/log/text.h: Decoding and escaping of text for log lines. */
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

enum { SERVER_TEXT_ESCAPE_BYTES = 16 };

/* Writes the escape of a code point: \" \\ \n \x1B \u{202E}. Returns `escape_out`. */
const char *server_text_escape(const char *text, struct server_text_point point,
                               char escape_out[SERVER_TEXT_ESCAPE_BYTES]);

#endif
