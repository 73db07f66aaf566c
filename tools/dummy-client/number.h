/* tools/dummy-client/number.h: numbers as people write them. */
#ifndef GW_DUMMY_NUMBER_H
#define GW_DUMMY_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Reads the digits at `text`, at most 18 of them, as a number up to `max`.
 *
 * Returns   the place after them, or NULL when there are none or they are too many; *number_out is
 *           set only then.
 */
const char *dummy_number_read(const char *text, uint64_t max, uint64_t *number_out);

/*
 * Reads all of `text`, such as "2" or "0.25", in millionths; finer digits are not taken.
 *
 * Returns   whether it is such a number; *millionths_out is set only then.
 */
bool dummy_number_read_millionths(const char *text, uint64_t *millionths_out);

/* Room for a number with a comma before every three digits, and its NUL. */
enum { DUMMY_NUMBER_TEXT_BYTES = 28 };

/* Writes "1,234,567". Returns `text`. */
const char *dummy_number_write(uint64_t number, char text[DUMMY_NUMBER_TEXT_BYTES]);

#endif
