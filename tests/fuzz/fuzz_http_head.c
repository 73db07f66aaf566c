/* tests/fuzz/fuzz_http_head.c: Fuzzer of the parser of HTTP heads.
 *
 * The first byte of an input is the size of the pieces in which the rest arrives.
 */
#include "tests/fuzz/fuzz.h"

#include "net/filter/http_head.h"

#include <stdlib.h>
#include <string.h>

static void expect_inside(struct gw_http_part part, uint32_t bytes)
{
    fuzz_expect((uint32_t)part.begin + part.bytes <= bytes, "a part is outside of the head");
}

/* A head that is complete ends with an empty line, and its parts are lines of it. */
static void check_whole(const struct gw_http_head *head, const uint8_t *data)
{
    struct gw_http_part value;
    fuzz_expect(memcmp(data + head->bytes - 4, "\r\n\r\n", 4) == 0, "a head has no end");
    for (int i = 0; i < 3; i++) {
        expect_inside(head->first[i], head->bytes);
    }
    for (uint32_t i = 0; i < head->line_count; i++) {
        struct gw_http_part name = head->lines[i].name;
        expect_inside(name, head->bytes);
        expect_inside(head->lines[i].value, head->bytes);
        fuzz_expect(name.bytes > 0 && data[name.begin + name.bytes] == ':', "a name has no colon");
    }
    gw__http_head_find(head, data, "Host", &value);
    gw__http_head_lists(head, data, "Connection", "Upgrade");
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct gw_http_head whole = {0}, split = {0};
    if (length < 2) {
        return 0;
    }
    size_t piece = bytes[0] + 1u;
    const uint8_t *data = bytes + 1;
    length--;
    enum gw_http_head_result expected = gw__http_head_parse(&whole, data, (uint32_t)length);
    enum gw_http_head_result result = GW_HTTP_HEAD_PART;
    for (size_t end = 0; end < length && result == GW_HTTP_HEAD_PART;) {
        end = length - end < piece ? length : end + piece;
        result = gw__http_head_parse(&split, data, (uint32_t)end);
    }
    fuzz_expect(result == expected && memcmp(&whole, &split, sizeof(whole)) == 0,
                "a head that arrives in pieces differs");
    fuzz_expect(whole.bytes <= GW_HTTP_HEAD_BYTES_MAX && whole.bytes <= length,
                "more than the limit was parsed");
    if (expected == GW_HTTP_HEAD_WHOLE) {
        check_whole(&whole, data);
    }
    return 0;
}
