/* tests/net/test_tls_trust.c: Certificates, keys, versions, tickets and reloads of the TLS filter.
 */
#include "tests/test.h"

#include "net/error.h"
#include "net/os/os.h"
#include "tests/net/tls_fixture.h"
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

enum { WHOLE = GW_STREAM_RECV_BYTES_MAX };

static const char *path(const char *file)
{
    return certificates_path(&fixture_certificates, file);
}

/* ---- the certificate of the server ---- */

/* Returns the problem of a client that connects to a server with these files; NULL: none. */
static const char *connect(const char *server_name, const char *ca, const char *expected_name)
{
    static char problem[256];
    struct gw_filter_source *client = tls_client(ca, expected_name);
    struct gw_filter_source *server = tls_server(server_name);
    struct random random = {1};
    struct tls_pair pair;
    int error = tls_pair_open(&pair, client, server, &random, WHOLE);
    problem[0] = '\0';
    if (error != 0) {
        assert_int_equal(pair.client.error, GW_E_TLS);
        assert_false(pair.client.filter->is_open);
        snprintf(problem, sizeof(problem), "%s", pair.client.filter->problem);
        /* The server learns why. */
        tls_pair_close(&pair);
    } else {
        tls_pair_close(&pair);
    }
    gw_filter_source_unref(client);
    gw_filter_source_unref(server);
    return error != 0 ? problem : NULL;
}

static void a_client_accepts_the_names_of_the_certificate_and_no_others(void **state)
{
    static const char *const good[] = {"localhost", "127.0.0.1", "::1", "a.game.example"};
    static const char *const bad[] = {"example.org", "a.b.game.example", "game.example",
                                      "localhos"};
    for (size_t i = 0; i < LENGTH(good); i++) {
        assert_null(connect("server", "ca", good[i]));
    }
    for (size_t i = 0; i < LENGTH(bad); i++) {
        const char *problem = connect("server", "ca", bad[i]);
        assert_non_null(problem);
        assert_non_null(strstr(problem, "another name"));
    }
    assert_non_null(strstr(connect("server", "ca", "127.0.0.2"), "another address"));
}

static void a_client_accepts_only_certificates_that_it_trusts(void **state)
{
    assert_null(connect("server", "server", "localhost")); /* the certificate of the server alone */
    assert_null(connect("stray", "stray", "localhost"));
    assert_non_null(strstr(connect("stray", "ca", "localhost"), "self-signed"));
    assert_non_null(strstr(connect("server", "stray", "localhost"), "not trusted"));
}

static void an_insecure_client_accepts_any_certificate(void **state)
{
    assert_null(connect("stray", NULL, "localhost"));
    assert_null(connect("server", NULL, "example.org"));
    assert_null(connect("server", NULL, NULL));
}

/* A server of ours refuses such a file, so OpenSSL alone is the server. */
static void a_client_refuses_an_expired_and_an_early_certificate(void **state)
{
    static const struct {
        const char *name, *problem;
    } cases[] = {{"expired", "has expired"}, {"early", "not yet valid"}};
    for (size_t i = 0; i < LENGTH(cases); i++) {
        char file[32];
        struct gw_filter_source *source = tls_client("ca", "localhost");
        struct filter_driver client;
        struct tls_peer peer;
        tls_peer_init(&peer, false);
        snprintf(file, sizeof(file), "%s.pem", cases[i].name);
        assert_int_equal(SSL_CTX_use_certificate_chain_file(peer.context, path(file)), 1);
        snprintf(file, sizeof(file), "%s.key", cases[i].name);
        assert_int_equal(SSL_CTX_use_PrivateKey_file(peer.context, path(file), SSL_FILETYPE_PEM),
                         1);
        assert_int_equal(filter_driver_init(&client, source), 0);
        assert_false(tls_peer_connect(&peer, &client));
        assert_int_equal(client.error, GW_E_TLS);
        assert_non_null(strstr(client.filter->problem, cases[i].problem));
        ERR_clear_error();
        tls_peer_fini(&peer);
        filter_driver_fini(&client);
        gw_filter_source_unref(source);
    }
}

static void a_server_reports_why_a_client_refuses_its_certificate(void **state)
{
    struct gw_filter_source *source = tls_server("stray");
    struct filter_driver server;
    struct tls_peer peer;
    tls_peer_init(&peer, true);
    filter_driver_init(&server, source);
    assert_false(tls_peer_connect(&peer, &server));
    assert_int_equal(server.error, GW_E_TLS);
    assert_non_null(strstr(server.filter->problem, "does not trust the issuer"));
    ERR_clear_error();
    tls_peer_fini(&peer);
    filter_driver_fini(&server);
    gw_filter_source_unref(source);
}

/* ---- files ---- */

static void expect_invalid(const char *certificate, const char *key, const char *const words[3])
{
    const struct gw_tls_server_config config = {.certificate_path = path(certificate),
                                                .key_path = path(key),
                                                .alpn = "gangway/1",
                                                .handshake_count_max = 1};
    struct gw_filter_source *source = NULL;
    char problem[GW_TLS_PROBLEM_BYTES] = "";
    assert_int_equal(gw_tls_server_create(&config, &source, problem), GW_E_INVALID);
    assert_null(source);
    for (int i = 0; i < 3; i++) {
        if (strstr(problem, words[i]) == NULL) {
            fail_msg("\"%s\" does not say \"%s\"", problem, words[i]);
        }
    }
    assert_int_equal(ERR_peek_error(), 0);
}

/* Writes a file with the start of another one, and one with an encrypted copy of a key. */
static void write_bad_files(void)
{
    char text[4096];
    FILE *file = fopen(path("server.pem"), "rb");
    size_t bytes = fread(text, 1, sizeof(text), file);
    fclose(file);
    certificates_write(&fixture_certificates, "half.pem", text, (unsigned)bytes / 4);
    memset(text + 100, '!', 20);
    certificates_write(&fixture_certificates, "damaged.pem", text, (unsigned)bytes);
    certificates_write(&fixture_certificates, "empty.pem", "", 0);
    certificates_write(&fixture_certificates, "text.pem", "hello\n", 6);
    file = fopen(path("server.key"), "rb");
    EVP_PKEY *key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
    fclose(file);
    file = fopen(path("encrypted.key"), "wb");
    assert_int_equal(PEM_write_PrivateKey(file, key, EVP_aes_256_cbc(),
                                          (const unsigned char *)"secret", 6, NULL, NULL),
                     1);
    fclose(file);
    EVP_PKEY_free(key);
}

static void a_file_that_cannot_be_used_is_named_with_what_to_do(void **state)
{
    static const struct {
        const char *certificate, *key, *words[3];
    } cases[] = {
        {"none.pem", "server.key", {"none.pem", "No such file", "check the path"}},
        {"server.pem", "none.key", {"none.key", "No such file", "check the path"}},
        {"", "server.key", {"cannot be read", "directory", "PEM"}},
        {"empty.pem", "server.key", {"empty.pem", "is empty", "PEM"}},
        {"server.pem", "empty.pem", {"empty.pem", "is empty", "PEM"}},
        {"text.pem", "server.key", {"text.pem", "no certificate", "PEM"}},
        {"server.pem", "text.pem", {"text.pem", "no private key", "PEM"}},
        {"server.key", "server.key", {"server.key", "no certificate", "PEM"}},
        {"half.pem", "server.key", {"half.pem", "damaged", "copy the file again"}},
        {"damaged.pem", "server.key", {"damaged.pem", "damaged", "copy the file again"}},
        {"server.pem", "other.key", {"other.key", "does not fit", "server.pem"}},
        {"expired.pem", "expired.key", {"expired.pem", "expired on 20", "renew"}},
        {"early.pem", "early.key", {"early.pem", "valid from", "clock"}},
        {"server.pem", "encrypted.key", {"encrypted.key", "is encrypted", "openssl pkey"}},
    };
    write_bad_files();
    for (size_t i = 0; i < LENGTH(cases); i++) {
        expect_invalid(cases[i].certificate, cases[i].key, cases[i].words);
    }
}

static void a_client_needs_a_name_and_a_file_with_certificates(void **state)
{
    static const struct {
        struct gw_tls_client_config config;
        const char *file, *words;
    } cases[] = {
        {{.server_name = NULL, .alpn = "a"}, NULL, "name"},
        {{.server_name = "", .alpn = "a"}, NULL, "name"},
        {{.server_name = "a", .alpn = ""}, NULL, "protocol"},
        {{.server_name = "a", .alpn = "a"}, "none.pem", "No such file"},
        {{.server_name = "a", .alpn = "a"}, "server.key", "no certificate"},
    };
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct gw_tls_client_config config = cases[i].config;
        struct gw_filter_source *source = NULL;
        char problem[GW_TLS_PROBLEM_BYTES] = "";
        config.ca_path = cases[i].file != NULL ? path(cases[i].file) : NULL;
        assert_int_equal(gw_tls_client_create(&config, &source, problem), GW_E_INVALID);
        assert_null(source);
        assert_non_null(strstr(problem, cases[i].words));
    }
    const struct gw_tls_client_config system = {.server_name = "localhost", .alpn = "a"};
    struct gw_filter_source *source = NULL;
    char problem[GW_TLS_PROBLEM_BYTES] = "";
    assert_int_equal(gw_tls_client_create(&system, &source, problem), 0);
    gw_filter_source_unref(source);
}

/* ---- what peers agree on ---- */

struct agreement {
    int min_version, max_version;
    const char *ciphers; /* of TLS 1.2 */
    const char *alpn;    /* with the length of each name in front */
    bool is_accepted;
    const char *words; /* of the problem, or the ALPN that was agreed on; NULL: none */
};

static void expect_agreement(const struct agreement *agreement)
{
    struct gw_filter_source *source = tls_server("server");
    struct filter_driver server;
    struct tls_peer peer;
    tls_peer_init(&peer, true);
    SSL_CTX_set_security_level(peer.context, 0); /* Debian forbids a client TLS 1.1 */
    SSL_CTX_set_min_proto_version(peer.context, agreement->min_version);
    SSL_CTX_set_max_proto_version(peer.context, agreement->max_version);
    if (agreement->ciphers != NULL) {
        assert_int_equal(SSL_CTX_set_cipher_list(peer.context, agreement->ciphers), 1);
    }
    if (agreement->alpn != NULL) {
        SSL_CTX_set_alpn_protos(peer.context, (const unsigned char *)agreement->alpn,
                                (unsigned)strlen(agreement->alpn));
    }
    filter_driver_init(&server, source);
    assert_int_equal(tls_peer_connect(&peer, &server), agreement->is_accepted);
    if (!agreement->is_accepted) {
        assert_int_equal(server.error, GW_E_TLS);
        assert_non_null(strstr(server.filter->problem, agreement->words));
        assert_int_equal(peer.error, SSL_ERROR_SSL); /* an alert has arrived */
    } else {
        const unsigned char *alpn;
        unsigned bytes;
        SSL_get0_alpn_selected(peer.ssl, &alpn, &bytes);
        assert_int_equal(bytes, agreement->words == NULL ? 0 : strlen(agreement->words));
        assert_true(bytes == 0 || memcmp(alpn, agreement->words, bytes) == 0);
        assert_null(SSL_get_current_compression(peer.ssl));
        assert_non_null(strstr(SSL_get_cipher(peer.ssl),
                               agreement->max_version == TLS1_2_VERSION ? "ECDHE" : "TLS_"));
    }
    ERR_clear_error();
    tls_peer_fini(&peer);
    filter_driver_fini(&server);
    gw_filter_source_unref(source);
}

static void peers_agree_on_safe_parameters_or_fail(void **state)
{
    static const struct agreement agreements[] = {
        {0, TLS1_3_VERSION, NULL, "\x09gangway/1", true, "gangway/1"},
        {0, TLS1_3_VERSION, NULL, "\x02h2\x09gangway/1", true, "gangway/1"},
        {0, TLS1_2_VERSION, NULL, "\x09gangway/1", true, "gangway/1"},
        {0, TLS1_3_VERSION, NULL, NULL, true, NULL},
        {0, TLS1_3_VERSION, NULL, "\x02h2\x08http/1.1", false, "ALPN"},
        {0, TLS1_3_VERSION, NULL, "\x08gangway/", false, "ALPN"},
        {TLS1_VERSION, TLS1_1_VERSION, NULL, NULL, false, "newer than 1.1"},
        {0, TLS1_2_VERSION, "ECDHE+AESGCM", NULL, true, NULL},
        {0, TLS1_2_VERSION, "ECDHE+CHACHA20", NULL, true, NULL},
        {0, TLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA", NULL, false, "no cipher"},
        {0, TLS1_2_VERSION, "AES128-GCM-SHA256", NULL, false, "no cipher"},
    };
    for (size_t i = 0; i < LENGTH(agreements); i++) {
        expect_agreement(&agreements[i]);
    }
}

static int note_name(SSL *ssl, int *alert, void *context)
{
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    snprintf(context, 64, "%s", name != NULL ? name : "none");
    return SSL_TLSEXT_ERR_OK;
}

static void a_client_sends_the_name_of_the_server_but_no_address(void **state)
{
    static const char *const names[][2] = {{"localhost", "localhost"}, {"127.0.0.1", "none"}};
    for (size_t i = 0; i < LENGTH(names); i++) {
        struct gw_filter_source *source = tls_client("ca", names[i][0]);
        struct filter_driver client;
        struct tls_peer peer;
        char seen[64] = "";
        tls_peer_init(&peer, false);
        SSL_CTX_set_tlsext_servername_callback(peer.context, note_name);
        SSL_CTX_set_tlsext_servername_arg(peer.context, seen);
        filter_driver_init(&client, source);
        assert_true(tls_peer_connect(&peer, &client));
        assert_string_equal(seen, names[i][1]);
        tls_peer_fini(&peer);
        filter_driver_fini(&client);
        gw_filter_source_unref(source);
    }
}

/* ---- limits, tickets and reloads ---- */

static void handshakes_are_limited_and_each_end_of_one_makes_room(void **state)
{
    enum { LIMIT = 4 };
    struct gw_filter_source *client = tls_client("ca", "localhost"), *server = tls_server("server");
    struct filter_driver waiting[LIMIT], more, silent;
    struct random random = {1};
    struct tls_pair open;
    assert_int_equal(filter_driver_init(&silent, server), 0); /* one that sends nothing: no place */
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < LIMIT; i++) {
            assert_int_equal(filter_driver_init(&waiting[i], server), 0);
            filter_driver_recv(&waiting[i], "\x16", 1, WHOLE);
            assert_int_equal(waiting[i].error, 0);
        }
        assert_int_equal(filter_driver_init(&more, server), 0);
        filter_driver_recv(&more, "\x16", 1, WHOLE);
        assert_int_equal(more.error, GW_E_FULL);
        assert_string_equal(more.filter->problem, "too many TLS handshakes at the same time");
        filter_driver_fini(&more);
        if (round == 0) {
            filter_driver_recv(&waiting[0], "garbage", 7, WHOLE);
        } else if (round == 1) {
            filter_driver_finish(&waiting[0], 1);
        } else {
            filter_driver_fini(&waiting[0]);
        }
        assert_int_equal(tls_pair_open(&open, client, server, &random, WHOLE), 0);
        assert_int_equal(filter_driver_init(&more, server), 0); /* an open one does not count */
        filter_driver_fini(&more);
        tls_pair_close(&open);
        for (int i = round == 2; i < LIMIT; i++) {
            filter_driver_fini(&waiting[i]);
        }
    }
    filter_driver_fini(&silent);
    gw_filter_source_unref(client);
    gw_filter_source_unref(server);
}

/* Connects OpenSSL with a session, or without one. Returns the session that it may resume next. */
static SSL_SESSION *connect_peer(struct gw_filter_source *source, int version, SSL_SESSION *session,
                                 bool expect_resumed)
{
    struct filter_driver server;
    struct tls_peer peer;
    tls_peer_init(&peer, true);
    SSL_CTX_set_max_proto_version(peer.context, version);
    assert_int_equal(filter_driver_init(&server, source), 0);
    peer.ssl = SSL_new(peer.context);
    if (session != NULL) {
        assert_int_equal(SSL_set_session(peer.ssl, session), 1);
        SSL_SESSION_free(session);
    }
    assert_true(tls_peer_connect(&peer, &server));
    assert_int_equal(SSL_session_reused(peer.ssl), expect_resumed);
    SSL_read(peer.ssl, (char[8]){0}, 8); /* the ticket of TLS 1.3 */
    session = SSL_get1_session(peer.ssl);
    assert_int_equal(SSL_SESSION_is_resumable(session), 1);
    assert_int_equal(SSL_SESSION_get_max_early_data(session), 0);
    SSL_shutdown(peer.ssl);
    tls_peer_fini(&peer);
    filter_driver_fini(&server);
    return session;
}

static void tickets_resume_sessions_also_after_a_reload(void **state)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    char problem[GW_TLS_PROBLEM_BYTES];
    for (size_t i = 0; i < LENGTH(versions); i++) {
        struct gw_filter_source *source = tls_server("server"), *other = tls_server("server");
        SSL_SESSION *session = connect_peer(source, versions[i], NULL, false);
        session = connect_peer(source, versions[i], session, true);
        assert_int_equal(gw_tls_server_reload(source, problem), 0);
        session = connect_peer(source, versions[i], session, true);
        SSL_SESSION_free(connect_peer(other, versions[i], session, false)); /* its keys differ */
        gw_filter_source_unref(source);
        gw_filter_source_unref(other);
    }
}

/* A resumed handshake has no certificate in it, and so fewer bytes. */
static uint32_t handshake_bytes(struct gw_filter_source *client, struct gw_filter_source *server)
{
    struct tls_pair pair;
    memset(&pair, 0, sizeof(pair));
    assert_int_equal(filter_driver_init(&pair.client, client), 0);
    assert_int_equal(filter_driver_init(&pair.server, server), 0);
    filter_driver_flush(&pair.client);
    filter_driver_recv(&pair.server, pair.client.sent.data, pair.client.sent.bytes, WHOLE);
    collected_clear(&pair.client.sent);
    uint32_t bytes = pair.server.sent.bytes;
    struct random random = {1};
    assert_int_equal(tls_pair_exchange(&pair, &random, WHOLE), 0);
    assert_true(pair.client.filter->is_open && pair.server.filter->is_open);
    tls_pair_close(&pair);
    return bytes;
}

static void clients_of_one_source_resume_their_last_session(void **state)
{
    struct gw_filter_source *client = tls_client("ca", "localhost"), *server = tls_server("server");
    struct gw_filter_source *stranded = tls_server("server");
    uint32_t full = handshake_bytes(client, server);
    assert_true(handshake_bytes(client, server) + 500 < full);
    assert_true(handshake_bytes(client, server) + 500 < full);
    assert_in_range(handshake_bytes(client, stranded), full - 100, full + 100);
    gw_filter_source_unref(client);
    gw_filter_source_unref(server);
    gw_filter_source_unref(stranded);
}

/* ---- reloads ---- */

static void copy_file(const char *from, const char *to)
{
    char text[8192];
    FILE *file = fopen(path(from), "rb");
    size_t bytes = fread(text, 1, sizeof(text), file);
    fclose(file);
    certificates_write(&fixture_certificates, to, text, (unsigned)bytes);
}

static void install(const char *name)
{
    char file[32];
    snprintf(file, sizeof(file), "%s.pem", name);
    copy_file(file, "live.pem");
    snprintf(file, sizeof(file), "%s.key", name);
    copy_file(file, "live.key");
}

static bool is_trusted(struct gw_filter_source *server, const char *certificate)
{
    struct gw_filter_source *client = tls_client(certificate, "localhost");
    struct random random = {1};
    struct tls_pair pair;
    int error = tls_pair_open(&pair, client, server, &random, WHOLE);
    tls_pair_close(&pair);
    gw_filter_source_unref(client);
    return error == 0;
}

static void a_reload_changes_new_connections_and_no_old_ones(void **state)
{
    install("server");
    struct gw_filter_source *server = tls_server("live"), *client = tls_client("ca", "localhost");
    struct random random = {1};
    struct tls_pair open, begun;
    char problem[GW_TLS_PROBLEM_BYTES];
    assert_int_equal(tls_pair_open(&open, client, server, &random, WHOLE), 0);
    memset(&begun, 0, sizeof(begun));
    filter_driver_init(&begun.client, client);
    filter_driver_init(&begun.server, server);
    filter_driver_flush(&begun.client);
    filter_driver_recv(&begun.server, begun.client.sent.data, 50, WHOLE);
    collected_remove(&begun.client.sent, 50);

    install("stray");
    assert_true(is_trusted(server, "ca"));
    assert_int_equal(gw_tls_server_reload(server, problem), 0);
    assert_false(is_trusted(server, "ca"));
    assert_true(is_trusted(server, "stray"));
    /* What has begun goes on. */
    assert_int_equal(tls_pair_exchange(&begun, &random, WHOLE), 0);
    assert_true(begun.client.filter->is_open);
    filter_driver_send(&open.client, "hello", 5, 1);
    assert_int_equal(tls_pair_exchange(&open, &random, WHOLE), 0);
    tls_expect_received(&open.server, "hello", 5);

    /* A bad file changes nothing. */
    copy_file("server.key", "live.key");
    assert_int_equal(gw_tls_server_reload(server, problem), GW_E_INVALID);
    assert_non_null(strstr(problem, "live.key"));
    assert_true(is_trusted(server, "stray"));
    certificates_write(&fixture_certificates, "live.pem", "", 0);
    assert_int_equal(gw_tls_server_reload(server, problem), GW_E_INVALID);
    assert_true(is_trusted(server, "stray"));
    tls_pair_close(&open);
    tls_pair_close(&begun);
    gw_filter_source_unref(server);
    gw_filter_source_unref(client);
}

/* ---- threads ---- */

static struct {
    struct gw_filter_source *client, *server;
    atomic_int talked_count;
    atomic_bool is_done;
} shared;

static void talk_on(void *context)
{
    struct random random = {(uintptr_t)context};
    for (int i = 0; i < 40; i++) {
        struct tls_pair pair;
        if (tls_pair_open(&pair, shared.client, shared.server, &random, WHOLE) == 0) {
            filter_driver_send(&pair.client, "hello", 5, 1);
            filter_driver_send(&pair.server, "hello", 5, 1);
            if (tls_pair_exchange(&pair, &random, WHOLE) == 0 && pair.client.received.bytes == 5 &&
                pair.server.received.bytes == 5) {
                atomic_fetch_add(&shared.talked_count, 1);
            }
            filter_driver_finish(&pair.server, 1);
        }
        tls_pair_close(&pair);
    }
}

static void filters_of_one_source_run_on_several_threads_during_reloads(void **state)
{
    os_thread threads[2];
    char problem[GW_TLS_PROBLEM_BYTES];
    shared.client = tls_client("ca", "localhost");
    shared.server = tls_server("server");
    for (uintptr_t i = 0; i < 2; i++) {
        assert_int_equal(os_thread_start(&threads[i], talk_on, (void *)(i + 1)), 0);
    }
    for (int i = 0; i < 20; i++) {
        assert_int_equal(gw_tls_server_reload(shared.server, problem), 0);
    }
    for (int i = 0; i < 2; i++) {
        os_thread_join(threads[i]);
    }
    assert_int_equal(atomic_load(&shared.talked_count), 80);
    gw_filter_source_unref(shared.client);
    gw_filter_source_unref(shared.server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_accepts_the_names_of_the_certificate_and_no_others),
        cmocka_unit_test(a_client_accepts_only_certificates_that_it_trusts),
        cmocka_unit_test(an_insecure_client_accepts_any_certificate),
        cmocka_unit_test(a_client_refuses_an_expired_and_an_early_certificate),
        cmocka_unit_test(a_server_reports_why_a_client_refuses_its_certificate),
        cmocka_unit_test(a_file_that_cannot_be_used_is_named_with_what_to_do),
        cmocka_unit_test(a_client_needs_a_name_and_a_file_with_certificates),
        cmocka_unit_test(peers_agree_on_safe_parameters_or_fail),
        cmocka_unit_test(a_client_sends_the_name_of_the_server_but_no_address),
        cmocka_unit_test(handshakes_are_limited_and_each_end_of_one_makes_room),
        cmocka_unit_test(tickets_resume_sessions_also_after_a_reload),
        cmocka_unit_test(clients_of_one_source_resume_their_last_session),
        cmocka_unit_test(a_reload_changes_new_connections_and_no_old_ones),
        cmocka_unit_test(filters_of_one_source_run_on_several_threads_during_reloads),
    };
    tls_fixture_begin();
    int result = cmocka_run_group_tests(tests, NULL, NULL);
    tls_fixture_end();
    return result;
}
