/* tests/guard/silent_kernel.h: a backend without sockets, whose peers connect, send nothing, and
 * close. */
#ifndef GW_TESTS_GUARD_SILENT_KERNEL_H
#define GW_TESTS_GUARD_SILENT_KERNEL_H

#include "net/backend/backend.h"
#include <stdint.h>

enum { SILENT_KERNEL_PEER_COUNT_MAX = 20000 };

/*
 * Each operation costs the same for any number of sessions, and the clock does not advance.
 */
extern const struct gw_backend_ops silent_kernel;

/* `count` peers connect during the next waits; peer `number`, from 0, sends FIN. Thread: worker. */
void silent_kernel_connect(uint32_t count);
void silent_kernel_close(uint32_t number);

#endif
