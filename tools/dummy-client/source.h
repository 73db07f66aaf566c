/* tools/dummy-client/source.h: a range of local addresses that clients connect from. */
#ifndef GW_DUMMY_SOURCE_H
#define GW_DUMMY_SOURCE_H

#include "net/addr.h"
#include <stdbool.h>
#include <stdint.h>

/* A range of IPv4 addresses. All zero: the kernel chooses. */
struct dummy_source {
    uint32_t first; /* 127.0.0.2 is 0x7F000002 */
    uint32_t count;
};

/*
 * Parses "127.0.0.2" or "127.0.0.2-127.0.0.21".
 *
 * Returns   whether `text` is valid; *source_out is set only then.
 */
bool dummy_source_parse(const char *text, struct dummy_source *source_out);

/*
 * The address that client `index` connects from, round robin.
 *
 * Returns   whether there is one; *addr_out, with port 0, is set only then.
 */
bool dummy_source_addr(const struct dummy_source *source, uint32_t index, struct gw_addr *addr_out);

#endif
