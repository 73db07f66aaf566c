/* tools/dummy-client/number.c: parsing and formatting of numbers. */
#include "tools/dummy-client/number.h"
#include <stdio.h>
#include <string.h>

enum { DIGIT_COUNT_MAX = 18, MILLION = 1000000, FINE_DIGIT_COUNT = 6 };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

const char *dummy_number_read(const char *text, uint64_t max, uint64_t *number_out)
{
    const char *end = text;
    uint64_t number = 0;
    while (is_digit(*end) && end - text < DIGIT_COUNT_MAX) {
        number = number * 10 + (uint64_t)(*end++ - '0');
    }
    if (end == text || is_digit(*end) || number > max) {
        return NULL;
    }
    *number_out = number;
    return end;
}

/* Parses ".25" or an empty text. */
static bool read_fraction(const char *text, uint64_t *millionths_out)
{
    uint64_t fraction = 0;
    size_t count = strlen(text);
    if (count == 0) {
        *millionths_out = 0;
        return true;
    }
    if (text[0] != '.' || count == 1 || count - 1 > FINE_DIGIT_COUNT) {
        return false;
    }
    for (size_t i = 1; i <= FINE_DIGIT_COUNT; i++) {
        if (i < count && !is_digit(text[i])) {
            return false;
        }
        fraction = fraction * 10 + (i < count ? (uint64_t)(text[i] - '0') : 0);
    }
    *millionths_out = fraction;
    return true;
}

bool dummy_number_read_millionths(const char *text, uint64_t *millionths_out)
{
    uint64_t whole, fraction;
    const char *rest = dummy_number_read(text, MILLION * UINT64_C(1000), &whole);
    if (rest == NULL || !read_fraction(rest, &fraction)) {
        return false;
    }
    *millionths_out = whole * MILLION + fraction;
    return true;
}

const char *dummy_number_write(uint64_t number, char text[DUMMY_NUMBER_TEXT_BYTES])
{
    char digits[24];
    int count = snprintf(digits, sizeof digits, "%llu", (unsigned long long)number);
    char *out = text;
    for (int i = 0; i < count; i++) {
        if (i > 0 && (count - i) % 3 == 0) {
            *out++ = ',';
        }
        *out++ = digits[i];
    }
    *out = '\0';
    return text;
}
