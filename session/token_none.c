/* session/token_none.c: Login tokens of a build without libsodium: there are none. */
#include "net/error.h"
#include "session/token.h"

const char *gw_token_result_name(enum gw_token_result result)
{
    (void)result;
    return "?";
}

int gw_tokens_create(const struct gw_tokens_config *config, struct gw_tokens **tokens_out,
                     char problem_out[GW_TOKEN_PROBLEM_BYTES])
{
    (void)config;
    (void)tokens_out;
    problem_out[0] = '\0';
    return GW_E_UNSUPPORTED;
}

void gw_tokens_destroy(struct gw_tokens *tokens)
{
    (void)tokens;
}

uint32_t gw_tokens_seal(const struct gw_tokens *tokens, const struct gw_token *token,
                        uint8_t sealed_out[GW_TOKEN_BYTES_MAX])
{
    (void)tokens;
    (void)token;
    (void)sealed_out;
    return 0;
}

enum gw_token_result gw_tokens_open(const struct gw_tokens *tokens, const uint8_t *sealed,
                                    size_t bytes, uint64_t now_s, struct gw_token *token_out)
{
    (void)tokens;
    (void)sealed;
    (void)bytes;
    (void)now_s;
    (void)token_out;
    return GW_TOKEN_UNKNOWN_KEY;
}

enum gw_token_result gw_tokens_use(struct gw_tokens *tokens, const uint8_t *sealed, size_t bytes,
                                   uint64_t now_s, struct gw_token *token_out)
{
    return gw_tokens_open(tokens, sealed, bytes, now_s, token_out);
}

int gw_token_key_create(uint32_t key_id, char text_out[GW_TOKEN_KEY_TEXT_BYTES])
{
    (void)key_id;
    (void)text_out;
    return GW_E_UNSUPPORTED;
}
