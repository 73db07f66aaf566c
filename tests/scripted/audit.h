/* tests/scripted/audit.h: Check of a backend and its caller against the backend contract. */
#ifndef GW_TESTS_SCRIPTED_AUDIT_H
#define GW_TESTS_SCRIPTED_AUDIT_H

#include "net/backend/backend.h"
#include <stdbool.h>
#include <stdint.h>

/*
 *      net        rules for the caller:   one operation per direction, from its lane, attached,
 *       |                                 not after detach; memory of a send unchanged
 *     audit
 *       |         rules for the backend:  done once, not inside a submit, in the turn, with a
 *     backend                             possible result, also after cancel; wait returns in time
 *
 * A broken rule fails the test: see broken.h. The audit wraps any backend; it does not depend on
 * the simulated kernel.
 */

/* Starts to audit `below`. Returns the operations to create a port with. */
const struct gw_backend_ops *audit_init(const struct gw_backend_ops *below);

/* Allows waits that return late by up to `ns`. The default tolerance is 10 ms. */
void audit_allow_late(uint64_t ns);

/* Fails when a cancelled operation has not completed, although nothing is left to do. */
void audit_check_cancelled(void);

/*
 * Stops auditing, after the port was destroyed. Fails when a handle is open, or when an operation
 * has not completed.
 */
void audit_fini(bool expects_all_closed);

/* The number of operations submitted, and completed. */
uint64_t audit_submitted_count(void);
uint64_t audit_done_count(void);

#endif
