/* tools/bench/link_tls.c: TLS of the load generator. */
#include "tools/bench/link_tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

static SSL_CTX *context_of_all(void)
{
    static SSL_CTX *context;
    if (context == NULL && (context = SSL_CTX_new(TLS_client_method())) != NULL) {
        SSL_CTX_set_read_ahead(context, 1);
        SSL_CTX_set_mode(context,
                         SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
        SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    }
    return context;
}

struct link_tls *link_tls_open(int socket)
{
    SSL *ssl = context_of_all() != NULL ? SSL_new(context_of_all()) : NULL;
    if (ssl == NULL || SSL_set_fd(ssl, socket) != 1 || SSL_connect(ssl) != 1) {
        ERR_print_errors_fp(stderr);
        SSL_free(ssl);
        return NULL;
    }
    return (struct link_tls *)ssl;
}

void link_tls_close(struct link_tls *tls)
{
    SSL_free((SSL *)tls);
}

static ssize_t result_of(SSL *ssl, int result)
{
    int error = SSL_get_error(ssl, result);
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) {
        errno = EAGAIN;
        return -1;
    }
    ERR_print_errors_fp(stderr);
    errno = error == SSL_ERROR_ZERO_RETURN ? 0 : EIO;
    return error == SSL_ERROR_ZERO_RETURN ? 0 : -1;
}

ssize_t link_tls_send(struct link_tls *tls, const uint8_t *data, size_t bytes)
{
    SSL *ssl = (SSL *)tls;
    size_t all = 0;
    while (all < bytes) {
        size_t sent;
        ERR_clear_error();
        int result = SSL_write_ex(ssl, data + all, bytes - all, &sent);
        if (result != 1) {
            return all > 0 ? (ssize_t)all : result_of(ssl, result);
        }
        all += sent;
    }
    return (ssize_t)all;
}

ssize_t link_tls_recv(struct link_tls *tls, uint8_t *data, size_t bytes)
{
    SSL *ssl = (SSL *)tls;
    size_t all = 0;
    do {
        size_t got;
        ERR_clear_error();
        int result = SSL_read_ex(ssl, data + all, bytes - all, &got);
        if (result != 1) {
            return all > 0 ? (ssize_t)all : result_of(ssl, result);
        }
        all += got;
    } while (all < bytes && SSL_has_pending(ssl));
    return (ssize_t)all;
}
