/* tests/server/fake_session.h: turns, sessions and groups without threads and sockets. */
#ifndef GW_TESTS_SERVER_FAKE_SESSION_H
#define GW_TESTS_SERVER_FAKE_SESSION_H

#include "net/turn.h"
#include "proto/game/game.pb-c.h"
#include "session/manager.h"
#include "session/session.h"
#include "tests/test.h"

/*
 * The game is linked with these instead of with net and session. Which turn is next is chosen by
 * chance, from a seed, so that many thousand orders of the same events can be tried, and each can
 * be tried again.
 */

/* What a fake session's client believes, from what it has heard. */
enum { FAKE_MEMBERS_MAX = 64 };

struct fake_client {
    bool is_in_room;
    char room[64];
    uint64_t members[FAKE_MEMBERS_MAX];
    uint32_t member_count;
    uint64_t line;
    uint32_t entered_count; /* answers to Enter, by what they said */
    uint32_t refused_count;
    uint32_t leave_count; /* times it said Leave, also before it had read Entered */
    uint32_t left_count;
    Game__EnterResult refusal; /* the last */
};

/* Handles a packet that the client has sent. */
typedef void fake_packet(struct gw_session *session);

enum { FAKE_PACKETS_MAX = 256 };

struct gw_session {
    struct gw_turn turn;
    gw_session_id id;
    void *user;
    uint32_t stage;
    bool has_ended; /* an end has begun: nothing is received any more */
    bool is_gone;   /* on_end was called */
    bool is_paused;
    bool is_reading; /* its reading task is posted */
    struct gw_task reading;
    fake_packet *packets[FAKE_PACKETS_MAX]; /* received and not handled yet, oldest first */
    uint32_t packet_count;
    Gw__CloseReason reason;
    unsigned ref_count;
    struct fake_client client;
};

/* Begins again, with nothing left over; the seed decides the order of turns. */
void fake_session_init(uint32_t seed);

/* A number below `limit`, by chance. */
uint32_t fake_random(uint32_t limit);

/* From now on one in `chance` allocations inside turns finds no memory; 0: none. */
void fake_memory_fails(uint32_t random);

/* Runs one task of one turn, or one tick of a group. Returns false when there is none. */
bool fake_session_step(void);

/* Runs until nothing is left to do. */
void fake_session_run_now(void);

struct gw_session *fake_session_create(void);

/*
 * The client sends a packet. `handle` is called in a turn of the session: behind all packets that
 * were sent before, when the session is not paused, and not after it has gone.
 */
void fake_session_receive(struct gw_session *session, fake_packet *handle);

/* Whether nobody holds the session any more but the test. */
bool fake_session_is_free(const struct gw_session *session);
void fake_session_destroy(struct gw_session *session);

/* How many turns (of rooms, lobbies) are alive that are no session's. */
unsigned fake_turn_count(void);

#endif
