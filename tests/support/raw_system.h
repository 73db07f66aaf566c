/* tests/support/raw_system.h: The system calls of raw_socket.c. */
#ifndef GW_TESTS_SUPPORT_RAW_SYSTEM_H
#define GW_TESTS_SUPPORT_RAW_SYSTEM_H

#include "net/addr.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A handle of -1 is none. Blocking calls wait for RAW_SOCKET_PATIENCE_MS at most. */
intptr_t raw_system_open(bool ipv4);
bool raw_system_connect(intptr_t handle, const struct gw_addr *addr);
bool raw_system_listen(intptr_t handle, struct gw_addr *addr, int backlog_count_max);
intptr_t raw_system_accept(intptr_t handle);

/* Returns the number of bytes taken; 0 when there is no room and it may not wait; -1: failed. */
long raw_system_send(intptr_t handle, const void *data, size_t bytes, bool wait);

/* Returns the number of bytes received, or an enum raw_socket_end. */
int raw_system_recv(intptr_t handle, void *data, size_t bytes);

bool raw_system_has_news(intptr_t handle);
void raw_system_finish(intptr_t handle);
void raw_system_close(intptr_t handle);

/* Makes closing send RST. */
void raw_system_make_abrupt(intptr_t handle);

void raw_system_narrow(intptr_t handle);

#endif
