/* tests/guard/silent_kernel.h: a kernel whose peers come, are silent, and go. */
#ifndef GW_TESTS_GUARD_SILENT_KERNEL_H
#define GW_TESTS_GUARD_SILENT_KERNEL_H

#include "net/backend/backend.h"
#include <stdint.h>

enum { SILENT_KERNEL_PEER_COUNT_MAX = 20000 };

/*
 * A backend without sockets, for as many sessions as one likes: its work is the same for each
 * operation however many there are, and the clock stands still.
 */
extern const struct gw_backend_ops silent_kernel;

/* So many peers come with the next waits; the one with this number, from 0, goes. Thread: worker.
 */
void silent_kernel_come(uint32_t count);
void silent_kernel_go(uint32_t number);

#endif
