/* tests/scenarios/churn_clients.h: Clients that connect, act at random and leave or disconnect
 * at any moment.
 */
#ifndef GW_TESTS_SCENARIOS_CHURN_CLIENTS_H
#define GW_TESTS_SCENARIOS_CHURN_CLIENTS_H

#include "tests/scenarios/room_view.h"
#include "tests/support/random.h"
#include <stdbool.h>
#include <stdint.h>

/*
 * Prepares `count` clients, of which up to 120 are connected at a time. The seed decides what they
 * do; the speed of the answers decides when.
 */
void churn_clients_begin(struct room_log *room_logs, uint32_t room_log_count, uint32_t count,
                         uint64_t seed);

/* Each client takes at most one action. Returns false when all have connected and left. */
bool churn_clients_act(void);

/* Each client applies the packets that it has received. */
void churn_clients_receive(void);

/* The number of clients that reset before HELLO_ACK: some systems never report those to accept. */
uint32_t churn_clients_early_reset_count(void);

#endif
