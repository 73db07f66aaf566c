/* net/filter/websocket.h: WebSocket as a byte filter: RFC 6455, server and client side. */
#ifndef GW_NET_FILTER_WEBSOCKET_H
#define GW_NET_FILTER_WEBSOCKET_H

#include "net/filter/source.h"
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A stream with this filter carries its bytes in binary WebSocket messages. The borders of messages
 * mean nothing: a message may have any part of the byte stream. The subprotocol is
 * GW_WEBSOCKET_PROTOCOL; extensions (permessage-deflate) are not offered.
 *
 * The server side
 *
 *   answers a request that it refuses with one line of text and the status
 *      400   the request is invalid, or asks only for subprotocols that are not ours
 *      403   its Origin is not allowed
 *      404   it asks for another path
 *      426   it is not a WebSocket upgrade, or one of another version than 13
 *      431   its head has more than 4 KiB, or more than 64 lines
 *      503   the stream finished before the request was complete
 *   accepts a client that asks for no subprotocol, as `new WebSocket(url)` does
 *
 * Both sides
 *
 *   answer the latest ping
 *   close with the status 1003 after a text message and 1002 after any other violation
 *   close with this status when the stream finishes: GW_WEBSOCKET_STATUS_REASON + the close reason
 * of the program; GW_WEBSOCKET_STATUS_OTHER and the reason as text when it is above 998; 1000 for
 *      GW_E_CLOSED; 1011 for other errors
 *   treat the peer's close as a FIN, and a FIN without one as GW_E_RESET
 */

#define GW_WEBSOCKET_PROTOCOL "gangway.v1"

enum {
    GW_WEBSOCKET_TEXT_BYTES_MAX = 255, /* of a path, a host and an origin */
    GW_WEBSOCKET_ORIGIN_COUNT_MAX = 32,

    /* Of the statuses that RFC 6455, 7.4.2 leaves to programs, 4000 to 4999. */
    GW_WEBSOCKET_STATUS_REASON = 4000,
    GW_WEBSOCKET_STATUS_OTHER = 4999,
};

struct gw_websocket_server_config {
    /* The path of the URL, from its "/" on; NULL: "/". A query that a client adds is ignored. */
    const char *path;
    /*
     * The origins that browsers may come from: "https://game.example", "https://game.example:8443",
     * "null" (pages of files), or "*" for any. NULL: pages of the host that the client connected
     * to, whatever their port, and pages of loopback hosts. A request without an Origin does not
     * come from a browser and is allowed.
     */
    const char *const *origins;
    uint32_t origin_count; /* at most GW_WEBSOCKET_ORIGIN_COUNT_MAX */
};

struct gw_websocket_client_config {
    /* The host of the URL, with its port unless that is the default of the scheme:
     * "game.example", "127.0.0.1:7778", "[::1]:7778". */
    const char *host;
    const char *path; /* of the URL, with its query; NULL: "/" */
    /* Makes unpredictable numbers, for the keys that mask frames; NULL: the system makes them. It
     * must not block.
     * Thread: any. */
    uint64_t (*random)(void);
};

/*
 * Creates the source of filters for accepted streams, for struct gw_stream_config.
 *
 * Returns   0; GW_E_ADDRESS (an invalid path or origin, or one that is too long),
 *           GW_E_FULL (too many origins), GW_E_MEMORY, or GW_E_UNSUPPORTED (the library was built
 *           without WebSocket); *source_out is set only on 0.
 * Owns      gives a reference. Copies `config`.
 * Thread    any
 */
int gw_websocket_server_create(const struct gw_websocket_server_config *config,
                               struct gw_filter_source **source_out);

/*
 * Creates the source of filters for dialed streams. A filter sends its request when the stream
 * opens, and passes no bytes until the server has accepted it.
 *
 * Returns   0; GW_E_ADDRESS (an invalid host or path, or one that is too long), GW_E_MEMORY or
 *           GW_E_UNSUPPORTED, as above; *source_out is set only on 0.
 * Owns      gives a reference. Copies `config`.
 * Thread    any
 */
int gw_websocket_client_create(const struct gw_websocket_client_config *config,
                               struct gw_filter_source **source_out);

#ifdef __cplusplus
}
#endif

#endif
