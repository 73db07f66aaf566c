/* net/filter/websocket_accept.h: SHA-1 and base64 of a WebSocket handshake. Private to net. */
#ifndef GW_NET_FILTER_WEBSOCKET_ACCEPT_H
#define GW_NET_FILTER_WEBSOCKET_ACCEPT_H

#include <stdbool.h>
#include <stdint.h>

enum {
    GW_SHA1_BYTES = 20,
    GW_WEBSOCKET_KEY_BYTES = 24,    /* base64 of 16 bytes */
    GW_WEBSOCKET_ACCEPT_BYTES = 28, /* base64 of a SHA-1 hash */
};

/*
 * SHA-1, for the handshake alone: it shows that a server knows WebSocket, and protects nothing.
 *
 * Source    FIPS 180-4
 */
void gw__sha1(const uint8_t *data, uint32_t bytes, uint8_t hash[GW_SHA1_BYTES]);

/* Writes base64 with padding and a NUL, 4 * ((bytes + 2) / 3) + 1 bytes. Source: RFC 4648, 4. */
void gw__base64(const uint8_t *data, uint32_t bytes, char *text);

/* Whether it is base64 of 16 bytes, as a Sec-WebSocket-Key must be. */
bool gw__websocket_key_is_valid(const uint8_t *key, uint32_t bytes);

/* The Sec-WebSocket-Accept for a Sec-WebSocket-Key, with a NUL. Source: RFC 6455, 4.2.2. */
void gw__websocket_accept(const uint8_t key[GW_WEBSOCKET_KEY_BYTES],
                          char accept[GW_WEBSOCKET_ACCEPT_BYTES + 1]);

#endif
