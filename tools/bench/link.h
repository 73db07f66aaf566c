/* tools/bench/link.h: one connection of the load generator. */
#ifndef GW_TOOLS_BENCH_LINK_H
#define GW_TOOLS_BENCH_LINK_H

#include <stdbool.h>
#include <stdint.h>

/* A connection, and its state for the modes of the load. */
struct link {
    int socket;
    bool is_websocket;
    struct link_tls *tls; /* or NULL */
    uint8_t head[4];      /* of WebSocket: the part of a header that has arrived */
    uint8_t head_bytes;
    uint32_t left_bytes; /* of WebSocket: of the payload of a frame */
    uint32_t index;
    uint32_t said;     /* messages sent */
    uint32_t received; /* messages received */
    uint32_t owed;     /* messages to send when all received bytes are parsed */
    uint32_t partial_bytes;
    uint32_t late_bytes;
    uint8_t *partial;      /* the beginning of an incomplete frame */
    uint8_t *late;         /* bytes that the kernel did not take */
    uint32_t *received_of; /* in rooms: messages from each member */
};

/* Identifies a message by sender and number. Never 0: protobuf does not encode a 0. */
static inline uint64_t link_stamp(uint32_t index, uint32_t count)
{
    return (uint64_t)(index + 1) << 32 | count;
}

static inline uint32_t link_index_of(uint64_t stamp)
{
    return (uint32_t)(stamp >> 32) - 1;
}

/* Connects to a port of 127.0.0.1, from an address of 127.0.0.0/24; blocking until done. With
 * `is_websocket` all bytes of the functions below are in messages of WebSocket, with `is_tls` in
 * records of TLS. */
void link_open(struct link *link, uint32_t index, uint16_t port, bool is_tls, bool is_websocket);
void link_close(struct link *link);

/* While the socket still blocks: sends all of it; reads a frame into `frame`, of 4,096 bytes. */
void link_put(struct link *link, const uint8_t *data, uint32_t bytes);
void link_get(struct link *link, uint8_t *frame);

/* Makes the socket non-blocking, and adds it to the epoll `set`. */
void link_join_set(struct link *link, int set);

/* Sends what the kernel takes, and keeps the rest for link_send_late(). WebSocket has a message for
 * each `message_bytes` of them, as a browser sends them. */
void link_send(struct link *link, int set, const uint8_t *data, uint32_t bytes,
               uint32_t message_bytes);
void link_send_late(struct link *link, int set);

/*
 * Receives, and passes each complete frame to `on_frame`. Returns false when the server has closed
 * the connection, which is an error in each mode.
 */
bool link_read(struct link *link,
               void (*on_frame)(struct link *link, const uint8_t *frame, uint32_t bytes));

/* Ends the program with an error of the server. */
_Noreturn void link_fail(const struct link *link, const char *what);

#endif
