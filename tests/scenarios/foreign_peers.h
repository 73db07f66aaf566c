/* tests/scenarios/foreign_peers.h: players who come, do this and that, and leave or vanish at any
 * moment.
 */
#ifndef GW_TESTS_SCENARIOS_FOREIGN_PEERS_H
#define GW_TESTS_SCENARIOS_FOREIGN_PEERS_H

#include "tests/scenarios/room_log.h"
#include "tests/support/random.h"
#include <stdbool.h>
#include <stdint.h>

/*
 * From now on `count` come, one after the other and many at one time. What they do is decided by
 * the seed; when, by how quickly they are answered.
 */
void foreign_peers_begin(struct room_log *room_logs, uint32_t room_log_count, uint32_t count,
                         uint64_t seed);

/* Each does something, or nothing. Returns false when all have come and gone. */
bool foreign_peers_act(void);

/* Each believes what it has heard. */
void foreign_peers_listen(void);

/* How many have reset their connection before they were greeted: some systems never show those. */
uint32_t foreign_peers_early_reset_count(void);

#endif
