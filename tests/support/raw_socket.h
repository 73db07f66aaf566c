/* tests/support/raw_socket.h: A blocking socket for the peer of a connection, without the library.
 */
#ifndef GW_TESTS_SUPPORT_RAW_SOCKET_H
#define GW_TESTS_SUPPORT_RAW_SOCKET_H

#include "net/addr.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A plain blocking socket. Each call waits for RAW_SOCKET_PATIENCE_MS at most, then fails. Any
 * thread may use it, one per direction.
 */
enum { RAW_SOCKET_PATIENCE_MS = 30000 };

struct raw_socket {
    intptr_t handle; /* -1: closed */
};

/* Results of receiving that are not a number of bytes. */
enum raw_socket_end {
    RAW_SOCKET_FIN = 0,      /* the peer has sent FIN */
    RAW_SOCKET_RESET = -1,   /* the connection was reset */
    RAW_SOCKET_NOTHING = -2, /* nothing arrived in time */
};

/* Connects; _narrow: with the smallest receive buffer, so that the other side soon has no room. */
bool raw_socket_connect(struct raw_socket *socket_out, const struct gw_addr *addr);
bool raw_socket_connect_narrow(struct raw_socket *socket_out, const struct gw_addr *addr);

/* Listens on `addr`, and writes the actual port into it. Accepts one connection and its address. */
bool raw_socket_listen(struct raw_socket *socket_out, struct gw_addr *addr, int backlog_count_max);
bool raw_socket_accept(const struct raw_socket *listener, struct raw_socket *socket_out,
                       struct gw_addr *peer_out);

/* Sends all bytes; sends what there is room for now, and returns that number, which may be 0. */
bool raw_socket_send(const struct raw_socket *socket, const void *data, size_t bytes);
size_t raw_socket_send_some(const struct raw_socket *socket, const void *data, size_t bytes);

/* Returns the number of bytes received, at least 1, or an enum raw_socket_end. */
int raw_socket_recv(const struct raw_socket *socket, void *data, size_t bytes);

/* Receives exactly `bytes`. */
bool raw_socket_recv_all(const struct raw_socket *socket, void *data, size_t bytes);

/* Receives and discards until the end. Returns which end. */
int raw_socket_recv_until_end(const struct raw_socket *socket);

/* The same; returns whether that end is RST. Not after raw_socket_finish(). */
bool raw_socket_recv_until_reset(const struct raw_socket *socket);

/* Whether bytes or an end can be received now. */
bool raw_socket_has_news(const struct raw_socket *socket);

/* Sends FIN and goes on receiving; closes; closes with RST. Closing twice is allowed. */
void raw_socket_finish(const struct raw_socket *socket);
void raw_socket_close(struct raw_socket *socket);
void raw_socket_reset(struct raw_socket *socket);

/* Gives a socket the smallest buffers. */
void raw_socket_narrow(intptr_t handle);

#endif
