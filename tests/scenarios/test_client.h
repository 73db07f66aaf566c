/* tests/scenarios/test_client.h: Test client: a plain socket that sends and receives frames. */
#ifndef GW_TESTS_SCENARIOS_TEST_CLIENT_H
#define GW_TESTS_SCENARIOS_TEST_CLIENT_H

#include "tests/test.h"

#include "proto/game/game.gen.h"
#include "proto/gw/control.pb-c.h"
#include "tests/support/frame_codec.h"
#include "tests/support/raw_socket.h"

/*
 * All test clients run on the one thread of the test. Whenever one of them waits for a packet,
 * every client that is not paused reads its socket, buffers what it receives and answers PING. So
 * the server never closes a client because the test waits for another one.
 *
 * A packet that a test expects and does not receive within WAIT_NS fails the test.
 */
enum { FRAME_BYTES_MAX = 4096 + FRAME_HEADER_BYTES }; /* of a frame that a client writes */

struct test_client {
    struct raw_socket socket;
    uint64_t id;        /* of its session, from HELLO_ACK on */
    bool is_paused;     /* reads only in the calls below that receive for this client */
    bool ignores_pings; /* does not answer PING */
    bool has_ended;     /* FIN or RST was received */
    bool has_fin;       /* FIN was received, not RST */
    uint32_t ping_count;

    uint8_t *received; /* frames; the last one may be partial */
    size_t taken;      /* offset of the next frame for test_client_take() */
    size_t answered;   /* offset up to which PINGs have been answered */
    size_t received_bytes;
    size_t capacity;
    ProtobufCMessage *message; /* the last result of test_client_take() */
    struct test_client *next;
    struct test_client **link; /* the pointer that points to this client */
};

/* The first of the list of all clients. */
extern struct test_client *test_clients;

/* ---- connecting and closing ---- */

/* Connects; _narrow: with the smallest buffers possible. Returns NULL if the server refuses. */
struct test_client *test_client_connect(const struct gw_addr *addr);
struct test_client *test_client_connect_narrow(const struct gw_addr *addr);

/* Sends HELLO with this name and receives HELLO_ACK. */
void test_client_greet(struct test_client *client, const char *name);

/* Connects to the server of the scenario and greets with this name. */
struct test_client *test_client_open(const char *name);

/* Sends CLOSE, receives the rest and FIN, and frees the client. */
void test_client_quit(struct test_client *client);

/* Closes the socket without CLOSE, or with RST, and frees the client. */
void test_client_close(struct test_client *client);
void test_client_reset(struct test_client *client);

/* Closes and frees all clients. */
void test_clients_close(void);

/* ---- receiving ---- */

/* Every client that is not paused reads its socket. Returns whether one of them received bytes. */
bool test_clients_receive(void);

/*
 * Takes the next packet from the receive buffer, skipping PINGs. Returns the message, which is
 * valid until the next call, or NULL when there is none yet.
 */
const void *test_client_take(struct test_client *client, uint16_t *id_out);

/* As test_client_take(), but waits. Returns NULL only when the connection has ended. */
const void *test_client_wait(struct test_client *client, uint16_t *id_out);

/* Waits for the next packet, which must have this id. Returns its message. */
const void *test_client_receive(struct test_client *client, uint16_t id);

/* The same for frequent packets; checks their fields. */
const Game__Entered *test_client_receive_entered(struct test_client *client,
                                                 Game__EnterResult result);
void test_client_receive_line(struct test_client *client, const struct test_client *speaker,
                              const char *text, uint64_t line);
void test_client_receive_joined(struct test_client *client, const struct test_client *newcomer);
void test_client_receive_gone(struct test_client *client, uint64_t player);
void test_client_receive_position(struct test_client *client, const struct test_client *mover,
                                  int32_t x, int32_t y);

/* Receives CLOSE with this reason and then FIN; or FIN alone. Frees the client. */
void test_client_receive_close(struct test_client *client, Gw__CloseReason reason);
void test_client_receive_fin(struct test_client *client);

/* Discards all packets up to FIN or RST. Returns the reason of the CLOSE among them, or NONE. */
Gw__CloseReason test_client_drain(struct test_client *client);

/* ---- sending ---- */

/* Writes a frame. Returns the byte after it. */
uint8_t *test_client_write(uint8_t *out, uint16_t id, uint16_t tag,
                           const ProtobufCMessage *message);

/* Sends bytes, and a message as one frame. */
void test_client_send_bytes(struct test_client *client, const void *data, size_t bytes);
void test_client_send(struct test_client *client, uint16_t id, uint16_t tag,
                      const ProtobufCMessage *message);

void test_client_hello(struct test_client *client, const char *name);
void test_client_enter(struct test_client *client, const char *room);
void test_client_chat(struct test_client *client, const char *text);
void test_client_move(struct test_client *client, int32_t x, int32_t y);
void test_client_leave(struct test_client *client);
void test_client_who(struct test_client *client);
void test_client_say(struct test_client *client, const char *text);
void test_client_send_close(struct test_client *client, Gw__CloseReason reason);

/* Sends Say and receives Said as the next packet: no other packet was on its way. */
void test_client_expect_idle(struct test_client *client);

/* Enters a room and receives ENTERED_OK. Returns the number of the last line before that. */
uint64_t test_client_join(struct test_client *client, const char *room);

#endif
