/* tools/dummy-client/crowd.h: all clients of a run, and what they share. */
#ifndef GW_DUMMY_CROWD_H
#define GW_DUMMY_CROWD_H

#include "tools/dummy-client/players.h"
#include "tools/dummy-client/stats.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct dummy_client;
struct dummy_options;
struct dummy_room;
struct gw_port;
struct gw_session_manager;

/*
 * A run goes through these in order. The conductor moves it on; clients look at it in their turns.
 *
 *      TALK     clients come, and talk
 *      HUSH     nobody begins to talk, who talks stops          until nobody is busy
 *      SETTLE   who knows all that is true freezes its ledger   until all are frozen
 *      JUDGE    the others freeze theirs as they are            until all are frozen
 *      LEAVE    everybody goes home                             until nobody is here
 *
 * Nobody leaves before all ledgers are frozen, so that no leaving is taken for a loss. A server
 * that says GOAWAY cuts this short: each client then waits for its own answers, and leaves.
 */
enum dummy_phase {
    DUMMY_PHASE_TALK,
    DUMMY_PHASE_HUSH,
    DUMMY_PHASE_WAIT,
    DUMMY_PHASE_CHECK,
    DUMMY_PHASE_LEAVE
};

struct dummy_crowd {
    const struct dummy_options *options;
    struct gw_port *port;
    struct gw_session_manager *manager;
    struct dummy_stats stats;
    struct dummy_players players;
    struct dummy_client *clients; /* options->client_count of them */
    struct dummy_room *rooms;
    uint32_t room_count;
    uint64_t origin_ns; /* when the run began, by the port's clock */
    uint64_t stop_ns;   /* when clients stop talking */

    _Atomic(enum dummy_phase) phase;
    atomic_bool interrupted;          /* the user wants it to stop */
    atomic_bool nobody_listens;       /* the first to come found no server */
    atomic_uint_least32_t go_away_ms; /* the server asked us to go, within this time; 0: not yet */
    atomic_uint begun_count;          /* connections that stood */
    atomic_uint connected_count;      /* of those: not ended */
    atomic_uint here_count;           /* dialed, and not ended */
    atomic_uint busy_count;           /* of those: still to come, or talking */
    atomic_uint unfrozen_count;       /* of those: ledgers that may still change */
    atomic_uint disorderly_count;     /* ended in no good order, as far as could be seen then */
};

/*
 * Makes the clients and their rooms, all still at home. The crowd is zero but for options, port and
 * manager.
 *
 * Returns   0, or GW_E_MEMORY; dummy_crowd_fini() is due after both.
 * Owns      borrows options, port and manager.
 * Thread    setup.
 */
int dummy_crowd_init(struct dummy_crowd *crowd);
void dummy_crowd_fini(struct dummy_crowd *crowd);

/* The room of a client and its place there; NULL for a script without rooms. Thread: any. */
struct dummy_room *dummy_crowd_room(const struct dummy_crowd *crowd, uint32_t client,
                                    uint32_t *member_out);

/* Faults of all ledgers so far. Thread: any. */
uint64_t dummy_crowd_fault_count(const struct dummy_crowd *crowd);

#endif
