/* tools/bench/load_group.c: broadcasts in rooms, in a closed loop or at a rate. */
#include "tools/bench/load.h"
#include "tools/bench/serve.h"
#include "tools/bench/wire.h"
#include <stdlib.h>
#include <string.h>

static void join(struct link *link)
{
    uint8_t frame[WIRE_FRAME_BYTES_MAX];
    uint8_t wish[WIRE_JOIN_BYTES];
    wire_join(wish, 1 + link->index / load.options.room_size);
    link_put(link, wish, sizeof(wish));
    link_get(link, frame);
    if (memcmp(frame, wish, sizeof(wish)) != 0) {
        link_fail(link, "was not let into its room");
    }
    link->received_of = calloc(load.options.room_size, sizeof(*link->received_of));
    if (link->received_of == NULL) {
        serve_fail("calloc");
    }
}

static void prepare(void)
{
    load.options.packet_id = WIRE_SAY;
    for (uint32_t i = 0; i < load.options.connection_count; i++) {
        join(&load.links[i]);
    }
}

/* Messages of each member arrive in order. In a closed loop a member sends when it receives its
 * own. */
static void on_frame(struct link *link, const uint8_t *frame, uint32_t bytes)
{
    uint64_t stamp = wire_stamp(frame);
    uint32_t speaker = link_index_of(stamp);
    uint32_t place = speaker % load.options.room_size;
    bool right = bytes == load.options.frame_bytes &&
                 speaker / load.options.room_size == link->index / load.options.room_size &&
                 (uint32_t)stamp == link->received_of[place] &&
                 wire_is_message(frame, bytes, WIRE_SAY, stamp);
    if (!right) {
        link_fail(link, "received an unexpected message");
    }
    link->received_of[place]++;
    load_note(load.options.rate != 0 ? load_due_ns(speaker, (uint32_t)stamp) : 0);
    if (load.options.rate == 0 && speaker == link->index) {
        link->owed++;
    }
}

const struct load_mode load_group = {
    .name = "group", .unit = "delivery", .prepare = prepare, .on_frame = on_frame};
