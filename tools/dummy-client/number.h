/* tools/dummy-client/number.h: parsing and formatting of numbers. */
#ifndef GW_DUMMY_NUMBER_H
#define GW_DUMMY_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Parses the digits at `text`, at most 18 of them, as a number up to `max`.
 *
 * Returns   a pointer behind them, or NULL when there are none or the number is too large;
 *           *number_out is not set on NULL.
 */
const char *dummy_number_read(const char *text, uint64_t max, uint64_t *number_out);

/*
 * Parses all of `text`, such as "2" or "0.25", in millionths; more decimals are an error.
 *
 * Returns   whether `text` is valid; *millionths_out is set only then.
 */
bool dummy_number_read_millionths(const char *text, uint64_t *millionths_out);

/* The size of a number with thousands separators, and its NUL. */
enum { DUMMY_NUMBER_TEXT_BYTES = 28 };

/* Writes "1,234,567". Returns `text`. */
const char *dummy_number_write(uint64_t number, char text[DUMMY_NUMBER_TEXT_BYTES]);

#endif
