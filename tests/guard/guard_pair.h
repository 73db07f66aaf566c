/* tests/guard/guard_pair.h: the benchmark's hall and its players on one thread, step by step. */
#ifndef GW_TESTS_GUARD_GUARD_PAIR_H
#define GW_TESTS_GUARD_GUARD_PAIR_H

#include "net/port.h"
#include <stdbool.h>
#include <stdint.h>

/*
 * The server is real, on a real backend and on loopback; its players are a task of its own worker
 * that leaves itself again and again. So nothing runs beside anything, every player's words are
 * there when the server looks, and what it takes to answer them is the same number every time.
 *
 *      players say, all of them  ->  the server waits, finds all, answers  ->  players read ...
 */
struct guard_pair {
    enum gw_backend backend;
    uint32_t player_count;
    uint32_t speaker_count; /* of them; 0: all */
    uint32_t depth;         /* messages of each in a round */
    uint32_t frame_bytes;
    uint16_t packet_id;
    uint32_t room_size; /* 0: no rooms; all are in rooms of so many otherwise */
    uint32_t warm_round_count;
    uint32_t round_count;
    void (*on_warm)(void); /* after the warm rounds; may be NULL */
    void (*on_done)(void);
};

/*
 * Runs the party to its end; fails the test when somebody hears anything but what is due. Returns
 * false when this machine does not run the backend. One party for each process.
 */
bool guard_pair_run(const struct guard_pair *guard_pair);

/* How many messages the players hear in a round. */
uint32_t guard_pair_received_count(const struct guard_pair *guard_pair);

#endif
