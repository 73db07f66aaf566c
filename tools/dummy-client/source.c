/* tools/dummy-client/source.c: a range of local addresses that clients connect from. */
#include "tools/dummy-client/source.h"
#include "tools/dummy-client/number.h"
#include <stddef.h>

/* Parses "127.0.0.2". Returns a pointer behind it, or NULL. */
static const char *read_ipv4(const char *text, uint32_t *ip_out)
{
    uint32_t ip = 0;
    for (int part = 0; part < 4; part++) {
        if (part > 0 && *text++ != '.') {
            return NULL;
        }
        uint64_t byte;
        text = dummy_number_read(text, 255, &byte);
        if (text == NULL) {
            return NULL;
        }
        ip = ip << 8 | (uint32_t)byte;
    }
    *ip_out = ip;
    return text;
}

bool dummy_source_parse(const char *text, struct dummy_source *source_out)
{
    uint32_t first;
    text = read_ipv4(text, &first);
    uint32_t last = first;
    if (text != NULL && *text == '-') {
        text = read_ipv4(text + 1, &last);
    }
    if (text == NULL || *text != '\0' || first == 0 || last < first) {
        return false;
    }
    *source_out = (struct dummy_source){.first = first, .count = last - first + 1};
    return true;
}

bool dummy_source_addr(const struct dummy_source *source, uint32_t index, struct gw_addr *addr_out)
{
    if (source->count == 0) {
        return false;
    }
    uint32_t ip = source->first + index % source->count;
    *addr_out = (struct gw_addr){.ip = {[10] = 0xFF,
                                        [11] = 0xFF,
                                        [12] = (uint8_t)(ip >> 24),
                                        [13] = (uint8_t)(ip >> 16),
                                        [14] = (uint8_t)(ip >> 8),
                                        [15] = (uint8_t)ip}};
    return true;
}
