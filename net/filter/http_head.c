/* net/filter/http_head.c: Heads of HTTP/1.1 requests and responses. */
#include "net/filter/http_head.h"

#include <string.h>

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t';
}

/* RFC 9110, 5.6.2. */
static bool is_token(const uint8_t *data, struct gw_http_part part)
{
    for (uint32_t i = part.begin; i < (uint32_t)part.begin + part.bytes; i++) {
        uint8_t c = lower(data[i]);
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') &&
            (c == 0 || strchr("!#$%&'*+-.^_`|~", c) == NULL)) {
            return false;
        }
    }
    return part.bytes > 0;
}

static struct gw_http_part part_of(uint32_t begin, uint32_t end)
{
    return (struct gw_http_part){.begin = (uint16_t)begin, .bytes = (uint16_t)(end - begin)};
}

static struct gw_http_part trimmed(const uint8_t *data, uint32_t begin, uint32_t end)
{
    while (begin < end && is_space(data[begin])) {
        begin++;
    }
    while (begin < end && is_space(data[end - 1])) {
        end--;
    }
    return part_of(begin, end);
}

/* Returns the position of `c`, or `end`. */
static uint32_t find_byte(const uint8_t *data, uint32_t begin, uint32_t end, uint8_t c)
{
    const uint8_t *found = memchr(data + begin, c, end - begin);
    return found == NULL ? end : (uint32_t)(found - data);
}

/* Three parts, separated by one space each. The third may be empty or contain spaces. */
static bool parse_first_line(struct gw_http_head *head, const uint8_t *data, uint32_t end)
{
    uint32_t begin = head->line_begin;
    uint32_t second = find_byte(data, begin, end, ' ');
    uint32_t third = second < end ? find_byte(data, second + 1, end, ' ') : end;
    if (second == begin || third <= second + 1) {
        return false;
    }
    head->has_first = true;
    head->first[0] = part_of(begin, second);
    head->first[1] = part_of(second + 1, third);
    head->first[2] = part_of(third < end ? third + 1 : end, end);
    return true;
}

static bool parse_header_line(struct gw_http_head *head, const uint8_t *data, uint32_t end)
{
    uint32_t colon = find_byte(data, head->line_begin, end, ':');
    struct gw_http_part name = part_of(head->line_begin, colon);
    if (colon == end || !is_token(data, name)) {
        return false;
    }
    head->lines[head->line_count].name = name;
    head->lines[head->line_count].value = trimmed(data, colon + 1, end);
    head->line_count++;
    return true;
}

/* A line of a head has ended at `end`, before its CRLF. */
static enum gw_http_head_result take_line(struct gw_http_head *head, const uint8_t *data,
                                          uint32_t end)
{
    if (!head->has_first) {
        return parse_first_line(head, data, end) ? GW_HTTP_HEAD_PART : GW_HTTP_HEAD_INVALID;
    }
    if (end == head->line_begin) {
        return GW_HTTP_HEAD_WHOLE;
    }
    if (head->line_count == GW_HTTP_HEAD_LINE_COUNT_MAX) {
        return GW_HTTP_HEAD_TOO_LONG;
    }
    return parse_header_line(head, data, end) ? GW_HTTP_HEAD_PART : GW_HTTP_HEAD_INVALID;
}

enum gw_http_head_result gw__http_head_parse(struct gw_http_head *head, const uint8_t *data,
                                             uint32_t bytes)
{
    for (uint32_t at = head->bytes; at < bytes && at < GW_HTTP_HEAD_BYTES_MAX; at++) {
        uint8_t c = data[at];
        bool after_cr = at > head->line_begin && data[at - 1] == '\r';
        head->bytes = (uint16_t)(at + 1);
        if ((c == '\n') != after_cr || (c < ' ' && !is_space(c) && c != '\r' && c != '\n') ||
            c == 0x7f) {
            return GW_HTTP_HEAD_INVALID;
        }
        if (c == '\n') {
            enum gw_http_head_result result = take_line(head, data, at - 1);
            if (result != GW_HTTP_HEAD_PART) {
                return result;
            }
            head->line_begin = head->bytes;
        }
    }
    return head->bytes == GW_HTTP_HEAD_BYTES_MAX ? GW_HTTP_HEAD_TOO_LONG : GW_HTTP_HEAD_PART;
}

bool gw__http_part_is(const uint8_t *data, struct gw_http_part part, const char *text)
{
    if (strlen(text) != part.bytes) {
        return false;
    }
    for (uint32_t i = 0; i < part.bytes; i++) {
        if (lower(data[part.begin + i]) != lower((uint8_t)text[i])) {
            return false;
        }
    }
    return true;
}

uint32_t gw__http_head_find(const struct gw_http_head *head, const uint8_t *data, const char *name,
                            struct gw_http_part *value_out)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < head->line_count; i++) {
        if (gw__http_part_is(data, head->lines[i].name, name) && count++ == 0) {
            *value_out = head->lines[i].value;
        }
    }
    return count;
}

bool gw__http_head_lists(const struct gw_http_head *head, const uint8_t *data, const char *name,
                         const char *item)
{
    for (uint32_t i = 0; i < head->line_count; i++) {
        struct gw_http_part value = head->lines[i].value;
        uint32_t end = (uint32_t)value.begin + value.bytes;
        if (!gw__http_part_is(data, head->lines[i].name, name)) {
            continue;
        }
        for (uint32_t begin = value.begin; begin < end;) {
            uint32_t comma = find_byte(data, begin, end, ',');
            if (gw__http_part_is(data, trimmed(data, begin, comma), item)) {
                return true;
            }
            begin = comma + 1;
        }
    }
    return false;
}
