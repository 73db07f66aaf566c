/* tests/server/fake_session.h: Turns, sessions and groups without threads and sockets. */
#ifndef GW_TESTS_SERVER_FAKE_SESSION_H
#define GW_TESTS_SERVER_FAKE_SESSION_H

#include "net/turn.h"
#include "proto/game/game.pb-c.h"
#include "session/manager.h"
#include "session/session.h"
#include "tests/test.h"

/*
 * The game is linked with these instead of net and session. The next turn is chosen at random from
 * a seed, so that a test can run the same events in many thousand orders, and repeat each of them.
 */

/* The state of a session's client, from the packets that it has received. */
enum { FAKE_MEMBERS_MAX = 64 };

struct fake_client {
    bool is_in_room;
    char room[64];
    uint64_t members[FAKE_MEMBERS_MAX];
    uint32_t member_count;
    uint64_t line;
    uint32_t entered_count; /* answers to Enter, by result */
    uint32_t refused_count;
    uint32_t leave_count; /* times it has sent Leave */
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

/* Resets everything; the seed decides the order of turns. */
void fake_session_init(uint32_t seed);

/* Returns a random number below `limit`. */
uint32_t fake_random(uint32_t limit);

/* From now on one in `random` allocations inside turns fails; 0: none. */
void fake_memory_fails(uint32_t random);

/* Runs one task of one turn, or one tick of a group. Returns false when there is none. */
bool fake_session_step(void);

/* Runs until no turn has a task. */
void fake_session_run_now(void);

struct gw_session *fake_session_create(void);

/*
 * The client sends a packet. `handle` is called in a turn of the session: behind all packets that
 * were sent before, when the session is not paused, and not after it has gone.
 */
void fake_session_receive(struct gw_session *session, fake_packet *handle);

/* Returns whether only the test holds the session. */
bool fake_session_is_free(const struct gw_session *session);
void fake_session_destroy(struct gw_session *session);

/* Returns the number of turns of rooms and lobbies. */
unsigned fake_turn_count(void);

#endif
