/* protocol/utf8.h: is it text? */
#ifndef GW_PROTOCOL_UTF8_H
#define GW_PROTOCOL_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Whether `bytes` are well-formed UTF-8 (the shortest form of each code point, no surrogates,
 * nothing above U+10FFFF) without a NUL, which would end a string in C too early. Looks at each
 * byte once.
 *
 * Thread    any.
 * Source    Unicode 15, table 3-7.
 */
bool gw_utf8_is_text(const uint8_t *bytes, size_t length);

#ifdef __cplusplus
}
#endif

#endif
