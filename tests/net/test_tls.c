/* tests/net/test_tls.c: The TLS filter without a stream: both sides, split anywhere. */
#include "tests/test.h"

#include "net/error.h"
#include "tests/net/tls_fixture.h"
#include "tests/scripted/memory.h"
#include <openssl/err.h>
#include <string.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

enum { WHOLE = GW_STREAM_RECV_BYTES_MAX, STREAM_BYTES = 100000 };

static uint8_t pattern[STREAM_BYTES];

/* A server filter and OpenSSL as its client, connected. */
static void open_with_peer(struct tls_peer *peer, struct filter_driver *server, int version)
{
    struct gw_filter_source *source = tls_server("server");
    tls_peer_init(peer, true);
    SSL_CTX_set_max_proto_version(peer->context, version);
    assert_int_equal(filter_driver_init(server, source), 0);
    gw_filter_source_unref(source);
    assert_true(tls_peer_connect(peer, server));
    assert_int_equal(SSL_version(peer->ssl), version);
}

static void close_with_peer(struct tls_peer *peer, struct filter_driver *server)
{
    tls_peer_fini(peer);
    filter_driver_fini(server);
}

/* ---- bytes ---- */

static void client_and_server_carry_any_bytes_in_any_pieces(void **state)
{
    struct gw_filter_source *client = tls_client("ca", "localhost"), *server = tls_server("server");
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct random random = {seed};
        uint32_t piece_max = seed % 3 == 0 ? 1 : seed % 3 == 1 ? 50 : WHOLE;
        uint32_t up = 0, down = 0, limit = piece_max == 1 ? 3000 : STREAM_BYTES;
        struct tls_pair pair;
        assert_int_equal(tls_pair_open(&pair, client, server, &random, piece_max), 0);
        pair.client.is_late = pair.server.is_late = seed % 2 == 0;
        while (up < limit || down < limit) {
            uint32_t *done = random_below(&random, 2) == 0 ? &up : &down;
            uint32_t part = 1 + random_below(&random, random_below(&random, 2) ? 300 : 40000);
            part = part < limit - *done ? part : limit - *done;
            assert_int_equal(filter_driver_send(done == &up ? &pair.client : &pair.server,
                                                pattern + *done, part,
                                                1 + (int)random_below(&random, 63)),
                             0);
            *done += part;
            assert_int_equal(tls_pair_exchange(&pair, &random, piece_max), 0);
        }
        filter_driver_sent(&pair.client);
        filter_driver_sent(&pair.server);
        assert_int_equal(tls_pair_exchange(&pair, &random, piece_max), 0);
        filter_driver_finish(&pair.client, 9);
        filter_driver_sent(&pair.client);
        assert_int_equal(tls_pair_exchange(&pair, &random, piece_max), 0);
        assert_true(pair.server.filter->recv_ended);
        assert_int_equal(pair.server.filter->ops->recv_end(pair.server.filter), 0);
        filter_driver_finish(&pair.server, GW_E_CLOSED);
        filter_driver_sent(&pair.server);
        assert_int_equal(tls_pair_exchange(&pair, &random, piece_max), 0);
        tls_expect_received(&pair.server, pattern, limit);
        tls_expect_received(&pair.client, pattern, limit);
        tls_pair_close(&pair);
    }
    gw_filter_source_unref(client);
    gw_filter_source_unref(server);
}

/* Each batch becomes one record, so a small message costs one pass through the cipher. */
static void a_batch_of_spans_is_one_record(void **state)
{
    struct tls_peer peer;
    struct filter_driver server;
    uint8_t bytes[GW_FILTER_SEND_BYTES_MAX];
    open_with_peer(&peer, &server, TLS1_3_VERSION);
    static const uint32_t sizes[] = {1, 100, 5000, GW_FILTER_SEND_BYTES_MAX};
    for (size_t i = 0; i < LENGTH(sizes); i++) {
        for (int spans = 1; spans <= 63; spans += 31) {
            assert_int_equal(filter_driver_send(&server, pattern, sizes[i], spans), 0);
            assert_int_equal(server.sent.data[0], 23);
            uint32_t record = 5U + (uint32_t)server.sent.data[3] * 256 + server.sent.data[4];
            assert_int_equal(server.sent.bytes, record);
            assert_in_range(record, sizes[i] + 5, sizes[i] + 64);
            tls_filter_to_peer(&peer, &server);
            assert_int_equal(SSL_read(peer.ssl, bytes, sizeof(bytes)), sizes[i]);
            assert_memory_equal(bytes, pattern, sizes[i]);
        }
    }
    close_with_peer(&peer, &server);
}

/* More than one record in a piece, and a record that ends in the next piece: what does not fit is
 * kept. */
static void a_full_piece_behind_a_full_partial_record_is_kept(void **state)
{
    struct tls_peer peer;
    struct filter_driver server;
    open_with_peer(&peer, &server, TLS1_3_VERSION);
    uint32_t written = 0;
    for (int i = 0; i < 6; i++) {
        assert_int_equal(SSL_write(peer.ssl, pattern + written, 16384), 16384);
        written += 16384;
    }
    uint8_t *bytes;
    long count = BIO_get_mem_data(SSL_get_wbio(peer.ssl), &bytes);
    /* All but one byte of the first record, then full pieces. */
    assert_int_equal(filter_driver_recv(&server, bytes, 16384, WHOLE), 0);
    assert_int_equal(server.received.bytes, 0);
    assert_int_equal(filter_driver_recv(&server, bytes + 16384, (uint32_t)count - 16384, WHOLE), 0);
    tls_expect_received(&server, pattern, written);
    close_with_peer(&peer, &server);
}

static void nothing_is_delivered_before_the_handshake_is_done(void **state)
{
    static const uint8_t forged[] = {23, 3, 3, 0, 20, 'h', 'e', 'l', 'l', 'o'};
    struct gw_filter_source *source = tls_server("server");
    struct filter_driver server;
    assert_int_equal(filter_driver_init(&server, source), 0);
    assert_false(server.filter->is_open);
    filter_driver_recv(&server, forged, sizeof(forged), WHOLE);
    filter_driver_recv(&server, forged, sizeof(forged), WHOLE);
    filter_driver_recv(&server, forged, sizeof(forged), WHOLE);
    assert_int_equal(server.error, GW_E_TLS);
    assert_int_equal(server.received.bytes, 0);
    filter_driver_fini(&server);
    gw_filter_source_unref(source);
}

/* ---- damage ---- */

/* Flips each bit of a record between two valid ones. The first is delivered, and nothing behind. */
static void a_flipped_bit_of_a_record_ends_the_connection(void **state)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    for (size_t i = 0; i < LENGTH(versions); i++) {
        for (uint32_t bit = 0;; bit++) {
            struct tls_peer peer;
            struct filter_driver server;
            open_with_peer(&peer, &server, versions[i]);
            SSL_write(peer.ssl, "first", 5);
            tls_peer_to_filter(&peer, &server);
            SSL_write(peer.ssl, "second", 6);
            uint8_t *bytes;
            uint32_t count = (uint32_t)BIO_get_mem_data(SSL_get_wbio(peer.ssl), &bytes);
            bool is_last = bit + 1 == count * 8;
            bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
            tls_peer_to_filter(&peer, &server);
            SSL_write(peer.ssl, "third", 5);
            SSL_write(peer.ssl, pattern, 16384); /* also when the length has become larger */
            SSL_write(peer.ssl, pattern, 16384);
            tls_peer_to_filter(&peer, &server);
            assert_int_equal(server.error, GW_E_TLS);
            tls_expect_received(&server, "first", 5);
            /* The alert for it has left. */
            tls_filter_to_peer(&peer, &server);
            assert_true(SSL_read(peer.ssl, (char[8]){0}, 8) <= 0);
            assert_int_equal(SSL_get_error(peer.ssl, -1), SSL_ERROR_SSL);
            ERR_clear_error();
            close_with_peer(&peer, &server);
            if (is_last) {
                assert_true(bit > 100);
                break;
            }
        }
    }
}

static void valid_records_before_a_forged_one_are_delivered(void **state)
{
    struct tls_peer peer;
    struct filter_driver server;
    uint8_t *bytes;
    open_with_peer(&peer, &server, TLS1_3_VERSION);
    SSL_write(peer.ssl, "one", 3);
    SSL_write(peer.ssl, "two", 3);
    SSL_write(peer.ssl, "three", 5);
    long count = BIO_get_mem_data(SSL_get_wbio(peer.ssl), &bytes);
    bytes[count - 1] ^= 1;
    tls_peer_to_filter(&peer, &server);
    assert_int_equal(server.error, GW_E_TLS);
    assert_non_null(strstr(server.filter->problem, "damaged or forged"));
    tls_expect_received(&server, "onetwo", 6);
    close_with_peer(&peer, &server);
}

/* The kinds of the records of both directions are known, so each place of the handshake is hit. */
static void a_flipped_bit_of_a_handshake_never_opens_the_server(void **state)
{
    struct gw_filter_source *client = tls_client("ca", "localhost"), *server = tls_server("server");
    struct random random = {3};
    uint32_t total = 0;
    for (uint32_t at = 0; at == 0 || at < total; at += 7) {
        struct tls_pair pair;
        memset(&pair, 0, sizeof(pair));
        filter_driver_init(&pair.client, client);
        filter_driver_init(&pair.server, server);
        filter_driver_flush(&pair.client);
        uint32_t moved = 0;
        while (pair.client.error == 0 && pair.server.error == 0 &&
               pair.client.sent.bytes + pair.server.sent.bytes > 0) {
            struct filter_driver *from = pair.client.sent.bytes > 0 ? &pair.client : &pair.server;
            struct filter_driver *to = from == &pair.client ? &pair.server : &pair.client;
            if (at >= moved && at < moved + from->sent.bytes) {
                from->sent.data[at - moved] ^= (uint8_t)(1U << random_below(&random, 8));
            }
            moved += from->sent.bytes;
            uint32_t bytes = from->sent.bytes;
            filter_driver_recv(to, from->sent.data, bytes, WHOLE);
            collected_remove(&from->sent, bytes);
        }
        total = total > moved ? total : moved;
        /* A bit of the length makes it wait; one of a record's version is ignored (RFC 8446, 5.1).
         */
        bool both_open = pair.client.filter->is_open && pair.server.filter->is_open;
        bool failed = pair.client.error == GW_E_TLS || pair.server.error == GW_E_TLS;
        assert_true(both_open || failed || moved > 0);
        if (pair.server.error != 0) {
            assert_false(pair.server.filter->is_open && pair.client.filter->is_open &&
                         pair.server.received.bytes > 0);
        }
        tls_pair_close(&pair);
    }
    assert_true(total > 1000);
    gw_filter_source_unref(client);
    gw_filter_source_unref(server);
}

/* ---- ends ---- */

static void a_fin_without_close_notify_is_a_reset(void **state)
{
    struct tls_peer peer;
    struct filter_driver server;
    open_with_peer(&peer, &server, TLS1_3_VERSION);
    SSL_write(peer.ssl, "hello", 5);
    tls_peer_to_filter(&peer, &server);
    assert_int_equal(server.filter->ops->recv_end(server.filter), GW_E_RESET);
    assert_non_null(strstr(server.filter->problem, "close_notify"));
    tls_expect_received(&server, "hello", 5);
    close_with_peer(&peer, &server);
}

static void close_notify_is_an_end_after_which_the_server_may_still_send(void **state)
{
    struct tls_peer peer;
    struct filter_driver server;
    char bytes[8];
    open_with_peer(&peer, &server, TLS1_3_VERSION);
    SSL_write(peer.ssl, "hello", 5);
    assert_int_equal(SSL_shutdown(peer.ssl), 0);
    tls_peer_to_filter(&peer, &server);
    tls_expect_received(&server, "hello", 5);
    assert_true(server.filter->recv_ended);
    assert_int_equal(server.error, 0);
    assert_int_equal(filter_driver_send(&server, "bye", 3, 1), 0);
    filter_driver_finish(&server, GW_E_CLOSED);
    tls_filter_to_peer(&peer, &server);
    assert_int_equal(SSL_read(peer.ssl, bytes, sizeof(bytes)), 3);
    assert_int_equal(SSL_read(peer.ssl, bytes, sizeof(bytes)), 0);
    assert_int_equal(SSL_get_error(peer.ssl, 0), SSL_ERROR_ZERO_RETURN);
    /* What arrives behind an end is ignored. */
    assert_int_equal(filter_driver_recv(&server, "garbage", 7, WHOLE), 0);
    assert_int_equal(server.filter->ops->recv_end(server.filter), 0);
    close_with_peer(&peer, &server);
}

static void a_client_that_ends_before_or_in_the_handshake_has_an_error_for_each(void **state)
{
    struct gw_filter_source *client = tls_client("ca", "localhost"), *server = tls_server("server");
    struct random random = {1};
    struct tls_pair pair;
    memset(&pair, 0, sizeof(pair));
    filter_driver_init(&pair.client, client);
    filter_driver_init(&pair.server, server);
    assert_int_equal(pair.server.filter->ops->recv_end(pair.server.filter), GW_E_CLOSED);
    filter_driver_flush(&pair.client);
    assert_int_equal(pair.client.filter->ops->recv_end(pair.client.filter), GW_E_TLS);
    assert_non_null(strstr(pair.client.filter->problem, "without an answer"));
    filter_driver_fini(&pair.server);
    filter_driver_init(&pair.server, server);
    assert_int_equal(filter_driver_recv(&pair.server, pair.client.sent.data, 40, 7), 0);
    assert_int_equal(pair.server.filter->ops->recv_end(pair.server.filter), GW_E_RESET);
    assert_non_null(strstr(pair.server.filter->problem, "during the handshake"));
    tls_pair_close(&pair);
    /* Neither keeps a place. */
    assert_int_equal(tls_pair_open(&pair, client, server, &random, WHOLE), 0);
    tls_pair_close(&pair);
    gw_filter_source_unref(client);
    gw_filter_source_unref(server);
}

static void a_finish_before_the_handshake_sends_nothing(void **state)
{
    struct gw_filter_source *source = tls_server("server");
    struct filter_driver server;
    filter_driver_init(&server, source);
    filter_driver_finish(&server, 7);
    assert_int_equal(server.sent.bytes, 0);
    assert_int_equal(filter_driver_recv(&server, "whatever", 8, 3), 0);
    filter_driver_fini(&server);
    gw_filter_source_unref(source);
}

/* ---- a hostile peer ---- */

static void expect_flood(struct filter_driver *server)
{
    assert_int_equal(server->error, GW_E_TLS);
    assert_non_null(strstr(server->filter->problem, "floods"));
}

static void a_flood_of_key_updates_ends_the_connection(void **state)
{
    static const int kinds[] = {SSL_KEY_UPDATE_NOT_REQUESTED, SSL_KEY_UPDATE_REQUESTED};
    for (size_t i = 0; i < LENGTH(kinds); i++) {
        struct tls_peer peer;
        struct filter_driver server;
        open_with_peer(&peer, &server, TLS1_3_VERSION);
        int count = 0;
        while (server.error == 0 && count < 1000) {
            assert_int_equal(SSL_key_update(peer.ssl, kinds[i]), 1);
            assert_int_equal(SSL_do_handshake(peer.ssl), 1);
            tls_peer_to_filter(&peer, &server);
            tls_filter_to_peer(&peer, &server);
            SSL_read(peer.ssl, (char[8]){0}, 8);
            count++;
        }
        assert_int_equal(count, GW_TLS_MESSAGE_COUNT_MAX + 1);
        expect_flood(&server);
        close_with_peer(&peer, &server);
    }
}

/* All in one piece: the answers do not pile up either. */
static void key_updates_in_one_piece_make_bounded_output(void **state)
{
    struct tls_peer peer;
    struct filter_driver server;
    open_with_peer(&peer, &server, TLS1_3_VERSION);
    for (int i = 0; i < 500; i++) {
        assert_int_equal(SSL_key_update(peer.ssl, SSL_KEY_UPDATE_REQUESTED), 1);
        assert_int_equal(SSL_do_handshake(peer.ssl), 1);
    }
    tls_peer_to_filter(&peer, &server);
    expect_flood(&server);
    assert_in_range(server.sent.bytes, 1, 4096);
    close_with_peer(&peer, &server);
}

/* A peer that changes keys as RFC 8446, 5.5 recommends is not a flood. */
static void key_updates_between_data_are_followed(void **state)
{
    struct tls_peer peer;
    struct filter_driver server;
    char bytes[8];
    open_with_peer(&peer, &server, TLS1_3_VERSION);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(SSL_key_update(peer.ssl, SSL_KEY_UPDATE_REQUESTED), 1);
        for (uint32_t sent = 0; sent < GW_TLS_MESSAGE_BYTES; sent += 16384) {
            assert_int_equal(SSL_write(peer.ssl, pattern + sent, 16384), 16384);
        }
        tls_peer_to_filter(&peer, &server);
        tls_expect_received(&server, pattern, GW_TLS_MESSAGE_BYTES);
        assert_int_equal(filter_driver_send(&server, "x", 1, 1), 0);
        tls_filter_to_peer(&peer, &server);
        assert_int_equal(SSL_read(peer.ssl, bytes, sizeof(bytes)), 1);
    }
    assert_int_equal(server.error, 0);
    close_with_peer(&peer, &server);
}

/* It demands answers and reads none. */
static void answers_that_do_not_leave_are_bounded(void **state)
{
    struct tls_peer peer;
    struct filter_driver server;
    static uint8_t out[GW_STREAM_RECV_BYTES_MAX];
    uint8_t *bytes;
    int rounds = 0, result = 0;
    open_with_peer(&peer, &server, TLS1_3_VERSION);
    while (result >= 0 && rounds < 1000) {
        assert_int_equal(SSL_key_update(peer.ssl, SSL_KEY_UPDATE_REQUESTED), 1);
        for (uint32_t sent = 0; sent < GW_TLS_MESSAGE_BYTES; sent += 16384) {
            SSL_write(peer.ssl, pattern, 16384);
        }
        long count = BIO_get_mem_data(SSL_get_wbio(peer.ssl), &bytes);
        while (count > 0 && result >= 0) {
            uint32_t piece = count < WHOLE ? (uint32_t)count : WHOLE;
            struct gw_span in = {bytes, piece};
            while ((result = server.filter->ops->recv(server.filter, &in, out)) > 0) {
            }
            bytes += piece;
            count -= piece;
        }
        (void)BIO_reset(SSL_get_wbio(peer.ssl));
        rounds++;
    }
    assert_int_equal(result, GW_E_TLS);
    assert_in_range(rounds, 100, 200); /* 4 KiB of answers of 27 bytes */
    filter_driver_flush(&server);
    assert_in_range(server.sent.bytes, 2000, 5000);
    close_with_peer(&peer, &server);
}

static void renegotiation_is_refused(void **state)
{
    struct tls_peer peer;
    struct filter_driver server;
    char bytes[8];
    open_with_peer(&peer, &server, TLS1_2_VERSION);
    int count = 0;
    while (server.error == 0 && count < 1000) {
        SSL_renegotiate(peer.ssl);
        SSL_do_handshake(peer.ssl);
        tls_peer_to_filter(&peer, &server);
        assert_in_range(server.sent.bytes, 1, 64); /* a warning, and no ServerHello */
        tls_filter_to_peer(&peer, &server);
        SSL_read(peer.ssl, bytes, sizeof(bytes));
        count++;
        if (SSL_do_handshake(peer.ssl) != 1 &&
            ERR_GET_REASON(ERR_peek_error()) == SSL_R_NO_RENEGOTIATION) {
            break; /* OpenSSL as a client gives up */
        }
    }
    ERR_clear_error();
    assert_in_range(count, 1, GW_TLS_MESSAGE_COUNT_MAX + 1);
    close_with_peer(&peer, &server);
}

static void other_protocols_are_named(void **state)
{
    static const struct {
        const char *bytes;
        size_t count;
        const char *problem;
    } cases[] = {
        {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 27, "HTTP without TLS"},
        {"\x20\0\0\0\x01\0\x47\x57 and a body", 19, "plain Gangway"},
        {"PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n", 36, "PROXY header"},
        {"SSH-2.0-OpenSSH_9.2p1\r\n", 23, "does not speak TLS"},
        {"\x03\0\0\x13\x0E\xE0\0\0\0\0\0\x01\0\x08\0\x03\0\0\0", 19, "does not speak TLS"},
        {"hello", 5, "does not speak TLS"},
    };
    static const uint32_t pieces[] = {1, 3, WHOLE};
    struct gw_filter_source *source = tls_server("server");
    for (size_t i = 0; i < LENGTH(cases); i++) {
        for (size_t k = 0; k < LENGTH(pieces); k++) {
            struct filter_driver server;
            filter_driver_init(&server, source);
            filter_driver_recv(&server, cases[i].bytes, (uint32_t)cases[i].count, pieces[k]);
            assert_int_equal(server.error, GW_E_TLS);
            if (pieces[k] == WHOLE || i != 1) { /* a Gangway frame needs 8 bytes to be one */
                assert_non_null(strstr(server.filter->problem, cases[i].problem));
            }
            filter_driver_fini(&server);
        }
    }
    gw_filter_source_unref(source);
}

static void random_bytes_fail_or_wait_but_never_open(void **state)
{
    struct gw_filter_source *source = tls_server("server");
    for (uint64_t seed = 0; seed < 300; seed++) {
        struct random random = {seed};
        struct filter_driver server;
        uint8_t bytes[600];
        for (size_t i = 0; i < sizeof(bytes); i++) {
            bytes[i] = (uint8_t)random_below(&random, 256);
        }
        if (seed % 2 == 0) { /* a record of a ClientHello */
            static const uint8_t header[] = {22, 3, 1, 1, 0, 1, 0, 0, 252, 3, 3};
            memcpy(bytes, header, sizeof(header));
        }
        filter_driver_init(&server, source);
        filter_driver_recv(&server, bytes, sizeof(bytes), 1 + random_below(&random, 100));
        assert_false(server.filter->is_open);
        assert_true(server.error == GW_E_TLS || server.error == 0);
        filter_driver_fini(&server);
    }
    gw_filter_source_unref(source);
}

static void a_handshake_may_be_abandoned_at_each_byte(void **state)
{
    int64_t blocks = memory_block_count();
    struct gw_filter_source *client = tls_client("ca", "localhost"), *server = tls_server("server");
    for (uint32_t limit = 0; limit < 3000; limit += 13) {
        struct tls_pair pair;
        memset(&pair, 0, sizeof(pair));
        filter_driver_init(&pair.client, client);
        filter_driver_init(&pair.server, server);
        filter_driver_flush(&pair.client);
        for (uint32_t moved = 0; moved < limit;) {
            struct filter_driver *from = pair.client.sent.bytes > 0 ? &pair.client : &pair.server;
            struct filter_driver *to = from == &pair.client ? &pair.server : &pair.client;
            uint32_t piece = from->sent.bytes < 13 ? from->sent.bytes : 13;
            if (piece == 0) {
                break;
            }
            assert_int_equal(filter_driver_recv(to, from->sent.data, piece, piece), 0);
            collected_remove(&from->sent, piece);
            moved += piece;
        }
        if (limit % 2 == 0) {
            filter_driver_finish(&pair.client, 5);
            filter_driver_finish(&pair.server, 5);
        }
        tls_pair_close(&pair);
    }
    gw_filter_source_unref(client);
    gw_filter_source_unref(server);
    assert_int_equal(memory_block_count(), blocks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(client_and_server_carry_any_bytes_in_any_pieces),
        cmocka_unit_test(a_batch_of_spans_is_one_record),
        cmocka_unit_test(a_full_piece_behind_a_full_partial_record_is_kept),
        cmocka_unit_test(nothing_is_delivered_before_the_handshake_is_done),
        cmocka_unit_test(a_flipped_bit_of_a_record_ends_the_connection),
        cmocka_unit_test(valid_records_before_a_forged_one_are_delivered),
        cmocka_unit_test(a_flipped_bit_of_a_handshake_never_opens_the_server),
        cmocka_unit_test(a_fin_without_close_notify_is_a_reset),
        cmocka_unit_test(close_notify_is_an_end_after_which_the_server_may_still_send),
        cmocka_unit_test(a_client_that_ends_before_or_in_the_handshake_has_an_error_for_each),
        cmocka_unit_test(a_finish_before_the_handshake_sends_nothing),
        cmocka_unit_test(a_flood_of_key_updates_ends_the_connection),
        cmocka_unit_test(key_updates_in_one_piece_make_bounded_output),
        cmocka_unit_test(key_updates_between_data_are_followed),
        cmocka_unit_test(answers_that_do_not_leave_are_bounded),
        cmocka_unit_test(renegotiation_is_refused),
        cmocka_unit_test(other_protocols_are_named),
        cmocka_unit_test(random_bytes_fail_or_wait_but_never_open),
        cmocka_unit_test(a_handshake_may_be_abandoned_at_each_byte),
    };
    for (uint32_t i = 0; i < STREAM_BYTES; i++) {
        pattern[i] = pattern_byte(2, i);
    }
    tls_fixture_begin();
    int result = cmocka_run_group_tests(tests, NULL, NULL);
    tls_fixture_end();
    return result;
}
