/* net/listener.h: an open door, and the streams that come through it. */
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
     * Somebody has come in. Either gw_stream_start() it now, or leave it: a stream that was not
     * started when this returns is closed. It must not block.
     */
    void (*on_accept)(struct gw_listener *listener, struct gw_stream *stream, void *context);

    /* The last turn: the door is shut and the address is free. May be NULL. It must not block. */
    void (*on_close)(struct gw_listener *listener, void *context);
};

struct gw_listener_config {
    struct gw_addr addr;            /* port 0: the kernel picks one, see gw_listener_addr() */
    struct gw_stream_config stream; /* for each stream that comes in */
    uint32_t backlog_count_max;     /* connections the kernel may hold ready for us; 0: 4096 */
};

enum { GW_LISTENER_WAIT_MS = 1000 };

/*
 * Opens the door. Each stream that comes in gets the lane with the fewest streams.
 *
 * When the machine runs out of descriptors or memory, accepting pauses for 100 ms at a time; who
 * waits in the kernel's backlog comes in later, and streams that are here do not notice. An error
 * of one connection (it was aborted, a firewall refused it: accept(2)) only loses that one; after
 * 16 of them in a row accepting pauses, too.
 *
 * An address in use may be free in a moment: the kernel closes the sockets of a process that was
 * killed some milliseconds after it, those of an io_uring later still. So a thread that is no
 * worker of a port tries for GW_LISTENER_WAIT_MS before it returns GW_E_IN_USE, sleeping in
 * between, and the port's log gets the event "listen_waits". A worker returns at once.
 *
 * Returns   0, GW_E_IN_USE, GW_E_ADDRESS (not one of this machine, a link-local one without a zone,
 *           or a port that this user may not open), GW_E_FULL (no descriptor), GW_E_MEMORY or
 *           GW_E_SYSTEM; *listener_out is set only on 0.
 * Owns      lends the listener until its on_close. Copies `config`; borrows `events` and `context`
 *           until on_close.
 * Thread    any.
 */
int gw_listener_open(struct gw_port *port, const struct gw_listener_config *config,
                     const struct gw_listener_events *events, void *context,
                     struct gw_listener **listener_out);

/*
 * Shuts the door. Streams that came through it live on.
 *
 * Thread    any, once, before on_close.
 */
void gw_listener_close(struct gw_listener *listener);

/* The address it stands at, with the real port. Thread: any, until on_close. */
const struct gw_addr *gw_listener_addr(const struct gw_listener *listener);

#ifdef __cplusplus
}
#endif

#endif
