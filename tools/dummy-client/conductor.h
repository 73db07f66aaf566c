/* tools/dummy-client/conductor.h: brings the clients in, and moves the run on. */
#ifndef GW_DUMMY_CONDUCTOR_H
#define GW_DUMMY_CONDUCTOR_H

#include "net/timer.h"
#include "net/turn.h"
#include <stdbool.h>
#include <stdint.h>

struct dummy_crowd;

/* It has a turn of its own, and looks at the crowd's counters every few milliseconds. */
struct dummy_conductor {
    struct dummy_crowd *crowd;
    struct gw_turn turn;
    struct gw_timer timer;
    struct gw_task begin;
    uint32_t next_client;       /* the next to bring in */
    uint32_t dial_failed_count; /* of those: could not even be dialed */
    uint64_t phase_ns;          /* when the phase, or the server's wish that we go, began */
    bool saw_go_away;
    bool complete;    /* all ledgers were frozen before anybody left: they can be checked */
    bool gave_up;     /* somebody did not end in time */
    uint64_t over_ns; /* when the last was gone */
};

/* Begins to conduct as soon as workers run. Owns: borrows `crowd`. Thread: setup. */
void dummy_conductor_init(struct dummy_conductor *conductor, struct dummy_crowd *crowd);

/* Lets its turn go, after the workers have come home. Thread: setup. */
void dummy_conductor_fini(struct dummy_conductor *conductor);

#endif
