/* tests/scripted/life.h: a stream, and all that ever happened to it. */
#ifndef GW_TESTS_SCRIPTED_LIFE_H
#define GW_TESTS_SCRIPTED_LIFE_H

#include "net/stream.h"
#include "tests/scripted/bytes.h"
#include <stdbool.h>
#include <stdint.h>

struct gw_listener;

/* It reads everything, unless its hooks do something else. All hooks may be NULL. */
struct life {
    struct gw_stream *stream; /* holds a reference */
    uint32_t open_count;
    uint32_t recv_count;
    uint32_t deadline_count;
    uint32_t close_count;
    int reason;
    uint64_t opened_ns;
    uint64_t deadline_ns; /* when the last one came */
    uint64_t closed_ns;
    struct bytes heard;
    uint32_t message_bytes; /* reads only whole messages of this length; 0: any */
    uint32_t budget;        /* messages that it reads at a time; 0: all */
    void (*on_open)(struct life *life);
    void (*on_recv)(struct life *life);
    void (*on_deadline)(struct life *life);
    void (*on_close)(struct life *life);
    struct gw_stream_config config; /* of a dialed one; 0: 4,096 and 65,536 */
};

extern const struct gw_stream_events life_events;

/* Dials. Returns the error of gw_stream_dial(). */
int life_dial(struct life *life, uint16_t port);

/* Lets go of its stream, which has closed, and of what it has heard. */
void life_fini(struct life *life);

/* Queues bytes. Returns the error of gw_stream_send(). */
int life_send(struct life *life, const void *data, uint32_t bytes);

/* Queues `bytes` of an endless pattern from its place `from` on; compares with it. */
int life_send_pattern(struct life *life, uint64_t from, uint32_t bytes);
bool life_is_pattern(const uint8_t *data, size_t count, uint64_t from);

/* ---- a door, through which lives come in ---- */

struct door {
    struct gw_listener *listener;
    uint16_t port;
    struct life *lives[64];
    uint32_t count;
    uint32_t close_count;
    uint64_t closed_ns;
    bool leaves_alone;                    /* does not start who comes in */
    void (*on_accept)(struct life *life); /* before it is started */
};

/* Opens it, with a config of streams as above; `port` 0: any. Returns the listener's error. */
int door_open(struct door *door, uint16_t port, const struct gw_stream_config *config);
void door_close(struct door *door);

/* Who came in last. */
struct life *door_last(const struct door *door);

/* Lets go of all who came in. */
void door_fini(struct door *door);

#endif
