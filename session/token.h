/* session/token.h: Login tokens: sealed statements of a login service about an account. */
#ifndef GW_SESSION_TOKEN_H
#define GW_SESSION_TOKEN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A login service identifies users, by passwords for example; a game server does not. Both share a
 * secret key. The service seals a token for a user, the client sends it as the `credentials` of
 * its HELLO, and the server opens it in on_greet:
 *
 *      client ---- password, or the like ----> login service
 *      client <--- token --------------------- seals it with the key
 *      client ---- HELLO, credentials = token ----------------------> server opens it
 *
 * Only a holder of the key can make, change or read a token. It is valid for one realm, in a span
 * of time, and once: a copy that somebody has read from a log or a network is worthless after its
 * first use. A copy that is used first is accepted; so a service sends tokens through TLS, valid
 * for a minute or so. WIRE.md describes the bytes, for services in other languages.
 *
 * An optional part: in a build without libsodium, gw_tokens_create() returns GW_E_UNSUPPORTED.
 */
struct gw_tokens;

enum {
    GW_TOKEN_NAME_BYTES_MAX = 32,
    GW_TOKEN_REALM_BYTES_MAX = 32,
    GW_TOKEN_BYTES_MAX = 160, /* of a sealed token */
    GW_TOKEN_KEY_COUNT_MAX = 16,
    GW_TOKEN_KEY_BYTES = 32,
    GW_TOKEN_KEY_TEXT_BYTES = 80,       /* a line of a key file and its NUL */
    GW_TOKEN_SKEW_S = 30,               /* by which the clocks of service and server may differ */
    GW_TOKEN_SPAN_S_MAX = 24 * 60 * 60, /* from not_before_s to expires_s */
    GW_TOKEN_PROBLEM_BYTES = 160,
};

/* The content of a token. Times are seconds since 1970, UTC. */
struct gw_token {
    uint64_t account; /* the user's number at the login service; not 0 */
    uint64_t not_before_s;
    uint64_t expires_s;
    uint8_t nonce[24];                        /* set by gw_tokens_seal(): different in each token */
    uint32_t key_id;                          /* set by gw_tokens_seal(): the key that sealed it */
    char name[GW_TOKEN_NAME_BYTES_MAX + 1];   /* the user's name in the game; printable UTF-8 */
    char realm[GW_TOKEN_REALM_BYTES_MAX + 1]; /* the servers that it is for */
};

/* Why a token was refused. A server counts each; a client learns none of them. */
enum gw_token_result {
    GW_TOKEN_OK,
    GW_TOKEN_MALFORMED,   /* not the bytes of a token, or its content is out of range */
    GW_TOKEN_UNKNOWN_KEY, /* its key is not in the key file (any more) */
    GW_TOKEN_FORGED,      /* not sealed with its key, or changed since */
    GW_TOKEN_WRONG_REALM,
    GW_TOKEN_NOT_YET, /* more than GW_TOKEN_SKEW_S before its not_before_s */
    GW_TOKEN_EXPIRED, /* more than GW_TOKEN_SKEW_S after its expires_s */
    GW_TOKEN_USED,    /* it was accepted before */
    GW_TOKEN_FULL,    /* used_count_max tokens were accepted and have not expired yet */
    GW_TOKEN_RESULT_COUNT,
};

/* The name of a result, for counters and logs: "EXPIRED". Thread: any. */
const char *gw_token_result_name(enum gw_token_result result);

struct gw_tokens_config {
    /*
     * The text of a key file: a line "ID:KEY" for each key, ID a decimal number from 1 to
     * 4294967295, KEY 64 hexadecimal digits; empty lines and lines that begin with # are skipped.
     * All keys open tokens, the first one seals them: to rotate, put the new key first at the
     * service after every server has it, and remove the old one after its last token has expired.
     */
    const char *keys;
    const char *realm; /* 1 to GW_TOKEN_REALM_BYTES_MAX bytes */
    /* The most accepted tokens that are remembered until they expire; 0: 65,536. Each takes 64
     * bytes. More are refused with GW_TOKEN_FULL: to forget one would be to accept it again. */
    uint32_t used_count_max;
};

/*
 * Creates the keys of one realm, and the table of used tokens.
 *
 * Returns   0; GW_E_UNSUPPORTED (a build without libsodium), GW_E_INVALID (the key text or the
 * realm is: `problem_out` says where), GW_E_MEMORY; *tokens_out is set only on 0 Owns      gives
 * the tokens; destroy them with gw_tokens_destroy(). Copies `config`. Thread    any
 */
int gw_tokens_create(const struct gw_tokens_config *config, struct gw_tokens **tokens_out,
                     char problem_out[GW_TOKEN_PROBLEM_BYTES]);

/* Erases the keys. Owns: takes `tokens`, which may be NULL. Thread: setup. */
void gw_tokens_destroy(struct gw_tokens *tokens);

/*
 * Seals a token with the first key. Its realm is that of `tokens`.
 *
 * Returns   the number of bytes written; 0 when the account is 0, the name is longer than its array
 *           or not printable UTF-8, or the span of time is empty or longer than GW_TOKEN_SPAN_S_MAX
 * Thread    any
 */
uint32_t gw_tokens_seal(const struct gw_tokens *tokens, const struct gw_token *token,
                        uint8_t sealed_out[GW_TOKEN_BYTES_MAX]);

/*
 * Opens a token without using it: for tools. *token_out is set for every result but MALFORMED,
 * UNKNOWN_KEY and FORGED.
 *
 * Thread    any
 */
enum gw_token_result gw_tokens_open(const struct gw_tokens *tokens, const uint8_t *sealed,
                                    size_t bytes, uint64_t now_s, struct gw_token *token_out);

/*
 * Opens a token and uses it: of two calls with the same token, on any threads, one returns OK.
 *
 * Thread    any. It takes a microsecond or two, and a lock for less than that.
 * Source    XChaCha20-Poly1305: draft-irtf-cfrg-xchacha, as libsodium implements it. Its nonce of
 * 24 bytes is long enough to be random.
 */
enum gw_token_result gw_tokens_use(struct gw_tokens *tokens, const uint8_t *sealed, size_t bytes,
                                   uint64_t now_s, struct gw_token *token_out);

/*
 * Writes a new random key with this number as a line of a key file, without a newline.
 *
 * Returns   0; GW_E_UNSUPPORTED in a build without libsodium, GW_E_INVALID when `key_id` is 0
 * Thread    any
 */
int gw_token_key_create(uint32_t key_id, char text_out[GW_TOKEN_KEY_TEXT_BYTES]);

#ifdef __cplusplus
}
#endif

#endif
