/* tests/session/player.h: what a bare socket says to be a player. */
#ifndef GW_TESTS_SESSION_PLAYER_H
#define GW_TESTS_SESSION_PLAYER_H

#include "tests/session/loopback_fixture.h"

enum { HELLO_ID = 1, HELLO_ACK_ID, PING_ID, PONG_ID, CLOSE_ID, GO_AWAY_ID, HELLO_TAG = 0x5747 };

/* A HELLO that is welcome. */
Gw__Hello player_hello(void);

/* Sends a message as one frame with tag 0; a HELLO with its own tag. */
void player_send(struct raw_peer *peer, uint16_t id, const ProtobufCMessage *message);
void player_say_hello(struct raw_peer *peer, const Gw__Hello *hello);

/* Packets of the test's schema. */
void player_say(struct raw_peer *peer, const char *text);
void player_stamp(struct raw_peer *peer, uint16_t id, uint64_t stamp);

/* Connects, says HELLO and reads the answer. */
struct raw_peer player_join(void);

/* Reads one frame with this id, and returns it until the next read. */
const struct raw_frame *player_expect(struct raw_peer *peer, uint16_t id);

/* Reads a Ping, Pong, NUMBER or EITHER and returns its stamp; a LINE, and compares its text. */
uint64_t player_expect_stamp(struct raw_peer *peer, uint16_t id);
void player_expect_line(struct raw_peer *peer, const char *text);

/* Sends PING and reads PONG: all that was said before has been heard. */
void player_sync(struct raw_peer *peer);

/* Reads CLOSE with this reason, then FIN, and closes. */
void player_expect_close(struct raw_peer *peer, Gw__CloseReason reason);

/* Reads FIN without CLOSE, and closes. */
void player_expect_silence(struct raw_peer *peer);

#endif
