/* tests/net/actor.c: streams that watch their own callbacks. */
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
        checking_kernel_break(text);
    }
}

static struct actor *enter(struct gw_stream *stream, void *context)
{
    struct actor *actor = context;
    rule(gw_turn_is_mine(gw_stream_turn(stream)), "a callback runs in a turn of its stream");
    rule(!atomic_exchange(&actor->inside, true), "callbacks of a stream do not overlap");
    rule(atomic_load(&actor->close_count) == 0, "no callback follows on_close");
    return actor;
}

static void leave(struct actor *actor)
{
    atomic_store(&actor->inside, false);
}

static void on_open(struct gw_stream *stream, void *context)
{
    struct actor *actor = enter(stream, context);
    rule(atomic_fetch_add(&actor->open_count, 1) == 0, "a stream opens once");
    rule(!atomic_load(&actor->end_was_told), "a stream does not open after a finish or close");
    if (actor->play->on_open != NULL) {
        actor->play->on_open(actor);
    }
    leave(actor);
}

static enum gw_recv on_recv(struct gw_stream *stream, struct gw_ring *ring, void *context)
{
    struct actor *actor = enter(stream, context);
    rule(atomic_load(&actor->open_count) == 1, "on_open comes before on_recv");
    rule(!atomic_load(&actor->end_was_told), "on_recv is not called after a finish or close");
    rule(gw_ring_used_bytes(ring) > 0, "on_recv has bytes to read");
    atomic_fetch_add(&actor->recv_count, 1);
    enum gw_recv next = GW_RECV_MORE;
    if (actor->play->on_recv != NULL) {
        next = actor->play->on_recv(actor, ring);
    } else {
        gw_ring_consume(ring, gw_ring_used_bytes(ring));
    }
    leave(actor);
    return next;
}

static void on_deadline(struct gw_stream *stream, void *context)
{
    struct actor *actor = enter(stream, context);
    rule(!atomic_load(&actor->end_was_told), "no deadline comes after a finish or close");
    atomic_fetch_add(&actor->deadline_count, 1);
    if (actor->play->on_deadline != NULL) {
        actor->play->on_deadline(actor);
    }
    leave(actor);
}

static void on_close(struct gw_stream *stream, int reason, void *context)
{
    struct actor *actor = enter(stream, context);
    atomic_store(&actor->reason, reason);
    if (actor->play->on_close != NULL) {
        actor->play->on_close(actor);
    }
    leave(actor);
    rule(atomic_fetch_add(&actor->close_count, 1) == 0, "a stream closes once");
}

static const struct gw_stream_events events = {
    .on_open = on_open, .on_recv = on_recv, .on_deadline = on_deadline, .on_close = on_close};

/* ---- coming ---- */

static struct actor *create(const struct play *play)
{
    struct actor *actor = calloc(1, sizeof(*actor));
    actor->play = play;
    return actor;
}

/* From here on the test sees it. */
static void appear(struct actor *actor)
{
    actor->next = atomic_load(&fixture.actors);
    while (!atomic_compare_exchange_weak(&fixture.actors, &actor->next, actor)) {
    }
    atomic_fetch_add(&fixture.actor_count, 1);
}

struct actor *fixture_start(struct gw_stream *stream)
{
    struct actor *actor = create(fixture.play);
    actor->stream = gw_stream_ref(stream);
    gw_stream_start(stream, &events, actor);
    appear(actor); /* not before: nobody may end a stream that was not started */
    return actor;
}

struct actor *fixture_dial(const struct play *play, const struct gw_addr *addr,
                           const struct gw_addr *source, int *error_out)
{
    static const struct play nothing;
    struct actor *actor = create(play == NULL ? &nothing : play);
    int error = gw_stream_dial(fixture.port, addr, source, &fixture.stream_config, &events, actor,
                               &actor->stream);
    if (error_out != NULL) {
        *error_out = error;
    }
    if (error != 0) {
        free(actor);
        return NULL;
    }
    appear(actor);
    return actor;
}

struct actor *fixture_actor(uint32_t count)
{
    WAIT_FOR(atomic_load(&fixture.actor_count) >= count);
    return atomic_load(&fixture.actors);
}

struct actor *fixture_visit(struct raw_socket *socket_out)
{
    uint32_t count = atomic_load(&fixture.actor_count);
    assert_true(raw_socket_connect(socket_out, &fixture.addr));
    return fixture_actor(count + 1);
}

struct actor *fixture_visit_narrow(struct raw_socket *socket_out)
{
    uint32_t count = atomic_load(&fixture.actor_count);
    assert_true(raw_socket_connect_narrow(socket_out, &fixture.addr));
    return fixture_actor(count + 1);
}

/* ---- ending ---- */

/* Another thread cannot know what a callback that is just being called will still see. */
static void tell_end(struct actor *actor)
{
    if (gw_turn_is_mine(gw_stream_turn(actor->stream))) {
        atomic_store(&actor->end_was_told, true);
    }
}

bool actor_finish(struct actor *actor, int reason, const char *last)
{
    struct gw_buf *buf = NULL;
    if (last != NULL) {
        buf = gw_buf_create((uint32_t)strlen(last));
        memcpy(gw_buf_data(buf), last, strlen(last));
    }
    bool first = gw_stream_finish(actor->stream, reason, buf);
    gw_buf_unref(buf);
    if (first) {
        tell_end(actor);
    }
    return first;
}

bool actor_close(struct actor *actor, int reason)
{
    bool first = gw_stream_close(actor->stream, reason);
    tell_end(actor);
    return first;
}

int actor_wait_close(struct actor *actor)
{
    WAIT_FOR(atomic_load(&actor->close_count) == 1);
    return atomic_load(&actor->reason);
}

/* ---- talking ---- */

int actor_tell(struct actor *actor, const char *text)
{
    struct gw_stream_reservation place;
    uint32_t bytes = (uint32_t)strlen(text);
    int error = gw_stream_reserve(actor->stream, bytes, &place);
    if (error == 0) {
        memcpy(place.data, text, bytes);
        gw_stream_commit(actor->stream, &place);
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

int actor_say(struct actor *actor, uint32_t bytes)
{
    struct gw_stream_reservation place;
    int error = gw_stream_reserve(actor->stream, bytes, &place);
    if (error == 0) {
        write_pattern(place.data, TO_PEER, atomic_fetch_add(&actor->said, bytes), bytes);
        gw_stream_commit(actor->stream, &place);
    }
    return error;
}

int actor_share(struct actor *actor, uint32_t bytes)
{
    struct gw_buf *buf = gw_buf_create(bytes);
    write_pattern(gw_buf_data(buf), TO_PEER, atomic_load(&actor->said), bytes);
    int error = gw_stream_send(actor->stream, buf);
    gw_buf_unref(buf);
    if (error == 0) {
        atomic_fetch_add(&actor->said, bytes);
    }
    return error;
}

enum gw_recv actor_receive(struct actor *actor, struct gw_ring *ring)
{
    uint8_t bounce[PIECE_BYTES];
    while (gw_ring_used_bytes(ring) > 0) {
        uint32_t bytes = gw_ring_used_bytes(ring);
        bytes = bytes < PIECE_BYTES ? bytes : (uint32_t)PIECE_BYTES;
        const uint8_t *data = gw_ring_peek(ring, bytes, bounce);
        rule(is_pattern(data, FROM_PEER, atomic_load(&actor->received), bytes),
             "what arrives is what was sent");
        gw_ring_consume(ring, bytes);
        atomic_fetch_add(&actor->received, bytes);
    }
    return GW_RECV_MORE;
}

enum gw_recv actor_echo(struct actor *actor, struct gw_ring *ring)
{
    while (gw_ring_used_bytes(ring) > 0) {
        uint8_t bounce[PIECE_BYTES];
        struct gw_stream_reservation place;
        uint32_t bytes = gw_ring_used_bytes(ring);
        bytes = bytes < PIECE_BYTES ? bytes : (uint32_t)PIECE_BYTES;
        if (gw_stream_reserve(actor->stream, bytes, &place) == 0) {
            memcpy(place.data, gw_ring_peek(ring, bytes, bounce), bytes);
            gw_stream_commit(actor->stream, &place);
        }
        gw_ring_consume(ring, bytes);
    }
    return GW_RECV_MORE;
}

/* ---- the other side ---- */

bool raw_say(const struct raw_socket *socket, uint64_t *said, uint64_t bytes)
{
    uint8_t data[PIECE_BYTES];
    while (bytes > 0) {
        uint32_t piece = bytes < PIECE_BYTES ? (uint32_t)bytes : (uint32_t)PIECE_BYTES;
        write_pattern(data, FROM_PEER, *said, piece);
        if (!raw_socket_send(socket, data, piece)) {
            return false;
        }
        *said += piece;
        bytes -= piece;
    }
    return true;
}

bool raw_receive(const struct raw_socket *socket, uint64_t *received, uint64_t bytes)
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
