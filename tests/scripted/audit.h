/* tests/scripted/audit.h: a backend around another one, that holds both sides to the contract. */
#ifndef GW_TESTS_SCRIPTED_AUDIT_H
#define GW_TESTS_SCRIPTED_AUDIT_H

#include "net/backend/backend.h"
#include <stdbool.h>
#include <stdint.h>

/*
 *      net        the rules for who calls:  one operation each way, from its lane, attached, not
 *       |                                   after detach; memory of a send untouched
 *     audit
 *       |         the rules for a backend:  done once, not inside a submit, in the turn, with a
 *     backend                               result that can be, after cancel too; wait in time
 *
 * Whoever breaks one fails the test: see broken.h. It works around any backend, and needs nothing
 * of the scripted one.
 */

/* Begins to watch `below`. Returns the operations to make a port of. */
const struct gw_backend_ops *audit_init(const struct gw_backend_ops *below);

/* From now on a wait may return so late. It need not be told of what is never late. */
void audit_allow_late(uint64_t ns);

/* Fails when a cancelled operation has not come home; to be asked when nothing can happen now. */
void audit_check_cancelled(void);

/* Fails when anything is still open, or in flight. The port is gone. */
void audit_fini(bool expects_all_closed);

/* How many operations were submitted, and how many are done. */
uint64_t audit_submitted_count(void);
uint64_t audit_done_count(void);

#endif
