/* tools/dummy-client/progress.h: a progress line on stderr each second. */
#ifndef GW_DUMMY_PROGRESS_H
#define GW_DUMMY_PROGRESS_H

#include "net/histogram.h"
#include "net/timer.h"
#include "net/turn.h"
#include "tools/dummy-client/stats.h"
#include <stdio.h>

struct dummy_run;

/* Prints in a turn of its own, so that no client waits for a terminal. */
struct dummy_progress {
    const struct dummy_run *run;
    FILE *file;
    struct gw_turn turn;
    struct gw_timer timer;
    struct gw_task begin;
    struct dummy_counter total;      /* so far */
    struct gw_histogram latency;     /* of all kinds of messages, in the last second */
    struct gw_histogram latency_old; /* and up to the previous line */
};

/*
 * Creates a progress line, which starts with the workers.
 *
 * Returns   it, or NULL without memory.
 * Owns      gives it; borrows `run` and `file`.
 * Thread    setup.
 */
struct dummy_progress *dummy_progress_create(const struct dummy_run *run, FILE *file);

/* After the workers have joined. Owns: takes `progress`, which may be NULL. Thread: setup. */
void dummy_progress_destroy(struct dummy_progress *progress);

#endif
