/* protocol/utf8.c: walks over text, eight bytes at a time where it is ASCII. */
#include "protocol/utf8.h"

#include <string.h>

/* What may follow a first byte: how many bytes, and within which bounds the next one is. */
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

/* How many bytes the code point at `bytes` takes, which is not ASCII; 0 when it is none. */
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

/* Eight bytes of 0x01 to 0x7F. */
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
