/* tests/scripted/peer.h: The test's end of a simulated connection. */
#ifndef GW_TESTS_SCRIPTED_PEER_H
#define GW_TESTS_SCRIPTED_PEER_H

#include "net/addr.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A call takes effect before it returns; the port notices when the test runs it again. A peer
 * buffers received bytes up to its window until the test reads them. */
struct peer;

/*
 * Connects to a listener of the port, from 127.0.0.1 or from the address of `source`. NULL when
 * nothing listens there or its backlog is full.
 */
struct peer *peer_connect(uint16_t port);
struct peer *peer_connect_from(const struct gw_addr *source, uint16_t port);

/* Listens for streams that the port dials; accepts the next one, or returns NULL. */
struct peer *peer_listen(uint16_t port);
struct peer *peer_accept(struct peer *listener);

/* Closes it with FIN, or with RST when it has unread bytes. */
void peer_close(struct peer *peer);
void peer_close_all(void); /* all that have connected and were not closed */

void peer_send(struct peer *peer, const void *data, size_t count);
void peer_finish(struct peer *peer); /* sends FIN; reading goes on */
void peer_reset(struct peer *peer); /* sends RST; bytes that the other side has not read are lost */

/* Limits the unread bytes that it buffers; more bytes stay at the sender. */
void peer_set_window(struct peer *peer, size_t bytes);

/* Bytes that have arrived and were not read; `data` is valid until the port runs again. */
size_t peer_unread_count(const struct peer *peer);
const uint8_t *peer_data(const struct peer *peer);

/* Reads up to `count` bytes. Returns how many. `data` may be NULL. */
size_t peer_read(struct peer *peer, void *data, size_t count);

/*
 * Whether the other side has sent FIN and all bytes before it were read; whether it has sent RST.
 */
bool peer_has_fin(const struct peer *peer);
bool peer_has_reset(const struct peer *peer);

/* Whether the other end is still open. */
bool peer_is_connected(const struct peer *peer);

/* 127.0.0.1 with this port. */
struct gw_addr peer_addr(uint16_t port);

#endif
