/* tests/scenarios/test_client.h: a bare socket that says what a player says. */
#ifndef GW_TESTS_SCENARIOS_TEST_CLIENT_H
#define GW_TESTS_SCENARIOS_TEST_CLIENT_H

#include "tests/test.h"

#include "proto/game/game.gen.h"
#include "proto/gw/control.pb-c.h"
#include "tests/support/raw_socket.h"

/*
 * A puppet writes and reads frames with code of its own, so that it shares no mistake with what it
 * tests. All puppets hang on the strings of the one thread of the test: whenever one of them waits
 * for something, all that are attentive listen, keep what they hear, and answer PING. So nobody is
 * slow, or lost, because the test looks at somebody else.
 *
 * What a story expects and does not come fails the test.
 */
enum {
    HELLO = 1,
    HELLO_ACK = 2,
    PING = 3,
    PONG = 4,
    CLOSE = 5,
    GO_AWAY = 6,
    HELLO_TAG = 0x5747,
    FRAME_HEADER_BYTES = 8,
    FRAME_BYTES_MAX = 4096 + FRAME_HEADER_BYTES, /* of what a test_client writes */
};

struct test_client {
    struct raw_socket socket;
    uint64_t id;      /* of its session, from the greeting on */
    bool is_closed;   /* reads only when it is asked to receive something */
    bool is_mute;     /* answers no PING */
    bool has_ended;   /* nothing more will come */
    bool has_hung_up; /* ... because the other side said FIN, not RST */
    uint32_t ping_count;

    uint8_t *received; /* frames; the last one may be partial */
    size_t first;      /* where the next begins that is to be taken */
    size_t looked;     /* up to there PINGs have been answered */
    size_t received_bytes;
    size_t capacity;
    ProtobufCMessage *message; /* what test_client_take() gave last */
    struct test_client *next;
    struct test_client **tied; /* what points to it */
};

/* The first of all. */
extern struct test_client *test_clients;

/* ---- coming and going ---- */

/* Connects; with buffers as small as they get. Returns NULL when nobody listens there. */
struct test_client *test_client_knock(const struct gw_addr *addr);
struct test_client *test_client_knock_narrow(const struct gw_addr *addr);

/* Says HELLO with this name and hears the answer. */
void test_client_greet(struct test_client *test_client, const char *name);

/* Connects to the story's server, says HELLO with this name and hears the answer. */
struct test_client *test_client_come(const char *name);

/* Says CLOSE, hears the rest and FIN, and is taken down. */
void test_client_go(struct test_client *test_client);

/* Closes without a word, or with RST, and is taken down. */
void test_client_close(struct test_client *test_client);
void test_client_reset(struct test_client *test_client);

/* Takes all down that are left. */
void test_clients_close(void);

/* ---- hearing ---- */

/* All who are attentive read what is there. Returns whether anything was. */
bool test_clients_listen(void);

/*
 * Takes the next packet that it has heard, but for PINGs. Returns the message, which is valid until
 * the next one is taken, or NULL when there is none yet.
 */
const void *test_client_take(struct test_client *test_client, uint16_t *id_out);

/* As test_client_take(), but waits. Returns NULL only when the other side has ended. */
const void *test_client_wait(struct test_client *test_client, uint16_t *id_out);

/* Waits for the next packet, which must have this id. Returns its message. */
const void *test_client_receive(struct test_client *test_client, uint16_t id);

/* The same for those that are expected most. */
const Game__Entered *test_client_receive_entered(struct test_client *test_client,
                                                 Game__EnterResult result);
void test_client_receive_line(struct test_client *test_client, const struct test_client *speaker,
                              const char *text, uint64_t line);
void test_client_receive_joined(struct test_client *test_client,
                                const struct test_client *newcomer);
void test_client_receive_gone(struct test_client *test_client, uint64_t player);
void test_client_receive_at(struct test_client *test_client, const struct test_client *mover,
                            int32_t x, int32_t y);

/* Hears CLOSE with this reason and then FIN, or FIN alone; is taken down. */
void test_client_receive_close(struct test_client *test_client, Gw__CloseReason reason);
void test_client_receive_nothing_but_fin(struct test_client *test_client);

/* Drops all up to the end of the other side. Returns the reason of the CLOSE among it, or NONE. */
Gw__CloseReason test_client_receive_out(struct test_client *test_client);

/* ---- speaking ---- */

/* Writes a frame. Returns the byte behind it. */
uint8_t *test_client_write(uint8_t *out, uint16_t id, uint16_t tag,
                           const ProtobufCMessage *message);

/* Sends bytes, and a message as one frame. */
void test_client_send_bytes(struct test_client *test_client, const void *data, size_t bytes);
void test_client_send(struct test_client *test_client, uint16_t id, uint16_t tag,
                      const ProtobufCMessage *message);

void test_client_hello(struct test_client *test_client, const char *name);
void test_client_enter(struct test_client *test_client, const char *room);
void test_client_chat(struct test_client *test_client, const char *text);
void test_client_move(struct test_client *test_client, int32_t x, int32_t y);
void test_client_leave(struct test_client *test_client);
void test_client_who(struct test_client *test_client);
void test_client_say(struct test_client *test_client, const char *text);
void test_client_close_frame(struct test_client *test_client, Gw__CloseReason reason);

/* Says something to the server and hears it back: nothing else was on its way. */
void test_client_receive_silence(struct test_client *test_client);

/* Enters a room and hears that it may. Returns the last line before that. */
uint64_t test_client_be_in(struct test_client *test_client, const char *room);

#endif
