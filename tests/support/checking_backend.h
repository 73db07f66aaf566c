/* tests/support/checking_backend.h: A backend around another one that checks the backend contract.
 */
#ifndef GW_TESTS_SUPPORT_CHECKING_BACKEND_H
#define GW_TESTS_SUPPORT_CHECKING_BACKEND_H

#include "net/backend/backend.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 *          net             rules for the caller:  one operation in each direction, from the lane of
 *           |                                     the socket, between attach and detach; the memory
 *           |                                     of a send unchanged until its done
 *    checking backend
 *           |              rules for the backend: done once, not inside a submit, in the turn of
 * the backend                                  object, with a possible result, also after a cancel;
 * received bytes unchanged until done returns; wait() in time
 *
 * It works around any backend. done gets a copy of the received bytes, which is freed when done
 * returns, so that a sanitizer reports a later access. There is one at a time. Thread: any.
 */

enum checking_kind { CHECKING_ACCEPT, CHECKING_CONNECT, CHECKING_RECV, CHECKING_SEND };

struct checking_config {
    /* Called for each broken rule, with the number of the rule in net/backend/backend.h and a text.
     * It may return: then the call goes on. */
    void (*broken)(int rule, const char *text);

    /* Memory for the checker, zeroed; it cannot fail. */
    void *(*take)(size_t bytes);
    void (*give)(void *memory);

    /* Whether the time of the backend is exact, as that of a scripted one: then its clock may not
     * go back, and wait() may not return later than its deadline or a wake. */
    bool has_exact_time;

    /* Whether shutdown() is allowed while a connect or send is in flight, which net never does. */
    bool allows_early_shutdown;

    /* Every how many bytes of a send and of received bytes a byte is checked; 1: all. */
    uint32_t checksum_step;
};

struct checking_counts {
    uint64_t started;   /* operations submitted */
    uint64_t completed; /* operations whose done was called */
    uint64_t cancelled; /* calls of cancel() with an operation in flight */
    uint64_t attached;  /* sockets attached now */
    int64_t open;       /* sockets open now */
    uint64_t sends;     /* sends submitted, and calls of send_now() that have taken bytes */
};

/* Starts to check `below`, and forgets everything before. Returns the ops to create a port with. */
const struct gw_backend_ops *checking_backend_init(const struct gw_backend_ops *below,
                                                   const struct checking_config *config);

/* With exact time: allows wait() to return this late. */
void checking_backend_allow_late(uint64_t ns);

/* Breaks rule 5 for a cancelled operation that has not completed. Call it when nothing is due. */
void checking_backend_check_cancelled(void);

/* Breaks a rule when a socket is open or attached, or an operation in flight, unless
 * `expects_all_closed` is false. Frees the checker's memory. Call it when the port is destroyed. */
void checking_backend_fini(bool expects_all_closed);

struct checking_counts checking_backend_counts(void);

#endif
