/* server/log/text.c: Decoding and escaping of text for log lines. */
#include "server/log/text.h"

#include "protocol/utf8.h"

#include <stdio.h>
#include <string.h>

/* What a terminal shows for such a code point is not known. */
static bool is_private(int32_t code_point)
{
    return (code_point >= 0xE000 && code_point <= 0xF8FF) || code_point >= 0xF0000;
}

struct server_text_point server_text_next(const char *text)
{
    const char *end = memchr(text, '\0', 4); /* a code point has at most 4 bytes */
    size_t length = end == NULL ? 4 : (size_t)(end - text);
    uint32_t code_point;
    size_t count = length == 0 ? 0 : gw_utf8_next((const uint8_t *)text, length, &code_point);
    if (count == 0) {
        return (struct server_text_point){.code_point = -1, .byte_count = 1};
    }
    bool is_printable = gw_utf8_point_is_printable(code_point) && !is_private((int32_t)code_point);
    return (struct server_text_point){(int32_t)code_point, count, is_printable};
}

const char *server_text_escape(const char *text, struct server_text_point point,
                               char escape_out[SERVER_TEXT_ESCAPE_BYTES])
{
    int32_t code_point = point.code_point;
    if (code_point == '"' || code_point == '\\') {
        snprintf(escape_out, SERVER_TEXT_ESCAPE_BYTES, "\\%c", *text);
    } else if (code_point == '\n' || code_point == '\r' || code_point == '\t') {
        char letter = code_point == '\n' ? 'n' : code_point == '\r' ? 'r' : 't';
        snprintf(escape_out, SERVER_TEXT_ESCAPE_BYTES, "\\%c", letter);
    } else if (code_point < 0x80) {
        snprintf(escape_out, SERVER_TEXT_ESCAPE_BYTES, "\\x%02X", (unsigned)(uint8_t)*text);
    } else {
        snprintf(escape_out, SERVER_TEXT_ESCAPE_BYTES, "\\u{%X}", (unsigned)code_point);
    }
    return escape_out;
}
