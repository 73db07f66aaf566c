/* net/wheel.c: Hierarchical timing wheels for the timers of a lane. */
#include "net/wheel.h"

#include "net/container_of.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

enum { SLOT_MASK = GW_WHEEL_SLOT_COUNT - 1 };

/* The most ticks ahead: one slot less than the whole, so that the top level never wraps over. */
static const uint64_t ahead_max =
    ((uint64_t)1 << (GW_WHEEL_SLOT_BITS * GW_WHEEL_LEVEL_COUNT)) -
    ((uint64_t)1 << (GW_WHEEL_SLOT_BITS * (GW_WHEEL_LEVEL_COUNT - 1)));

uint64_t gw__wheel_tick_of(uint64_t deadline_ns)
{
    uint64_t whole = deadline_ns >> GW_WHEEL_TICK_SHIFT;
    bool exact = (deadline_ns & (((uint64_t)1 << GW_WHEEL_TICK_SHIFT) - 1)) == 0;
    return exact ? whole : whole + 1;
}

void gw__wheel_init(struct gw_wheel *wheel, uint64_t now_ns)
{
    memset(wheel, 0, sizeof(*wheel));
    wheel->tick = now_ns >> GW_WHEEL_TICK_SHIFT;
}

/* The lowest level on which `due` and now differ by less than one round. */
static unsigned level_of(uint64_t ahead)
{
    unsigned level = 0;
    while (level < GW_WHEEL_LEVEL_COUNT - 1 && ahead >= (uint64_t)1
                                                            << (GW_WHEEL_SLOT_BITS * (level + 1))) {
        level++;
    }
    return level;
}

/* Slots link tasks, so that a timer needs no link besides that of its task. */
static struct gw_timer *timer_of(struct gw_task *task)
{
    return GW_CONTAINER_OF(task, struct gw_timer, task);
}

static void link_first(struct gw_task **slot, struct gw_timer *timer)
{
    timer->link = slot;
    timer->task.next = *slot;
    if (timer->task.next != NULL) {
        timer_of(timer->task.next)->link = &timer->task.next;
    }
    *slot = &timer->task;
}

void gw__wheel_add(struct gw_wheel *wheel, struct gw_timer *timer)
{
    uint64_t due = gw__wheel_tick_of(timer->deadline_ns);
    uint64_t ahead = due > wheel->tick ? due - wheel->tick : 0;
    if (ahead > ahead_max) {
        ahead = ahead_max;
    }
    unsigned level = level_of(ahead);
    unsigned index = (unsigned)((wheel->tick + ahead) >> (GW_WHEEL_SLOT_BITS * level)) & SLOT_MASK;

    timer->due_tick = (uint32_t)(wheel->tick + ahead);
    timer->slot_level = (uint8_t)level;
    timer->slot_index = (uint8_t)index;
    link_first(&wheel->slots[level][index], timer);
    wheel->used[level] |= (uint64_t)1 << index;
}

void gw__wheel_remove(struct gw_wheel *wheel, struct gw_timer *timer)
{
    *timer->link = timer->task.next;
    if (timer->task.next != NULL) {
        timer_of(timer->task.next)->link = timer->link;
    }
    timer->link = NULL;
    timer->task.next = NULL;
    if (wheel->slots[timer->slot_level][timer->slot_index] == NULL) {
        wheel->used[timer->slot_level] &= ~((uint64_t)1 << timer->slot_index);
    }
}

/* Empties one slot: due timers fire, the others move to a lower level. */
static void empty_slot(struct gw_wheel *wheel, unsigned level, uint64_t now_ns,
                       void (*fire)(struct gw_timer *timer, uint64_t now_ns))
{
    unsigned index = (unsigned)(wheel->tick >> (GW_WHEEL_SLOT_BITS * level)) & SLOT_MASK;
    struct gw_task *task = wheel->slots[level][index];
    wheel->slots[level][index] = NULL;
    wheel->used[level] &= ~((uint64_t)1 << index);
    while (task != NULL) {
        struct gw_timer *timer = timer_of(task);
        task = task->next;
        timer->link = NULL;
        timer->task.next = NULL;
        if (level == 0) {
            fire(timer, now_ns);
        } else {
            gw__wheel_add(wheel, timer);
        }
    }
}

/* The index of the lowest bit of `bits`, which is not 0. */
static unsigned lowest_bit(uint64_t bits)
{
    unsigned index = 0;
    for (unsigned half = GW_WHEEL_SLOT_COUNT / 2; half > 0; half /= 2) {
        if ((bits & (((uint64_t)1 << half) - 1)) == 0) {
            bits >>= half;
            index += half;
        }
    }
    return index;
}

/* The next tick, from wheel->tick on, at which a slot of `level` must be emptied. */
static uint64_t next_tick_of(const struct gw_wheel *wheel, unsigned level)
{
    unsigned shift = GW_WHEEL_SLOT_BITS * level;
    uint64_t slot = wheel->tick >> shift;
    /* The slot of a higher level that has begun was emptied when it began. */
    bool begun = (slot << shift) != wheel->tick;
    uint64_t from = begun ? slot + 1 : slot;
    unsigned index = (unsigned)from & SLOT_MASK;
    uint64_t used = wheel->used[level];
    /* Rotated so that bit 0 is the slot `from`; the lowest bit is then the distance. */
    used = index == 0 ? used : used >> index | used << (GW_WHEEL_SLOT_COUNT - index);
    return (from + lowest_bit(used)) << shift;
}

static uint64_t next_tick(const struct gw_wheel *wheel)
{
    uint64_t next = UINT64_MAX;
    for (unsigned level = 0; level < GW_WHEEL_LEVEL_COUNT; level++) {
        if (wheel->used[level] != 0) {
            uint64_t tick = next_tick_of(wheel, level);
            next = tick < next ? tick : next;
        }
    }
    return next;
}

void gw__wheel_advance(struct gw_wheel *wheel, uint64_t now_ns,
                       void (*fire)(struct gw_timer *timer, uint64_t now_ns))
{
    uint64_t now = now_ns >> GW_WHEEL_TICK_SHIFT;
    uint64_t due;
    while ((due = next_tick(wheel)) <= now) {
        wheel->tick = due;
        for (unsigned level = GW_WHEEL_LEVEL_COUNT; level-- > 1;) {
            if ((due & (((uint64_t)1 << (GW_WHEEL_SLOT_BITS * level)) - 1)) == 0) {
                empty_slot(wheel, level, now_ns, fire);
            }
        }
        empty_slot(wheel, 0, now_ns, fire);
        wheel->tick = due + 1;
    }
    if (wheel->tick <= now) {
        wheel->tick = now + 1;
    }
}

uint64_t gw__wheel_next_ns(const struct gw_wheel *wheel)
{
    uint64_t tick = next_tick(wheel);
    return tick == UINT64_MAX ? UINT64_MAX : tick << GW_WHEEL_TICK_SHIFT;
}
