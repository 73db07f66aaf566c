/* net/filter/tls_context.h: Certificates, keys and settings of TLS. Private to net. */
#ifndef GW_NET_FILTER_TLS_CONTEXT_H
#define GW_NET_FILTER_TLS_CONTEXT_H

#include "net/filter/tls.h"
#include <openssl/ssl.h>

/*
 * Make a context of OpenSSL from files, with the settings that tls.h describes. `alpn` must live as
 * long as the context. `old` is a context whose session tickets the new one accepts, or NULL.
 *
 * Return 0, GW_E_INVALID or GW_E_MEMORY, with a text for people on an error.
 */
int gw__tls_server_context(const char *certificate_path, const char *key_path, const char *alpn,
                           SSL_CTX *old, SSL_CTX **context_out,
                           char problem_out[GW_TLS_PROBLEM_BYTES]);
int gw__tls_client_context(const struct gw_tls_client_config *config, SSL_CTX **context_out,
                           char problem_out[GW_TLS_PROBLEM_BYTES]);

/* Sets the name that the certificate of the server must have. Returns false when out of memory. */
bool gw__tls_expect_name(SSL *ssl, const char *name);

#endif
