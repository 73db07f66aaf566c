/* session/token.c: Login tokens: sealing, opening, and the table of used ones. */
#include "session/token.h"

#include "net/error.h"
#include "protocol/utf8.h"
#include "session/spin_lock.h"

#include <sodium.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 *      0        1         5                29
 *      version  key id    nonce            sealed: account, not_before_s, expires_s (u64 each),
 *                                          realm, name (a length u8 each), and a tag of 16 bytes
 *
 * Little-endian. The first 5 bytes are authenticated with the rest.
 */
enum {
    VERSION = 1,
    AT_KEY_ID = 1,
    AT_NONCE = 5,
    AT_SEALED = AT_NONCE + crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
    TAG_BYTES = crypto_aead_xchacha20poly1305_ietf_ABYTES,
    NUMBERS_BYTES = 3 * 8,
    PLAIN_BYTES_MIN = NUMBERS_BYTES + 2,
    PLAIN_BYTES_MAX = PLAIN_BYTES_MIN + GW_TOKEN_REALM_BYTES_MAX + GW_TOKEN_NAME_BYTES_MAX,
};

_Static_assert((int)AT_SEALED + (int)PLAIN_BYTES_MAX + (int)TAG_BYTES <= GW_TOKEN_BYTES_MAX,
               "the longest token");
_Static_assert((int)GW_TOKEN_KEY_BYTES == crypto_aead_xchacha20poly1305_ietf_KEYBYTES,
               "the key of the cipher");
_Static_assert(sizeof((struct gw_token *)0)->nonce == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
               "the nonce of the cipher");

struct key {
    uint32_t id;
    uint8_t bytes[GW_TOKEN_KEY_BYTES];
};

/*
 * Used tokens, in buckets: the first bytes of a nonce, which nobody but a service can choose, are
 * the bucket and the mark. A bucket has four times the slots that it needs on average, so that one
 * is full, before the table is, with a probability of 1 in a million.
 */
enum { BUCKET_COUNT_MAX = 16, BUCKET_COUNT_USUAL = 4, USED_COUNT_DEFAULT = 65536 };

struct used {
    uint64_t mark;
    uint64_t expires_s; /* with the skew; 0: free */
};

struct gw_tokens {
    struct key keys[GW_TOKEN_KEY_COUNT_MAX];
    uint32_t key_count;
    char realm[GW_TOKEN_REALM_BYTES_MAX + 1];
    atomic_flag lock; /* of all below; held for one search, or once per second for a sweep */
    uint32_t used_count;
    uint32_t used_count_max;
    uint64_t swept_s;
    uint32_t bucket_mask;
    struct used *used; /* BUCKET_COUNT_MAX for each bucket */
};

const char *gw_token_result_name(enum gw_token_result result)
{
    static const char *const names[GW_TOKEN_RESULT_COUNT] = {
        [GW_TOKEN_OK] = "OK",
        [GW_TOKEN_MALFORMED] = "MALFORMED",
        [GW_TOKEN_UNKNOWN_KEY] = "UNKNOWN_KEY",
        [GW_TOKEN_FORGED] = "FORGED",
        [GW_TOKEN_WRONG_REALM] = "WRONG_REALM",
        [GW_TOKEN_NOT_YET] = "NOT_YET",
        [GW_TOKEN_EXPIRED] = "EXPIRED",
        [GW_TOKEN_USED] = "USED",
        [GW_TOKEN_FULL] = "FULL",
    };
    return (unsigned)result < GW_TOKEN_RESULT_COUNT ? names[result] : "?";
}

/* ---- keys ---- */

static bool refuse(char problem[GW_TOKEN_PROBLEM_BYTES], uint32_t line, const char *why)
{
    snprintf(problem, GW_TOKEN_PROBLEM_BYTES, "line %u of the keys: %s", (unsigned)line, why);
    return false;
}

/* Reads one line without its newline. */
static bool add_key(struct gw_tokens *tokens, const char *text, size_t bytes, uint32_t line,
                    char problem[GW_TOKEN_PROBLEM_BYTES])
{
    struct key key = {0};
    size_t at = 0;
    uint64_t id = 0;
    while (at < bytes && text[at] >= '0' && text[at] <= '9' && id <= UINT32_MAX) {
        id = id * 10 + (uint64_t)(text[at++] - '0');
    }
    if (at == 0 || id == 0 || id > UINT32_MAX || at == bytes || text[at] != ':') {
        return refuse(problem, line,
                      "it must begin with a number from 1 to 4294967295 and a colon");
    }
    size_t key_bytes = 0;
    const char *end = NULL;
    at++;
    int error =
        sodium_hex2bin(key.bytes, sizeof key.bytes, text + at, bytes - at, NULL, &key_bytes, &end);
    if (error != 0 || key_bytes != sizeof key.bytes || end != text + bytes) {
        sodium_memzero(&key, sizeof key);
        return refuse(problem, line, "a key has 64 hexadecimal digits");
    }
    key.id = (uint32_t)id;
    for (uint32_t i = 0; i < tokens->key_count; i++) {
        if (tokens->keys[i].id == key.id) {
            return refuse(problem, line, "the number of the key is in use");
        }
    }
    if (tokens->key_count == GW_TOKEN_KEY_COUNT_MAX) {
        return refuse(problem, line, "more than 16 keys");
    }
    tokens->keys[tokens->key_count++] = key;
    sodium_memzero(&key, sizeof key);
    return true;
}

static bool read_keys(struct gw_tokens *tokens, const char *text,
                      char problem[GW_TOKEN_PROBLEM_BYTES])
{
    for (uint32_t line = 1; *text != '\0'; line++) {
        size_t bytes = strcspn(text, "\r\n");
        bool is_key = bytes > 0 && text[0] != '#';
        if (is_key && !add_key(tokens, text, bytes, line, problem)) {
            return false;
        }
        text += bytes;
        text += *text == '\r';
        text += *text == '\n';
    }
    if (tokens->key_count == 0) {
        snprintf(problem, GW_TOKEN_PROBLEM_BYTES, "there is no key");
        return false;
    }
    return true;
}

int gw_token_key_create(uint32_t key_id, char text_out[GW_TOKEN_KEY_TEXT_BYTES])
{
    uint8_t key[GW_TOKEN_KEY_BYTES];
    char hex[2 * GW_TOKEN_KEY_BYTES + 1];
    if (sodium_init() < 0) {
        return GW_E_UNSUPPORTED;
    }
    if (key_id == 0) {
        return GW_E_INVALID;
    }
    randombytes_buf(key, sizeof key);
    sodium_bin2hex(hex, sizeof hex, key, sizeof key);
    snprintf(text_out, GW_TOKEN_KEY_TEXT_BYTES, "%u:%s", (unsigned)key_id, hex);
    sodium_memzero(key, sizeof key);
    sodium_memzero(hex, sizeof hex);
    return GW_OK;
}

/* ---- creation ---- */

int gw_tokens_create(const struct gw_tokens_config *config, struct gw_tokens **tokens_out,
                     char problem_out[GW_TOKEN_PROBLEM_BYTES])
{
    problem_out[0] = '\0';
    size_t realm_bytes = strlen(config->realm);
    if (sodium_init() < 0) {
        return GW_E_UNSUPPORTED;
    }
    if (realm_bytes == 0 || realm_bytes > GW_TOKEN_REALM_BYTES_MAX) {
        snprintf(problem_out, GW_TOKEN_PROBLEM_BYTES, "a realm has 1 to %d bytes",
                 (int)GW_TOKEN_REALM_BYTES_MAX);
        return GW_E_INVALID;
    }
    struct gw_tokens *tokens = calloc(1, sizeof *tokens);
    if (tokens == NULL) {
        return GW_E_MEMORY;
    }
    memcpy(tokens->realm, config->realm, realm_bytes);
    if (!read_keys(tokens, config->keys, problem_out)) {
        gw_tokens_destroy(tokens);
        return GW_E_INVALID;
    }
    tokens->used_count_max =
        config->used_count_max == 0 ? (uint32_t)USED_COUNT_DEFAULT : config->used_count_max;
    uint64_t bucket_count = 1;
    while (bucket_count * BUCKET_COUNT_USUAL < tokens->used_count_max) {
        bucket_count *= 2;
    }
    tokens->bucket_mask = (uint32_t)(bucket_count - 1);
    tokens->used = calloc(bucket_count, BUCKET_COUNT_MAX * sizeof *tokens->used);
    atomic_flag_clear(&tokens->lock);
    if (tokens->used == NULL) {
        gw_tokens_destroy(tokens);
        return GW_E_MEMORY;
    }
    *tokens_out = tokens;
    return GW_OK;
}

void gw_tokens_destroy(struct gw_tokens *tokens)
{
    if (tokens != NULL) {
        free(tokens->used);
        sodium_memzero(tokens, sizeof *tokens);
        free(tokens);
    }
}

/* ---- sealing and opening ---- */

static uint8_t *put(uint8_t *to, uint64_t number, int bytes)
{
    for (int i = 0; i < bytes; i++) {
        to[i] = (uint8_t)(number >> (8 * i));
    }
    return to + bytes;
}

static uint64_t get(const uint8_t *from, int bytes)
{
    uint64_t number = 0;
    for (int i = bytes - 1; i >= 0; i--) {
        number = number << 8 | from[i];
    }
    return number;
}

static uint8_t *put_text(uint8_t *to, const char *text)
{
    size_t bytes = strlen(text);
    to = put(to, bytes, 1);
    memcpy(to, text, bytes);
    return to + bytes;
}

/* Reads a text with its length, and moves `*from` behind it. */
static bool get_text(const uint8_t **from, const uint8_t *end, char *text_out, size_t bytes_max)
{
    size_t bytes = *from < end ? **from : bytes_max + 1;
    if (bytes > bytes_max || bytes > (size_t)(end - *from - 1) ||
        !gw_utf8_is_text(*from + 1, bytes)) {
        return false;
    }
    memcpy(text_out, *from + 1, bytes);
    text_out[bytes] = '\0';
    *from += 1 + bytes;
    return true;
}

/* A name is printable, as that of HELLO. */
static bool is_valid(const struct gw_token *token)
{
    const uint8_t *name = (const uint8_t *)token->name;
    size_t name_bytes = 0;
    while (name_bytes <= GW_TOKEN_NAME_BYTES_MAX && name[name_bytes] != '\0') {
        name_bytes++;
    }
    return name_bytes <= GW_TOKEN_NAME_BYTES_MAX && gw_utf8_is_text(name, name_bytes) &&
           gw_utf8_is_printable(name, name_bytes) && token->account != 0 &&
           token->not_before_s < token->expires_s &&
           token->expires_s - token->not_before_s <= GW_TOKEN_SPAN_S_MAX;
}

uint32_t gw_tokens_seal(const struct gw_tokens *tokens, const struct gw_token *token,
                        uint8_t sealed_out[GW_TOKEN_BYTES_MAX])
{
    uint8_t plain[PLAIN_BYTES_MAX];
    unsigned long long sealed_bytes;
    if (!is_valid(token)) {
        return 0;
    }
    uint8_t *end =
        put(put(put(plain, token->account, 8), token->not_before_s, 8), token->expires_s, 8);
    end = put_text(put_text(end, tokens->realm), token->name);
    put(put(sealed_out, VERSION, 1), tokens->keys[0].id, 4);
    randombytes_buf(sealed_out + AT_NONCE, AT_SEALED - AT_NONCE);
    (void)crypto_aead_xchacha20poly1305_ietf_encrypt(
        sealed_out + AT_SEALED, &sealed_bytes, plain, (unsigned long long)(end - plain), sealed_out,
        AT_NONCE, NULL, sealed_out + AT_NONCE, tokens->keys[0].bytes);
    return (uint32_t)(AT_SEALED + sealed_bytes);
}

static const struct key *find_key(const struct gw_tokens *tokens, uint32_t id)
{
    for (uint32_t i = 0; i < tokens->key_count; i++) {
        if (tokens->keys[i].id == id) {
            return &tokens->keys[i];
        }
    }
    return NULL;
}

/* Reads what was sealed. All of it must be used. */
static bool read_plain(const uint8_t *plain, size_t bytes, struct gw_token *token)
{
    const uint8_t *from = plain + NUMBERS_BYTES;
    const uint8_t *end = plain + bytes;
    token->account = get(plain, 8);
    token->not_before_s = get(plain + 8, 8);
    token->expires_s = get(plain + 16, 8);
    return get_text(&from, end, token->realm, GW_TOKEN_REALM_BYTES_MAX) &&
           get_text(&from, end, token->name, GW_TOKEN_NAME_BYTES_MAX) && from == end &&
           is_valid(token);
}

enum gw_token_result gw_tokens_open(const struct gw_tokens *tokens, const uint8_t *sealed,
                                    size_t bytes, uint64_t now_s, struct gw_token *token_out)
{
    uint8_t plain[PLAIN_BYTES_MAX];
    unsigned long long plain_bytes;
    struct gw_token token = {0};
    size_t extra_bytes = AT_SEALED + TAG_BYTES;
    if (bytes < extra_bytes + PLAIN_BYTES_MIN || bytes > extra_bytes + PLAIN_BYTES_MAX ||
        sealed[0] != VERSION) {
        return GW_TOKEN_MALFORMED;
    }
    token.key_id = (uint32_t)get(sealed + AT_KEY_ID, 4);
    memcpy(token.nonce, sealed + AT_NONCE, sizeof token.nonce);
    const struct key *key = find_key(tokens, token.key_id);
    if (key == NULL) {
        return GW_TOKEN_UNKNOWN_KEY;
    }
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(plain, &plain_bytes, NULL, sealed + AT_SEALED,
                                                   (unsigned long long)(bytes - AT_SEALED), sealed,
                                                   AT_NONCE, sealed + AT_NONCE, key->bytes) != 0) {
        return GW_TOKEN_FORGED;
    }
    if (!read_plain(plain, (size_t)plain_bytes, &token)) {
        return GW_TOKEN_MALFORMED;
    }
    *token_out = token;
    if (strcmp(token.realm, tokens->realm) != 0) {
        return GW_TOKEN_WRONG_REALM;
    }
    /* Sums, not differences: times are unsigned. The service's times may be any number. */
    if (token.not_before_s > now_s && token.not_before_s - now_s > GW_TOKEN_SKEW_S) {
        return GW_TOKEN_NOT_YET;
    }
    if (now_s > token.expires_s && now_s - token.expires_s > GW_TOKEN_SKEW_S) {
        return GW_TOKEN_EXPIRED;
    }
    return GW_TOKEN_OK;
}

/* ---- used tokens ---- */

/* Frees the slots of tokens that have expired, at most once per second. */
static void sweep(struct gw_tokens *tokens, uint64_t now_s)
{
    if (tokens->swept_s == now_s) {
        return;
    }
    tokens->swept_s = now_s;
    for (size_t i = 0; i < ((size_t)tokens->bucket_mask + 1) * BUCKET_COUNT_MAX; i++) {
        if (tokens->used[i].expires_s != 0 && tokens->used[i].expires_s < now_s) {
            tokens->used[i].expires_s = 0;
            tokens->used_count--;
        }
    }
}

/* Adds a token, unless it is in the table. */
static enum gw_token_result use(struct gw_tokens *tokens, const struct gw_token *token,
                                uint64_t now_s)
{
    const uint64_t mark = get(token->nonce, 8);
    struct used *bucket =
        &tokens->used[((size_t)get(token->nonce + 8, 4) & tokens->bucket_mask) * BUCKET_COUNT_MAX];
    struct used *free_slot = NULL;
    if (tokens->used_count >= tokens->used_count_max) {
        sweep(tokens, now_s);
    }
    for (int i = 0; i < BUCKET_COUNT_MAX; i++) {
        if (bucket[i].expires_s != 0 && bucket[i].expires_s < now_s) {
            bucket[i].expires_s = 0;
            tokens->used_count--;
        }
        if (bucket[i].expires_s != 0 && bucket[i].mark == mark) {
            return GW_TOKEN_USED;
        }
        if (bucket[i].expires_s == 0 && free_slot == NULL) {
            free_slot = &bucket[i];
        }
    }
    if (free_slot == NULL || tokens->used_count >= tokens->used_count_max) {
        return GW_TOKEN_FULL;
    }
    *free_slot = (struct used){mark, token->expires_s + GW_TOKEN_SKEW_S};
    tokens->used_count++;
    return GW_TOKEN_OK;
}

enum gw_token_result gw_tokens_use(struct gw_tokens *tokens, const uint8_t *sealed, size_t bytes,
                                   uint64_t now_s, struct gw_token *token_out)
{
    enum gw_token_result result = gw_tokens_open(tokens, sealed, bytes, now_s, token_out);
    if (result != GW_TOKEN_OK) {
        return result;
    }
    gw__spin_lock(&tokens->lock);
    result = use(tokens, token_out, now_s);
    gw__spin_unlock(&tokens->lock);
    return result;
}
