/* net/listener.h: Listening sockets and the streams that they accept. */
#ifndef GW_NET_LISTENER_H
#define GW_NET_LISTENER_H

#include "net/addr.h"
#include "net/stream.h"
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct gw_listener;
struct gw_port;

struct gw_listener_events {
    /*
     * A client has connected. Call gw_stream_start() in the callback; a stream that is not started
     * when this returns is closed. It must not block.
     */
    void (*on_accept)(struct gw_listener *listener, struct gw_stream *stream, void *context);

    /* The last turn: the socket is closed and the address free. May be NULL. It must not block. */
    void (*on_close)(struct gw_listener *listener, void *context);
};

struct gw_listener_config {
    struct gw_addr addr;            /* port 0: the kernel chooses one, see gw_listener_addr() */
    struct gw_stream_config stream; /* for each accepted stream */
    uint32_t backlog_count_max;     /* connections that the kernel queues; 0: 4096 */
};

enum { GW_LISTENER_WAIT_MS = 1000 };

/*
 * Listens at an address. Each accepted stream is put on the lane with the fewest streams.
 *
 * When the machine runs out of descriptors or memory, accepting pauses for 100 ms at a time;
 * connections in the kernel's backlog are accepted later, and open streams are not affected. An
 * error of one connection (it was aborted, a firewall refused it: accept(2)) only loses that one;
 * after 16 such errors in a row accepting pauses, too.
 *
 * An address in use may become free soon: the kernel closes the sockets of a killed process some
 * milliseconds after its end, those of an io_uring later still. So on a thread that is not a worker
 * of a port this tries for GW_LISTENER_WAIT_MS before it returns GW_E_IN_USE, sleeps in between,
 * and logs the event "listen_waits". On a worker it returns at once.
 *
 * A Unix socket whose file was left by a dead process is replaced; one at which a process listens
 * is in use. The file has the permissions that umask(2) leaves, and is removed when the listener
 * closes. A listening socket that the process was given is closed with the listener, and stays open
 * in the processes that share it.
 *
 * Returns   0, GW_E_IN_USE, GW_E_ADDRESS (not an address of this machine, a link-local address
 *           without a zone, a path with a file that is not a socket, or a descriptor that is not a
 *           listening stream socket), GW_E_DENIED (a port or path that this user may not open),
 *           GW_E_NO_FILE (the folder of a path), GW_E_FULL (no descriptor), GW_E_MEMORY or
 *           GW_E_SYSTEM; *listener_out is set only on 0.
 * Owns      the port owns the listener, which is valid until its on_close. Copies `config`; borrows
 *           `events` and `context` until on_close.
 * Thread    any
 */
int gw_listener_open(struct gw_port *port, const struct gw_listener_config *config,
                     const struct gw_listener_events *events, void *context,
                     struct gw_listener **listener_out);

/*
 * Stops listening. Accepted streams stay open.
 *
 * Thread    any, once, before on_close
 */
void gw_listener_close(struct gw_listener *listener);

/* The address, with the port that the kernel chose. Thread: any, until on_close. */
const struct gw_addr *gw_listener_addr(const struct gw_listener *listener);

#ifdef __cplusplus
}
#endif

#endif
