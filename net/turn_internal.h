/* net/turn_internal.h: Running of turns, and the tasks due at their end. Private to net. */
#ifndef GW_NET_TURN_INTERNAL_H
#define GW_NET_TURN_INTERNAL_H

#include "net/turn.h"
#include <stdbool.h>
#include <stddef.h>

struct gw_lane;

/* Initializes a turn as gw_turn_init() does, but on the given lane. */
void gw__turn_init(struct gw_turn *turn, struct gw_lane *lane, void (*on_free)(struct gw_turn *));

/* Runs up to GW_TURN_TASK_COUNT_MAX tasks as one turn. Thread: worker of the turn's lane. */
void gw__turn_run(struct gw_turn *turn);

/* Begin and end a turn of the calling worker, for a completion that needs no task. */
void gw__turn_begin(struct gw_turn *turn);
void gw__turn_end(void);

/* Frees the calls that are still pending when the port is destroyed, without running them. */
void gw__turn_drop_calls(struct gw_turn *turn);

/* Whether no task is queued for the turn. Thread: worker of the turn's lane, which has one. */
bool gw__turn_is_idle(const struct gw_turn *turn);

/* For an assertion: writes the broken rule to the standard error. Returns false. */
bool gw__rule_broken(const char *text);

/* Writes to `text` that `function` was called outside `turn`, and what the calling thread runs. */
void gw__turn_explain(const struct gw_turn *turn, const char *function, char *text, size_t bytes);

/* ---- the end of a turn ---- */

/*
 * Tasks due at the end of a turn run by phase; within a phase in the order in which they were
 * added. The tasks of the first phase send, so the streams are flushed after them; other workers
 * are woken last, once for everything that the turn has queued for them.
 */
enum gw_turn_end_phase {
    GW_TURN_END_TASKS, /* gw_turn_at_end() */
    GW_TURN_END_FLUSH, /* streams with queued bytes */
    GW_TURN_END_WAKE,  /* lanes with new turns */
    GW_TURN_END_PHASE_COUNT
};

/* First in, first out; linked through gw_task.next. */
struct gw_task_queue {
    struct gw_task *first;
    struct gw_task *last;
};

/* Adds a task, which must not be queued already. Thread: worker. */
void gw__turn_at_end(enum gw_turn_end_phase phase, struct gw_task *task);

#endif
