/* tools/bench/room.c: rooms of the servers without a library: one batch, sent to each member. */
#include "tools/bench/room.h"

#include "tools/bench/peer.h"
#include "tools/bench/serve.h"
#include <stdlib.h>
#include <string.h>

enum { BATCH_BYTES_MIN = 4096, NS_PER_MS = 1000000 };

struct room {
    struct peer **members;
    uint32_t member_count;
    uint32_t member_capacity;
    uint8_t *batch;
    uint32_t batch_bytes;
    uint32_t batch_capacity;
    struct room *next; /* in the list of rooms with a batch */
};

static struct room rooms[ROOM_COUNT_MAX];
static struct room *waiting;
static uint64_t tick_ns;
static uint64_t due_ns; /* the tick at which waiting batches are sent */

static bool grow_members(struct room *room)
{
    if (room->member_count < room->member_capacity) {
        return true;
    }
    uint32_t capacity = room->member_capacity == 0 ? 8 : room->member_capacity * 2;
    struct peer **members = realloc(room->members, capacity * sizeof(*members));
    if (members == NULL) {
        return false;
    }
    room->members = members;
    room->member_capacity = capacity;
    return true;
}

bool room_join(struct peer *peer, uint32_t number)
{
    if (number >= ROOM_COUNT_MAX || peer->room != NULL || !grow_members(&rooms[number])) {
        return false;
    }
    peer->room = &rooms[number];
    peer->index = peer->room->member_count++;
    peer->room->members[peer->index] = peer;
    return true;
}

void room_leave(struct peer *peer)
{
    struct room *room = peer->room;
    if (room != NULL) {
        struct peer *last = room->members[--room->member_count];
        room->members[peer->index] = last;
        last->index = peer->index;
        peer->room = NULL;
    }
}

static bool grow_batch(struct room *room, uint32_t bytes)
{
    uint32_t capacity =
        room->batch_capacity == 0 ? (uint32_t)BATCH_BYTES_MIN : room->batch_capacity;
    while (capacity < room->batch_bytes + bytes) {
        capacity *= 2;
    }
    if (capacity != room->batch_capacity) {
        uint8_t *batch = realloc(room->batch, capacity);
        if (batch == NULL) {
            return false;
        }
        room->batch = batch;
        room->batch_capacity = capacity;
    }
    return true;
}

bool room_say(struct room *room, const uint8_t *frame, uint32_t bytes)
{
    if (room == NULL || !grow_batch(room, bytes)) {
        return false;
    }
    if (room->batch_bytes == 0) {
        if (waiting == NULL && tick_ns != 0) {
            due_ns = (serve_now_ns() / tick_ns + 1) * tick_ns;
        }
        room->next = waiting;
        waiting = room;
    }
    memcpy(room->batch + room->batch_bytes, frame, bytes);
    room->batch_bytes += bytes;
    return true;
}

/* A broken connection fails its next recv. */
static void flush(struct room *room, void (*on_late)(struct peer *peer))
{
    for (uint32_t i = 0; i < room->member_count; i++) {
        struct peer *peer = room->members[i];
        (void)peer_send(peer, room->batch, room->batch_bytes);
        if (peer_is_late(peer)) {
            on_late(peer);
        }
    }
    room->batch_bytes = 0;
}

void rooms_flush(void (*on_late)(struct peer *peer))
{
    while (waiting != NULL) {
        struct room *room = waiting;
        waiting = room->next;
        flush(room, on_late);
    }
}

void rooms_tick(uint32_t tick_ms)
{
    tick_ns = (uint64_t)tick_ms * NS_PER_MS;
}

bool rooms_are_due(void)
{
    return waiting != NULL && (tick_ns == 0 || serve_now_ns() >= due_ns);
}

int rooms_left_ms(void)
{
    if (waiting == NULL || tick_ns == 0) {
        return -1;
    }
    uint64_t now_ns = serve_now_ns();
    return now_ns >= due_ns ? 0 : (int)((due_ns - now_ns + NS_PER_MS - 1) / NS_PER_MS);
}
