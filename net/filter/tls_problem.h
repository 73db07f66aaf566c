/* net/filter/tls_problem.h: Why a TLS connection has failed, for people. Private to net. */
#ifndef GW_NET_FILTER_TLS_PROBLEM_H
#define GW_NET_FILTER_TLS_PROBLEM_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

enum { GW_TLS_FIRST_BYTES = 8 };

/* All texts are static. The peer of a client is the server, and the other way round. */

/* What a peer speaks, by the first bytes that it has sent; NULL: it may be TLS. */
const char *gw__tls_explain_foreign(const uint8_t first[GW_TLS_FIRST_BYTES], uint32_t bytes,
                                    bool is_client);

/*
 * What the first error says that OpenSSL has queued; NULL: an allocation failed. Clears the queue.
 * `ssl`: of the connection that has failed, or NULL.
 */
const char *gw__tls_explain(const SSL *ssl, bool is_client);

#endif
