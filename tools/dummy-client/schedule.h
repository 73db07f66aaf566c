/* tools/dummy-client/schedule.h: the schedule of a run: dials the clients and advances the phase.
 */
#ifndef GW_DUMMY_SCHEDULE_H
#define GW_DUMMY_SCHEDULE_H

#include "net/timer.h"
#include "net/turn.h"
#include <stdbool.h>
#include <stdint.h>

struct dummy_run;

/* Has a turn of its own, in which it reads the counters of the run every 5 ms. */
struct dummy_schedule {
    struct dummy_run *run;
    struct gw_turn turn;
    struct gw_timer timer;
    struct gw_task begin;
    uint32_t next_client;       /* the next to dial */
    uint32_t dial_failed_count; /* of those: dialing did not begin */
    uint64_t phase_ns;          /* when the phase began, or GOAWAY was first seen */
    bool saw_go_away;
    bool complete;    /* all ledgers were frozen before any client left: they can be checked */
    bool gave_up;     /* a session did not end in time */
    uint64_t over_ns; /* when the last session had ended */
};

/* Starts with the workers. Owns: borrows `run`. Thread: setup. */
void dummy_schedule_init(struct dummy_schedule *schedule, struct dummy_run *run);

/* Releases the turn, after the workers have joined. Thread: setup. */
void dummy_schedule_fini(struct dummy_schedule *schedule);

#endif
