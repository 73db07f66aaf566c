/* net/wheel.h: Hierarchical timing wheels for the timers of a lane. Private to net. */
#ifndef GW_NET_WHEEL_H
#define GW_NET_WHEEL_H

#include "net/timer.h"
#include <stdbool.h>
#include <stdint.h>

/*
 * Each level of a wheel has 64 slots; a slot is as long as the whole level below. A timer is put
 * into the lowest level that reaches its deadline, and moves down as the deadline comes near.
 * Adding, removing and firing cost the same however many timers there are.
 *
 *      level 0   64 slots of one tick (2^20 ns, about 1 ms)
 *      level 1   64 slots of 64 ticks
 *      ...
 *
 * A wheel has no lock; see gw__lane_lock_wheel(). Times are those of the port's clock.
 *
 * Source    Varghese and Lauck, "Hashed and hierarchical timing wheels", 1987
 */
enum {
    GW_WHEEL_TICK_SHIFT = 20,
    GW_WHEEL_SLOT_BITS = 6,
    GW_WHEEL_SLOT_COUNT = 1 << GW_WHEEL_SLOT_BITS,
    GW_WHEEL_LEVEL_COUNT = 5, /* 2^30 ticks: 13 days; a longer timer is added again then */
};

struct gw_wheel {
    uint64_t tick;                       /* everything due before this has fired */
    uint64_t used[GW_WHEEL_LEVEL_COUNT]; /* a bit for each slot that is not empty */
    struct gw_task *slots[GW_WHEEL_LEVEL_COUNT][GW_WHEEL_SLOT_COUNT]; /* of timers */
};

/* Initializes an empty wheel that begins at `now_ns`. */
void gw__wheel_init(struct gw_wheel *wheel, uint64_t now_ns);

/* The first tick at which `deadline_ns` has passed. */
uint64_t gw__wheel_tick_of(uint64_t deadline_ns);

/* Adds a timer, which must not be in a wheel. */
void gw__wheel_add(struct gw_wheel *wheel, struct gw_timer *timer);

/* Removes a timer, which must be in this wheel. */
void gw__wheel_remove(struct gw_wheel *wheel, struct gw_timer *timer);

/* Removes each timer that is due at `now_ns` and passes it to `fire`, which may add it again. */
void gw__wheel_advance(struct gw_wheel *wheel, uint64_t now_ns,
                       void (*fire)(struct gw_timer *timer, uint64_t now_ns));

/*
 * Posts a timer whose slot has come, or adds it again when its deadline has moved (timer.c).
 * Thread: worker, with the wheel locked.
 */
void gw__timer_fire(struct gw_timer *timer, uint64_t now_ns);

/* When to call gw__wheel_advance() next; UINT64_MAX while the wheel is empty. */
uint64_t gw__wheel_next_ns(const struct gw_wheel *wheel);

#endif
