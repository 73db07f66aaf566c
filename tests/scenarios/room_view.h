/* tests/scenarios/room_view.h: What one client knows of a room, checked against the other clients.
 */
#ifndef GW_TESTS_SCENARIOS_ROOM_VIEW_H
#define GW_TESTS_SCENARIOS_ROOM_VIEW_H

#include "tests/scenarios/test_client.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All lines of a room, as the first client received them. The others must receive the same. */
struct room_log {
    const char *room;
    int padding_bytes;           /* added to each line, at most 300 */
    struct room_log_line *lines; /* from 1 on */
    uint64_t line_count;         /* the last that was received */
    size_t capacity;
};

struct room_view_member {
    uint64_t player;
    int32_t x;
    int32_t y;
};

/* The state of a room as one client has received it. A packet that contradicts it fails the test.
 */
struct room_view {
    struct test_client *client;
    struct room_log *room_log;
    bool is_in;        /* from Entered to Left */
    uint64_t line;     /* the last line that it received */
    uint32_t sent;     /* lines that it sent, */
    uint32_t received; /* and those of them that it received */
    struct room_view_member *members;
    size_t member_count;
    size_t capacity;
};

void room_log_fini(struct room_log *room_log);
void room_view_fini(struct room_view *view);

/* The client, which has greeted, enters the room. */
void room_view_enter(struct room_view *view, struct test_client *client, struct room_log *room_log);

/* Sends a line with a text that no client sends twice. */
void room_view_chat(struct room_view *view);

/* Checks one packet of the room, and applies it. */
void room_view_apply(struct room_view *view, uint16_t id, const void *message);

/* Applies all packets in the receive buffer. Returns false after CLOSE or the end. */
bool room_view_receive(struct room_view *view);

/* A player and its position, or NULL. */
const struct room_view_member *room_view_find(const struct room_view *view, uint64_t player);

#endif
