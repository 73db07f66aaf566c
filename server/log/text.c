/* server/log/text.c: Decoding and escaping of text for log lines. */
#include "server/log/text.h"

#include "protocol/utf8.h"

#include <stdio.h>
#include <string.h>

static size_t sequence_bytes(uint8_t first)
{
    if (first < 0x80) {
        return 1;
    }
    if (first < 0xE0) {
        return 2;
    }
    return first < 0xF0 ? 3 : 4;
}

/* What a terminal shows for such a code point is not known. */
static bool is_private(int32_t code_point)
{
    return (code_point >= 0xE000 && code_point <= 0xF8FF) || code_point >= 0xF0000;
}

struct server_text_point server_text_next(const char *text)
{
    const uint8_t *bytes = (const uint8_t *)text;
    size_t count = sequence_bytes(bytes[0]);
    if (memchr(text, '\0', count) != NULL || !gw_utf8_is_text(bytes, count)) {
        return (struct server_text_point){.code_point = -1, .byte_count = 1};
    }
    int32_t code_point = count == 1 ? bytes[0] : bytes[0] & (0x7F >> count);
    for (size_t i = 1; i < count; i++) {
        code_point = code_point << 6 | (bytes[i] & 0x3F);
    }
    bool is_printable = gw_utf8_is_printable(bytes, count) && !is_private(code_point);
    return (struct server_text_point){code_point, count, is_printable};
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
