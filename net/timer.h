/* net/timer.h: Timers that fire in a turn of their object. */
#ifndef GW_NET_TIMER_H
#define GW_NET_TIMER_H

#include "net/port.h"
#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct gw_turn;

/*
 * A timer calls on_time in a turn of its object, not before its deadline and as soon after it as a
 * worker is free; the wheel's grain is about a millisecond. Setting, moving and stopping a timer
 * cost the same however many there are: ten thousand sessions move an idle deadline at every
 * packet. Moving a deadline later only stores it; the wheel checks it when the old one has passed.
 *
 * A timer is in the wheel of its turn's lane and holds no reference: stop it in the object's last
 * turn. Its memory must exist as long as the object, because the task of a stopped timer may still
 * be queued; it then does nothing.
 *
 * All members are the library's.
 */
struct gw_timer {
    struct gw_task task; /* its link belongs to the wheel while the timer is in a slot */
    struct gw_turn *turn;
    void (*on_time)(struct gw_timer *timer);
    uint64_t deadline_ns;
    uint64_t interval_ns;  /* 0: fires once */
    struct gw_task **link; /* the pointer to this timer in its slot of the wheel */
    uint32_t due_tick;
    uint8_t state;
    uint8_t slot_level;
    uint8_t slot_index;
};

/*
 * Initializes a stopped timer. `on_time` must not block.
 *
 * Owns      borrows `turn` as long as the timer is used.
 * Thread    any
 */
void gw_timer_init(struct gw_timer *timer, struct gw_turn *turn,
                   void (*on_time)(struct gw_timer *timer));

/*
 * Sets the timer to fire once at `deadline_ns`; a timer that is set already is moved. A deadline
 * more than 20 days ahead is taken as 20 days.
 *
 * Thread    turn
 */
void gw_timer_set(struct gw_timer *timer, uint64_t deadline_ns);

/*
 * Sets the timer to fire every `interval_ns`, for the first time after one interval, until it is
 * stopped or set again. Each deadline is the one before plus the interval, so the ticks do not
 * drift. When a worker is late by more than an interval, for example after SIGSTOP, the missed
 * ticks become one, and the next tick is on the same grid:
 *
 *      grid      0    1    2    3    4    5    6
 *      on_time        x    |---stopped---|x x
 *
 * The wheel's grain is about a millisecond; a shorter interval fires as often as that. 20 days is
 * the longest, and 0 is taken as 1.
 *
 * Thread    turn
 */
void gw_timer_set_every(struct gw_timer *timer, uint64_t interval_ns);

/* Stops the timer: on_time is not called before it is set again. Thread: turn. */
void gw_timer_stop(struct gw_timer *timer);

/* Whether the timer is set; also inside on_time of a timer that repeats. Thread: turn. */
bool gw_timer_is_set(const struct gw_timer *timer);

#ifdef __cplusplus
}
#endif

#endif
