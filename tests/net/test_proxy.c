/* tests/net/test_proxy.c: The PROXY protocol as a byte filter, without a stream. */
#include "tests/test.h"

#include "net/error.h"
#include "net/filter/filter.h"
#include "net/filter/proxy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define V2 "\r\n\r\n\0\r\nQUIT\n"

static struct gw_filter_source *source;
static struct gw_filter *filter;

static int setup(void **state)
{
    struct gw_proxy_network network;
    filter = NULL;
    return gw_proxy_network_parse("10.1.2.0/24", &network) == NULL
               ? gw_proxy_create(&network, 1, &source)
               : -1;
}

static void destroy(void)
{
    if (filter != NULL) {
        filter->ops->destroy(filter);
        filter = NULL;
    }
}

static int teardown(void **state)
{
    destroy();
    gw_filter_source_unref(source);
    return 0;
}

/* A new filter for a connection from `text`; NULL when it needs none. */
static struct gw_filter *create(const char *text)
{
    struct gw_addr peer;
    destroy();
    assert_int_equal(gw_addr_parse(text, &peer), GW_OK);
    assert_int_equal(source->create(source, &peer, &filter), GW_OK);
    return filter;
}

/*
 * Passes bytes in pieces, in memory of their exact size, until the filter is done or fails. Returns
 * how many it has taken, or its error.
 */
static int feed(const void *data, size_t bytes, size_t piece_bytes)
{
    size_t at = 0;
    assert_non_null(create("10.1.2.3:4"));
    while (at < bytes && !filter->is_done) {
        size_t piece = bytes - at < piece_bytes ? bytes - at : piece_bytes;
        uint8_t out[1];
        uint8_t *copy = malloc(piece);
        assert_non_null(copy);
        memcpy(copy, (const uint8_t *)data + at, piece);
        struct gw_span in = {copy, (uint32_t)piece};
        int error = filter->ops->recv(filter, &in, out);
        free(copy);
        if (error != 0) {
            assert_true(error < 0);
            assert_non_null(filter->problem);
            assert_null(filter->peer);
            struct gw_span more = {(const uint8_t *)"x", 1};
            assert_int_equal(filter->ops->recv(filter, &more, out), error);
            return error;
        }
        at += piece - in.bytes;
        assert_true(in.bytes == 0 || filter->is_done);
        assert_true(filter->is_done != filter->awaits_peer);
    }
    return (int)at;
}

static const char *peer_text(void)
{
    static char text[GW_ADDR_TEXT_BYTES];
    return filter->peer == NULL ? "" : gw_addr_format(filter->peer, text);
}

/* A header, and what it means. */
struct header {
    const char *data;
    size_t bytes;
    const char *peer; /* "": unchanged */
};
#define HEADER(text, peer)                                                                         \
    {                                                                                              \
        text, sizeof(text) - 1, peer                                                               \
    }

#define IPV4 "\xC0\x00\x02\x01\x7F\x00\x00\x01\x30\x39\x1E\x61"
#define IPV6                                                                                       \
    "\x20\x01\x0D\xB8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x09"                             \
    "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x30\x39\x1E\x61"

static const struct header good[] = {
    HEADER("PROXY TCP4 192.0.2.1 127.0.0.1 12345 7777\r\n", "192.0.2.1:12345"),
    HEADER("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255:65535"),
    HEADER("PROXY TCP4 1.2.3.4 5.6.7.8 0 0\r\n", "1.2.3.4:0"),
    HEADER("PROXY TCP6 2001:db8::9 ::1 12345 7777\r\n", "[2001:db8::9]:12345"),
    HEADER("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
           "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
           "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"),
    HEADER("PROXY UNKNOWN\r\n", ""),
    HEADER("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
           "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
           ""), /* 107 bytes, the most */
    HEADER(V2 "\x21\x11\x00\x0C" IPV4, "192.0.2.1:12345"),
    HEADER(V2 "\x21\x11\x00\x11" IPV4 "\x04\x00\x02zz", "192.0.2.1:12345"), /* with a TLV */
    HEADER(V2 "\x21\x21\x00\x24" IPV6, "[2001:db8::9]:12345"),
    HEADER(V2 "\x21\x00\x00\x00", ""),
    HEADER(V2 "\x21\x00\x00\x03zzz", ""),
};
enum { GOOD_COUNT = sizeof good / sizeof good[0] };

static void a_header_gives_the_address_of_the_client_in_any_pieces(void **state)
{
    static const char after[] = "what follows";
    for (int i = 0; i < GOOD_COUNT; i++) {
        char data[GW_PROXY_V1_BYTES_MAX + sizeof after];
        size_t bytes = good[i].bytes + sizeof after;
        memcpy(data, good[i].data, good[i].bytes);
        memcpy(data + good[i].bytes, after, sizeof after);
        for (size_t piece = 1; piece <= bytes; piece++) {
            assert_int_equal(feed(data, bytes, piece), good[i].bytes);
            assert_true(filter->is_done);
            assert_string_equal(peer_text(), good[i].peer);
        }
    }
}

static void a_part_of_a_header_is_not_done(void **state)
{
    for (int i = 0; i < GOOD_COUNT; i++) {
        for (size_t bytes = 1; bytes < good[i].bytes; bytes++) {
            assert_int_equal(feed(good[i].data, bytes, bytes), bytes);
            assert_false(filter->is_done);
            assert_true(filter->awaits_peer);
            assert_null(filter->peer);
            assert_int_equal(filter->ops->recv_end(filter), GW_E_PROXY);
        }
    }
}

/* Whatever one byte becomes: the result is an error, a header, or a part, and the same in pieces.
 */
static void any_byte_may_be_wrong(void **state)
{
    for (int i = 0; i < GOOD_COUNT; i++) {
        for (size_t at = 0; at < good[i].bytes; at++) {
            for (int value = 0; value < 256; value++) {
                char data[GW_PROXY_V1_BYTES_MAX];
                char whole[GW_ADDR_TEXT_BYTES];
                memcpy(data, good[i].data, good[i].bytes);
                data[at] = (char)value;
                int result = feed(data, good[i].bytes, good[i].bytes);
                snprintf(whole, sizeof whole, "%s", peer_text());
                assert_true(result > 0 || result == GW_E_PROXY || result == GW_E_CLOSED);
                assert_int_equal(feed(data, good[i].bytes, 1), result);
                assert_string_equal(peer_text(), whole);
            }
        }
    }
}

static void an_invalid_header_is_refused(void **state)
{
    static const struct header bad[] = {
        HEADER("H", ""),
        HEADER("\x16\x03\x01", ""),
        HEADER("PROXY\r\n", ""),
        HEADER("PROXY \r\n", ""),
        HEADER("PROXY TCP4\r\n", ""),
        HEADER("PROXY TCP5 1.2.3.4 5.6.7.8 1 2\r\n", ""),
        HEADER("PROXY tcp4 1.2.3.4 5.6.7.8 1 2\r\n", ""),
        HEADER("PROXY UNKNOWNX\r\n", ""),
        HEADER("PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n", ""),
        HEADER("PROXY TCP4 1.2.3.4 5.6.7.8 1 \r\n", ""),
        HEADER("PROXY TCP4 1.2.3.4 5.6.7.8 1 2 \r\n", ""),
        HEADER("PROXY TCP4 1.2.3.4 5.6.7.8 1 2 3\r\n", ""),
        HEADER("PROXY TCP4  1.2.3.4 5.6.7.8 1 2\r\n", ""),
        HEADER("PROXY TCP4 1.2.3 5.6.7.8 1 2\r\n", ""),
        HEADER("PROXY TCP4 ::1 ::1 1 2\r\n", ""),
        HEADER("PROXY TCP6 1.2.3.4 5.6.7.8 1 2\r\n", ""),
        HEADER("PROXY TCP4 1.2.3.4 5.6.7.8 65536 2\r\n", ""),
        HEADER("PROXY TCP4 1.2.3.4 5.6.7.8 1 65536\r\n", ""),
        HEADER("PROXY TCP4 1.2.3.4 5.6.7.8 01 2\r\n", ""),
        HEADER("PROXY TCP4 1.2.3.4 5.6.7.8 -1 2\r\n", ""),
        HEADER("PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n", ""),
        HEADER("PROXY TCP4 1.2.3.4 5.6.7.8 1 2\rx", ""),
        HEADER("PROXY UNKNOWN \0\r\n", ""),
        HEADER("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
               "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 655355\r\n",
               ""),                             /* 108 bytes */
        HEADER(V2 "\x11\x11\x00\x0C" IPV4, ""), /* version 1 in binary */
        HEADER(V2 "\x31\x11\x00\x0C" IPV4, ""),
        HEADER(V2 "\x22\x11\x00\x0C" IPV4, ""), /* an unknown command */
        HEADER(V2 "\x21\x12\x00\x0C" IPV4, ""), /* UDP */
        HEADER(V2 "\x21\x22\x00\x24" IPV6, ""),
        HEADER(V2 "\x21\x41\x00\x0C" IPV4, ""), /* an unknown family */
        HEADER(V2 "\x21\x11\x00\x0B" IPV4, ""), /* too short */
        HEADER(V2 "\x21\x21\x00\x23" IPV6, ""),
        HEADER(V2 "\x21\x31\x00\xD7", ""),
        HEADER(V2 "\x21\x11\x08\x01" IPV4, ""), /* 2,049 bytes */
        HEADER(V2 "\x21\x11\xFF\xFF" IPV4, ""),
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(feed(bad[i].data, bad[i].bytes, bad[i].bytes), GW_E_PROXY);
    }
}

static void extensions_and_unix_addresses_are_skipped_up_to_the_limit(void **state)
{
    static uint8_t data[16 + GW_PROXY_V2_BYTES_MAX + 1];
    memcpy(data, V2 "\x21\x11\x08\x00" IPV4, 16 + 12);
    for (size_t piece = 1; piece <= sizeof data; piece += 101) {
        assert_int_equal(feed(data, sizeof data, piece), sizeof data - 1);
        assert_true(filter->is_done);
        assert_string_equal(peer_text(), "192.0.2.1:12345");
    }
    memcpy(data, V2 "\x21\x31\x00\xD8", 16);
    assert_int_equal(feed(data, sizeof data, sizeof data), 16 + 216);
    assert_true(filter->is_done);
    assert_string_equal(peer_text(), "");
}

static void a_health_check_ends_in_order(void **state)
{
    assert_int_equal(feed(V2 "\x20\x00\x00\x00", 16, 16), GW_E_CLOSED);
    assert_int_equal(feed(V2 "\x20\x11\x00\x0C" IPV4, 28, 1), GW_E_CLOSED);
    assert_non_null(create("10.1.2.3:4"));
    assert_int_equal(filter->ops->recv_end(filter), GW_E_CLOSED);
}

static void a_connection_that_was_reset_before_it_was_accepted_ends_in_order(void **state)
{
    const struct gw_addr nobody = {.port = 0};
    uint8_t out[1];
    struct gw_span in = {(const uint8_t *)V2 "\x20\x00\x00\x00", 16};
    assert_int_equal(source->create(source, &nobody, &filter), GW_OK);
    assert_non_null(filter);
    assert_int_equal(filter->ops->recv(filter, &in, out), GW_E_CLOSED);
    assert_int_equal(filter->ops->recv_end(filter), GW_E_CLOSED);
}

static void what_the_server_sends_passes_unchanged(void **state)
{
    const struct gw_span in[2] = {{(const uint8_t *)"ab", 2}, {(const uint8_t *)"c", 1}};
    struct gw_span out[GW_FILTER_SPAN_COUNT_MAX];
    assert_non_null(create("10.1.2.3:4"));
    assert_true(filter->is_open);
    assert_int_equal(filter->ops->send(filter, in, 2, out), 2);
    assert_memory_equal(out, in, sizeof in);
    filter->ops->finish(filter, GW_E_CLOSED);
    assert_false(filter->wants_send);
}

/* ---- networks ---- */

static void only_connections_of_the_networks_have_a_filter(void **state)
{
    static const char *const inside[] = {"10.1.2.0:1", "10.1.2.255:1"};
    static const char *const outside[] = {"10.1.3.0:1", "10.1.1.255:1", "127.0.0.1:1", "[::1]:1",
                                          "[::10.1.2.3]:1"};
    for (size_t i = 0; i < sizeof inside / sizeof inside[0]; i++) {
        assert_non_null(create(inside[i]));
    }
    for (size_t i = 0; i < sizeof outside / sizeof outside[0]; i++) {
        assert_null(create(outside[i]));
    }
}

static void a_network_of_any_length_contains_its_addresses(void **state)
{
    for (unsigned bits = 0; bits <= 128; bits++) {
        char text[64];
        struct gw_proxy_network network;
        struct gw_addr peer = {.port = 1};
        gw_filter_source_unref(source);
        snprintf(text, sizeof text, "::/%u", bits);
        assert_null(gw_proxy_network_parse(text, &network));
        assert_int_equal(gw_proxy_create(&network, 1, &source), GW_OK);
        for (unsigned bit = 0; bit < 128; bit++) {
            destroy();
            memset(peer.ip, 0, sizeof peer.ip);
            peer.ip[bit / 8] = (uint8_t)(0x80 >> bit % 8);
            assert_int_equal(source->create(source, &peer, &filter), GW_OK);
            assert_true((filter != NULL) == (bit >= bits));
        }
        destroy();
    }
}

static void a_network_is_parsed_or_refused_with_a_reason(void **state)
{
    static const struct {
        const char *text;
        int prefix_bits; /* -1: refused */
    } cases[] = {
        {"0.0.0.0/0", 96},  {"10.0.0.0/8", 104}, {"127.0.0.1", 128},    {"127.0.0.1/32", 128},
        {"::/0", 0},        {"::1", 128},        {"2001:db8::/32", 32}, {"", -1},
        {"/8", -1},         {"10.0.0.0/", -1},   {"10.0.0.0/33", -1},   {"10.0.0.0/8x", -1},
        {"10.0.0.1/8", -1}, {"::1/127", -1},     {"::/129", -1},        {"*", -1},
        {"localhost", -1},  {"10.0.0.0/-1", -1}, {"[::1]", -1},         {"10.0.0.0/08", 104},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct gw_proxy_network network;
        const char *problem = gw_proxy_network_parse(cases[i].text, &network);
        assert_true((problem == NULL) == (cases[i].prefix_bits >= 0));
        if (problem == NULL) {
            assert_int_equal(network.prefix_bits, cases[i].prefix_bits);
        }
    }
}

static void more_networks_than_the_maximum_are_refused(void **state)
{
    static struct gw_proxy_network networks[GW_PROXY_NETWORK_COUNT_MAX + 1];
    struct gw_filter_source *other;
    assert_int_equal(gw_proxy_create(networks, GW_PROXY_NETWORK_COUNT_MAX, &other), GW_OK);
    gw_filter_source_unref(other);
    assert_int_equal(gw_proxy_create(networks, GW_PROXY_NETWORK_COUNT_MAX + 1, &other), GW_E_FULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_header_gives_the_address_of_the_client_in_any_pieces),
        TEST(a_part_of_a_header_is_not_done),
        TEST(any_byte_may_be_wrong),
        TEST(an_invalid_header_is_refused),
        TEST(extensions_and_unix_addresses_are_skipped_up_to_the_limit),
        TEST(a_health_check_ends_in_order),
        TEST(a_connection_that_was_reset_before_it_was_accepted_ends_in_order),
        TEST(what_the_server_sends_passes_unchanged),
        TEST(only_connections_of_the_networks_have_a_filter),
        TEST(a_network_of_any_length_contains_its_addresses),
        TEST(a_network_is_parsed_or_refused_with_a_reason),
        TEST(more_networks_than_the_maximum_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
