/* tools/bench/peer.h: a connection of the servers without a library. */
#ifndef GW_TOOLS_BENCH_PEER_H
#define GW_TOOLS_BENCH_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What each raw server does, whatever reports received bytes to it: parse frames, send echoes in
 * one send, add a Say to the batch of its room, and buffer what the kernel does not take.
 */
struct peer {
    int socket;
    uint32_t index;    /* in its room */
    struct room *room; /* or NULL */
    uint8_t *partial;  /* the beginning of an incomplete frame */
    uint8_t *late;     /* bytes that the kernel did not take */
    uint32_t partial_bytes;
    uint32_t late_begin;
    uint32_t late_end;
};

enum { PEER_RECV_BYTES_MAX = 16 * 1024 };

struct peer *peer_create(int socket);

/* Leaves its room, closes the socket, frees. */
void peer_destroy(struct peer *peer);

/* Handles received bytes. Returns false when the peer must be closed. */
bool peer_take(struct peer *peer, const uint8_t *data, uint32_t bytes);

/* Sends, or buffers what the kernel does not take. Returns false when the connection is broken. */
bool peer_send(struct peer *peer, const uint8_t *data, uint32_t bytes);

/* Sends what was buffered; the socket is writable. Returns false when the connection is broken. */
bool peer_send_late(struct peer *peer);

/* Whether bytes are buffered, so that the server must wait until the socket is writable. */
static inline bool peer_is_late(const struct peer *peer)
{
    return peer->late != NULL;
}

#endif
