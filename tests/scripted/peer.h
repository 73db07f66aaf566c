/* tests/scripted/peer.h: the script's end of a connection. */
#ifndef GW_TESTS_SCRIPTED_PEER_H
#define GW_TESTS_SCRIPTED_PEER_H

#include "net/addr.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What it does has happened when the call returns; the other side finds out when the stage goes on.
 * It takes what is sent to it as far as its window reaches, and keeps it until it is read.
 */
struct peer;

/* Knocks at a listener of the port. NULL when its backlog is full, or nobody listens there. */
struct peer *peer_connect(uint16_t port);

/* Listens for streams that the port dials; takes the next one in, or NULL. */
struct peer *peer_listen(uint16_t port);
struct peer *peer_accept(struct peer *listener);

/* Ends it: FIN, or RST when there is anything it has not read. */
void peer_close(struct peer *peer);

void peer_send(struct peer *peer, const void *data, size_t count);
void peer_finish(struct peer *peer); /* FIN; it goes on reading */
void peer_reset(struct peer *peer);  /* RST, also to what the other side has not read yet */

/* So many unread bytes it holds; more waits at the sender. */
void peer_set_window(struct peer *peer, size_t bytes);

/* What has come and was not read; `data` is valid until the stage goes on. */
size_t peer_unread_count(const struct peer *peer);
const uint8_t *peer_look(const struct peer *peer);

/* Reads up to `count`. Returns how many. `data` may be NULL. */
size_t peer_read(struct peer *peer, void *data, size_t count);

/* Whether the other side has said FIN, and all before it was read; whether it is gone with RST. */
bool peer_has_fin(const struct peer *peer);
bool peer_has_reset(const struct peer *peer);

/* Whether anybody is at the other end still. */
bool peer_is_connected(const struct peer *peer);

/* An address of this machine with that port. */
struct gw_addr peer_addr(uint16_t port);

#endif
