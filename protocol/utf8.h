/* protocol/utf8.h: Validation and decoding of UTF-8. */
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
 * nothing above U+10FFFF) without a NUL, which would terminate a C string early. Reads each byte
 * once.
 *
 * Thread    any.
 * Source    Unicode 15, table 3-7.
 */
bool gw_utf8_is_text(const uint8_t *bytes, size_t length);

/*
 * Whether `bytes`, for which gw_utf8_is_text() is true, consist of printable code points: none that
 * is a control, is invisible, or changes the direction or the lines of the text around it. In a
 * name such a code point makes two names look equal, or changes how a log or a list shows them.
 *
 * Not printable are the general categories Cc, Zl and Zp, the property Default_Ignorable_Code_Point
 * (soft hyphen, joiners, directional marks, Hangul fillers, variation selectors, tags), the format
 * controls of annotations and hieroglyphs, noncharacters, and the blank braille pattern. This
 * refuses an emoji that consists of several code points with a joiner or a variation selector.
 *
 * Thread    any.
 * Source    Unicode 15: UnicodeData.txt, DerivedCoreProperties.txt; UTS 39, 3.1.
 */
bool gw_utf8_is_printable(const uint8_t *bytes, size_t length);

/* The same for one code point. Thread: any. */
bool gw_utf8_point_is_printable(uint32_t point);

/*
 * Decodes the code point at `bytes`, of which there are `length`, at least 1. NUL is a code point.
 *
 * Returns   its length, 1 to 4, with the code point in *point_out; 0 if the bytes are malformed or
 *           truncated.
 * Thread    any.
 */
size_t gw_utf8_next(const uint8_t *bytes, size_t length, uint32_t *point_out);

#ifdef __cplusplus
}
#endif

#endif
