/* tests/net/tls_fixture.c: Two ends of TLS without sockets: filters, and OpenSSL alone. */
#include "tests/net/tls_fixture.h"

#include "tests/test.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { WHOLE = GW_STREAM_RECV_BYTES_MAX };

struct certificates fixture_certificates;

/* In front of each block of OpenSSL: as large as the overhead of malloc() is. */
union header {
    size_t bytes;
    max_align_t align;
};

static atomic_size_t used_bytes;

static void *resize(void *memory, size_t bytes, const char *file, int line)
{
    union header *old = memory == NULL ? NULL : (union header *)memory - 1;
    size_t old_bytes = old == NULL ? 0 : old->bytes;
    union header *header = realloc(old, sizeof(*header) + bytes);
    if (header == NULL) {
        return NULL;
    }
    header->bytes = sizeof(*header) + bytes;
    atomic_fetch_add(&used_bytes, header->bytes - old_bytes);
    return header + 1;
}

static void *take(size_t bytes, const char *file, int line)
{
    return resize(NULL, bytes, file, line);
}

static void release(void *memory, const char *file, int line)
{
    if (memory != NULL) {
        atomic_fetch_sub(&used_bytes, ((union header *)memory - 1)->bytes);
        free((union header *)memory - 1);
    }
}

size_t tls_fixture_used_bytes(void)
{
    return atomic_load(&used_bytes);
}

void tls_fixture_begin(void)
{
    assert_int_equal(CRYPTO_set_mem_functions(take, resize, release), 1);
    certificates_create(&fixture_certificates);
}

void tls_fixture_end(void)
{
    certificates_destroy(&fixture_certificates);
}

static const char *path_of(const char *name, const char *suffix)
{
    char file[64];
    strcpy(file, name);
    strcat(file, suffix);
    return certificates_path(&fixture_certificates, file);
}

int tls_source_try(const char *name, bool is_client, struct gw_filter_source **source_out,
                   char problem_out[GW_TLS_PROBLEM_BYTES])
{
    if (is_client) {
        const struct gw_tls_client_config client = {
            .ca_path = path_of(name, ".pem"), .server_name = "localhost", .alpn = "gangway/1"};
        return gw_tls_client_create(&client, source_out, problem_out);
    }
    const struct gw_tls_server_config server = {.certificate_path = path_of(name, ".pem"),
                                                .key_path = path_of(name, ".key"),
                                                .alpn = "gangway/1",
                                                .handshake_count_max = 4};
    return gw_tls_server_create(&server, source_out, problem_out);
}

struct gw_filter_source *tls_server(const char *name)
{
    struct gw_filter_source *source = NULL;
    char problem[GW_TLS_PROBLEM_BYTES] = "";
    if (tls_source_try(name, false, &source, problem) != 0) {
        fail_msg("%s", problem);
    }
    return source;
}

struct gw_filter_source *tls_client(const char *ca, const char *server_name)
{
    const struct gw_tls_client_config config = {.ca_path = ca != NULL ? path_of(ca, ".pem") : NULL,
                                                .insecure = ca == NULL,
                                                .server_name = server_name,
                                                .alpn = "gangway/1"};
    struct gw_filter_source *source = NULL;
    char problem[GW_TLS_PROBLEM_BYTES] = "";
    if (gw_tls_client_create(&config, &source, problem) != 0) {
        fail_msg("%s", problem);
    }
    return source;
}

int tls_pair_exchange(struct tls_pair *pair, struct random *random, uint32_t piece_bytes_max)
{
    while ((pair->client.sent.bytes > 0 || pair->server.sent.bytes > 0) &&
           pair->client.error == 0 && pair->server.error == 0) {
        struct filter_driver *from = random_below(random, 2) == 0 ? &pair->client : &pair->server;
        struct filter_driver *to = from == &pair->client ? &pair->server : &pair->client;
        if (from->sent.bytes > 0) {
            uint32_t piece = 1 + random_below(random, piece_bytes_max);
            piece = piece < from->sent.bytes ? piece : from->sent.bytes;
            filter_driver_recv(to, from->sent.data, piece, piece);
            collected_remove(&from->sent, piece);
        }
    }
    return pair->client.error != 0 ? pair->client.error : pair->server.error;
}

int tls_pair_open(struct tls_pair *pair, struct gw_filter_source *client,
                  struct gw_filter_source *server, struct random *random, uint32_t piece_bytes_max)
{
    memset(pair, 0, sizeof(*pair));
    int error = filter_driver_init(&pair->client, client);
    error = error != 0 ? error : filter_driver_init(&pair->server, server);
    error = error != 0 ? error : filter_driver_flush(&pair->client);
    error = error != 0 ? error : tls_pair_exchange(pair, random, piece_bytes_max);
    assert_true(error != 0 || (pair->client.filter->is_open && pair->server.filter->is_open));
    return error;
}

void tls_pair_close(struct tls_pair *pair)
{
    filter_driver_fini(&pair->client);
    filter_driver_fini(&pair->server);
}

void tls_peer_init(struct tls_peer *peer, bool is_client)
{
    peer->context = SSL_CTX_new(is_client ? TLS_client_method() : TLS_server_method());
    assert_non_null(peer->context);
    peer->ssl = NULL;
    peer->error = SSL_ERROR_WANT_READ;
    if (is_client) {
        assert_int_equal(SSL_CTX_load_verify_file(peer->context, path_of("ca", ".pem")), 1);
        SSL_CTX_set_verify(peer->context, SSL_VERIFY_PEER, NULL);
    } else {
        assert_int_equal(
            SSL_CTX_use_certificate_chain_file(peer->context, path_of("server", ".pem")), 1);
        assert_int_equal(
            SSL_CTX_use_PrivateKey_file(peer->context, path_of("server", ".key"), SSL_FILETYPE_PEM),
            1);
    }
}

void tls_peer_fini(struct tls_peer *peer)
{
    SSL_free(peer->ssl);
    SSL_CTX_free(peer->context);
}

void tls_peer_to_filter(struct tls_peer *peer, struct filter_driver *driver)
{
    uint8_t bytes[WHOLE];
    int count;
    while ((count = BIO_read(SSL_get_wbio(peer->ssl), bytes, sizeof(bytes))) > 0) {
        filter_driver_recv(driver, bytes, (uint32_t)count, WHOLE);
    }
}

void tls_filter_to_peer(struct tls_peer *peer, struct filter_driver *driver)
{
    if (driver->sent.bytes > 0) {
        assert_int_equal(
            BIO_write(SSL_get_rbio(peer->ssl), driver->sent.data, (int)driver->sent.bytes),
            driver->sent.bytes);
        collected_clear(&driver->sent);
    }
}

bool tls_peer_connect(struct tls_peer *peer, struct filter_driver *driver)
{
    int result = 0;
    if (peer->ssl == NULL) {
        peer->ssl = SSL_new(peer->context);
        assert_non_null(peer->ssl);
    }
    if (SSL_get_rbio(peer->ssl) == NULL) {
        SSL_set_bio(peer->ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
        if (SSL_CTX_get_ssl_method(peer->context) == TLS_client_method()) {
            SSL_set_connect_state(peer->ssl);
        } else {
            SSL_set_accept_state(peer->ssl);
        }
    }
    filter_driver_flush(driver);
    do {
        tls_filter_to_peer(peer, driver);
        ERR_clear_error();
        result = SSL_do_handshake(peer->ssl);
        peer->error = SSL_get_error(peer->ssl, result);
        tls_peer_to_filter(peer, driver);
    } while (driver->sent.bytes > 0 && result != 1 && peer->error == SSL_ERROR_WANT_READ);
    tls_filter_to_peer(peer, driver);
    return result == 1 && driver->filter->is_open;
}

void tls_expect_received(struct filter_driver *driver, const void *data, size_t bytes)
{
    assert_int_equal(driver->received.bytes, bytes);
    if (bytes > 0) {
        assert_memory_equal(driver->received.data, data, bytes);
    }
    collected_clear(&driver->received);
}
