/* tests/stories/puppet.h: a bare socket that says what a player says. */
#ifndef GW_TESTS_STORIES_PUPPET_H
#define GW_TESTS_STORIES_PUPPET_H

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
    FRAME_BYTES_MAX = 4096 + FRAME_HEADER_BYTES, /* of what a puppet writes */
};

struct puppet {
    struct raw_socket socket;
    uint64_t id;      /* of its session, from the greeting on */
    bool is_deaf;     /* reads only when it is asked to hear something */
    bool is_mute;     /* answers no PING */
    bool has_ended;   /* nothing more will come */
    bool has_hung_up; /* ... because the other side said FIN, not RST */
    uint32_t ping_count;

    uint8_t *heard; /* frames; the last one may be torn */
    size_t first;   /* where the next begins that is to be taken */
    size_t looked;  /* up to there PINGs have been answered */
    size_t heard_bytes;
    size_t capacity;
    ProtobufCMessage *message; /* what puppet_take() gave last */
    struct puppet *next;
    struct puppet **tied; /* what points to it */
};

/* The first of all. */
extern struct puppet *puppets;

/* ---- coming and going ---- */

/* Connects; with buffers as small as they get. Returns NULL when nobody listens there. */
struct puppet *puppet_knock(const struct gw_addr *addr);
struct puppet *puppet_knock_narrow(const struct gw_addr *addr);

/* Says HELLO with this name and hears the answer. */
void puppet_greet(struct puppet *puppet, const char *name);

/* Connects to the story's server, says HELLO with this name and hears the answer. */
struct puppet *puppet_come(const char *name);

/* Says CLOSE, hears the rest and FIN, and is taken down. */
void puppet_go(struct puppet *puppet);

/* Closes without a word, or with RST, and is taken down. */
void puppet_close(struct puppet *puppet);
void puppet_reset(struct puppet *puppet);

/* Takes all down that are left. */
void puppets_close(void);

/* ---- hearing ---- */

/* All who are attentive read what is there. Returns whether anything was. */
bool puppets_listen(void);

/*
 * Takes the next packet that it has heard, but for PINGs. Returns the message, which is valid until
 * the next one is taken, or NULL when there is none yet.
 */
const void *puppet_take(struct puppet *puppet, uint16_t *id_out);

/* As puppet_take(), but waits. Returns NULL only when the other side has ended. */
const void *puppet_wait(struct puppet *puppet, uint16_t *id_out);

/* Waits for the next packet, which must have this id. Returns its message. */
const void *puppet_hear(struct puppet *puppet, uint16_t id);

/* The same for those that are expected most. */
const Game__Entered *puppet_hear_entered(struct puppet *puppet, Game__EnterResult result);
void puppet_hear_line(struct puppet *puppet, const struct puppet *speaker, const char *text,
                      uint64_t line);
void puppet_hear_joined(struct puppet *puppet, const struct puppet *newcomer);
void puppet_hear_gone(struct puppet *puppet, uint64_t player);
void puppet_hear_at(struct puppet *puppet, const struct puppet *mover, int32_t x, int32_t y);

/* Hears CLOSE with this reason and then FIN, or FIN alone; is taken down. */
void puppet_hear_close(struct puppet *puppet, Gw__CloseReason reason);
void puppet_hear_nothing_but_fin(struct puppet *puppet);

/* Drops all up to the end of the other side. Returns the reason of the CLOSE among it, or NONE. */
Gw__CloseReason puppet_hear_out(struct puppet *puppet);

/* ---- speaking ---- */

/* Writes a frame. Returns the byte behind it. */
uint8_t *puppet_write(uint8_t *out, uint16_t id, uint16_t tag, const ProtobufCMessage *message);

/* Sends bytes, and a message as one frame. */
void puppet_send_bytes(struct puppet *puppet, const void *data, size_t bytes);
void puppet_send(struct puppet *puppet, uint16_t id, uint16_t tag, const ProtobufCMessage *message);

void puppet_hello(struct puppet *puppet, const char *name);
void puppet_enter(struct puppet *puppet, const char *room);
void puppet_chat(struct puppet *puppet, const char *text);
void puppet_move(struct puppet *puppet, int32_t x, int32_t y);
void puppet_leave(struct puppet *puppet);
void puppet_who(struct puppet *puppet);
void puppet_say(struct puppet *puppet, const char *text);
void puppet_farewell(struct puppet *puppet, Gw__CloseReason reason);

/* Says something to the server and hears it back: nothing else was on its way. */
void puppet_hear_silence(struct puppet *puppet);

/* Enters a room and hears that it may. Returns the last line before that. */
uint64_t puppet_be_in(struct puppet *puppet, const char *room);

#endif
