/* tests/fuzz/fuzz_proxy.c: Fuzzer of the PROXY filter.
 *
 * The first byte of an input is the size of the pieces in which the rest arrives.
 */
#include "tests/fuzz/fuzz.h"

#include "net/filter/filter.h"
#include "net/filter/proxy.h"

#include <string.h>

/* What the filter makes of the bytes. */
struct result {
    int error;
    size_t taken_bytes;
    bool is_done;
    bool has_peer;
    struct gw_addr peer;
};

static struct result feed(const uint8_t *data, size_t bytes, size_t piece_bytes)
{
    static struct gw_filter_source *source;
    static const struct gw_proxy_network everything = {.prefix_bits = 0};
    const struct gw_addr from = {.port = 1};
    struct gw_filter *filter = NULL;
    struct result result;
    memset(&result, 0, sizeof result);
    if (source == NULL) {
        fuzz_expect(gw_proxy_create(&everything, 1, &source) == 0, "there is no memory");
    }
    fuzz_expect(source->create(source, &from, &filter) == 0 && filter != NULL, "there is a filter");
    while (result.taken_bytes < bytes && !filter->is_done && result.error == 0) {
        size_t left = bytes - result.taken_bytes;
        uint8_t out[1];
        struct gw_span in = {data + result.taken_bytes,
                             (uint32_t)(left < piece_bytes ? left : piece_bytes)};
        uint32_t before = in.bytes;
        result.error = filter->ops->recv(filter, &in, out);
        result.taken_bytes += result.error == 0 ? before - in.bytes : 0;
        fuzz_expect(result.error != 0 || in.bytes == 0 || filter->is_done, "it takes all input");
    }
    result.taken_bytes = result.error == 0 ? result.taken_bytes : 0;
    result.is_done = filter->is_done;
    result.has_peer = filter->peer != NULL;
    fuzz_expect(!result.has_peer || filter->is_done, "a part of a header has no address");
    if (result.has_peer) {
        result.peer = *filter->peer;
    }
    filter->ops->destroy(filter);
    return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    if (length < 2) {
        return 0;
    }
    struct result whole = feed(bytes + 1, length - 1, length);
    struct result split = feed(bytes + 1, length - 1, bytes[0] + 1u);
    fuzz_expect(whole.error == split.error && whole.is_done == split.is_done &&
                    whole.taken_bytes == split.taken_bytes && whole.has_peer == split.has_peer &&
                    memcmp(&whole.peer, &split.peer, sizeof whole.peer) == 0,
                "a header that arrives in pieces differs");
    fuzz_expect(!whole.is_done || whole.taken_bytes <= 16 + GW_PROXY_V2_BYTES_MAX,
                "more than the limit was taken");
    return 0;
}
