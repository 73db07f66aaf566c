/* tests/session/raw_peer.h: a peer that is a bare socket, and has nothing of the house in it. */
#ifndef GW_TESTS_SESSION_RAW_PEER_H
#define GW_TESTS_SESSION_RAW_PEER_H

#include "tests/support/raw_socket.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * It writes and reads frames with code of its own, so that it does not share a mistake with what it
 * tests. Every call waits for at most RAW_PATIENCE_MS; what did not come until then fails the test.
 */
enum { RAW_PATIENCE_MS = RAW_SOCKET_PATIENCE_MS, RAW_BODY_BYTES_MAX = 70000 };

struct raw_peer {
    struct raw_socket socket;
};

/* A frame that was read. */
struct raw_frame {
    uint32_t body_bytes;
    uint8_t flags;
    uint16_t id;
    uint16_t tag;
    uint8_t body[RAW_BODY_BYTES_MAX];
};

/* Connects to a port of 127.0.0.1; with a receive buffer as small as it gets. */
struct raw_peer raw_connect(uint16_t port);
struct raw_peer raw_connect_narrow(uint16_t port);

/* Listens on a port of 127.0.0.1 that the kernel picks, and takes one in. */
struct raw_peer raw_listen(uint16_t *port_out);
struct raw_peer raw_accept(struct raw_peer *listener);

/* Sends all of it. */
void raw_send(struct raw_peer *peer, const void *bytes, size_t count);

/* Sends it one byte at a time, each in a segment of its own. */
void raw_drip(struct raw_peer *peer, const void *bytes, size_t count);

/* Sends what the kernel takes now. Returns how much; 0 when it takes nothing or the peer is gone.
 */
size_t raw_send_some(struct raw_peer *peer, const void *bytes, size_t count);

/* Writes the eight bytes before a body. Returns the byte after them. */
uint8_t *raw_header(uint8_t *out, uint32_t body_bytes, uint8_t flags, uint16_t id, uint16_t tag);

/* Sends a header, whatever it says; and a frame. */
void raw_send_header(struct raw_peer *peer, uint32_t body_bytes, uint8_t flags, uint16_t id,
                     uint16_t tag);
void raw_send_frame(struct raw_peer *peer, uint16_t id, uint16_t tag, const void *body,
                    size_t body_bytes);

/* Reads one frame. Returns false at the peer's FIN, and when the connection was reset. */
bool raw_read(struct raw_peer *peer, struct raw_frame *frame_out);

/* Whether bytes or a FIN are there now. */
bool raw_has_news(struct raw_peer *peer);

/* Whether the next thing to come, after what was read, is a FIN in good order. */
bool raw_reads_fin(struct raw_peer *peer);

/* Says FIN and goes on reading; closes; goes away with RST. Closing twice is allowed. */
void raw_finish(struct raw_peer *peer);
void raw_close(struct raw_peer *peer);
void raw_reset(struct raw_peer *peer);

/* A pause of the test's thread, and its clock. */
void raw_sleep_ms(unsigned ms);
uint64_t raw_now_ms(void);

#endif
