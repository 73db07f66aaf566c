/* server/log/text.h: what players write: is it UTF-8, and may a terminal see it? */
#ifndef GW_SERVER_LOG_TEXT_H
#define GW_SERVER_LOG_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SERVER_TEXT_BROKEN = -1 };

/*
 * Takes the next code point off a text that is not at its end, and moves `at` behind it.
 *
 * Returns   the code point, or SERVER_TEXT_BROKEN for a byte that begins no well-formed UTF-8 (too
 *           long a form, half of a surrogate pair, beyond U+10FFFF); then `at` moves by that byte.
 */
int32_t server_text_next(const char **at);

/* Whether `text` is well-formed UTF-8 of `bytes_min` to `bytes_max` bytes. */
bool server_text_is_valid(const char *text, size_t bytes_min, size_t bytes_max);

/*
 * Whether a line of text may hold the code point as it is. What moves the cursor, turns the
 * direction of writing or cannot be seen may not.
 */
bool server_text_is_harmless(int32_t code_point);

#endif
