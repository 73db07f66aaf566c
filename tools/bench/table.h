/* tools/bench/table.h: the packets of the benchmark: those of the schema, and an opaque one. */
#ifndef GW_TOOLS_BENCH_TABLE_H
#define GW_TOOLS_BENCH_TABLE_H

#include "protocol/packet.h"
#include <stdbool.h>

/*
 * The table of bench.proto with one line more: WIRE_OPAQUE, whose body is handled as it comes. A
 * schema has no opaque packets, but a table may. `no_rates` takes the limits of rates off, for a
 * load that one connection alone carries.
 */
const struct gw_packet_table *table_of_packets(bool no_rates);

/* Written by the server. */
void table_on_opaque(void *peer, const struct gw_frame *frame, const uint8_t *body);

#endif
