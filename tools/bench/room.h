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

/* Whether something waits. */
bool rooms_wait(void);

/*
 * With ticks: the milliseconds until the next one, -1 while nothing waits; 0 when it has come.
 * Without: -1.
 */
int rooms_tick_ms_left(uint32_t tick_ms);

#endif
