/* tests/guard/guard_pair.h: the benchmark's server and its clients on one thread, in lock step. */
#ifndef GW_TESTS_GUARD_GUARD_PAIR_H
#define GW_TESTS_GUARD_GUARD_PAIR_H

#include "net/port.h"
#include <stdbool.h>
#include <stdint.h>

/*
 * The server runs on a real backend, on loopback. Its clients are one posted task of its only
 * worker, which posts itself again. So nothing runs concurrently, all messages of a round have
 * arrived when the server waits for the kernel, and the number of calls is the same in each run.
 *
 *      all players send  ->  the server waits, receives all, answers  ->  players receive ...
 */
struct guard_pair {
    enum gw_backend backend;
    uint32_t player_count;
    uint32_t sender_count; /* of them; 0: all */
    uint32_t depth;        /* messages of each in a round */
    uint32_t frame_bytes;
    uint16_t packet_id;
    uint32_t room_size; /* players in each room; 0: no rooms */
    uint32_t warm_round_count;
    uint32_t round_count;
    void (*on_warm)(void); /* after the warm rounds; may be NULL */
    void (*on_done)(void);
};

/*
 * Runs all rounds. Exits with status 1 when a player receives anything unexpected. Returns false
 * when this machine does not run the backend. Once for each process.
 */
bool guard_pair_run(const struct guard_pair *guard_pair);

/* How many messages all players receive in a round. */
uint32_t guard_pair_received_count(const struct guard_pair *guard_pair);

#endif
