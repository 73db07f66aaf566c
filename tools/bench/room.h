/* tools/bench/room.h: rooms of the servers without a library: one batch, sent to each member. */
#ifndef GW_TOOLS_BENCH_ROOM_H
#define GW_TOOLS_BENCH_ROOM_H

#include <stdbool.h>
#include <stdint.h>

struct peer;
struct room;

enum { ROOM_COUNT_MAX = 1024 };

/* Adds a peer to the room of this number. Returns false when there is no such room. */
bool room_join(struct peer *peer, uint32_t number);
void room_leave(struct peer *peer);

/* Appends a frame to the batch of the room. */
bool room_say(struct room *room, const uint8_t *frame, uint32_t bytes);

/*
 * Sends the batches of all rooms to each member. What a socket does not take is copied, and
 * `on_late` is called for its peer.
 */
void rooms_flush(void (*on_late)(struct peer *peer));

/*
 * Sets the tick: batches of all rooms are sent at multiples of `tick_ms`. 0: at the end of each
 * wake-up.
 */
void rooms_tick(uint32_t tick_ms);

/* Whether a batch is due. */
bool rooms_are_due(void);

/* The milliseconds until a batch is due; -1 while none waits for a tick. */
int rooms_left_ms(void);

#endif
