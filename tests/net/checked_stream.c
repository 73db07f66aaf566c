/* tests/net/checked_stream.c: Streams that check the order of their own callbacks. */
#include "tests/net/port_fixture.h"

#include "net/buf.h"
#include "net/error.h"
#include "net/ring.h"
#include "tests/support/random.h"
#include <stdlib.h>
#include <string.h>

enum { TO_PEER = 1, FROM_PEER = 2, PIECE_BYTES = 8192 };

/* ---- callbacks ---- */

static void rule(bool kept, const char *text)
{
    if (!kept) {
        fixture_break_rule(text);
    }
}

static struct checked_stream *enter(struct gw_stream *stream, void *context)
{
    struct checked_stream *checked = context;
    rule(gw_turn_is_mine(gw_stream_turn(stream)), "a callback runs in a turn of its stream");
    rule(!atomic_exchange(&checked->inside, true), "callbacks of a stream do not overlap");
    rule(atomic_load(&checked->close_count) == 0, "no callback follows on_close");
    return checked;
}

static void leave(struct checked_stream *checked)
{
    atomic_store(&checked->inside, false);
}

static void on_open(struct gw_stream *stream, void *context)
{
    struct checked_stream *checked = enter(stream, context);
    rule(atomic_fetch_add(&checked->open_count, 1) == 0, "a stream opens once");
    rule(!atomic_load(&checked->end_was_requested),
         "a stream does not open after a finish or close");
    if (checked->callbacks->on_open != NULL) {
        checked->callbacks->on_open(checked);
    }
    leave(checked);
}

static enum gw_recv on_recv(struct gw_stream *stream, struct gw_ring *ring, void *context)
{
    struct checked_stream *checked = enter(stream, context);
    rule(atomic_load(&checked->open_count) == 1, "on_open comes before on_recv");
    rule(!atomic_load(&checked->end_was_requested),
         "on_recv is not called after a finish or close");
    rule(gw_ring_used_bytes(ring) > 0, "on_recv has bytes to read");
    atomic_fetch_add(&checked->recv_count, 1);
    enum gw_recv next = GW_RECV_MORE;
    if (checked->callbacks->on_recv != NULL) {
        next = checked->callbacks->on_recv(checked, ring);
    } else {
        gw_ring_consume(ring, gw_ring_used_bytes(ring));
    }
    leave(checked);
    return next;
}

static void on_deadline(struct gw_stream *stream, void *context)
{
    struct checked_stream *checked = enter(stream, context);
    rule(!atomic_load(&checked->end_was_requested), "no deadline comes after a finish or close");
    atomic_fetch_add(&checked->deadline_count, 1);
    if (checked->callbacks->on_deadline != NULL) {
        checked->callbacks->on_deadline(checked);
    }
    leave(checked);
}

static void on_close(struct gw_stream *stream, int reason, void *context)
{
    struct checked_stream *checked = enter(stream, context);
    atomic_store(&checked->reason, reason);
    if (checked->callbacks->on_close != NULL) {
        checked->callbacks->on_close(checked);
    }
    leave(checked);
    rule(atomic_fetch_add(&checked->close_count, 1) == 0, "a stream closes once");
}

static const struct gw_stream_events events = {
    .on_open = on_open, .on_recv = on_recv, .on_deadline = on_deadline, .on_close = on_close};

/* ---- opening ---- */

static struct checked_stream *create(const struct stream_callbacks *callbacks)
{
    struct checked_stream *checked = calloc(1, sizeof(*checked));
    checked->callbacks = callbacks;
    return checked;
}

/* Publishes it to the test. */
static void publish(struct checked_stream *checked)
{
    checked->next = atomic_load(&fixture.streams);
    while (!atomic_compare_exchange_weak(&fixture.streams, &checked->next, checked)) {
    }
    atomic_fetch_add(&fixture.checked_count, 1);
}

struct checked_stream *fixture_start(struct gw_stream *stream)
{
    struct checked_stream *checked = create(fixture.callbacks);
    checked->stream = gw_stream_ref(stream);
    gw_stream_start(stream, &events, checked);
    publish(checked); /* not earlier: a stream may not be ended before it is started */
    return checked;
}

struct checked_stream *fixture_dial(const struct stream_callbacks *callbacks,
                                    const struct gw_addr *addr, const struct gw_addr *source,
                                    int *error_out)
{
    static const struct stream_callbacks nothing;
    struct checked_stream *checked = create(callbacks == NULL ? &nothing : callbacks);
    int error = gw_stream_dial(fixture.port, addr, source, &fixture.stream_config, &events, checked,
                               &checked->stream);
    if (error_out != NULL) {
        *error_out = error;
    }
    if (error != 0) {
        free(checked);
        return NULL;
    }
    publish(checked);
    return checked;
}

struct checked_stream *fixture_stream(uint32_t count)
{
    WAIT_FOR(atomic_load(&fixture.checked_count) >= count);
    return atomic_load(&fixture.streams);
}

struct checked_stream *fixture_connect(struct raw_socket *socket_out)
{
    uint32_t count = atomic_load(&fixture.checked_count);
    assert_true(raw_socket_connect(socket_out, &fixture.addr));
    return fixture_stream(count + 1);
}

struct checked_stream *fixture_connect_narrow(struct raw_socket *socket_out)
{
    uint32_t count = atomic_load(&fixture.checked_count);
    assert_true(raw_socket_connect_narrow(socket_out, &fixture.addr));
    return fixture_stream(count + 1);
}

struct checked_stream *fixture_open_connected(const struct stream_callbacks *callbacks,
                                              struct raw_socket *socket_out)
{
    fixture_open(&(struct port_fixture_plan){.callbacks = callbacks});
    return fixture_connect(socket_out);
}

struct checked_stream *fixture_open_narrow(const struct stream_callbacks *callbacks,
                                           struct raw_socket *socket_out)
{
    fixture_open(&(struct port_fixture_plan){.callbacks = callbacks});
    return fixture_connect_narrow(socket_out);
}

void fixture_close_connected(struct raw_socket *socket)
{
    raw_socket_close(socket);
    fixture_close();
}

/* ---- ending ---- */

/* Only in a turn of the stream: another thread may race with a callback that is being called. */
static void note_end(struct checked_stream *checked)
{
    if (gw_turn_is_mine(gw_stream_turn(checked->stream))) {
        atomic_store(&checked->end_was_requested, true);
    }
}

bool checked_finish(struct checked_stream *checked, int reason, const char *last)
{
    struct gw_buf *buf = NULL;
    if (last != NULL) {
        buf = gw_buf_create((uint32_t)strlen(last));
        memcpy(gw_buf_data(buf), last, strlen(last));
    }
    bool first = gw_stream_finish(checked->stream, reason, buf);
    gw_buf_unref(buf);
    if (first) {
        note_end(checked);
    }
    return first;
}

bool checked_close(struct checked_stream *checked, int reason)
{
    bool first = gw_stream_close(checked->stream, reason);
    note_end(checked);
    return first;
}

int checked_wait_close(struct checked_stream *checked)
{
    WAIT_FOR(atomic_load(&checked->close_count) == 1);
    return atomic_load(&checked->reason);
}

/* ---- sending and receiving ---- */

int checked_send_text(struct checked_stream *checked, const char *text)
{
    struct gw_stream_reservation reservation;
    uint32_t bytes = (uint32_t)strlen(text);
    int error = gw_stream_reserve(checked->stream, bytes, &reservation);
    if (error == 0) {
        memcpy(reservation.data, text, bytes);
        gw_stream_commit(checked->stream, &reservation);
    }
    return error;
}

static void write_pattern(uint8_t *to, uint64_t seed, uint64_t at, uint32_t bytes)
{
    for (uint32_t i = 0; i < bytes; i++) {
        to[i] = pattern_byte(seed, at + i);
    }
}

static bool is_pattern(const uint8_t *data, uint64_t seed, uint64_t at, uint32_t bytes)
{
    for (uint32_t i = 0; i < bytes; i++) {
        if (data[i] != pattern_byte(seed, at + i)) {
            return false;
        }
    }
    return true;
}

int checked_send(struct checked_stream *checked, uint32_t bytes)
{
    struct gw_stream_reservation reservation;
    int error = gw_stream_reserve(checked->stream, bytes, &reservation);
    if (error == 0) {
        write_pattern(reservation.data, TO_PEER, atomic_fetch_add(&checked->sent, bytes), bytes);
        gw_stream_commit(checked->stream, &reservation);
    }
    return error;
}

int checked_send_buf(struct checked_stream *checked, uint32_t bytes)
{
    struct gw_buf *buf = gw_buf_create(bytes);
    write_pattern(gw_buf_data(buf), TO_PEER, atomic_load(&checked->sent), bytes);
    int error = gw_stream_send(checked->stream, buf);
    gw_buf_unref(buf);
    if (error == 0) {
        atomic_fetch_add(&checked->sent, bytes);
    }
    return error;
}

void checked_fill(struct checked_stream *checked)
{
    while (checked_send(checked, 10000) == 0 && checked_send_buf(checked, 10000) == 0) {
    }
}

enum gw_recv checked_receive(struct checked_stream *checked, struct gw_ring *ring)
{
    uint8_t bounce[PIECE_BYTES];
    while (gw_ring_used_bytes(ring) > 0) {
        uint32_t bytes = gw_ring_used_bytes(ring);
        bytes = bytes < PIECE_BYTES ? bytes : (uint32_t)PIECE_BYTES;
        const uint8_t *data = gw_ring_peek(ring, bytes, bounce);
        rule(is_pattern(data, FROM_PEER, atomic_load(&checked->received), bytes),
             "what arrives is what was sent");
        gw_ring_consume(ring, bytes);
        atomic_fetch_add(&checked->received, bytes);
    }
    return GW_RECV_MORE;
}

enum gw_recv checked_echo(struct checked_stream *checked, struct gw_ring *ring)
{
    while (gw_ring_used_bytes(ring) > 0) {
        uint8_t bounce[PIECE_BYTES];
        struct gw_stream_reservation reservation;
        uint32_t bytes = gw_ring_used_bytes(ring);
        bytes = bytes < PIECE_BYTES ? bytes : (uint32_t)PIECE_BYTES;
        if (gw_stream_reserve(checked->stream, bytes, &reservation) == 0) {
            memcpy(reservation.data, gw_ring_peek(ring, bytes, bounce), bytes);
            gw_stream_commit(checked->stream, &reservation);
        }
        gw_ring_consume(ring, bytes);
    }
    return GW_RECV_MORE;
}

/* ---- the peer's side ---- */

bool raw_send_pattern(const struct raw_socket *socket, uint64_t *sent, uint64_t bytes)
{
    uint8_t data[PIECE_BYTES];
    while (bytes > 0) {
        uint32_t piece = bytes < PIECE_BYTES ? (uint32_t)bytes : (uint32_t)PIECE_BYTES;
        write_pattern(data, FROM_PEER, *sent, piece);
        if (!raw_socket_send(socket, data, piece)) {
            return false;
        }
        *sent += piece;
        bytes -= piece;
    }
    return true;
}

bool raw_receive_pattern(const struct raw_socket *socket, uint64_t *received, uint64_t bytes)
{
    uint8_t data[PIECE_BYTES];
    while (bytes > 0) {
        uint32_t piece = bytes < PIECE_BYTES ? (uint32_t)bytes : (uint32_t)PIECE_BYTES;
        int got = raw_socket_recv(socket, data, piece);
        if (got <= 0 || !is_pattern(data, TO_PEER, *received, (uint32_t)got)) {
            return false;
        }
        *received += (uint32_t)got;
        bytes -= (uint32_t)got;
    }
    return true;
}

bool raw_receives_text(const struct raw_socket *socket, const char *text)
{
    uint8_t data[256];
    size_t bytes = strlen(text);
    return raw_socket_recv_all(socket, data, bytes) && memcmp(data, text, bytes) == 0;
}
