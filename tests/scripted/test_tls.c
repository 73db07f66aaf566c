/* tests/scripted/test_tls.c: Streams over TLS. */
#include "tests/test.h"

#include "net/buf.h"
#include "net/error.h"
#include "net/filter/source.h"
#include "net/filter/tls.h"
#include "net/filter/websocket.h"
#include "net/listener.h"
#include "tests/scripted/peer.h"
#include "tests/scripted/port_fixture.h"
#include "tests/scripted/test_stream.h"
#include "tests/support/certificates.h"
#include "tests/support/random.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string.h>

enum { WHY = 7, WALK_COUNT = 30 };

static struct certificates certificates;
static struct gw_filter_source *server_source;
static struct gw_filter_source *client_source;
static struct test_listener test_listener;
static struct test_stream client;
static struct test_stream *server;

static const struct gw_stream_config plain_config = {.recv_bytes_max = 4096,
                                                     .send_queue_bytes_max = 65536};

static void create_sources(void)
{
    char problem[GW_TLS_PROBLEM_BYTES];
    const struct gw_tls_server_config server_config = {
        .certificate_path = certificates_path(&certificates, "server.pem"),
        .key_path = certificates_path(&certificates, "server.key"),
        .alpn = "gangway/1",
        .handshake_count_max = 2};
    const struct gw_tls_client_config client_config = {
        .ca_path = certificates_path(&certificates, "ca.pem"),
        .server_name = "localhost",
        .alpn = "gangway/1"};
    assert_int_equal(gw_tls_server_create(&server_config, &server_source, problem), 0);
    assert_int_equal(gw_tls_client_create(&client_config, &client_source, problem), 0);
}

static void open_listener(const struct port_fixture_config *fixture, bool with_websocket)
{
    const struct gw_websocket_server_config websocket = {.path = NULL};
    struct gw_stream_config config = plain_config;
    fixture_open(fixture);
    create_sources();
    config.filters[0] = server_source;
    if (with_websocket) {
        assert_int_equal(gw_websocket_server_create(&websocket, &config.filters[1]), 0);
    }
    memset(&test_listener, 0, sizeof test_listener);
    assert_int_equal(test_listener_open(&test_listener, 0, &config), 0);
    gw_filter_source_unref(config.filters[1]);
    fixture_run_now();
    fixture_align_to_tick();
}

static void close_listener(void)
{
    test_listener_close(&test_listener);
    fixture_run_ms(5000);
    test_listener_fini(&test_listener);
    gw_filter_source_unref(server_source);
    gw_filter_source_unref(client_source);
    fixture_close();
}

static void dial(bool with_websocket)
{
    const struct gw_websocket_client_config websocket = {.host = "a"};
    memset(&client, 0, sizeof client);
    client.config = plain_config;
    client.config.filters[0] = client_source;
    if (with_websocket) {
        assert_int_equal(gw_websocket_client_create(&websocket, &client.config.filters[1]), 0);
    }
    assert_int_equal(test_stream_dial(&client, test_listener.port), 0);
    gw_filter_source_unref(client.config.filters[1]);
}

static void expect_pattern(const struct test_stream *stream, size_t count)
{
    assert_int_equal(bytes_count(&stream->received), count);
    assert_true(test_stream_is_pattern(bytes_data(&stream->received), count, 0));
}

static struct port_fixture_config hostile(uint64_t seed)
{
    struct random random = {seed};
    return (struct port_fixture_config){
        .kernel = {
            .seed = seed,
            .recv_bytes_max = random_below(&random, 3) == 0 ? 0 : 1 + random_below(&random, 90),
            .window_bytes = random_below(&random, 3) == 0 ? 0 : 1 + random_below(&random, 2000),
            .split_percent = (uint8_t)random_below(&random, 60),
            .nothing_percent = (uint8_t)random_below(&random, 30),
            .immediate_percent = (uint8_t)random_below(&random, 101),
            .delay_percent = (uint8_t)random_below(&random, 40),
            .shuffles = random_below(&random, 2) == 0}};
}

/* Whatever the kernel does: all bytes before a finish arrive, in order, in both directions. */
static void walk(bool with_websocket)
{
    for (uint64_t seed = 1; seed <= WALK_COUNT; seed++) {
        struct random random = {seed};
        const struct port_fixture_config fixture = hostile(seed);
        uint64_t up = 0, down = 0;
        open_listener(&fixture, with_websocket);
        dial(with_websocket);
        if (seed % 2 == 0) { /* before the handshake */
            assert_int_equal(test_stream_send_pattern(&client, 0, 500), 0);
            up = 500;
        }
        fixture_run_ms(2000);
        server = test_listener_last(&test_listener);
        assert_non_null(server);
        for (int i = 0; i < 30; i++) {
            uint32_t bytes = 1 + random_below(&random, random_below(&random, 4) == 0 ? 9000 : 200);
            if (random_below(&random, 2) == 0) {
                up += test_stream_send_pattern(&client, up, bytes) == 0 ? bytes : 0;
            } else {
                down += test_stream_send_pattern(server, down, bytes) == 0 ? bytes : 0;
            }
            fixture_run_ms(random_below(&random, 3));
        }
        fixture_run_until_idle();
        if (seed % 3 == 0) {
            gw_stream_finish(server->stream, WHY, NULL);
        } else {
            gw_stream_finish(client.stream, WHY, NULL);
        }
        fixture_run_ms(5000);
        expect_pattern(server, up);
        expect_pattern(&client, down);
        assert_int_equal(seed % 3 == 0 ? server->reason : client.reason, WHY);
        assert_int_equal(seed % 3 == 0 ? client.reason : server->reason, GW_E_CLOSED);
        assert_int_equal(fixture_counters().send_queue_bytes, 0);
        test_stream_fini(&client);
        close_listener();
    }
}

static void walks_deliver_all_bytes_before_a_finish(void **state)
{
    walk(false);
}

static void walks_of_websocket_in_tls_deliver_all_bytes_before_a_finish(void **state)
{
    const struct gw_websocket_server_config config = {.path = NULL};
    struct gw_filter_source *source;
    if (gw_websocket_server_create(&config, &source) == GW_E_UNSUPPORTED) {
        skip();
    }
    gw_filter_source_unref(source);
    walk(true);
}

/* ---- a peer of the test ---- */

/* OpenSSL at the test's end of a connection. */
static struct {
    struct peer *peer;
    SSL_CTX *context;
    SSL *ssl;
} end;

static void move_in(void)
{
    fixture_run_now();
    size_t count = peer_unread_count(end.peer);
    if (count > 0) {
        assert_int_equal(BIO_write(SSL_get_rbio(end.ssl), peer_data(end.peer), (int)count), count);
        peer_read(end.peer, NULL, count);
    }
}

static void move_out(void)
{
    uint8_t *bytes;
    long count = BIO_get_mem_data(SSL_get_wbio(end.ssl), &bytes);
    peer_send(end.peer, bytes, (size_t)count);
    (void)BIO_reset(SSL_get_wbio(end.ssl));
}

static void join(int version)
{
    end.context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_max_proto_version(end.context, version);
    end.ssl = SSL_new(end.context);
    SSL_set_bio(end.ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(end.ssl);
    end.peer = peer_connect(test_listener.port);
    while (SSL_do_handshake(end.ssl) != 1) {
        move_out();
        move_in();
    }
    move_out();
    move_in();
    server = test_listener_last(&test_listener);
}

static void leave(void)
{
    SSL_free(end.ssl);
    SSL_CTX_free(end.context);
    ERR_clear_error();
    peer_close(end.peer);
}

/* Reads all that has arrived, and expects this and nothing else. */
static void expect_text(const char *text)
{
    char bytes[64];
    int count = SSL_read(end.ssl, bytes, sizeof bytes);
    assert_int_equal(count, strlen(text));
    assert_memory_equal(bytes, text, strlen(text));
}

static void a_finish_sends_the_last_message_close_notify_and_a_fin(void **state)
{
    open_listener(NULL, false);
    join(TLS1_3_VERSION);
    struct gw_buf *last = gw_buf_create(4);
    memcpy(gw_buf_data(last), "last", 4);
    gw_stream_finish(server->stream, WHY, last);
    gw_buf_unref(last);
    move_in();
    expect_text("last");
    assert_int_equal(SSL_read(end.ssl, (char[8]){0}, 8), 0);
    assert_int_equal(SSL_get_error(end.ssl, 0), SSL_ERROR_ZERO_RETURN);
    assert_true(peer_has_fin(end.peer));
    peer_finish(end.peer);
    fixture_run_now();
    assert_int_equal(server->reason, WHY);
    leave();
    close_listener();
}

static void close_notify_is_a_fin_and_a_fin_without_it_a_reset(void **state)
{
    for (int notifies = 0; notifies < 2; notifies++) {
        open_listener(NULL, false);
        join(TLS1_3_VERSION);
        SSL_write(end.ssl, "bytes", 5);
        if (notifies) {
            SSL_shutdown(end.ssl);
        }
        move_out();
        peer_finish(end.peer);
        fixture_run_ms(5000);
        assert_int_equal(bytes_count(&server->received), 5);
        assert_int_equal(server->reason, notifies ? GW_E_CLOSED : GW_E_RESET);
        leave();
        close_listener();
    }
}

/* The bytes before it are delivered, those behind it are not, and the peer gets an alert. */
static void a_forged_record_ends_the_stream(void **state)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
        uint8_t *bytes;
        open_listener(NULL, false);
        join(versions[i]);
        SSL_write(end.ssl, "first", 5);
        move_out();
        SSL_write(end.ssl, "forged", 6);
        long count = BIO_get_mem_data(SSL_get_wbio(end.ssl), &bytes);
        bytes[count - 1] ^= 1;
        SSL_write(end.ssl, "behind", 6);
        move_out();
        move_in();
        assert_int_equal(bytes_count(&server->received), 5);
        assert_memory_equal(bytes_data(&server->received), "first", 5);
        assert_true(SSL_read(end.ssl, (char[8]){0}, 8) <= 0);
        assert_int_equal(ERR_GET_REASON(ERR_peek_error()), SSL_R_SSLV3_ALERT_BAD_RECORD_MAC);
        peer_finish(end.peer);
        fixture_run_ms(5000);
        assert_int_equal(server->reason, GW_E_TLS);
        assert_non_null(strstr(gw_stream_problem(server->stream), "damaged or forged"));
        leave();
        close_listener();
    }
}

static void a_flood_of_key_updates_ends_the_stream(void **state)
{
    open_listener(NULL, false);
    join(TLS1_3_VERSION);
    for (int i = 0; i < 40; i++) {
        SSL_key_update(end.ssl, SSL_KEY_UPDATE_REQUESTED);
        SSL_do_handshake(end.ssl);
    }
    move_out();
    fixture_run_ms(5000);
    assert_int_equal(server->reason, GW_E_TLS);
    leave();
    close_listener();
}

/* It counts from its first byte. A client that sends none takes no place. */
static void a_handshake_above_the_limit_is_refused_until_another_ends(void **state)
{
    struct peer *waiting[3];
    struct peer *silent[3];
    open_listener(NULL, false);
    for (int i = 0; i < 3; i++) {
        silent[i] = peer_connect(test_listener.port);
    }
    for (int i = 0; i < 3; i++) {
        waiting[i] = peer_connect(test_listener.port);
        peer_send(waiting[i], "\x16", 1);
        fixture_run_now();
    }
    server = test_listener_last(&test_listener);
    assert_int_equal(test_listener.count, 6);
    peer_finish(waiting[2]);
    fixture_run_now();
    assert_int_equal(server->reason, GW_E_FULL);
    assert_string_equal(gw_stream_problem(server->stream),
                        "too many TLS handshakes at the same time");
    for (int i = 0; i < 3; i++) {
        assert_true(peer_is_connected(silent[i]) && (i == 2 || peer_is_connected(waiting[i])));
    }
    peer_reset(waiting[0]);
    fixture_run_now();
    join(TLS1_3_VERSION);
    assert_true(SSL_is_init_finished(end.ssl));
    leave();
    for (int i = 0; i < 3; i++) {
        peer_close(waiting[i]);
        peer_close(silent[i]);
    }
    close_listener();
}

static void plain_bytes_get_no_session_and_no_answer(void **state)
{
    open_listener(NULL, false);
    struct peer *peer = peer_connect(test_listener.port);
    peer_send(peer, "\x20\0\0\0\x01\0\x47\x57 a greeting", 19);
    fixture_run_now();
    server = test_listener_last(&test_listener);
    assert_int_equal(peer_unread_count(peer), 0);
    peer_finish(peer);
    fixture_run_ms(5000);
    assert_int_equal(bytes_count(&server->received), 0);
    assert_int_equal(server->reason, GW_E_TLS);
    assert_non_null(strstr(gw_stream_problem(server->stream), "plain Gangway"));
    peer_close(peer);
    close_listener();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(walks_deliver_all_bytes_before_a_finish),
        cmocka_unit_test(walks_of_websocket_in_tls_deliver_all_bytes_before_a_finish),
        cmocka_unit_test(a_finish_sends_the_last_message_close_notify_and_a_fin),
        cmocka_unit_test(close_notify_is_a_fin_and_a_fin_without_it_a_reset),
        cmocka_unit_test(a_forged_record_ends_the_stream),
        cmocka_unit_test(a_flood_of_key_updates_ends_the_stream),
        cmocka_unit_test(a_handshake_above_the_limit_is_refused_until_another_ends),
        cmocka_unit_test(plain_bytes_get_no_session_and_no_answer),
    };
    certificates_create(&certificates);
    int result = cmocka_run_group_tests(tests, NULL, NULL);
    certificates_destroy(&certificates);
    return result;
}
