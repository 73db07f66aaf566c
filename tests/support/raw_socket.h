/* tests/support/raw_socket.h: the other end of a connection, with nothing of the house in it. */
#ifndef GW_TESTS_SUPPORT_RAW_SOCKET_H
#define GW_TESTS_SUPPORT_RAW_SOCKET_H

#include "net/addr.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A plain blocking socket. Every call waits for RAW_SOCKET_PATIENCE_MS at most, then says that it
 * did not work. Any thread may use it, one per direction.
 */
enum { RAW_SOCKET_PATIENCE_MS = 30000 };

struct raw_socket {
    intptr_t handle; /* -1 when it is closed */
};

/* What receiving may bring, beside a number of bytes. */
enum raw_socket_end {
    RAW_SOCKET_FIN = 0,      /* the other side has finished */
    RAW_SOCKET_RESET = -1,   /* the connection is gone */
    RAW_SOCKET_NOTHING = -2, /* nothing came for so long */
};

/* Connects; with a receive buffer as small as it gets, so that the other side soon has no room. */
bool raw_socket_connect(struct raw_socket *socket_out, const struct gw_addr *addr);
bool raw_socket_connect_narrow(struct raw_socket *socket_out, const struct gw_addr *addr);

/* Listens at `addr`, and writes the real port into it. Accepts one, and says where it is from. */
bool raw_socket_listen(struct raw_socket *socket_out, struct gw_addr *addr, int backlog_count_max);
bool raw_socket_accept(const struct raw_socket *listener, struct raw_socket *socket_out,
                       struct gw_addr *peer_out);

/* Sends all of it; what there is room for now, which may be 0. */
bool raw_socket_send(const struct raw_socket *socket, const void *data, size_t bytes);
size_t raw_socket_send_some(const struct raw_socket *socket, const void *data, size_t bytes);

/* Returns how many bytes came, at least 1, or an enum raw_socket_end. */
int raw_socket_recv(const struct raw_socket *socket, void *data, size_t bytes);

/* Receives exactly `bytes`. */
bool raw_socket_recv_all(const struct raw_socket *socket, void *data, size_t bytes);

/* Receives and forgets until the end. Returns which. */
int raw_socket_recv_until_end(const struct raw_socket *socket);

/* The same, and whether that end is RST. Not after raw_socket_finish(). */
bool raw_socket_recv_until_reset(const struct raw_socket *socket);

/* Whether bytes or an end are there now. */
bool raw_socket_has_news(const struct raw_socket *socket);

/* Says FIN and goes on receiving; closes; goes away with RST. Closing twice is allowed. */
void raw_socket_finish(const struct raw_socket *socket);
void raw_socket_close(struct raw_socket *socket);
void raw_socket_reset(struct raw_socket *socket);

/* Makes the buffers of any socket as small as they get. */
void raw_socket_narrow(intptr_t handle);

#endif
