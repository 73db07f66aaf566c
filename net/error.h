/* net/error.h: Error codes of the functions in net. */
#ifndef GW_NET_ERROR_H
#define GW_NET_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A function that can fail returns an int: 0 or a positive count on success, one of these on
 * failure. Each backend translates the codes of its system with one table. A code that is not in
 * the table becomes GW_E_SYSTEM; the code and the name of the call are logged where it occurred.
 *
 * An argument outside its range has a defined result, which the function documents. A call on the
 * wrong thread is undefined; a build with assertions reports it and aborts, see gw_turn_check().
 */
enum gw_error {
    GW_OK = 0,
    GW_E_CLOSED = -1,      /* one side closed the connection gracefully */
    GW_E_RESET = -2,       /* the peer reset the connection */
    GW_E_REFUSED = -3,     /* nothing listens at the address */
    GW_E_TIMEOUT = -4,     /* the time limit expired */
    GW_E_ADDRESS = -5,     /* invalid, or not an address of this machine */
    GW_E_FULL = -6,        /* a configured limit is reached */
    GW_E_MEMORY = -7,      /* out of memory */
    GW_E_UNSUPPORTED = -8, /* this machine does not support it */
    GW_E_SYSTEM = -9,      /* any other error of the system; see the log */
    GW_E_IN_USE = -10,     /* another socket has this address */
    GW_E_PROXY = -11,      /* an invalid PROXY header, or one from a network that may not send it */
    GW_E_TLS = -12,        /* a TLS handshake failed, or a record was invalid */
    GW_E_WEBSOCKET = -13,  /* an invalid WebSocket handshake or frame */
    GW_E_INVALID = -14,    /* a file or an argument is invalid; the function gives a text */
    GW_E_DENIED = -15,     /* this user may not do it: a port below 1024, a path */
    GW_E_NO_FILE = -16,    /* there is no such file or folder */
    GW_E_NAME = -17,       /* the host name is unknown, or has no address */
};

/*
 * The name of an error as in the source, for log lines: "GW_E_RESET".
 *
 * Returns   a static string; "GW_E_?" for a number that is not in the list.
 * Thread    any
 */
const char *gw_error_name(int error);

/*
 * A sentence for people that says what an error means: "The peer reset the connection."
 *
 * Returns   a static string; "Unknown error." for a number that is not in the list.
 * Thread    any
 */
const char *gw_error_text(int error);

#ifdef __cplusplus
}
#endif

#endif
