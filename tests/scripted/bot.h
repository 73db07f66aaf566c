/* tests/scripted/bot.h: a player that is a script, and has nothing of the house in it. */
#ifndef GW_TESTS_SCRIPTED_BOT_H
#define GW_TESTS_SCRIPTED_BOT_H

#include "proto/game/game.pb-c.h"
#include "proto/gw/control.pb-c.h"
#include "tests/scripted/peer.h"
#include <stdbool.h>
#include <stdint.h>

enum { BOT_COUNT_MAX = 16, BOT_SPEAKER_COUNT_MAX = 256 };

/*
 * It cuts frames with code of its own, answers PING, and holds what it hears against what must be
 * true of a room: lines without a hole, nothing twice, each speaker's in the order in which they
 * were said. What is not so fails the test.
 */
struct bot {
    struct peer *peer;
    uint32_t index;
    uint64_t id; /* of its session */
    bool is_greeted;
    bool is_in_room;
    bool is_told_to_go; /* GOAWAY */
    bool has_close;     /* CLOSE was the last frame */
    Gw__CloseReason reason;
    Game__EnterResult entered; /* the answer to the last Enter */
    uint32_t entered_count;
    uint32_t asked_count; /* times it said Enter, and Leave */
    uint32_t left_asked_count;
    uint32_t left_count;
    uint32_t pong_count;
    uint32_t said_count; /* answers to Say */
    uint32_t chat_count; /* lines it has sent */
    uint64_t line;       /* the last it has received in this room */
    uint32_t line_count; /* so many, in all rooms */
    uint32_t own_line_count;
    uint64_t speakers[BOT_SPEAKER_COUNT_MAX];    /* who said something, by their sessions */
    uint32_t received_of[BOT_SPEAKER_COUNT_MAX]; /* and the last chat_count received of each */
    uint32_t snapshot_count;
    uint64_t members[BOT_COUNT_MAX]; /* who is in the room, as far as it knows */
    uint32_t member_count;
    uint32_t frame_count;
    bool is_closed; /* does not read */
    bool is_gone;   /* has ended it itself */
};

/* Knocks. Returns whether it could. */
bool bot_connect(struct bot *bot, uint32_t index, uint16_t port);

void bot_hello(struct bot *bot);
void bot_enter(struct bot *bot, const char *room);
void bot_chat(struct bot *bot);
void bot_say(struct bot *bot, const char *text);
void bot_move(struct bot *bot, int32_t x, int32_t y);
void bot_who(struct bot *bot);
void bot_leave(struct bot *bot);
void bot_ping(struct bot *bot);
void bot_close(struct bot *bot); /* CLOSE, then FIN */

void bot_send(struct bot *bot, uint16_t id, const ProtobufCMessage *message);

/* Reads what has come. */
void bot_read(struct bot *bot);

/* Whether the server is through with it: FIN, RST, or never there. */
bool bot_is_over(const struct bot *bot);

/* Ends its connection, if that was not done yet. */
void bot_fini(struct bot *bot);

#endif
