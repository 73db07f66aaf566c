/* tests/net/checking_kernel.h: a backend that passes everything on, and watches the rules. */
#ifndef GW_TESTS_NET_CHECKING_KERNEL_H
#define GW_TESTS_NET_CHECKING_KERNEL_H

#include "net/backend/backend.h"
#include <stdbool.h>
#include <stdint.h>

/*
 *        net            submits, detaches, closes
 *   ------|---------------------^------------------ struct gw_backend_ops
 *         v                     |  done, once, in its turn, never inside a submit
 *      this kernel     the account of what is in flight
 *   ------|---------------------^------------------ struct gw_backend_ops
 *         v                     |
 *      the real one
 *
 * It keeps an account of operations and sockets, and notes the first rule of backend.h that net or
 * the real backend breaks. Received bytes are shown from memory that is gone when done returns, so
 * that a sanitizer sees who reads them later. Time is its own: it can stand still and leap.
 *
 * There is one at a time. Any thread may call what follows.
 */

/* The ops with which `real` is watched. Forgets what was before. */
const struct gw_backend_ops *checking_backend_init(const struct gw_backend_ops *real);

/* The first rule that was broken, or NULL. Notes one, from a test's own callbacks. */
const char *checking_backend_broken_rule(void);
void checking_backend_break(const char *rule);

/* The account. */
struct checking_counts {
    uint64_t started;   /* operations submitted */
    uint64_t completed; /* operations whose done has been called */
    uint64_t cancelled; /* calls of cancel() with something in flight */
    uint64_t attached;  /* sockets in a lane now */
    uint64_t open;      /* sockets open now */
    uint64_t sends;     /* sends submitted, and sends that the kernel took at once */
};
struct checking_counts checking_backend_counts(void);

/* Time stands still until it is let go; it leaps in both cases. */
void checking_backend_stop_time(void);
void checking_backend_resume_time(void);
void checking_backend_advance_ns(uint64_t ns);

/* The next `count` completions of a kind have this result, whatever the real one was. */
enum checking_kind { CHECKING_ACCEPT, CHECKING_CONNECT, CHECKING_RECV, CHECKING_SEND };
void checking_backend_fail(enum checking_kind kind, int result, uint32_t count);

/* While sends are held their done does not come, but for those that are cancelled. */
void checking_backend_delay_sends(bool hold);

/* Waits until each of `worker_count` workers has been seen between two turns. */
void checking_backend_wait_for_workers(uint32_t worker_count);

/* Called by workers, outside of turns, whenever they are about to wait; NULL for nothing. */
void checking_backend_before_wait(void (*call)(void));

#endif
