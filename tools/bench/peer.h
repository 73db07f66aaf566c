/* tools/bench/peer.h: a connection of a server without any library: frames in, bytes out. */
#ifndef GW_TOOLS_BENCH_PEER_H
#define GW_TOOLS_BENCH_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What each raw server must do, however it hears of bytes: cut them into frames, send echoes back
 * in one send, tell rooms what was said in them, and keep what the kernel does not take at once.
 */
struct peer {
    int socket;
    uint32_t place;    /* in its room */
    struct room *room; /* or NULL */
    uint8_t *partial;     /* the beginning of a frame that is not whole yet */
    uint8_t *late;     /* what the kernel did not take yet */
    uint32_t partial_bytes;
    uint32_t late_begin;
    uint32_t late_end;
};

enum { PEER_RECV_BYTES_MAX = 16 * 1024 };

struct peer *peer_create(int socket);

/* Leaves its room, closes the socket, frees. */
void peer_destroy(struct peer *peer);

/* Takes what has come. Returns false when the peer is to be closed. */
bool peer_take(struct peer *peer, const uint8_t *data, uint32_t bytes);

/* Sends, or keeps. Returns false when the connection is broken. */
bool peer_send(struct peer *peer, const uint8_t *data, uint32_t bytes);

/* Sends what was kept: there is room. Returns false when the connection is broken. */
bool peer_send_late(struct peer *peer);

/* Whether something was kept, so that the server must wait for room. */
static inline bool peer_is_late(const struct peer *peer)
{
    return peer->late != NULL;
}

#endif
