/* tests/consumer/counter/counter.h: Functions shared by the files of the program. */
#ifndef COUNTER_COUNTER_H
#define COUNTER_COUNTER_H

#include <gangway/net/addr.h>
#include <gangway/net/port.h>
#include <gangway/session/manager.h>

#include <stdbool.h>
#include <stdint.h>

/* The server. Its listener and all its sessions have ended when `on_over` is called. */
bool server_open(struct gw_port *port, const char *address, struct gw_addr *addr_out);
void server_end(void (*on_over)(void));
void server_close(void);

/* The server's state of a session. */
struct count {
    int64_t sum;
};

/* The client: counts from 40 to 42, and calls `on_over` when its session has ended. */
bool client_open(struct gw_port *port, const struct gw_addr *addr, void (*on_over)(void));
int64_t client_sum(void);
void client_close(void);

#endif
