/* server/log/text.c: what players write: is it UTF-8, and may a terminal see it? */
#include "server/log/text.h"

#include <string.h>

/* How many bytes follow a first byte, and the least code point that needs so many. */
struct form {
    uint8_t first_min;
    uint8_t first_max;
    uint8_t more_count;
    int32_t code_point_min;
};

static const struct form forms[] = {
    {0x00, 0x7F, 0, 0x0},
    {0xC2, 0xDF, 1, 0x80},
    {0xE0, 0xEF, 2, 0x800},
    {0xF0, 0xF4, 3, 0x10000},
};

static const struct form *form_of(uint8_t first)
{
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        if (first >= forms[i].first_min && first <= forms[i].first_max) {
            return &forms[i];
        }
    }
    return NULL;
}

static bool is_scalar(int32_t code_point)
{
    bool is_surrogate = code_point >= 0xD800 && code_point <= 0xDFFF;
    return code_point <= 0x10FFFF && !is_surrogate;
}

static int32_t decode(const uint8_t *bytes, const struct form *form)
{
    int32_t code_point = form->more_count == 0 ? bytes[0] : bytes[0] & (0x3F >> form->more_count);
    for (uint8_t i = 1; i <= form->more_count; i++) {
        /* The NUL at the end is no continuation, so nothing behind it is read. */
        if ((bytes[i] & 0xC0) != 0x80) {
            return SERVER_TEXT_BROKEN;
        }
        code_point = code_point << 6 | (bytes[i] & 0x3F);
    }
    bool is_shortest = code_point >= form->code_point_min;
    return is_shortest && is_scalar(code_point) ? code_point : SERVER_TEXT_BROKEN;
}

int32_t server_text_next(const char **at)
{
    const uint8_t *bytes = (const uint8_t *)*at;
    const struct form *form = form_of(bytes[0]);
    int32_t code_point = form == NULL ? SERVER_TEXT_BROKEN : decode(bytes, form);
    *at += code_point == SERVER_TEXT_BROKEN ? 1 : 1 + form->more_count;
    return code_point;
}

bool server_text_is_valid(const char *text, size_t bytes_min, size_t bytes_max)
{
    size_t bytes = strlen(text);
    while (*text != '\0') {
        if (server_text_next(&text) == SERVER_TEXT_BROKEN) {
            return false;
        }
    }
    return bytes >= bytes_min && bytes <= bytes_max;
}

bool server_text_is_harmless(int32_t code_point)
{
    static const struct {
        int32_t first;
        int32_t last;
    } harmful[] = {
        {0x0000, 0x001F},    {0x007F, 0x009F},   /* controls */
        {0x00AD, 0x00AD},    {0x034F, 0x034F},   /* not seen: soft hyphen, joiner */
        {0x061C, 0x061C},    {0x115F, 0x1160},   /* direction; fillers */
        {0x17B4, 0x17B5},    {0x180B, 0x180F},   /* not seen */
        {0x200B, 0x200F},    {0x2028, 0x202E},   /* zero width, direction; line ends, direction */
        {0x2060, 0x206F},    {0x3164, 0x3164},   /* not seen, direction; filler */
        {0xE000, 0xF8FF},    {0xFDD0, 0xFDEF},   /* private; nobody's */
        {0xFE00, 0xFE0F},    {0xFEFF, 0xFEFF},   /* variants; byte order mark */
        {0xFFA0, 0xFFA0},    {0xFFF0, 0xFFFB},   /* filler; nobody's, notes */
        {0xFFFE, 0xFFFF},    {0x1D173, 0x1D17A}, /* nobody's; invisible notes of music */
        {0xE0000, 0x10FFFF},                     /* tags, variants, private */
    };
    for (size_t i = 0; i < sizeof harmful / sizeof harmful[0]; i++) {
        if (code_point >= harmful[i].first && code_point <= harmful[i].last) {
            return false;
        }
    }
    return code_point >= 0;
}
