/* server/game/game.h: Shared state of the game: port, log, limits, counters, lifetime. */
#ifndef GW_SERVER_GAME_GAME_H
#define GW_SERVER_GAME_GAME_H

#include "session/manager.h"
#include <stdatomic.h>
#include <stdint.h>

struct gw_port;
struct lobby;
struct login;
struct server_log;

struct game_limits {
    uint32_t room_members_max;
    uint32_t rooms_max;
    uint32_t room_tick_ms;
};

/* Written in many turns, read by the report. */
struct game_counters {
    atomic_uint_least64_t rooms;        /* now */
    atomic_uint_least64_t rooms_opened; /* since the start, as all below but room_members */
    atomic_uint_least64_t room_members; /* of all rooms, now */
    atomic_uint_least64_t entered;
    atomic_uint_least64_t enters_refused;
    atomic_uint_least64_t lines; /* chat lines */
};

/*
 * Any thread may read it without a lock: its members do not change while the game runs, or are
 * atomic.
 *
 * Each player and each room holds the game while a task may be posted to it, and so does the server
 * that runs it. The last game_release() calls on_over, in its own turn.
 */
struct game {
    struct gw_port *port;
    struct gw_session_manager *sessions;
    struct server_log *log;
    struct lobby *lobby;
    struct login *login; /* NULL: --auth open */
    struct game_limits limits;
    struct game_counters counters;
    atomic_uint hold_count;
    void (*on_over)(void *context);
    void *context;
};

/* Increments and decrements the number of objects that hold the game. Thread: any. */
void game_hold(struct game *game);
void game_release(struct game *game);

/*
 * Returns the session events that the game handles; their context is the game. With `log_packets`
 * it logs each packet.
 */
struct gw_session_events game_events(bool log_packets);

#endif
