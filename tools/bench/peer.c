/* tools/bench/peer.c: a connection of the servers without a library. */
#include "tools/bench/peer.h"

#include "tools/bench/room.h"
#include "tools/bench/wire.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct peer *peer_create(int socket)
{
    struct peer *peer = calloc(1, sizeof(*peer));
    if (peer != NULL) {
        peer->socket = socket;
    }
    return peer;
}

void peer_destroy(struct peer *peer)
{
    room_leave(peer);
    close(peer->socket);
    free(peer->partial);
    free(peer->late);
    free(peer);
}

/* ---- bytes out ---- */

static bool keep(struct peer *peer, const uint8_t *data, uint32_t bytes)
{
    uint32_t kept = peer->late_end - peer->late_begin;
    uint8_t *late = malloc(kept + bytes);
    if (late == NULL) {
        return false;
    }
    if (kept > 0) {
        memcpy(late, peer->late + peer->late_begin, kept);
    }
    memcpy(late + kept, data, bytes);
    free(peer->late);
    peer->late = late;
    peer->late_begin = 0;
    peer->late_end = kept + bytes;
    return true;
}

bool peer_send(struct peer *peer, const uint8_t *data, uint32_t bytes)
{
    ssize_t sent = 0;
    if (!peer_is_late(peer)) {
        sent = send(peer->socket, data, bytes, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN) {
            return false;
        }
        sent = sent < 0 ? 0 : sent;
    }
    return (uint32_t)sent == bytes || keep(peer, data + sent, bytes - (uint32_t)sent);
}

bool peer_send_late(struct peer *peer)
{
    uint32_t bytes = peer->late_end - peer->late_begin;
    ssize_t sent = send(peer->socket, peer->late + peer->late_begin, bytes, MSG_NOSIGNAL);
    if (sent < 0) {
        return errno == EAGAIN;
    }
    peer->late_begin += (uint32_t)sent;
    if (peer->late_begin == peer->late_end) {
        free(peer->late);
        peer->late = NULL;
        peer->late_begin = peer->late_end = 0;
    }
    return true;
}

/* ---- bytes in ---- */

/* The bytes of the frame that begins here, or 0 while its header is incomplete. */
static uint32_t frame_bytes(const uint8_t *data, uint32_t bytes)
{
    return bytes < WIRE_HEADER_BYTES ? 0 : WIRE_HEADER_BYTES + wire_body_bytes(data);
}

/* Handles a complete frame that is not an echo. */
static bool handle(struct peer *peer, const uint8_t *frame, uint32_t bytes)
{
    if (wire_id(frame) == WIRE_JOIN) {
        return room_join(peer, (uint32_t)wire_stamp(frame)) && peer_send(peer, frame, bytes);
    }
    return wire_id(frame) == WIRE_SAY && room_say(peer->room, frame, bytes);
}

static bool is_echo(const uint8_t *frame)
{
    return wire_id(frame) == WIRE_ECHO || wire_id(frame) == WIRE_OPAQUE;
}

/* Handles all complete frames; sends consecutive echoes in one send. */
static bool take_whole(struct peer *peer, const uint8_t *data, uint32_t bytes, uint32_t *taken_out)
{
    uint32_t at = 0;
    uint32_t echo_from = 0;
    for (;;) {
        uint32_t frame = frame_bytes(data + at, bytes - at);
        bool whole = frame != 0 && frame <= bytes - at;
        bool echo = whole && is_echo(data + at);
        if (!echo && echo_from < at && !peer_send(peer, data + echo_from, at - echo_from)) {
            return false;
        }
        if (!whole) {
            *taken_out = at;
            return frame <= WIRE_FRAME_BYTES_MAX;
        }
        if (!echo && !handle(peer, data + at, frame)) {
            return false;
        }
        at += frame;
        echo_from = echo ? echo_from : at;
    }
}

static bool keep_partial(struct peer *peer, const uint8_t *data, uint32_t bytes)
{
    uint8_t *partial = malloc(bytes);
    if (partial == NULL) {
        return false;
    }
    memcpy(partial, data, bytes);
    peer->partial = partial;
    peer->partial_bytes = bytes;
    return true;
}

/* Appends the received bytes to the partial frame. */
static bool take_joined(struct peer *peer, const uint8_t *data, uint32_t bytes)
{
    uint8_t joined[WIRE_FRAME_BYTES_MAX + PEER_RECV_BYTES_MAX];
    uint32_t before = peer->partial_bytes;
    memcpy(joined, peer->partial, before);
    memcpy(joined + before, data, bytes);
    free(peer->partial);
    peer->partial = NULL;
    return peer_take(peer, joined, before + bytes);
}

bool peer_take(struct peer *peer, const uint8_t *data, uint32_t bytes)
{
    uint32_t taken;
    if (peer->partial != NULL) {
        return take_joined(peer, data, bytes);
    }
    return take_whole(peer, data, bytes, &taken) &&
           (taken == bytes || keep_partial(peer, data + taken, bytes - taken));
}
