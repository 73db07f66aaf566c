/* net/timer.c: Timers that fire in a turn of their object. */
#include "net/timer.h"

#include "net/container_of.h"
#include "net/lane.h"
#include <assert.h>

/* The state of a timer. The task of a stopped timer may still be posted; it then does nothing. */
enum {
    IN_WHEEL = 1, /* it is in a slot */
    POSTED = 2,   /* its task is posted and has not run */
    SET = 4,      /* on_time is still to be called */
};

static const uint64_t ahead_ns_max = (uint64_t)20 * 24 * 3600 * 1000000000u;

static struct gw_wheel *wheel_of(const struct gw_timer *timer)
{
    return &timer->turn->lane->wheel;
}

static void enter_wheel(struct gw_timer *timer)
{
    gw__wheel_add(wheel_of(timer), timer);
    timer->state |= IN_WHEEL;
}

static void leave_wheel(struct gw_timer *timer)
{
    gw__wheel_remove(wheel_of(timer), timer);
    timer->state &= (uint8_t)~IN_WHEEL;
}

static void run_timer(struct gw_task *task)
{
    struct gw_timer *timer = GW_CONTAINER_OF(task, struct gw_timer, task);
    struct gw_lane *lane = timer->turn->lane;
    gw__lane_lock_wheel(lane);
    timer->state &= (uint8_t)~POSTED;
    bool set = (timer->state & SET) != 0;
    uint64_t now_ns = set ? lane->ops->now_ns() : 0;
    bool due = set && timer->deadline_ns <= now_ns;
    if (due && timer->interval_ns != 0) {
        /* The first deadline of the grid that has not passed. */
        uint64_t passed_count = (now_ns - timer->deadline_ns) / timer->interval_ns + 1;
        timer->deadline_ns += passed_count * timer->interval_ns;
    } else if (due) {
        timer->state &= (uint8_t)~SET;
    }
    if ((timer->state & SET) != 0) {
        enter_wheel(timer); /* it repeats, or it was moved while its task was posted */
    }
    gw__lane_unlock_wheel(lane);
    if (due) {
        timer->on_time(timer);
    }
}

void gw_timer_init(struct gw_timer *timer, struct gw_turn *turn,
                   void (*on_time)(struct gw_timer *timer))
{
    *timer = (struct gw_timer){.task.run = run_timer, .turn = turn, .on_time = on_time};
}

void gw__timer_fire(struct gw_timer *timer, uint64_t now_ns)
{
    timer->state &= (uint8_t)~IN_WHEEL;
    if (timer->deadline_ns > now_ns) {
        enter_wheel(timer); /* it was moved later after it was added */
        return;
    }
    timer->state |= POSTED;
    gw_turn_post(timer->turn, &timer->task);
}

/* Ticks are compared in 32 bits, so a deadline must not be far from now, also not in the past. */
static uint64_t clamp(uint64_t deadline_ns, uint64_t now_ns)
{
    uint64_t latest_ns = now_ns + ahead_ns_max;
    uint64_t not_past_ns = deadline_ns > now_ns ? deadline_ns : now_ns;
    return not_past_ns < latest_ns ? not_past_ns : latest_ns;
}

static void set(struct gw_timer *timer, uint64_t deadline_ns, uint64_t interval_ns)
{
    struct gw_lane *lane = timer->turn->lane;
    gw__lane_lock_wheel(lane);
    timer->deadline_ns = clamp(deadline_ns, gw_turn_now_ns(timer->turn));
    timer->interval_ns = interval_ns;
    timer->state |= SET;
    if ((timer->state & IN_WHEEL) != 0 &&
        (int32_t)((uint32_t)gw__wheel_tick_of(timer->deadline_ns) - timer->due_tick) < 0) {
        leave_wheel(timer);
    }
    if ((timer->state & (IN_WHEEL | POSTED)) == 0) {
        enter_wheel(timer);
    }
    gw__lane_unlock_wheel(lane);
}

void gw_timer_set(struct gw_timer *timer, uint64_t deadline_ns)
{
    assert(gw_turn_check(timer->turn, __func__));
    set(timer, deadline_ns, 0);
}

void gw_timer_set_every(struct gw_timer *timer, uint64_t interval_ns)
{
    assert(gw_turn_check(timer->turn, __func__));
    interval_ns = interval_ns == 0 ? 1 : interval_ns;
    interval_ns = interval_ns < ahead_ns_max ? interval_ns : ahead_ns_max;
    set(timer, gw_turn_now_ns(timer->turn) + interval_ns, interval_ns);
}

void gw_timer_stop(struct gw_timer *timer)
{
    struct gw_lane *lane = timer->turn->lane;
    assert(gw_turn_check(timer->turn, __func__));
    gw__lane_lock_wheel(lane);
    if ((timer->state & IN_WHEEL) != 0) {
        leave_wheel(timer);
    }
    timer->state &= (uint8_t)~SET;
    gw__lane_unlock_wheel(lane);
}

bool gw_timer_is_set(const struct gw_timer *timer)
{
    gw__lane_lock_wheel(timer->turn->lane);
    bool set = (timer->state & SET) != 0;
    gw__lane_unlock_wheel(timer->turn->lane);
    return set;
}
