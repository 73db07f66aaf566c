/* tools/bench/room.h: the rooms of a server without any library: one batch, sent to each member. */
#ifndef GW_TOOLS_BENCH_ROOM_H
#define GW_TOOLS_BENCH_ROOM_H

#include <stdbool.h>
#include <stdint.h>

struct peer;
struct room;

enum { ROOM_COUNT_MAX = 1024 };

/* Puts a peer into the room with this number. Returns false when there is no such room. */
bool room_join(struct peer *peer, uint32_t number);
void room_leave(struct peer *peer);

/* Says a frame to all members: it joins the room's batch. */
bool room_say(struct room *room, const uint8_t *frame, uint32_t bytes);

/*
 * Sends the batches of all rooms in which something was said; each member's socket takes it at
 * once, or it is copied. `on_late` is called for each member that could not take it all.
 */
void rooms_flush(void (*on_late)(struct peer *peer));

/*
 * From now on what is said leaves with the next tick; ticks come at multiples of `tick_ms`, for all
 * rooms. 0: it leaves at the end of each wake-up.
 */
void rooms_tick(uint32_t tick_ms);

/* Whether something waits, and its time has come. */
bool rooms_are_due(void);

/* The milliseconds until then; -1 while nothing waits for a tick. */
int rooms_left_ms(void);

#endif
