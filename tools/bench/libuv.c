/* tools/bench/libuv.c: a server on libuv: echoes in one write, rooms with a write for each frame.
 */
#define _GNU_SOURCE /* for uv.h */
#include "tools/bench/serve.h"

#include "tools/bench/wire.h"
#include <stdlib.h>
#include <string.h>
#include <uv.h>

/*
 * libuv as its documentation recommends. Received bytes are echoed by one uv_try_write(), and only
 * what the kernel does not take is copied. With --per-frame a Say is one reference-counted buffer,
 * written to each member with uv_write(), as chat servers usually are; by default, and with
 * --tick-ms, the frames of a room are collected in a batch first.
 */
enum { RECV_BYTES_MAX = 16 * 1024, ROOM_COUNT_MAX = 1024, BATCH_BYTES_MAX = 256 * 1024 };

struct peer {
    uv_tcp_t tcp; /* the first, so that a handle is its peer */
    struct room *room;
    uint32_t place;
    uint8_t *partial;
    uint32_t partial_bytes;
};

struct room {
    struct peer **members;
    uint32_t member_count;
    uint32_t member_capacity;
    struct shared *batch;
    struct room *next;
};

/* Bytes that several writes share. */
struct shared {
    uint32_t reference_count;
    uint32_t bytes;
    uint32_t capacity;
    uint8_t data[];
};

struct write {
    uv_write_t request; /* the first, so that a request is its write */
    struct shared *shared;
};

static uint8_t recv_bytes[RECV_BYTES_MAX];
static struct room rooms[ROOM_COUNT_MAX];
static struct room *waiting;
static bool per_frame;
static uint32_t tick_ms;
static uv_timer_t tick;
static uv_check_t turn_end;

/* ---- bytes out ---- */

static struct shared *shared_create(const uint8_t *data, uint32_t bytes, uint32_t capacity)
{
    struct shared *shared = malloc(sizeof(*shared) + capacity);
    if (shared == NULL) {
        serve_fail("malloc");
    }
    *shared = (struct shared){.reference_count = 1, .bytes = bytes, .capacity = capacity};
    memcpy(shared->data, data, bytes);
    return shared;
}

static void shared_unref(struct shared *shared)
{
    if (--shared->reference_count == 0) {
        free(shared);
    }
}

static void written(uv_write_t *request, int status)
{
    struct write *write = (struct write *)request;
    (void)status; /* a failed connection fails its next read, too */
    shared_unref(write->shared);
    free(write);
}

static void write_shared(struct peer *peer, struct shared *shared)
{
    struct write *write = malloc(sizeof(*write));
    if (write == NULL) {
        serve_fail("malloc");
    }
    uv_buf_t buffer = uv_buf_init((char *)shared->data, shared->bytes);
    write->shared = shared;
    shared->reference_count++;
    if (uv_write(&write->request, (uv_stream_t *)&peer->tcp, &buffer, 1, written) != 0) {
        shared_unref(shared);
        free(write);
    }
}

static void send_bytes(struct peer *peer, const uint8_t *data, uint32_t bytes)
{
    uv_buf_t buffer = uv_buf_init((char *)(uintptr_t)data, bytes);
    int sent = uv_try_write((uv_stream_t *)&peer->tcp, &buffer, 1);
    sent = sent < 0 ? 0 : sent;
    if ((uint32_t)sent < bytes) {
        struct shared *rest = shared_create(data + sent, bytes - (uint32_t)sent, bytes);
        write_shared(peer, rest);
        shared_unref(rest);
    }
}

/* ---- rooms ---- */

static void join(struct peer *peer, uint32_t number)
{
    struct room *room = &rooms[number % ROOM_COUNT_MAX];
    if (room->member_count == room->member_capacity) {
        room->member_capacity = room->member_capacity == 0 ? 8 : room->member_capacity * 2;
        room->members = realloc(room->members, room->member_capacity * sizeof(struct peer *));
        if (room->members == NULL) {
            serve_fail("realloc");
        }
    }
    peer->room = room;
    peer->place = room->member_count;
    room->members[room->member_count++] = peer;
}

static void leave(struct peer *peer)
{
    struct room *room = peer->room;
    if (room != NULL) {
        struct peer *last = room->members[--room->member_count];
        room->members[peer->place] = last;
        last->place = peer->place;
        peer->room = NULL;
    }
}

static void tell_all(struct room *room, struct shared *shared)
{
    for (uint32_t i = 0; i < room->member_count; i++) {
        write_shared(room->members[i], shared);
    }
}

static void flush_rooms(void)
{
    while (waiting != NULL) {
        struct room *room = waiting;
        struct shared *batch = room->batch;
        waiting = room->next;
        room->batch = NULL;
        for (uint32_t i = 0; i < room->member_count; i++) {
            send_bytes(room->members[i], batch->data, batch->bytes);
        }
        shared_unref(batch);
    }
}

static void on_tick(uv_timer_t *timer)
{
    (void)timer;
    flush_rooms();
}

static void on_turn_end(uv_check_t *check)
{
    (void)check;
    if (tick_ms == 0) {
        flush_rooms();
    }
}

static void add_to_batch(struct room *room, const uint8_t *frame, uint32_t bytes)
{
    if (room->batch != NULL && room->batch->bytes + bytes > room->batch->capacity) {
        flush_rooms();
    }
    if (room->batch == NULL) {
        room->batch = shared_create(frame, 0, BATCH_BYTES_MAX);
        room->next = waiting;
        waiting = room;
    }
    memcpy(room->batch->data + room->batch->bytes, frame, bytes);
    room->batch->bytes += bytes;
}

static void say(struct room *room, const uint8_t *frame, uint32_t bytes)
{
    if (room == NULL) {
        return;
    }
    if (per_frame) {
        struct shared *shared = shared_create(frame, bytes, bytes);
        tell_all(room, shared);
        shared_unref(shared);
    } else {
        add_to_batch(room, frame, bytes);
    }
}

/* ---- bytes in ---- */

static uint32_t frame_bytes(const uint8_t *data, uint32_t bytes)
{
    return bytes < WIRE_HEADER_BYTES ? UINT32_MAX : WIRE_HEADER_BYTES + wire_body_bytes(data);
}

static void handle(struct peer *peer, const uint8_t *frame, uint32_t bytes)
{
    if (wire_id(frame) == WIRE_JOIN) {
        join(peer, (uint32_t)wire_stamp(frame));
        send_bytes(peer, frame, bytes);
    } else {
        say(peer->room, frame, bytes);
    }
}

/* Sends consecutive echoes in one write. Returns the bytes of complete frames. */
static uint32_t take_whole(struct peer *peer, const uint8_t *data, uint32_t bytes)
{
    uint32_t at = 0;
    uint32_t echo_from = 0;
    uint32_t frame;
    while ((frame = frame_bytes(data + at, bytes - at)) <= bytes - at) {
        bool echo = wire_id(data + at) == WIRE_ECHO || wire_id(data + at) == WIRE_OPAQUE;
        if (!echo) {
            if (echo_from < at) {
                send_bytes(peer, data + echo_from, at - echo_from);
            }
            handle(peer, data + at, frame);
            echo_from = at + frame;
        }
        at += frame;
    }
    if (echo_from < at) {
        send_bytes(peer, data + echo_from, at - echo_from);
    }
    return at;
}

static void take(struct peer *peer, const uint8_t *data, uint32_t bytes)
{
    uint8_t joined[WIRE_FRAME_BYTES_MAX + RECV_BYTES_MAX];
    if (peer->partial != NULL) {
        memcpy(joined, peer->partial, peer->partial_bytes);
        memcpy(joined + peer->partial_bytes, data, bytes);
        data = joined;
        bytes += peer->partial_bytes;
        free(peer->partial);
        peer->partial = NULL;
    }
    uint32_t taken = take_whole(peer, data, bytes);
    if (taken < bytes) {
        peer->partial = malloc(bytes - taken);
        peer->partial_bytes = bytes - taken;
        memcpy(peer->partial, data + taken, bytes - taken);
    }
}

static void on_closed(uv_handle_t *handle)
{
    struct peer *peer = (struct peer *)handle;
    free(peer->partial);
    free(peer);
}

static void give_bytes(uv_handle_t *handle, size_t wanted, uv_buf_t *buffer)
{
    (void)handle;
    (void)wanted;
    *buffer = uv_buf_init((char *)recv_bytes, RECV_BYTES_MAX);
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer)
{
    struct peer *peer = (struct peer *)stream;
    if (count > 0) {
        take(peer, (const uint8_t *)buffer->base, (uint32_t)count);
    } else if (count < 0) {
        leave(peer);
        uv_close((uv_handle_t *)stream, on_closed);
    }
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct peer *peer = status == 0 ? calloc(1, sizeof(*peer)) : NULL;
    if (peer == NULL) {
        return;
    }
    uv_tcp_init(listener->loop, &peer->tcp);
    if (uv_accept(listener, (uv_stream_t *)&peer->tcp) != 0) {
        uv_close((uv_handle_t *)&peer->tcp, on_closed);
        return;
    }
    uv_tcp_nodelay(&peer->tcp, 1);
    uv_read_start((uv_stream_t *)&peer->tcp, give_bytes, on_read);
}

int main(int argc, char **argv)
{
    struct serve_options options = serve_options(argc, argv);
    uv_loop_t *loop = uv_default_loop();
    uv_tcp_t listener;
    int socket = serve_listen();
    per_frame = options.per_frame;
    tick_ms = options.room_tick_ms;
    uv_timer_init(loop, &tick);
    if (tick_ms != 0) {
        uv_timer_start(&tick, on_tick, tick_ms, tick_ms);
    }
    uv_check_init(loop, &turn_end);
    uv_check_start(&turn_end, on_turn_end);
    uv_tcp_init(loop, &listener);
    if (uv_tcp_open(&listener, socket) != 0 ||
        uv_listen((uv_stream_t *)&listener, 4096, on_connection) != 0) {
        serve_fail("libuv");
    }
    serve_ready(serve_port_of(socket));
    return uv_run(loop, UV_RUN_DEFAULT);
}
