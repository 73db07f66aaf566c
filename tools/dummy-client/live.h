/* tools/dummy-client/live.h: a line each second, so that one sees how it goes. */
#ifndef GW_DUMMY_LIVE_H
#define GW_DUMMY_LIVE_H

#include "net/timer.h"
#include "net/turn.h"
#include "tools/dummy-client/histogram.h"
#include "tools/dummy-client/stats.h"
#include <stdio.h>

struct dummy_crowd;

/* It prints in a turn of its own, so that no client waits for a terminal. */
struct dummy_live {
    const struct dummy_crowd *crowd;
    FILE *file;
    struct gw_turn turn;
    struct gw_timer timer;
    struct gw_task begin;
    struct dummy_counter total;         /* so far */
    struct dummy_histogram latency;     /* of all kinds of messages, in the last second */
    struct dummy_histogram latency_old; /* and up to the line before */
};

/*
 * Makes one that prints as soon as workers run.
 *
 * Returns   it, or NULL when there is no memory for it.
 * Owns      gives it; borrows `crowd` and `file`.
 * Thread    setup.
 */
struct dummy_live *dummy_live_create(const struct dummy_crowd *crowd, FILE *file);

/* After the workers have come home. Owns: takes `live`, which may be NULL. Thread: setup. */
void dummy_live_destroy(struct dummy_live *live);

#endif
