/* tools/bench/load_storm.c: a connect storm: connect, one echo, close; repeated. */
#include "tools/bench/load.h"
#include "tools/bench/serve.h"
#include "tools/bench/wire.h"

enum { NS_PER_MS = 1000000, WAVE_COUNT = 64 };

static void come(struct link *link, uint32_t index)
{
    uint8_t hello[WIRE_HELLO_BYTES];
    wire_hello(hello);
    link_open(link, index, load.options.port, load.options.tls, load.options.websocket);
    if (load.options.greet) {
        link_put(link, hello, sizeof(hello));
    }
}

static void send_one(struct link *link)
{
    uint8_t frame[WIRE_FRAME_BYTES_MAX];
    if (load.options.greet) {
        link_get(link, frame);
    }
    wire_message(frame, load.options.frame_bytes, load.options.packet_id,
                 link_stamp(link->index, 0));
    link_put(link, frame, load.options.frame_bytes);
}

static void go(struct link *link)
{
    uint8_t frame[WIRE_FRAME_BYTES_MAX];
    link_get(link, frame);
    if (!wire_is_message(frame, load.options.frame_bytes, load.options.packet_id,
                         link_stamp(link->index, 0))) {
        link_fail(link, "received an unexpected message");
    }
    link_close(link);
    load_note(0);
}

/* One wave at a time: all connect, then all send, then all close. */
static void run(void)
{
    static struct link links[WAVE_COUNT];
    uint64_t end_ns = serve_now_ns() + (uint64_t)load.options.run_ms * NS_PER_MS;
    uint32_t index = 0;
    while (serve_now_ns() < end_ns) {
        for (uint32_t i = 0; i < WAVE_COUNT; i++) {
            come(&links[i], index++);
        }
        for (uint32_t i = 0; i < WAVE_COUNT; i++) {
            send_one(&links[i]);
        }
        for (uint32_t i = 0; i < WAVE_COUNT; i++) {
            go(&links[i]);
        }
    }
}

const struct load_mode load_storm = {.name = "storm", .unit = "connection", .run = run};
