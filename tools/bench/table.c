/* tools/bench/table.c: the packet table of the benchmark: the schema, and an opaque packet. */
#include "tools/bench/table.h"

#include "bench/bench_server.gen.h"
#include "tools/bench/wire.h"
#include <assert.h>
#include <string.h>

enum { PACKET_COUNT_MAX = 8, RATE_PER_SECOND = 60000 };

static struct gw_packet packets[PACKET_COUNT_MAX];
static uint16_t places[PACKET_COUNT_MAX];

static const struct gw_packet opaque = {
    .id = WIRE_OPAQUE,
    .from = GW_FROM_BOTH,
    .stages = GW_STAGE_GREETED,
    .body_bytes_max = WIRE_FRAME_BYTES_MAX,
    .handle_opaque = table_on_opaque,
};

const struct gw_packet_table *table_of_packets(bool no_rates)
{
    static struct gw_packet_table table;
    const struct gw_packet_table *schema = &bench_server_packets;
    table = *schema;
    assert(schema->packet_count < PACKET_COUNT_MAX &&
           WIRE_OPAQUE == schema->id_first + schema->id_count);
    memcpy(packets, schema->packets, schema->packet_count * sizeof(packets[0]));
    memcpy(places, schema->index, schema->id_count * sizeof(places[0]));
    packets[table.packet_count++] = opaque;
    places[table.id_count++] = (uint16_t)table.packet_count;
    for (uint32_t i = 0; i < table.packet_count; i++) {
        packets[i].rate_per_second = no_rates ? 0 : RATE_PER_SECOND;
        packets[i].burst_count = packets[i].rate_per_second;
    }
    table.packets = packets;
    table.index = places;
    return &table;
}
