/* net/backend/finished.h: operations that ended inside a call. Private to net. */
#ifndef GW_NET_BACKEND_FINISHED_H
#define GW_NET_BACKEND_FINISHED_H

#include "net/backend/backend.h"
#include "net/container_of.h"
#include <stddef.h>

/*
 * What ends inside a submit or a cancel waits here, because done is never called from inside one.
 * wait() takes the list, before it waits and between two events, and hands over each: what a send
 * held is given back while it is hot.
 */
struct gw_finished {
    struct gw_task *first; /* gw_op.own.task, linked */
    struct gw_task *last;
};

/* Puts `op` at the end. Its own.task is in use from now on. */
static inline void gw__finished_add(struct gw_finished *finished, struct gw_op *op, int result)
{
    op->result = result;
    op->own.task.next = NULL;
    if (finished->first == NULL) {
        finished->first = &op->own.task;
    } else {
        finished->last->next = &op->own.task;
    }
    finished->last = &op->own.task;
}

/* Takes all that has finished so far; what finishes while it is handed over comes next time. */
static inline struct gw_finished gw__finished_take(struct gw_finished *finished)
{
    struct gw_finished taken = *finished;
    finished->first = NULL;
    return taken;
}

/* Takes the first of them, or NULL. */
static inline struct gw_op *gw__finished_next(struct gw_finished *taken)
{
    struct gw_task *task = taken->first;
    if (task == NULL) {
        return NULL;
    }
    taken->first = task->next;
    return GW_CONTAINER_OF(task, struct gw_op, own.task);
}

#endif
