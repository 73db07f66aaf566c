/* tests/session/socket_peer.h: Peer of a session on a plain socket. */
#ifndef GW_TESTS_SESSION_SOCKET_PEER_H
#define GW_TESTS_SESSION_SOCKET_PEER_H

#include "proto/gw/control.pb-c.h"
#include "tests/support/frame_codec.h"
#include "tests/support/raw_socket.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A peer shares no code with the library: it uses a raw_socket and the frame codec of the tests. A
 * call that waits for longer than RAW_SOCKET_PATIENCE_MS fails the test.
 */
enum { PEER_BODY_BYTES_MAX = 70000 };

/* A frame that was read. */
struct peer_frame {
    struct frame_header header;
    uint8_t body[PEER_BODY_BYTES_MAX];
};

/* Connects to a port of 127.0.0.1; the narrow one with the smallest receive buffer. */
struct raw_socket peer_connect(uint16_t port);
struct raw_socket peer_connect_narrow(uint16_t port);

/* Listens on a port of 127.0.0.1 that the kernel picks; accepts one connection. */
struct raw_socket peer_listen(uint16_t *port_out);
struct raw_socket peer_accept(const struct raw_socket *listener);

/* Sends all bytes. */
void peer_send(struct raw_socket *peer, const void *bytes, size_t count);

/* Sends a header without checking it; a frame; a message as a frame with tag 0. */
void peer_send_header(struct raw_socket *peer, uint32_t body_bytes, uint8_t flags, uint16_t id,
                      uint16_t tag);
void peer_send_frame(struct raw_socket *peer, uint16_t id, uint16_t tag, const void *body,
                     size_t body_bytes);
void peer_send_message(struct raw_socket *peer, uint16_t id, const ProtobufCMessage *message);

/* A HELLO that the server accepts; sends a HELLO. */
Gw__Hello peer_valid_hello(void);
void peer_send_hello(struct raw_socket *peer, const Gw__Hello *hello);

/* Sends a SAY with this text; a Ping, Pong, NUMBER or EITHER with this stamp. */
void peer_send_text(struct raw_socket *peer, const char *text);
void peer_send_stamp(struct raw_socket *peer, uint16_t id, uint64_t stamp);

/* Connects to the fixture's server, sends HELLO and reads HELLO_ACK. */
struct raw_socket peer_join(void);

/* Reads one frame. Returns false at FIN, and when the connection was reset. */
bool peer_read_frame(struct raw_socket *peer, struct peer_frame *frame_out);

/* Whether FIN, and nothing before it, comes next. */
bool peer_reads_fin(struct raw_socket *peer);

/* Reads one frame, which must have this id. It is valid until the next read. */
const struct peer_frame *peer_expect(struct raw_socket *peer, uint16_t id);

/* Reads a Ping, Pong, NUMBER or EITHER and returns its stamp; reads a LINE with this text. */
uint64_t peer_expect_stamp(struct raw_socket *peer, uint16_t id);
void peer_expect_line(struct raw_socket *peer, const char *text);

/* Sends PING and reads PONG: the server has then handled everything sent before. */
void peer_sync(struct raw_socket *peer);

/* Reads CLOSE with this reason, then FIN, and closes; reads FIN without CLOSE, and closes. */
void peer_expect_close(struct raw_socket *peer, Gw__CloseReason reason);
void peer_expect_fin(struct raw_socket *peer);

#endif
