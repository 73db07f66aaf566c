/* net/error.h: what can go wrong below the session layer. */
#ifndef GW_NET_ERROR_H
#define GW_NET_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The few words a caller can act on. A net function that can fail returns an int: zero or a
 * positive count when it worked, one of these when it did not. Each backend translates its own
 * codes into these in one table; what has no word here is GW_E_SYSTEM, and the original code is
 * logged where it happened, with the name of the call that gave it.
 *
 * A value that a caller must not give has a defined outcome, which its function names. A call on
 * the wrong thread has none: a build with assertions reports it and stops; see gw_turn_check().
 */
enum gw_error {
    GW_OK = 0,
    GW_E_CLOSED = -1,      /* one side ended it in good order */
    GW_E_RESET = -2,       /* the peer went away in the middle */
    GW_E_REFUSED = -3,     /* nobody listens there */
    GW_E_TIMEOUT = -4,     /* it took longer than the limit given */
    GW_E_ADDRESS = -5,     /* not an address, not one of ours, or not allowed to this user */
    GW_E_FULL = -6,        /* a limit of the configuration is reached */
    GW_E_MEMORY = -7,      /* the machine has no memory left for it */
    GW_E_UNSUPPORTED = -8, /* this machine cannot do it at all */
    GW_E_SYSTEM = -9,      /* anything else; see the log */
    GW_E_IN_USE = -10,     /* another socket has this address */
};

/*
 * The name of an error as it stands in the source, for a log line: "GW_E_RESET".
 *
 * Returns   a static string, "GW_E_?" for a number that is not in the list.
 * Thread    any.
 */
const char *gw_error_name(int error);

/*
 * A sentence for people that says what an error means: "The peer reset the connection."
 *
 * Returns   a static string; "Unknown error." for a number that is not in the list.
 * Thread    any.
 */
const char *gw_error_text(int error);

#ifdef __cplusplus
}
#endif

#endif
