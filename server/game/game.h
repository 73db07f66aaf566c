/* server/game/game.h: what all of the game shares: the port, the log, the limits, the numbers. */
#ifndef GW_SERVER_GAME_GAME_H
#define GW_SERVER_GAME_GAME_H

#include "session/manager.h"
#include <stdatomic.h>
#include <stdint.h>

struct gw_port;
struct lobby;
struct server_log;

struct game_limits {
    uint32_t room_members_max;
    uint32_t rooms_max;
    uint32_t room_tick_ms;
};

/* Read by the report, written from many turns. */
struct game_counters {
    atomic_uint_least64_t rooms;          /* open now */
    atomic_uint_least64_t rooms_opened;   /* so far */
    atomic_uint_least64_t room_members;   /* in all rooms, now */
    atomic_uint_least64_t entered;        /* so far */
    atomic_uint_least64_t enters_refused; /* so far */
    atomic_uint_least64_t lines;          /* of chat, so far */
};

/*
 * Nothing here has a lock: what does not change while the game runs may be read by anybody, and
 * the rest are numbers.
 *
 * The game is over when nobody holds it any more. Each player and each room holds it as long as a
 * turn may still come for it, and so does who runs it; then on_over is called, once, by who let go
 * last.
 */
struct game {
    struct gw_port *port;
    struct gw_session_manager *sessions;
    struct server_log *log;
    struct lobby *lobby;
    struct game_limits limits;
    struct game_counters counters;
    atomic_uint hold_count;
    void (*on_over)(void *context);
    void *context;
};

/* One more, and one less, that the end must wait for. Thread: any. */
void game_hold(struct game *game);
void game_release(struct game *game);

/*
 * What the game wants to hear of its sessions. The context is the game. With `log_packets` each
 * packet is shown in the log.
 */
struct gw_session_events game_events(bool log_packets);

#endif
