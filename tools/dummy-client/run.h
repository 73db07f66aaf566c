/* tools/dummy-client/run.h: one run: all clients, their rooms and counters, and its execution. */
#ifndef GW_DUMMY_RUN_H
#define GW_DUMMY_RUN_H

#include "tools/dummy-client/players.h"
#include "tools/dummy-client/stats.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct dummy_client;
struct dummy_options;
struct dummy_report;
struct dummy_room;
struct gw_port;
struct gw_session_manager;

/*
 * The phases of a run, in order. The schedule advances them; clients read them in their turns.
 *
 *      SEND     clients connect and send messages
 *      STOP     clients stop sending                             until none is connecting or
 * sending WAIT     a client that has received everything freezes    until all ledgers are frozen
 *      CHECK    the other clients freeze theirs as they are      until all ledgers are frozen
 *      LEAVE    all sessions are ended                           until none is open
 *
 * No client leaves before all ledgers are frozen, so that a Gone is not counted as a loss. GOAWAY
 * shortens the run: each client waits for its own answers and leaves.
 */
enum dummy_phase {
    DUMMY_PHASE_SEND,
    DUMMY_PHASE_STOP,
    DUMMY_PHASE_WAIT,
    DUMMY_PHASE_CHECK,
    DUMMY_PHASE_LEAVE
};

struct dummy_run {
    const struct dummy_options *options;
    struct gw_port *port;
    struct gw_session_manager *manager;
    struct dummy_stats stats;
    struct dummy_players players;
    struct dummy_client *clients; /* options->client_count of them */
    struct dummy_room *rooms;
    uint32_t room_count;
    uint64_t origin_ns; /* when the run began, by the port's clock */
    uint64_t stop_ns;   /* when clients stop sending */

    _Atomic(enum dummy_phase) phase;
    atomic_bool interrupted;          /* a signal asked to stop */
    atomic_bool nobody_listens;       /* the first connection found no server */
    _Atomic(const char *) problem;    /* why a byte filter failed; static */
    atomic_uint_least32_t go_away_ms; /* 1 + the deadline of GOAWAY; 0: none came */
    atomic_uint begun_count;          /* established connections */
    atomic_uint connected_count;      /* of those: not ended */
    atomic_uint open_count;           /* dialed, and not ended */
    atomic_uint busy_count;           /* of those: connecting or sending */
    atomic_uint unfrozen_count;       /* of those: ledgers that may still change */
    atomic_uint disorderly_count;     /* ended out of order, as far as was known at the time */
};

/*
 * Creates the clients and their rooms, and dials none. The run is zero but for options, port and
 * manager.
 *
 * Returns   0, or GW_E_MEMORY; call dummy_run_fini() after both.
 * Owns      borrows options, port and manager.
 * Thread    setup.
 */
int dummy_run_init(struct dummy_run *run);
void dummy_run_fini(struct dummy_run *run);

/* The room of a client and its index there; NULL for a script without rooms. Thread: any. */
struct dummy_room *dummy_run_room(const struct dummy_run *run, uint32_t client,
                                  uint32_t *member_out);

/* Faults of all ledgers so far. Thread: any. */
uint64_t dummy_run_fault_count(const struct dummy_run *run);

/*
 * Executes a whole run on a port of its own, and returns when the last session has ended. A server
 * may run in the same process.
 *
 * Returns   0, and *report_out has the results; or a gw_error when the port could not be created.
 * Owns      borrows all.
 * Thread    any that is not a worker.
 */
int dummy_run_execute(const struct dummy_options *options, struct dummy_report *report_out);

#endif
