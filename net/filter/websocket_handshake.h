/* net/filter/websocket_handshake.h: Requests and answers of a WebSocket handshake. Private to net.
 */
#ifndef GW_NET_FILTER_WEBSOCKET_HANDSHAKE_H
#define GW_NET_FILTER_WEBSOCKET_HANDSHAKE_H

#include "net/filter/http_head.h"
#include "net/filter/websocket.h"
#include "net/filter/websocket_accept.h"
#include <stdbool.h>
#include <stdint.h>

enum {
    GW_WEBSOCKET_HTTP_BYTES_MAX = 704, /* of a request or an answer, with the longest path */
};

/* An answer that refuses a request. */
struct gw_websocket_refusal {
    const char *status; /* "404 Not Found" */
    const char *text;   /* a sentence for the client */
    const char
        *upgrade; /* header lines that say which upgrade is required, with their CRLF; or NULL */
};

/* Refusals that need no request. */
extern const struct gw_websocket_refusal gw__websocket_invalid;
extern const struct gw_websocket_refusal gw__websocket_too_long;
extern const struct gw_websocket_refusal gw__websocket_closing;

/* What a server checks requests against. */
struct gw_websocket_rules {
    char path[GW_WEBSOCKET_TEXT_BYTES_MAX + 1];
    uint32_t origin_count;
    char *origins; /* each with its NUL; NULL: the same host, and loopback hosts */
};

/* Whether it is a path of a URL; `with_query`: with or without a query. */
bool gw__websocket_path_is_valid(const char *path, bool with_query);
bool gw__websocket_host_is_valid(const char *host);
bool gw__websocket_origin_is_valid(const char *origin);

/*
 * Checks a request. Returns NULL and sets *key_out, the position of its Sec-WebSocket-Key, or
 * returns why it is refused.
 */
const struct gw_websocket_refusal *
gw__websocket_check_request(const struct gw_websocket_rules *rules, const struct gw_http_head *head,
                            const uint8_t *data, uint32_t *key_out);

/*
 * Write the request of a client with this key, the answer that accepts one, and one that refuses
 * it. They return the number of bytes written.
 */
uint32_t gw__websocket_write_request(const char *host, const char *path, const char *key,
                                     char http[GW_WEBSOCKET_HTTP_BYTES_MAX]);
uint32_t gw__websocket_write_acceptance(const struct gw_http_head *head, const uint8_t *data,
                                        uint32_t key, char http[GW_WEBSOCKET_HTTP_BYTES_MAX]);
uint32_t gw__websocket_write_refusal(const struct gw_websocket_refusal *refusal,
                                     char http[GW_WEBSOCKET_HTTP_BYTES_MAX]);

/* Checks the answer to a request. Returns NULL, or what is wrong with it, as a static text. */
const char *gw__websocket_check_answer(const struct gw_http_head *head, const uint8_t *data,
                                       const char accept[GW_WEBSOCKET_ACCEPT_BYTES + 1]);

/* Why the bytes at the start of a connection are not a head of HTTP, as a static text. */
const char *gw__websocket_explain_foreign(const uint8_t *data, uint32_t bytes, bool is_client);

#endif
