/* net/filter/http_head.h: Heads of HTTP/1.1 requests and responses. Private to net. */
#ifndef GW_NET_FILTER_HTTP_HEAD_H
#define GW_NET_FILTER_HTTP_HEAD_H

#include <stdbool.h>
#include <stdint.h>

enum {
    GW_HTTP_HEAD_BYTES_MAX = 4096,   /* with the empty line at its end */
    GW_HTTP_HEAD_LINE_COUNT_MAX = 64 /* behind the first line */
};

/* What gw__http_head_parse() returns. */
enum gw_http_head_result {
    GW_HTTP_HEAD_PART, /* valid so far; its end has not arrived */
    GW_HTTP_HEAD_WHOLE,
    GW_HTTP_HEAD_INVALID,
    GW_HTTP_HEAD_TOO_LONG, /* more bytes or lines than the limits */
};

/* A part of a head, by its position: the memory of a head may move while it arrives. */
struct gw_http_part {
    uint16_t begin;
    uint16_t bytes;
};

/* The parts of a head. All zero: nothing has arrived. */
struct gw_http_head {
    uint16_t bytes;      /* that were parsed; with GW_HTTP_HEAD_WHOLE the length of the head */
    uint16_t line_begin; /* of the line that has not ended */
    bool has_first;
    uint8_t line_count;
    /* Of a request: method, target, version. Of a response: version, status, phrase. */
    struct gw_http_part first[3];
    struct {
        struct gw_http_part name;
        struct gw_http_part value; /* without spaces around it */
    } lines[GW_HTTP_HEAD_LINE_COUNT_MAX];
};

/*
 * Parses what has arrived behind the head->bytes of the last call. `data` has all `bytes` of the
 * head from its start. Lines end with CRLF; a line that is folded, a space before a colon, and
 * control characters are invalid. After GW_HTTP_HEAD_INVALID and GW_HTTP_HEAD_TOO_LONG it must not
 * be called again.
 *
 * Source    RFC 9112, 2.1 to 5.2: what a server may reject, this rejects
 */
enum gw_http_head_result gw__http_head_parse(struct gw_http_head *head, const uint8_t *data,
                                             uint32_t bytes);

/* Whether a part of a head is this text, apart from upper and lower case. */
bool gw__http_part_is(const uint8_t *data, struct gw_http_part part, const char *text);

/*
 * Finds the header lines with a name, whatever its case. Returns how many there are, and the value
 * of the first one.
 */
uint32_t gw__http_head_find(const struct gw_http_head *head, const uint8_t *data, const char *name,
                            struct gw_http_part *value_out);

/*
 * Whether the header lines with a name have `item` in their list, which commas separate, apart from
 * upper and lower case.
 */
bool gw__http_head_lists(const struct gw_http_head *head, const uint8_t *data, const char *name,
                         const char *item);

#endif
