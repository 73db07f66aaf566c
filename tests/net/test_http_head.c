/* tests/net/test_http_head.c: The parser of HTTP heads, and the hashes of a WebSocket handshake. */
#include "tests/test.h"

#include "net/filter/http_head.h"
#include "net/filter/websocket_accept.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

enum { TEXT_BYTES = 8192 };

/* Parses a text in pieces, each time in a block of its exact size. */
static enum gw_http_head_result parse(struct gw_http_head *head, const char *text, uint32_t bytes,
                                      uint32_t piece)
{
    enum gw_http_head_result result = GW_HTTP_HEAD_PART;
    *head = (struct gw_http_head){0};
    for (uint32_t end = 0; end < bytes && result == GW_HTTP_HEAD_PART;) {
        end = bytes - end < piece ? bytes : end + piece;
        uint8_t *block = malloc(end);
        memcpy(block, text, end);
        result = gw__http_head_parse(head, block, end);
        free(block);
    }
    return result;
}

static void check_text(const char *text, uint32_t bytes, enum gw_http_head_result expected)
{
    static const uint32_t pieces[] = {1, 2, 3, 7, 100, TEXT_BYTES};
    struct gw_http_head whole, split;
    enum gw_http_head_result result = parse(&whole, text, bytes, TEXT_BYTES);
    if (result != expected) {
        fail_msg("%.60s: %d, not %d", text, result, expected);
    }
    for (size_t i = 0; i < LENGTH(pieces); i++) {
        assert_int_equal(parse(&split, text, bytes, pieces[i]), expected);
        assert_memory_equal(&split, &whole, sizeof(whole));
    }
}

static void a_head_is_valid_as_rfc_9112_says(void **state)
{
    static const struct {
        const char *text;
        enum gw_http_head_result result;
    } cases[] = {
        {"GET / HTTP/1.1\r\n\r\n", GW_HTTP_HEAD_WHOLE},
        {"GET / HTTP/1.1\r\nA: b\r\n\r\n", GW_HTTP_HEAD_WHOLE},
        {"GET / HTTP/1.1\r\nA:\r\nB:c\r\nD: \t e f \t \r\n\r\n", GW_HTTP_HEAD_WHOLE},
        {"GET / HTTP/1.1\r\n!#$%&'*+-.^_`|~09azAZ: \xE4\r\n\r\n", GW_HTTP_HEAD_WHOLE},
        {"HTTP/1.1 101 Switching Protocols\r\n\r\n", GW_HTTP_HEAD_WHOLE},
        {"HTTP/1.1 200 \r\n\r\n", GW_HTTP_HEAD_WHOLE},
        {"HTTP/1.1 200\r\n\r\n", GW_HTTP_HEAD_WHOLE},
        {"", GW_HTTP_HEAD_PART},
        {"GE", GW_HTTP_HEAD_PART},
        {"GET / HTTP/1.1\r", GW_HTTP_HEAD_PART},
        {"GET / HTTP/1.1\r\n", GW_HTTP_HEAD_PART},
        {"GET / HTTP/1.1\r\nA: b\r\n\r", GW_HTTP_HEAD_PART},
        {"\r\n", GW_HTTP_HEAD_INVALID},
        {"GET\r\n", GW_HTTP_HEAD_INVALID},
        {"GET \r\n", GW_HTTP_HEAD_INVALID},
        {" GET / HTTP/1.1\r\n", GW_HTTP_HEAD_INVALID},
        {"GET  / HTTP/1.1\r\n", GW_HTTP_HEAD_INVALID},
        {"GET / HTTP/1.1\n", GW_HTTP_HEAD_INVALID},
        {"GET / HTTP/1.1\rX", GW_HTTP_HEAD_INVALID},
        {"GET / HTTP/1.1\r\n\n", GW_HTTP_HEAD_INVALID},
        {"GET / HTTP/1.1\r\nA\r\n", GW_HTTP_HEAD_INVALID},
        {"GET / HTTP/1.1\r\nA : b\r\n", GW_HTTP_HEAD_INVALID},
        {"GET / HTTP/1.1\r\n: b\r\n", GW_HTTP_HEAD_INVALID},
        {"GET / HTTP/1.1\r\nA: b\r\n c\r\n", GW_HTTP_HEAD_INVALID},
        {"GET / HTTP/1.1\r\nA(: b\r\n", GW_HTTP_HEAD_INVALID},
        {"GET / HTTP/1.1\r\n\xE4: b\r\n", GW_HTTP_HEAD_INVALID},
        {"GET / HTTP/1.1\r\nA: \x01\r\n", GW_HTTP_HEAD_INVALID},
        {"GET / HTTP/1.1\r\nA: \x7F\r\n", GW_HTTP_HEAD_INVALID},
        {"\x16\x03\x01", GW_HTTP_HEAD_INVALID},
    };
    for (size_t i = 0; i < LENGTH(cases); i++) {
        check_text(cases[i].text, (uint32_t)strlen(cases[i].text), cases[i].result);
    }
    check_text("GET / HTTP/1.1\r\nA: \0b\r\n\r\n", 24, GW_HTTP_HEAD_INVALID);
}

static uint32_t long_head(char *text, uint32_t bytes)
{
    uint32_t at = (uint32_t)snprintf(text, TEXT_BYTES, "GET / HTTP/1.1\r\nA: ");
    memset(text + at, 'x', bytes - at - 4);
    memcpy(text + bytes - 4, "\r\n\r\n", 4);
    return bytes;
}

static uint32_t head_of_lines(char *text, uint32_t line_count)
{
    uint32_t at = (uint32_t)snprintf(text, TEXT_BYTES, "GET / HTTP/1.1\r\n");
    for (uint32_t i = 0; i < line_count; i++) {
        at += (uint32_t)snprintf(text + at, TEXT_BYTES - at, "A%u: b\r\n", (unsigned)i);
    }
    return at + (uint32_t)snprintf(text + at, TEXT_BYTES - at, "\r\n");
}

static void a_head_has_at_most_4096_bytes_and_64_lines(void **state)
{
    char text[TEXT_BYTES];
    check_text(text, long_head(text, GW_HTTP_HEAD_BYTES_MAX), GW_HTTP_HEAD_WHOLE);
    check_text(text, long_head(text, GW_HTTP_HEAD_BYTES_MAX) - 1, GW_HTTP_HEAD_PART);
    check_text(text, long_head(text, GW_HTTP_HEAD_BYTES_MAX + 1), GW_HTTP_HEAD_TOO_LONG);
    check_text(text, long_head(text, TEXT_BYTES), GW_HTTP_HEAD_TOO_LONG);
    check_text(text, head_of_lines(text, GW_HTTP_HEAD_LINE_COUNT_MAX), GW_HTTP_HEAD_WHOLE);
    check_text(text, head_of_lines(text, GW_HTTP_HEAD_LINE_COUNT_MAX + 1), GW_HTTP_HEAD_TOO_LONG);
    memset(text, 'x', sizeof(text));
    check_text(text, sizeof(text), GW_HTTP_HEAD_TOO_LONG);
}

static void the_parts_of_a_head_are_found(void **state)
{
    static const char text[] = "GET /a?b HTTP/1.1\r\n"
                               "Host:\tgame.example \r\n"
                               "Connection: keep-alive, Upgrade\r\n"
                               "connection:x ,, y\r\n"
                               "Empty:\r\n"
                               "\r\nrest";
    const uint8_t *data = (const uint8_t *)text;
    struct gw_http_head head;
    struct gw_http_part value;
    assert_int_equal(parse(&head, text, sizeof(text) - 1, TEXT_BYTES), GW_HTTP_HEAD_WHOLE);
    assert_int_equal(head.bytes, sizeof(text) - 1 - 4);
    assert_true(gw__http_part_is(data, head.first[0], "GET"));
    assert_true(gw__http_part_is(data, head.first[1], "/a?b"));
    assert_true(gw__http_part_is(data, head.first[2], "HTTP/1.1"));
    assert_false(gw__http_part_is(data, head.first[2], "HTTP/1"));
    assert_int_equal(gw__http_head_find(&head, data, "HOST", &value), 1);
    assert_true(gw__http_part_is(data, value, "game.example"));
    assert_int_equal(gw__http_head_find(&head, data, "Connection", &value), 2);
    assert_true(gw__http_part_is(data, value, "keep-alive, Upgrade"));
    assert_int_equal(gw__http_head_find(&head, data, "Empty", &value), 1);
    assert_int_equal(value.bytes, 0);
    assert_int_equal(gw__http_head_find(&head, data, "Hos", &value), 0);
    assert_true(gw__http_head_lists(&head, data, "Connection", "upgrade"));
    assert_true(gw__http_head_lists(&head, data, "Connection", "KEEP-ALIVE"));
    assert_true(gw__http_head_lists(&head, data, "Connection", "y"));
    assert_false(gw__http_head_lists(&head, data, "Connection", "keep"));
    assert_false(gw__http_head_lists(&head, data, "Empty", "y"));
    assert_false(gw__http_head_lists(&head, data, "Upgrade", "websocket"));
}

static void check_sha1(const void *data, uint32_t bytes, const char *expected)
{
    uint8_t hash[GW_SHA1_BYTES];
    char text[2 * GW_SHA1_BYTES + 1];
    gw__sha1(data, bytes, hash);
    for (uint32_t i = 0; i < GW_SHA1_BYTES; i++) {
        snprintf(text + 2 * i, 3, "%02x", hash[i]);
    }
    assert_string_equal(text, expected);
}

/* FIPS 180, and lengths around the padding, checked with sha1sum(1). */
static void sha1_is_that_of_fips_180(void **state)
{
    enum { MILLION = 1000000 };
    uint8_t *letters = malloc(MILLION);
    memset(letters, 'a', MILLION);
    check_sha1("", 0, "da39a3ee5e6b4b0d3255bfef95601890afd80709");
    check_sha1("abc", 3, "a9993e364706816aba3e25717850c26c9cd0d89d");
    check_sha1("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56,
               "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
    check_sha1(letters, MILLION, "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
    check_sha1(letters, 55, "c1c8bbdc22796e28c0e15163d20899b65621d65a");
    check_sha1(letters, 56, "c2db330f6083854c99d4b5bfb6e8f29f201be699");
    check_sha1(letters, 63, "03f09f5b158a7a8cdad920bddc29b81c18a551f5");
    check_sha1(letters, 64, "0098ba824b5c16427bd7a1122a5a442a25ec644d");
    free(letters);
}

static void base64_is_that_of_rfc_4648(void **state)
{
    static const char *const pairs[][2] = {{"", ""},
                                           {"f", "Zg=="},
                                           {"fo", "Zm8="},
                                           {"foo", "Zm9v"},
                                           {"foob", "Zm9vYg=="},
                                           {"fooba", "Zm9vYmE="},
                                           {"foobar", "Zm9vYmFy"}};
    char text[16];
    for (size_t i = 0; i < LENGTH(pairs); i++) {
        gw__base64((const uint8_t *)pairs[i][0], (uint32_t)strlen(pairs[i][0]), text);
        assert_string_equal(text, pairs[i][1]);
    }
    gw__base64((const uint8_t *)"\xFB\xFF\xBF", 3, text);
    assert_string_equal(text, "+/+/");
}

static void the_accept_is_that_of_rfc_6455(void **state)
{
    char accept[GW_WEBSOCKET_ACCEPT_BYTES + 1];
    gw__websocket_accept((const uint8_t *)"dGhlIHNhbXBsZSBub25jZQ==", accept);
    assert_string_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

static void a_key_is_base64_of_16_bytes(void **state)
{
    static const struct {
        const char *key;
        bool valid;
    } cases[] = {
        {"dGhlIHNhbXBsZSBub25jZQ==", true},  {"AAAAAAAAAAAAAAAAAAAAAA==", true},
        {"+/+/+/+/+/+/+/+/+/+/+w==", true},  {"dGhlIHNhbXBsZSBub25jZR==", false},
        {"dGhlIHNhbXBsZSBub25jZQ=", false},  {"dGhlIHNhbXBsZSBub25jZQ===", false},
        {"dGhlIHNhbXBsZSBub25jZQAA", false}, {"dGhlIHNhbXBsZSBub25-ZQ==", false},
        {"dGhlIHNhbXBsZSBub25jZQ=A", false}, {"", false},
    };
    for (size_t i = 0; i < LENGTH(cases); i++) {
        assert_int_equal(gw__websocket_key_is_valid((const uint8_t *)cases[i].key,
                                                    (uint32_t)strlen(cases[i].key)),
                         cases[i].valid);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_head_is_valid_as_rfc_9112_says),
        cmocka_unit_test(a_head_has_at_most_4096_bytes_and_64_lines),
        cmocka_unit_test(the_parts_of_a_head_are_found),
        cmocka_unit_test(sha1_is_that_of_fips_180),
        cmocka_unit_test(base64_is_that_of_rfc_4648),
        cmocka_unit_test(the_accept_is_that_of_rfc_6455),
        cmocka_unit_test(a_key_is_base64_of_16_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
