/* protocol/utf8.c: Validation and decoding of UTF-8. */
#include "protocol/utf8.h"

#include <string.h>

/* The continuation of a first byte: the number of bytes, and the bounds of the second one. */
struct form {
    uint8_t more_count;
    uint8_t second_min;
    uint8_t second_max;
};

static struct form form_of(uint8_t first)
{
    if (first < 0xC2) {
        return (struct form){0};
    }
    if (first < 0xE0) {
        return (struct form){1, 0x80, 0xBF};
    }
    if (first < 0xF0) {
        return (struct form){2, first == 0xE0 ? 0xA0 : 0x80, first == 0xED ? 0x9F : 0xBF};
    }
    if (first < 0xF5) {
        return (struct form){3, first == 0xF0 ? 0x90 : 0x80, first == 0xF4 ? 0x8F : 0xBF};
    }
    return (struct form){0};
}

/* The length of the code point at `bytes`, which is not ASCII; 0 if it is malformed. */
static size_t take_wide(const uint8_t *bytes, size_t length)
{
    struct form form = form_of(bytes[0]);
    if (form.more_count == 0 || form.more_count >= length || bytes[1] < form.second_min ||
        bytes[1] > form.second_max) {
        return 0;
    }
    for (size_t i = 2; i <= form.more_count; i++) {
        if ((bytes[i] & 0xC0) != 0x80) {
            return 0;
        }
    }
    return 1 + (size_t)form.more_count;
}

/* Whether the eight bytes at `bytes` are all from 0x01 to 0x7F. */
static bool is_plain(const uint8_t *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    uint64_t less_one = word - UINT64_C(0x0101010101010101);
    return ((word | less_one) & UINT64_C(0x8080808080808080)) == 0;
}

bool gw_utf8_is_text(const uint8_t *bytes, size_t length)
{
    size_t at = 0;
    while (at < length) {
        size_t taken = 1;
        if (length - at >= 8 && is_plain(bytes + at)) {
            taken = 8;
        } else if (bytes[at] >= 0x80) {
            taken = take_wide(bytes + at, length - at);
        } else if (bytes[at] == 0) {
            taken = 0;
        }
        if (taken == 0) {
            return false;
        }
        at += taken;
    }
    return true;
}

/* Sorted, with inclusive limits. The noncharacters at the end of each plane are checked separately.
 */
static const struct {
    uint32_t first;
    uint32_t last;
} unprintable[] = {
    {0x0000, 0x001F},   /* C0 controls */
    {0x007F, 0x009F},   /* DEL, C1 controls */
    {0x00AD, 0x00AD},   /* soft hyphen */
    {0x034F, 0x034F},   /* combining grapheme joiner */
    {0x061C, 0x061C},   /* Arabic letter mark */
    {0x115F, 0x1160},   /* Hangul fillers */
    {0x17B4, 0x17B5},   /* Khmer inherent vowels */
    {0x180B, 0x180F},   /* Mongolian selectors, vowel separator */
    {0x200B, 0x200F},   /* zero width space and joiners, directional marks */
    {0x2028, 0x202E},   /* line and paragraph separator, directional embeddings */
    {0x2060, 0x206F},   /* word joiner, invisible operators, directional isolates */
    {0x2800, 0x2800},   /* blank braille pattern */
    {0x3164, 0x3164},   /* Hangul filler */
    {0xFDD0, 0xFDEF},   /* noncharacters */
    {0xFE00, 0xFE0F},   /* variation selectors */
    {0xFEFF, 0xFEFF},   /* byte order mark */
    {0xFFA0, 0xFFA0},   /* halfwidth Hangul filler */
    {0xFFF0, 0xFFFB},   /* unassigned and ignorable, interlinear annotations */
    {0x13430, 0x1343F}, /* controls of Egyptian hieroglyphs */
    {0x1BCA0, 0x1BCA3}, /* controls of shorthand */
    {0x1D173, 0x1D17A}, /* controls of musical notation */
    {0xE0000, 0xE0FFF}, /* tags, variation selectors */
};

bool gw_utf8_point_is_printable(uint32_t point)
{
    if ((point & 0xFFFE) == 0xFFFE) {
        return false;
    }
    size_t i = 0;
    while (i < sizeof unprintable / sizeof unprintable[0] && unprintable[i].last < point) {
        i++;
    }
    return i == sizeof unprintable / sizeof unprintable[0] || point < unprintable[i].first;
}

size_t gw_utf8_next(const uint8_t *bytes, size_t length, uint32_t *point_out)
{
    size_t taken = bytes[0] < 0x80 ? 1 : take_wide(bytes, length);
    if (taken == 0) {
        return 0;
    }
    uint32_t point = taken == 1 ? bytes[0] : bytes[0] & 0x7Fu >> taken;
    for (size_t i = 1; i < taken; i++) {
        point = point << 6 | (bytes[i] & 0x3F);
    }
    *point_out = point;
    return taken;
}

bool gw_utf8_is_printable(const uint8_t *bytes, size_t length)
{
    size_t taken;
    for (size_t at = 0; at < length; at += taken) {
        uint32_t point;
        taken = gw_utf8_next(bytes + at, length - at, &point);
        if (taken == 0 || !gw_utf8_point_is_printable(point)) {
            return false;
        }
    }
    return true;
}
