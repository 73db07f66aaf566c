/* net/backend/finished.h: Operations that have finished inside a call. Private to net. */
#ifndef GW_NET_BACKEND_FINISHED_H
#define GW_NET_BACKEND_FINISHED_H

#include "net/backend/backend.h"
#include "net/container_of.h"
#include <stddef.h>

/*
 * An operation that finishes inside a submit or a cancel waits in this list, because done is never
 * called from inside one. wait() empties the list before it waits and after each event, so that a
 * send's memory is reused while it is in the cache.
 */
struct gw_finished {
    struct gw_task *first; /* gw_op.own.task, linked */
    struct gw_task *last;
};

/* Appends `op`, linked through its own.task. */
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

/* Takes the whole list. Operations that finish while it is handed over start a new one. */
static inline struct gw_finished gw__finished_take(struct gw_finished *finished)
{
    struct gw_finished taken = *finished;
    finished->first = NULL;
    return taken;
}

/* Takes the first operation, or NULL. */
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
