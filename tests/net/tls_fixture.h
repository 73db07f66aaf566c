/* tests/net/tls_fixture.h: Two ends of TLS without sockets: filters, and OpenSSL alone. */
#ifndef GW_TESTS_NET_TLS_FIXTURE_H
#define GW_TESTS_NET_TLS_FIXTURE_H

#include "net/filter/tls.h"
#include "tests/net/filter_driver.h"
#include "tests/support/certificates.h"
#include "tests/support/random.h"
#include <openssl/ssl.h>

/* Keys and certificates of the whole program; see certificates.h. */
extern struct certificates fixture_certificates;

/*
 * Makes the certificates, and lets OpenSSL allocate with malloc() of the program, so that the
 * allocations can be counted and can fail. Call it first, and the other one last.
 */
void tls_fixture_begin(void);
void tls_fixture_end(void);

/* Bytes that OpenSSL has allocated, with the overhead of malloc(). */
size_t tls_fixture_used_bytes(void);

/* Creates the source of a server with these files, or of a client that trusts this certificate.
 * Returns its result. */
int tls_source_try(const char *name, bool is_client, struct gw_filter_source **source_out,
                   char problem_out[GW_TLS_PROBLEM_BYTES]);

/* Sources. `name`: of the files. They fail the test when they cannot be created. */
struct gw_filter_source *tls_server(const char *name);
struct gw_filter_source *tls_client(const char *ca, const char *server_name);

/* A client and a server, whose outputs are each other's input. */
struct tls_pair {
    struct filter_driver client, server;
};

/* Creates both and completes the handshake. Returns the first error. */
int tls_pair_open(struct tls_pair *pair, struct gw_filter_source *client,
                  struct gw_filter_source *server, struct random *random, uint32_t piece_bytes_max);

/* Moves what each has sent to the other one, in pieces of random sizes. Returns the first error. */
int tls_pair_exchange(struct tls_pair *pair, struct random *random, uint32_t piece_bytes_max);
void tls_pair_close(struct tls_pair *pair);

/* OpenSSL alone, a program that nobody here wrote, as the other end of a filter. */
struct tls_peer {
    SSL_CTX *context;
    SSL *ssl;
    int error; /* SSL_get_error() of the handshake */
};

/* Creates one that trusts `ca`. Its settings may be changed before tls_peer_connect(). */
void tls_peer_init(struct tls_peer *peer, bool is_client);
void tls_peer_fini(struct tls_peer *peer);

/* Moves bytes between both until neither has more. Returns whether both are open. */
bool tls_peer_connect(struct tls_peer *peer, struct filter_driver *driver);

/* Moves what one has sent to the other one. */
void tls_peer_to_filter(struct tls_peer *peer, struct filter_driver *driver);
void tls_filter_to_peer(struct tls_peer *peer, struct filter_driver *driver);

/* Checks what a filter has received, and forgets it. */
void tls_expect_received(struct filter_driver *driver, const void *data, size_t bytes);

#endif
