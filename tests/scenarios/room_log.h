/* tests/scenarios/room_log.h: what was said in a room, and what one of those in it believes. */
#ifndef GW_TESTS_SCENARIOS_ROOM_LOG_H
#define GW_TESTS_SCENARIOS_ROOM_LOG_H

#include "tests/scenarios/test_client.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All lines of a room, as whoever heard one first wrote it down. The others must hear the same. */
struct room_log {
    const char *room;
    int padding_bytes;           /* so much longer is each line than it must be, at most 300 */
    struct room_log_line *lines; /* from 1 on */
    uint64_t line_count;         /* the last that was received */
    size_t capacity;
};

struct room_log_member {
    uint64_t player;
    int32_t x;
    int32_t y;
};

/* A puppet in a hall. It believes what it hears, and notices what cannot be. */
struct listener {
    struct test_client *test_client;
    struct room_log *room_log;
    bool is_in;        /* from Entered to Left */
    uint64_t line;     /* it has received them up to here */
    uint32_t said;     /* so many lines of its own, */
    uint32_t received; /* and so many of those it has received */
    struct room_log_member *members;
    size_t member_count;
    size_t capacity;
};

void room_log_fini(struct room_log *room_log);
void listener_fini(struct listener *listener);

/* Greeted already, it enters the hall. */
void listener_enter(struct listener *listener, struct test_client *test_client,
                    struct room_log *room_log);

/* Says a line that nobody else says, nor this one twice. */
void listener_chat(struct listener *listener);

/* Believes one packet of a room, or an answer. */
void listener_believe(struct listener *listener, uint16_t id, const void *message);

/* Believes all that its puppet has heard. Returns false when its puppet has heard CLOSE or FIN. */
bool listener_listen(struct listener *listener);

/* Where it believes a player to be, or NULL. */
const struct room_log_member *listener_find(const struct listener *listener, uint64_t player);

#endif
