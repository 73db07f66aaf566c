/* tests/session/test_token.c: Login tokens: sealing, opening, single use, rotation of keys. */
#include "tests/test.h"

#include "net/error.h"
#include "net/os/os.h"
#include "session/token.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum { NOW_S = 1700000000, SPAN_S = 60 };

static char old_key[GW_TOKEN_KEY_TEXT_BYTES];
static char new_key[GW_TOKEN_KEY_TEXT_BYTES];

static struct gw_tokens *tokens_of(const char *keys, const char *realm, uint32_t used_count_max)
{
    const struct gw_tokens_config config = {keys, realm, used_count_max};
    char problem[GW_TOKEN_PROBLEM_BYTES];
    struct gw_tokens *tokens = NULL;
    assert_int_equal(gw_tokens_create(&config, &tokens, problem), GW_OK);
    return tokens;
}

static struct gw_token usual(void)
{
    return (struct gw_token){.account = UINT64_C(0xFEDCBA9876543210),
                             .not_before_s = NOW_S,
                             .expires_s = NOW_S + SPAN_S,
                             .name = "Ann \xC3\xA9"};
}

static int make_keys(void **state)
{
    return gw_token_key_create(7, old_key) == GW_OK &&
                   gw_token_key_create(UINT32_MAX, new_key) == GW_OK
               ? 0
               : -1;
}

static void a_sealed_token_opens_with_its_content(void **state)
{
    uint8_t sealed[GW_TOKEN_BYTES_MAX];
    struct gw_token opened;
    struct gw_tokens *tokens = tokens_of(old_key, "realm", 0);
    const struct gw_token token = usual();
    uint32_t bytes = gw_tokens_seal(tokens, &token, sealed);
    assert_in_range(bytes, 1, sizeof sealed);
    assert_int_equal(gw_tokens_open(tokens, sealed, bytes, NOW_S, &opened), GW_TOKEN_OK);
    assert_int_equal(opened.account, token.account);
    assert_int_equal(opened.not_before_s, token.not_before_s);
    assert_int_equal(opened.expires_s, token.expires_s);
    assert_int_equal(opened.key_id, 7);
    assert_string_equal(opened.name, token.name);
    assert_string_equal(opened.realm, "realm");
    gw_tokens_destroy(tokens);
}

static void the_longest_and_the_shortest_names_and_realms_fit(void **state)
{
    const char *longest = "abcdefghijklmnopqrstuvwxyz012345";
    const char *cases[][2] = {{longest, longest}, {"r", ""}, {"r", longest}, {longest, ""}};
    uint8_t sealed[GW_TOKEN_BYTES_MAX];
    struct gw_token opened;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct gw_tokens *tokens = tokens_of(new_key, cases[i][0], 0);
        struct gw_token token = usual();
        strcpy(token.name, cases[i][1]);
        uint32_t bytes = gw_tokens_seal(tokens, &token, sealed);
        assert_in_range(bytes, 1, sizeof sealed);
        assert_int_equal(gw_tokens_open(tokens, sealed, bytes, NOW_S, &opened), GW_TOKEN_OK);
        assert_string_equal(opened.name, cases[i][1]);
        assert_int_equal(opened.key_id, UINT32_MAX);
        gw_tokens_destroy(tokens);
    }
}

static void a_token_with_any_bit_flipped_or_any_byte_missing_is_refused(void **state)
{
    uint8_t sealed[GW_TOKEN_BYTES_MAX + 1];
    struct gw_token opened;
    struct gw_tokens *tokens = tokens_of(old_key, "realm", 0);
    const struct gw_token token = usual();
    uint32_t bytes = gw_tokens_seal(tokens, &token, sealed);
    for (uint32_t bit = 0; bit < 8 * bytes; bit++) {
        sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
        enum gw_token_result expected = bit / 8 == 0  ? GW_TOKEN_MALFORMED
                                        : bit / 8 < 5 ? GW_TOKEN_UNKNOWN_KEY
                                                      : GW_TOKEN_FORGED;
        assert_int_equal(gw_tokens_use(tokens, sealed, bytes, NOW_S, &opened), expected);
        sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (uint32_t length = 0; length <= sizeof sealed; length++) {
        bool is_whole = length == bytes;
        assert_true((gw_tokens_open(tokens, sealed, length, NOW_S, &opened) == GW_TOKEN_OK) ==
                    is_whole);
    }
    assert_int_equal(gw_tokens_use(tokens, sealed, bytes, NOW_S, &opened), GW_TOKEN_OK);
    gw_tokens_destroy(tokens);
}

static void a_token_is_valid_from_its_begin_to_its_end_and_30_seconds_around(void **state)
{
    static const struct {
        int64_t now_s;
        enum gw_token_result result;
    } cases[] = {
        {0, GW_TOKEN_NOT_YET},
        {NOW_S - 31, GW_TOKEN_NOT_YET},
        {NOW_S - 30, GW_TOKEN_OK},
        {NOW_S, GW_TOKEN_OK},
        {NOW_S + SPAN_S, GW_TOKEN_OK},
        {NOW_S + SPAN_S + 30, GW_TOKEN_OK},
        {NOW_S + SPAN_S + 31, GW_TOKEN_EXPIRED},
        {INT64_MAX, GW_TOKEN_EXPIRED},
    };
    uint8_t sealed[GW_TOKEN_BYTES_MAX];
    struct gw_token opened;
    struct gw_tokens *tokens = tokens_of(old_key, "realm", 0);
    const struct gw_token token = usual();
    uint32_t bytes = gw_tokens_seal(tokens, &token, sealed);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(gw_tokens_open(tokens, sealed, bytes, (uint64_t)cases[i].now_s, &opened),
                         cases[i].result);
    }
    gw_tokens_destroy(tokens);
}

static void a_token_out_of_range_is_not_sealed(void **state)
{
    uint8_t sealed[GW_TOKEN_BYTES_MAX];
    struct gw_tokens *tokens = tokens_of(old_key, "realm", 0);
    struct gw_token token = usual();
    token.expires_s = token.not_before_s + GW_TOKEN_SPAN_S_MAX;
    assert_int_not_equal(gw_tokens_seal(tokens, &token, sealed), 0);
    token.expires_s++;
    assert_int_equal(gw_tokens_seal(tokens, &token, sealed), 0);
    token.expires_s = token.not_before_s;
    assert_int_equal(gw_tokens_seal(tokens, &token, sealed), 0);
    token = usual();
    token.account = 0;
    assert_int_equal(gw_tokens_seal(tokens, &token, sealed), 0);
    token = usual();
    memset(token.name, 'n', sizeof token.name);
    assert_int_equal(gw_tokens_seal(tokens, &token, sealed), 0);
    strcpy(token.name, "a\nb");
    assert_int_equal(gw_tokens_seal(tokens, &token, sealed), 0);
    strcpy(token.name, "\xFF");
    assert_int_equal(gw_tokens_seal(tokens, &token, sealed), 0);
    gw_tokens_destroy(tokens);
}

static void a_token_of_another_realm_or_key_is_refused(void **state)
{
    uint8_t sealed[GW_TOKEN_BYTES_MAX];
    char same_id[GW_TOKEN_KEY_TEXT_BYTES];
    struct gw_token opened;
    struct gw_tokens *here = tokens_of(old_key, "here", 0);
    struct gw_tokens *there = tokens_of(old_key, "there", 0);
    struct gw_tokens *rotated = tokens_of(new_key, "here", 0);
    assert_int_equal(gw_token_key_create(7, same_id), GW_OK);
    struct gw_tokens *forger = tokens_of(same_id, "here", 0);
    const struct gw_token token = usual();
    uint32_t bytes = gw_tokens_seal(there, &token, sealed);
    assert_int_equal(gw_tokens_use(here, sealed, bytes, NOW_S, &opened), GW_TOKEN_WRONG_REALM);
    bytes = gw_tokens_seal(rotated, &token, sealed);
    assert_int_equal(gw_tokens_use(here, sealed, bytes, NOW_S, &opened), GW_TOKEN_UNKNOWN_KEY);
    bytes = gw_tokens_seal(forger, &token, sealed);
    assert_int_equal(gw_tokens_use(here, sealed, bytes, NOW_S, &opened), GW_TOKEN_FORGED);
    gw_tokens_destroy(forger);
    gw_tokens_destroy(rotated);
    gw_tokens_destroy(there);
    gw_tokens_destroy(here);
}

static void during_a_rotation_both_keys_open_and_the_first_one_seals(void **state)
{
    char both[2 * GW_TOKEN_KEY_TEXT_BYTES + 32];
    uint8_t sealed[GW_TOKEN_BYTES_MAX];
    struct gw_token opened;
    snprintf(both, sizeof both, "# keys\n\n%s\r\n%s\n", new_key, old_key);
    struct gw_tokens *before = tokens_of(old_key, "realm", 0);
    struct gw_tokens *during = tokens_of(both, "realm", 0);
    struct gw_tokens *after = tokens_of(new_key, "realm", 0);
    const struct gw_token token = usual();
    uint32_t bytes = gw_tokens_seal(before, &token, sealed);
    assert_int_equal(gw_tokens_use(during, sealed, bytes, NOW_S, &opened), GW_TOKEN_OK);
    bytes = gw_tokens_seal(during, &token, sealed);
    assert_int_equal(gw_tokens_use(after, sealed, bytes, NOW_S, &opened), GW_TOKEN_OK);
    assert_int_equal(gw_tokens_use(before, sealed, bytes, NOW_S, &opened), GW_TOKEN_UNKNOWN_KEY);
    gw_tokens_destroy(after);
    gw_tokens_destroy(during);
    gw_tokens_destroy(before);
}

static void a_token_is_used_once_until_it_has_expired(void **state)
{
    uint8_t sealed[GW_TOKEN_BYTES_MAX];
    struct gw_token opened;
    struct gw_tokens *tokens = tokens_of(old_key, "realm", 0);
    const struct gw_token token = usual();
    uint32_t bytes = gw_tokens_seal(tokens, &token, sealed);
    assert_int_equal(gw_tokens_use(tokens, sealed, bytes, NOW_S, &opened), GW_TOKEN_OK);
    for (int64_t now_s = NOW_S; now_s <= NOW_S + SPAN_S + 30; now_s++) {
        assert_int_equal(gw_tokens_use(tokens, sealed, bytes, (uint64_t)now_s, &opened),
                         GW_TOKEN_USED);
    }
    assert_int_equal(gw_tokens_use(tokens, sealed, bytes, NOW_S + SPAN_S + 31, &opened),
                     GW_TOKEN_EXPIRED);
    gw_tokens_destroy(tokens);
}

static enum gw_token_result use_new(struct gw_tokens *tokens, uint64_t now_s)
{
    uint8_t sealed[GW_TOKEN_BYTES_MAX];
    struct gw_token opened;
    struct gw_token token = usual();
    token.not_before_s = now_s;
    token.expires_s = now_s + SPAN_S;
    uint32_t bytes = gw_tokens_seal(tokens, &token, sealed);
    return gw_tokens_use(tokens, sealed, bytes, now_s, &opened);
}

static void a_full_table_refuses_and_accepts_again_when_its_tokens_have_expired(void **state)
{
    enum { COUNT = 1000 };
    struct gw_tokens *tokens = tokens_of(old_key, "realm", COUNT);
    for (int round = 0; round < 3; round++) {
        uint64_t now_s = NOW_S + (uint64_t)round * 1000;
        for (int i = 0; i < COUNT; i++) {
            assert_int_equal(use_new(tokens, now_s), GW_TOKEN_OK);
        }
        assert_int_equal(use_new(tokens, now_s), GW_TOKEN_FULL);
        assert_int_equal(use_new(tokens, now_s + SPAN_S + 30), GW_TOKEN_FULL);
    }
    gw_tokens_destroy(tokens);
}

enum { RACE_TOKEN_COUNT = 2000, RACE_THREAD_COUNT = 2 };

static struct {
    struct gw_tokens *tokens;
    uint8_t sealed[RACE_TOKEN_COUNT][GW_TOKEN_BYTES_MAX];
    uint32_t bytes[RACE_TOKEN_COUNT];
    atomic_uint used_count[RACE_TOKEN_COUNT];
} race;

static void use_all(void *context)
{
    struct gw_token opened;
    for (int i = 0; i < RACE_TOKEN_COUNT; i++) {
        if (gw_tokens_use(race.tokens, race.sealed[i], race.bytes[i], NOW_S, &opened) ==
            GW_TOKEN_OK) {
            atomic_fetch_add(&race.used_count[i], 1);
        }
    }
}

static void of_two_threads_with_the_same_token_one_is_accepted(void **state)
{
    os_thread threads[RACE_THREAD_COUNT];
    const struct gw_token token = usual();
    race.tokens = tokens_of(old_key, "realm", RACE_TOKEN_COUNT);
    for (int i = 0; i < RACE_TOKEN_COUNT; i++) {
        race.bytes[i] = gw_tokens_seal(race.tokens, &token, race.sealed[i]);
    }
    for (int i = 0; i < RACE_THREAD_COUNT; i++) {
        assert_int_equal(os_thread_start(&threads[i], use_all, NULL), GW_OK);
    }
    for (int i = 0; i < RACE_THREAD_COUNT; i++) {
        os_thread_join(threads[i]);
    }
    for (int i = 0; i < RACE_TOKEN_COUNT; i++) {
        assert_int_equal(race.used_count[i], 1);
    }
    gw_tokens_destroy(race.tokens);
}

static void invalid_keys_and_realms_are_refused_with_the_line(void **state)
{
#define HEX "0123456789abcdef0123456789ABCDEF0123456789abcdef0123456789abcdef"
    static const struct {
        const char *keys;
        const char *realm;
        const char *problem;
    } cases[] = {
        {"", "r", "there is no key"},
        {"# 1:" HEX, "r", "there is no key"},
        {"1:" HEX "\nx", "r", "line 2 of the keys: it must begin with a number"},
        {"0:" HEX, "r", "line 1 of the keys: it must begin with a number"},
        {"4294967296:" HEX, "r", "line 1 of the keys: it must begin with a number"},
        {"99999999999999999999:" HEX, "r", "line 1 of the keys: it must begin with a number"},
        {"1" HEX, "r", "line 1 of the keys: it must begin with a number"},
        {"1:" HEX "0", "r", "line 1 of the keys: a key has 64"},
        {"1:" HEX "00", "r", "line 1 of the keys: a key has 64"},
        {"1:0123", "r", "line 1 of the keys: a key has 64"},
        {"1:", "r", "line 1 of the keys: a key has 64"},
        {"1:" HEX " ", "r", "line 1 of the keys: a key has 64"},
        {"1:" HEX "\n1:" HEX, "r", "line 2 of the keys: the number of the key is in use"},
        {"1:" HEX, "", "a realm has 1 to 32 bytes"},
        {"1:" HEX, "0123456789012345678901234567890123", "a realm has 1 to 32 bytes"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct gw_tokens_config config = {cases[i].keys, cases[i].realm, 0};
        char problem[GW_TOKEN_PROBLEM_BYTES];
        struct gw_tokens *tokens = NULL;
        assert_int_equal(gw_tokens_create(&config, &tokens, problem), GW_E_INVALID);
        assert_null(tokens);
        assert_memory_equal(problem, cases[i].problem, strlen(cases[i].problem));
    }
}

static void seventeen_keys_are_one_too_many(void **state)
{
    char keys[17 * GW_TOKEN_KEY_TEXT_BYTES] = "";
    char key[GW_TOKEN_KEY_TEXT_BYTES];
    char problem[GW_TOKEN_PROBLEM_BYTES];
    for (uint32_t id = 1; id <= 17; id++) {
        if (id == 17) {
            gw_tokens_destroy(tokens_of(keys, "realm", 0));
        }
        assert_int_equal(gw_token_key_create(id, key), GW_OK);
        strcat(strcat(keys, key), "\n");
    }
    const struct gw_tokens_config config = {keys, "realm", 0};
    struct gw_tokens *tokens;
    assert_int_equal(gw_tokens_create(&config, &tokens, problem), GW_E_INVALID);
    assert_string_equal(problem, "line 17 of the keys: more than 16 keys");
    assert_int_equal(gw_token_key_create(0, key), GW_E_INVALID);
}

static void every_result_has_a_name_of_its_own(void **state)
{
    for (int i = 0; i < GW_TOKEN_RESULT_COUNT; i++) {
        const char *name = gw_token_result_name((enum gw_token_result)i);
        assert_string_not_equal(name, "?");
        for (int k = 0; k < i; k++) {
            assert_string_not_equal(name, gw_token_result_name((enum gw_token_result)k));
        }
    }
    assert_string_equal(gw_token_result_name(GW_TOKEN_RESULT_COUNT), "?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sealed_token_opens_with_its_content),
        cmocka_unit_test(the_longest_and_the_shortest_names_and_realms_fit),
        cmocka_unit_test(a_token_with_any_bit_flipped_or_any_byte_missing_is_refused),
        cmocka_unit_test(a_token_is_valid_from_its_begin_to_its_end_and_30_seconds_around),
        cmocka_unit_test(a_token_out_of_range_is_not_sealed),
        cmocka_unit_test(a_token_of_another_realm_or_key_is_refused),
        cmocka_unit_test(during_a_rotation_both_keys_open_and_the_first_one_seals),
        cmocka_unit_test(a_token_is_used_once_until_it_has_expired),
        cmocka_unit_test(a_full_table_refuses_and_accepts_again_when_its_tokens_have_expired),
        cmocka_unit_test(of_two_threads_with_the_same_token_one_is_accepted),
        cmocka_unit_test(invalid_keys_and_realms_are_refused_with_the_line),
        cmocka_unit_test(seventeen_keys_are_one_too_many),
        cmocka_unit_test(every_result_has_a_name_of_its_own),
    };
    return cmocka_run_group_tests(tests, make_keys, NULL);
}
