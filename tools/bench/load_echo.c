/* tools/bench/load_echo.c: echoes, in a closed loop or at a rate. */
#include "tools/bench/load.h"
#include "tools/bench/wire.h"

/* Each connection receives its own messages, in order. In a closed loop it sends the next one then.
 */
static void on_frame(struct link *link, const uint8_t *frame, uint32_t bytes)
{
    uint64_t stamp = link_stamp(link->index, link->received);
    bool right = bytes == load.options.frame_bytes && link->received != link->said &&
                 wire_is_message(frame, bytes, load.options.packet_id, stamp);
    if (!right) {
        link_fail(link, "received an unexpected message");
    }
    if (load.options.rate != 0) {
        load_note(load_due_ns(link->index, link->received));
    } else {
        load_note(0);
        link->owed++;
    }
    link->received++;
}

const struct load_mode load_echo = {.name = "echo", .unit = "message", .on_frame = on_frame};
