/* net/filter/websocket_accept.c: SHA-1 and base64 of a WebSocket handshake. */
#include "net/filter/websocket_accept.h"

#include <string.h>

enum { BLOCK_BYTES = 64, LENGTH_BYTES = 8, ROUND_COUNT = 80 };

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static uint32_t rotated(uint32_t word, unsigned bits)
{
    return word << bits | word >> (32 - bits);
}

static uint32_t round_function(uint32_t round, uint32_t b, uint32_t c, uint32_t d)
{
    switch (round / 20) {
    case 0:
        return ((b & c) | (~b & d)) + 0x5A827999u;
    case 1:
        return (b ^ c ^ d) + 0x6ED9EBA1u;
    case 2:
        return ((b & c) | (b & d) | (c & d)) + 0x8F1BBCDCu;
    default:
        return (b ^ c ^ d) + 0xCA62C1D6u;
    }
}

static void sha1_block(uint32_t state[5], const uint8_t block[BLOCK_BYTES])
{
    uint32_t words[ROUND_COUNT];
    for (uint32_t i = 0; i < 16; i++) {
        words[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
                   (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
    }
    for (uint32_t i = 16; i < ROUND_COUNT; i++) {
        words[i] = rotated(words[i - 3] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16], 1);
    }
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
    for (uint32_t i = 0; i < ROUND_COUNT; i++) {
        uint32_t next = rotated(a, 5) + round_function(i, b, c, d) + e + words[i];
        e = d;
        d = c;
        c = rotated(b, 30);
        b = a;
        a = next;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
}

void gw__sha1(const uint8_t *data, uint32_t bytes, uint8_t hash[GW_SHA1_BYTES])
{
    uint32_t state[5] = {0x67452301u, 0xEFCDAB89u, 0x98BADCFEu, 0x10325476u, 0xC3D2E1F0u};
    uint8_t last[2 * BLOCK_BYTES] = {0};
    uint32_t rest = bytes % BLOCK_BYTES;
    uint32_t last_bytes = rest < BLOCK_BYTES - LENGTH_BYTES ? BLOCK_BYTES : 2 * BLOCK_BYTES;
    uint64_t bit_count = (uint64_t)bytes * 8;
    for (uint32_t at = 0; at < bytes - rest; at += BLOCK_BYTES) {
        sha1_block(state, data + at);
    }
    if (rest > 0) {
        memcpy(last, data + (bytes - rest), rest);
    }
    last[rest] = 0x80;
    for (uint32_t i = 0; i < LENGTH_BYTES; i++) {
        last[last_bytes - 1 - i] = (uint8_t)(bit_count >> 8 * i);
    }
    for (uint32_t at = 0; at < last_bytes; at += BLOCK_BYTES) {
        sha1_block(state, last + at);
    }
    for (uint32_t i = 0; i < GW_SHA1_BYTES; i++) {
        hash[i] = (uint8_t)(state[i / 4] >> (24 - 8 * (i % 4)));
    }
}

void gw__base64(const uint8_t *data, uint32_t bytes, char *text)
{
    for (uint32_t at = 0; at < bytes; at += 3) {
        uint32_t left = bytes - at;
        uint32_t group = (uint32_t)data[at] << 16 | (left > 1 ? (uint32_t)data[at + 1] << 8 : 0) |
                         (left > 2 ? data[at + 2] : 0);
        *text++ = digits[group >> 18];
        *text++ = digits[group >> 12 & 63];
        *text++ = left > 1 ? digits[group >> 6 & 63] : '=';
        *text++ = left > 2 ? digits[group & 63] : '=';
    }
    *text = '\0';
}

bool gw__websocket_key_is_valid(const uint8_t *key, uint32_t bytes)
{
    /* 16 bytes are 22 digits, the last one with 4 bits of 0, and two signs of padding. */
    if (bytes != GW_WEBSOCKET_KEY_BYTES || memcmp(key + 22, "==", 2) != 0) {
        return false;
    }
    for (uint32_t i = 0; i < 22; i++) {
        if (key[i] == '\0' || strchr(digits, key[i]) == NULL) {
            return false;
        }
    }
    return (strchr(digits, key[21]) - digits) % 16 == 0;
}

void gw__websocket_accept(const uint8_t key[GW_WEBSOCKET_KEY_BYTES],
                          char accept[GW_WEBSOCKET_ACCEPT_BYTES + 1])
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    uint8_t text[GW_WEBSOCKET_KEY_BYTES + sizeof(guid) - 1];
    uint8_t hash[GW_SHA1_BYTES];
    memcpy(text, key, GW_WEBSOCKET_KEY_BYTES);
    memcpy(text + GW_WEBSOCKET_KEY_BYTES, guid, sizeof(guid) - 1);
    gw__sha1(text, sizeof(text), hash);
    gw__base64(hash, GW_SHA1_BYTES, accept);
}
