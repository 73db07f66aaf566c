/* tests/net/controlled_backend.h: A backend whose time, failures and sends a test controls. */
#ifndef GW_TESTS_NET_CONTROLLED_BACKEND_H
#define GW_TESTS_NET_CONTROLLED_BACKEND_H

#include "net/backend/backend.h"
#include "tests/support/checking_backend.h"
#include <stdbool.h>
#include <stdint.h>

/*
 * It passes all calls on to a real backend, below the checking one. There is one at a time. Thread:
 * any.
 */

/* Starts to control `real`, and forgets everything before. Returns its ops. */
const struct gw_backend_ops *controlled_backend_init(const struct gw_backend_ops *real);

/* Frees its memory. Call it when the port is destroyed. */
void controlled_backend_fini(void);

/* Stops the clock until it is resumed; advances it, stopped or not. */
void controlled_backend_stop_time(void);
void controlled_backend_resume_time(void);
void controlled_backend_advance_ns(uint64_t ns);

/* Gives the next `count` completions of a kind this result, whatever the real one is. */
void controlled_backend_fail(enum checking_kind kind, int result, uint32_t count);

/* Delays the done of each send, except for cancelled ones, until it is called with false. */
void controlled_backend_delay_sends(bool delay);

/* Waits until each of `worker_count` workers was between two turns. */
void controlled_backend_wait_for_workers(uint32_t worker_count);

/* Sets a function that workers call, outside of turns, before they wait; NULL: none. */
void controlled_backend_before_wait(void (*call)(void));

#endif
