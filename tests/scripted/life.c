/* tests/scripted/life.c: a stream, and all that ever happened to it. */
#include "tests/scripted/life.h"

#include "tests/test.h"

#include "net/buf.h"
#include "net/listener.h"
#include "net/ring.h"
#include "tests/scripted/memory.h"
#include "tests/scripted/peer.h"
#include "tests/scripted/stage.h"
#include "tests/support/chance.h"

#include <string.h>

enum { PATTERN_SEED = 5 };

static const struct gw_stream_config usual = {.recv_bytes_max = 4096,
                                              .send_queue_bytes_max = 65536};

static void on_open(struct gw_stream *stream, void *context)
{
    struct life *life = context;
    (void)stream;
    assert_int_equal(life->open_count++, 0);
    life->opened_ns = stage_now_ns();
    if (life->on_open != NULL) {
        life->on_open(life);
    }
}

static void read_bytes(struct life *life, struct gw_ring *ring, uint32_t bytes)
{
    static uint8_t bridge[64 * 1024];
    assert_true(bytes <= sizeof bridge);
    bytes_put(&life->heard, gw_ring_peek(ring, bytes, bridge), bytes);
    gw_ring_consume(ring, bytes);
}

static enum gw_recv on_recv(struct gw_stream *stream, struct gw_ring *ring, void *context)
{
    struct life *life = context;
    (void)stream;
    assert_int_equal(life->close_count, 0);
    life->recv_count++;
    uint32_t size = life->message_bytes != 0 ? life->message_bytes : gw_ring_used_bytes(ring);
    for (uint32_t count = 0; gw_ring_used_bytes(ring) >= size && size > 0; count++) {
        if (life->budget != 0 && count == life->budget) {
            return GW_RECV_AGAIN;
        }
        read_bytes(life, ring, size);
        if (life->on_recv != NULL) {
            life->on_recv(life);
        }
    }
    return GW_RECV_MORE;
}

static void on_deadline(struct gw_stream *stream, void *context)
{
    struct life *life = context;
    (void)stream;
    assert_int_equal(life->close_count, 0);
    life->deadline_count++;
    life->deadline_ns = stage_now_ns();
    if (life->on_deadline != NULL) {
        life->on_deadline(life);
    }
}

static void on_close(struct gw_stream *stream, int reason, void *context)
{
    struct life *life = context;
    (void)stream;
    assert_int_equal(life->close_count++, 0);
    life->reason = reason;
    life->closed_ns = stage_now_ns();
    if (life->on_close != NULL) {
        life->on_close(life);
    }
}

const struct gw_stream_events life_events = {
    .on_open = on_open, .on_recv = on_recv, .on_deadline = on_deadline, .on_close = on_close};

int life_dial(struct life *life, uint16_t port)
{
    struct gw_addr addr = peer_addr(port);
    const struct gw_stream_config *config =
        life->config.recv_bytes_max != 0 ? &life->config : &usual;
    return gw_stream_dial(stage_port, &addr, NULL, config, &life_events, life, &life->stream);
}

void life_fini(struct life *life)
{
    gw_stream_unref(life->stream);
    life->stream = NULL;
    bytes_fini(&life->heard);
}

int life_send(struct life *life, const void *data, uint32_t bytes)
{
    struct gw_buf *buf = gw_buf_create(bytes);
    assert_non_null(buf);
    memcpy(gw_buf_data(buf), data, bytes);
    int error = gw_stream_send(life->stream, buf);
    gw_buf_unref(buf);
    return error;
}

int life_send_pattern(struct life *life, uint64_t from, uint32_t bytes)
{
    struct gw_buf *buf = gw_buf_create(bytes);
    assert_non_null(buf);
    for (uint32_t i = 0; i < bytes; i++) {
        gw_buf_data(buf)[i] = pattern_byte(PATTERN_SEED, from + i);
    }
    int error = gw_stream_send(life->stream, buf);
    gw_buf_unref(buf);
    return error;
}

bool life_is_pattern(const uint8_t *data, size_t count, uint64_t from)
{
    for (size_t i = 0; i < count; i++) {
        if (data[i] != pattern_byte(PATTERN_SEED, from + i)) {
            return false;
        }
    }
    return true;
}

/* ---- a door ---- */

static void on_accept(struct gw_listener *listener, struct gw_stream *stream, void *context)
{
    struct door *door = context;
    (void)listener;
    if (door->leaves_alone) {
        return;
    }
    assert_true(door->count < sizeof door->lives / sizeof door->lives[0]);
    struct life *life = memory_take_unseen(sizeof *life);
    life->stream = gw_stream_ref(stream);
    door->lives[door->count++] = life;
    if (door->on_accept != NULL) {
        door->on_accept(life);
    }
    gw_stream_start(stream, &life_events, life);
}

static void on_shut(struct gw_listener *listener, void *context)
{
    struct door *door = context;
    (void)listener;
    assert_int_equal(door->close_count++, 0);
    door->closed_ns = stage_now_ns();
}

int door_open(struct door *door, uint16_t port, const struct gw_stream_config *config)
{
    static const struct gw_listener_events events = {on_accept, on_shut};
    const struct gw_listener_config listener_config = {.addr = peer_addr(port),
                                                       .stream = config != NULL ? *config : usual};
    int error = gw_listener_open(stage_port, &listener_config, &events, door, &door->listener);
    if (error == 0) {
        door->port = gw_listener_addr(door->listener)->port;
    }
    return error;
}

void door_close(struct door *door)
{
    gw_listener_close(door->listener);
    stage_settle();
}

struct life *door_last(const struct door *door)
{
    assert_true(door->count > 0);
    return door->lives[door->count - 1];
}

void door_fini(struct door *door)
{
    for (uint32_t i = 0; i < door->count; i++) {
        life_fini(door->lives[i]);
        memory_free_unseen(door->lives[i]);
    }
    door->count = 0;
}
