/* net/filter/tls.c: TLS: sources of filters, for servers and clients. */
#include "net/filter/tls.h"

#include "net/error.h"
#include "net/filter/source.h"
#include "net/filter/tls_context.h"
#include "net/filter/tls_filter.h"
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static SSL_CTX *ref_context(struct gw_tls_source *source)
{
    os_mutex_lock(&source->mutex);
    SSL_CTX *context = source->context;
    (void)SSL_CTX_up_ref(context);
    os_mutex_unlock(&source->mutex);
    return context;
}

/* Keeps a session that a server has given a ticket for. Copies it: SSL objects of other threads
 * write to theirs. */
static int keep_session(SSL *ssl, SSL_SESSION *session)
{
    struct gw_tls_source *source = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    SSL_SESSION *copy = SSL_SESSION_dup(session);
    if (copy != NULL) {
        os_mutex_lock(&source->mutex);
        SSL_SESSION *old = source->session;
        source->session = copy;
        os_mutex_unlock(&source->mutex);
        SSL_SESSION_free(old);
    }
    return 0; /* takes no reference */
}

/* Resumes the last session, if there is one. */
static void resume(struct gw_tls_source *source, SSL *ssl)
{
    os_mutex_lock(&source->mutex);
    SSL_SESSION *copy = source->session != NULL ? SSL_SESSION_dup(source->session) : NULL;
    os_mutex_unlock(&source->mutex);
    if (copy != NULL) {
        (void)SSL_set_session(ssl, copy);
        SSL_SESSION_free(copy);
    }
}

/* Creates the SSL object of a filter. Returns false when out of memory. */
static bool create_ssl(struct gw_tls_source *source, struct gw_tls *tls)
{
    ERR_clear_error();
    SSL_CTX *context = ref_context(source);
    tls->ssl = SSL_new(context);
    SSL_CTX_free(context);
    BIO *bio = tls->ssl != NULL ? BIO_new(source->bio_method) : NULL;
    if (bio != NULL) {
        BIO_set_data(bio, tls);
        BIO_set_init(bio, 1);
        SSL_set_bio(tls->ssl, bio, bio);
    }
    bool is_ready = bio != NULL && (source->server_name == NULL ||
                                    gw__tls_expect_name(tls->ssl, source->server_name));
    if (is_ready) {
        SSL_set_msg_callback(tls->ssl, gw__tls_count_message);
        SSL_set_msg_callback_arg(tls->ssl, tls);
        if (source->is_client) {
            SSL_set_connect_state(tls->ssl);
            resume(source, tls->ssl);
        } else {
            SSL_set_accept_state(tls->ssl);
        }
    }
    ERR_clear_error();
    return is_ready;
}

static int filter_create(struct gw_filter_source *base, const struct gw_addr *peer,
                         struct gw_filter **filter_out)
{
    struct gw_tls_source *source = (struct gw_tls_source *)base;
    (void)peer;
    struct gw_tls *tls = calloc(1, sizeof(*tls));
    if (tls == NULL || !create_ssl(source, tls)) {
        if (tls != NULL) {
            SSL_free(tls->ssl);
            free(tls);
        }
        return GW_E_MEMORY;
    }
    gw_filter_source_ref(base);
    tls->source = source;
    tls->filter.ops = &gw__tls_ops;
    tls->filter.wants_send = source->is_client;
    *filter_out = &tls->filter;
    return 0;
}

static void source_destroy(struct gw_filter_source *base)
{
    struct gw_tls_source *source = (struct gw_tls_source *)base;
    SSL_SESSION_free(source->session);
    SSL_CTX_free(source->context);
    BIO_meth_free(source->bio_method);
    os_mutex_fini(&source->mutex);
    free(source->certificate_path);
    free(source->key_path);
    free(source->server_name);
    free(source->alpn);
    free(source);
}

/* Copies a text, if there is one. Returns false when out of memory. */
static bool copy_text(char **copy_out, const char *text)
{
    size_t bytes = text != NULL ? strlen(text) + 1 : 0;
    *copy_out = text != NULL ? malloc(bytes) : NULL;
    if (*copy_out != NULL) {
        memcpy(*copy_out, text, bytes);
    }
    return text == NULL || *copy_out != NULL;
}

/* Returns 0, or an error with its text. */
static int source_create(const char *alpn, struct gw_tls_source **source_out,
                         char problem_out[GW_TLS_PROBLEM_BYTES])
{
    if (alpn == NULL || alpn[0] == '\0' || strlen(alpn) > UINT8_MAX) {
        (void)snprintf(problem_out, GW_TLS_PROBLEM_BYTES,
                       "the application protocol needs 1 to %d bytes", UINT8_MAX);
        return GW_E_INVALID;
    }
    struct gw_tls_source *source = calloc(1, sizeof(*source));
    if (source != NULL) {
        atomic_init(&source->source.refs, 1);
        source->source.create = filter_create;
        source->source.destroy = source_destroy;
        os_mutex_init(&source->mutex);
        source->bio_method = gw__tls_create_bio_method();
        if (source->bio_method == NULL || !copy_text(&source->alpn, alpn)) {
            source_destroy(&source->source);
            source = NULL;
        }
    }
    if (source == NULL) {
        (void)snprintf(problem_out, GW_TLS_PROBLEM_BYTES, "out of memory");
        return GW_E_MEMORY;
    }
    *source_out = source;
    return 0;
}

int gw_tls_server_create(const struct gw_tls_server_config *config,
                         struct gw_filter_source **source_out,
                         char problem_out[GW_TLS_PROBLEM_BYTES])
{
    struct gw_tls_source *source;
    int error = source_create(config->alpn, &source, problem_out);
    if (error != 0) {
        return error;
    }
    source->handshake_count_max = config->handshake_count_max;
    if (!copy_text(&source->certificate_path, config->certificate_path) ||
        !copy_text(&source->key_path, config->key_path)) {
        (void)snprintf(problem_out, GW_TLS_PROBLEM_BYTES, "out of memory");
        error = GW_E_MEMORY;
    } else {
        error = gw__tls_server_context(source->certificate_path, source->key_path, source->alpn,
                                       NULL, &source->context, problem_out);
    }
    if (error != 0) {
        gw_filter_source_unref(&source->source);
        return error;
    }
    *source_out = &source->source;
    return 0;
}

int gw_tls_server_reload(struct gw_filter_source *base, char problem_out[GW_TLS_PROBLEM_BYTES])
{
    struct gw_tls_source *source = (struct gw_tls_source *)base;
    SSL_CTX *old = ref_context(source);
    SSL_CTX *context;
    int error = gw__tls_server_context(source->certificate_path, source->key_path, source->alpn,
                                       old, &context, problem_out);
    SSL_CTX_free(old);
    if (error == 0) {
        os_mutex_lock(&source->mutex);
        old = source->context;
        source->context = context;
        os_mutex_unlock(&source->mutex);
        SSL_CTX_free(old);
    }
    return error;
}

int gw_tls_client_create(const struct gw_tls_client_config *config,
                         struct gw_filter_source **source_out,
                         char problem_out[GW_TLS_PROBLEM_BYTES])
{
    struct gw_tls_source *source;
    bool has_name = config->server_name != NULL && config->server_name[0] != '\0';
    if (!has_name && !config->insecure) {
        (void)snprintf(problem_out, GW_TLS_PROBLEM_BYTES,
                       "the certificate of the server cannot be checked without its name");
        return GW_E_INVALID;
    }
    int error = source_create(config->alpn, &source, problem_out);
    if (error != 0) {
        return error;
    }
    source->is_client = true;
    if (has_name && !copy_text(&source->server_name, config->server_name)) {
        (void)snprintf(problem_out, GW_TLS_PROBLEM_BYTES, "out of memory");
        error = GW_E_MEMORY;
    } else {
        error = gw__tls_client_context(config, &source->context, problem_out);
    }
    if (error != 0) {
        gw_filter_source_unref(&source->source);
        return error;
    }
    (void)SSL_CTX_set_app_data(source->context, source);
    SSL_CTX_set_session_cache_mode(source->context,
                                   SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(source->context, keep_session);
    *source_out = &source->source;
    return 0;
}
