/* tools/common/url.h: Addresses of servers as URLs, for --listen and --connect. */
#ifndef GW_TOOLS_COMMON_URL_H
#define GW_TOOLS_COMMON_URL_H

#include "net/addr.h"
#include <stdbool.h>

/*
 *      127.0.0.1:7777     tcp://127.0.0.1:7777     TCP; without a scheme, too
 *      tls://127.0.0.1:7443                        TLS
 *      ws://127.0.0.1:7778/path                    WebSocket; without a path: "/"
 *      wss://127.0.0.1:7444/path                   WebSocket in TLS
 *      unix:/run/game.sock                         a Unix socket, on Linux
 *      fd://3                                      a listening socket that the process was given
 *
 * Instead of an IP address, the first four may have a host name. There are no default ports.
 */
enum url_scheme { URL_TCP, URL_TLS, URL_WS, URL_WSS, URL_UNIX, URL_FD };

enum { URL_HOST_BYTES = 256, URL_PATH_BYTES = 256, URL_TEXT_BYTES = 544 };

struct url {
    enum url_scheme scheme;
    struct gw_addr addr;       /* of a host name: its port alone */
    bool is_name;              /* the host is a name, which must be looked up */
    char host[URL_HOST_BYTES]; /* as it is written, without [ ]; empty for unix: and fd:// */
    char path[URL_PATH_BYTES]; /* ws and wss: from its "/" on, with the query; otherwise empty */
};

/*
 * Parses a URL.
 *
 * Returns   NULL; or what is wrong, a static text that completes the sentence "`text` is ...". Then
 *           *url_out is undefined.
 */
const char *url_parse(const char *text, struct url *url_out);

/* Formats a URL so that url_parse() can read it. Returns `text`. */
const char *url_format(const struct url *url, char text[URL_TEXT_BYTES]);

/* Whether its connections have TLS, and WebSocket. */
bool url_has_tls(const struct url *url);
bool url_has_websocket(const struct url *url);

#endif
