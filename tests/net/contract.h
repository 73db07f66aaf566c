/* tests/net/contract.h: The groups of contract tests, one for each contract_*.c. */
#ifndef GW_TESTS_NET_CONTRACT_H
#define GW_TESTS_NET_CONTRACT_H

/* Each runs its tests and returns how many failed. */
int contract_account(void);
int contract_backend_in(void);
int contract_backend_out(void);
int contract_backend_stress(void);
int contract_close(void);
int contract_deadline(void);
int contract_dial(void);
int contract_echo(void);
int contract_finish(void);
int contract_finish_elsewhere(void);
int contract_half_close(void);
int contract_listener(void);
int contract_offload(void);
int contract_peer_end(void);
int contract_port(void);
int contract_recv(void);
int contract_reset(void);
int contract_send(void);
int contract_send_elsewhere(void);
int contract_shortage(void);
int contract_stress(void);
int contract_timer(void);
int contract_turn(void);
int contract_wake(void);

#endif
