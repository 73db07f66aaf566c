/* tests/scripted/bot.h: Scripted game client that checks what it receives. */
#ifndef GW_TESTS_SCRIPTED_BOT_H
#define GW_TESTS_SCRIPTED_BOT_H

#include "proto/game/game.pb-c.h"
#include "proto/gw/control.pb-c.h"
#include "tests/scripted/peer.h"
#include <stdbool.h>
#include <stdint.h>

enum { BOT_COUNT_MAX = 16, BOT_SPEAKER_COUNT_MAX = 256 };

/*
 * A bot answers PING and checks the invariants of a room: line numbers without a gap, no line or
 * member twice, and each speaker's lines in the order in which the speaker sent them. A violation
 * fails the test.
 */
struct bot {
    struct peer *peer;
    uint32_t index;
    uint64_t id; /* of its session */
    bool is_greeted;
    bool is_in_room;
    bool has_goaway; /* received GOAWAY */
    bool has_close;  /* received CLOSE */
    Gw__CloseReason reason;
    Game__EnterResult entered; /* the result of the last Enter */
    uint32_t entered_count;
    uint32_t asked_count; /* Enter packets sent */
    uint32_t left_asked_count;
    uint32_t left_count;
    uint32_t pong_count;
    uint32_t said_count; /* replies to Say */
    uint32_t chat_count; /* Chat packets sent */
    uint64_t line;       /* number of the last line received in this room */
    uint32_t line_count; /* lines received in all rooms */
    uint32_t own_line_count;
    uint64_t speakers[BOT_SPEAKER_COUNT_MAX];    /* session ids of the speakers */
    uint32_t received_of[BOT_SPEAKER_COUNT_MAX]; /* the last chat_count received from each */
    uint32_t snapshot_count;
    uint64_t members[BOT_COUNT_MAX]; /* the members of the room that the bot knows of */
    uint32_t member_count;
    uint32_t frame_count;
    bool is_closed; /* does not read */
    bool is_gone;   /* has closed its connection */
    struct {
        bool is_answered; /* the handshake is done */
        bool is_closed;   /* a close frame has arrived */
        bool has_header;  /* of the frame that is being read */
        uint8_t first;    /* its first byte */
        uint32_t left;    /* of its payload */
        uint8_t *bytes;   /* of data frames, which bot_read() has not taken */
        uint32_t count;
    } websocket;
};

/* Whether bots connect to a WebSocket. */
extern bool bot_speaks_websocket;
bool bot_can_speak_websocket(void); /* the library was built with it */

/* Connects. Returns false when the connection was refused. */
bool bot_connect(struct bot *bot, uint32_t index, uint16_t port);

void bot_hello(struct bot *bot);
void bot_enter(struct bot *bot, const char *room);
void bot_chat(struct bot *bot);
void bot_say(struct bot *bot, const char *text);
void bot_move(struct bot *bot, int32_t x, int32_t y);
void bot_ask_members(struct bot *bot);
void bot_leave(struct bot *bot);
void bot_ping(struct bot *bot);
void bot_close(struct bot *bot); /* sends CLOSE, then FIN */

void bot_send(struct bot *bot, uint16_t id, const ProtobufCMessage *message);

/* Reads and handles all complete frames that have arrived. */
void bot_read(struct bot *bot);

/* Whether the server has ended the connection (FIN or RST), or there was none. */
bool bot_is_over(const struct bot *bot);

/* Closes its connection unless it is closed. */
void bot_fini(struct bot *bot);

#endif
