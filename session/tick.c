/* session/tick.c: when what a group was told leaves. */
#include "net/container_of.h"
#include "session/internal.h"
#include "session/membership.h"

#include "net/port.h"

#include <assert.h>

#define NANOSECONDS_PER_MS UINT64_C(1000000)

/* Ticks stand on a grid, so that they do not drift; each group's is shifted by chance. */
static uint64_t next_tick_ns(const struct gw_group *group)
{
    uint64_t tick_ns = group->config.tick_ms * NANOSECONDS_PER_MS;
    uint64_t now_ns = gw_turn_now_ns(group->owner);
    return now_ns + tick_ns - (now_ns + tick_ns - group->phase_ns) % tick_ns;
}

void gw__tick_await(struct gw_group *group)
{
    if (group->awaited || group->ticking) {
        return;
    }
    group->awaited = true;
    if (group->config.tick_ms == 0) {
        gw__group_ref(group);
        gw_turn_at_end(group->owner, &group->end_task);
    } else {
        gw_timer_set(&group->timer, next_tick_ns(group));
    }
}

static void call_on_tick(struct gw_group *group)
{
    if (group->config.on_tick != NULL) {
        group->ticking = true;
        group->config.on_tick(group, group->config.context);
        group->ticking = false;
    }
}

/* on_tick may destroy the group: the caller holds a reference. */
static void tick(struct gw_group *group)
{
    group->awaited = false;
    call_on_tick(group);
    if (group->destroyed) {
        return;
    }
    gw_group_flush(group);
    if (group->expected) {
        group->expected = false;
        gw__tick_await(group);
    }
}

/*
 * The end of a turn in which something was said. When more is waiting for the owner already, the
 * tick comes behind that, once: a turn has a limited number of tasks, and where all members of a
 * large room speak at once, each of them hears it in one piece nevertheless.
 */
static void run_end(struct gw_task *task)
{
    struct gw_group *group = GW_CONTAINER_OF(task, struct gw_group, end_task);
    group->postponed = !group->postponed && gw_turn_has_more(group->owner);
    if (group->postponed) {
        gw_turn_post(group->owner, &group->end_task);
        return;
    }
    if (!group->destroyed) {
        tick(group);
    }
    gw__group_unref(group);
}

static void on_time(struct gw_timer *timer)
{
    struct gw_group *group = GW_CONTAINER_OF(timer, struct gw_group, timer);
    gw__group_ref(group);
    tick(group);
    gw__group_unref(group);
}

void gw_group_request_tick(struct gw_group *group)
{
    assert(gw_turn_check(group->owner, __func__));
    group->expected = group->ticking && group->config.tick_ms != 0;
    gw__tick_await(group);
}

void gw__tick_init(struct gw_group *group)
{
    group->end_task.run = run_end;
    if (group->config.tick_ms != 0) {
        gw_timer_init(&group->timer, group->owner, on_time);
        group->phase_ns =
            gw_port_random(group->manager->port) % (group->config.tick_ms * NANOSECONDS_PER_MS);
    }
}

void gw__tick_stop(struct gw_group *group)
{
    if (group->config.tick_ms != 0) {
        gw_timer_stop(&group->timer);
    }
}
