/* tools/bench/table.h: the packet table of the benchmark: the schema, and an opaque packet. */
#ifndef GW_TOOLS_BENCH_TABLE_H
#define GW_TOOLS_BENCH_TABLE_H

#include "protocol/packet.h"
#include <stdbool.h>

/*
 * The table of bench.proto and WIRE_OPAQUE, whose body is not decoded. A schema has no opaque
 * packets, but a table may. `no_rates` removes the rate limits, for a load on a single connection.
 */
const struct gw_packet_table *table_of_packets(bool no_rates);

/* Implemented by the server. */
void table_on_opaque(void *peer, const struct gw_frame *frame, const uint8_t *body);

#endif
