/* net/filter/tls_context.c: Certificates, keys and settings of TLS. */
#include "net/filter/tls_context.h"

#include "net/error.h"
#include "net/filter/tls_problem.h"
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FILE_BYTES_MAX = 1 << 20,
    ALPN_BYTES_MAX = 255,
    TICKET_KEY_BYTES = 80, /* SSL_CTX_set_tlsext_ticket_keys(3) takes no other number */
    TICKET_COUNT = 1,      /* of one handshake; OpenSSL gives out 2 */
};

/* ---- problems ---- */

static int no_memory(char problem_out[GW_TLS_PROBLEM_BYTES])
{
    (void)snprintf(problem_out, GW_TLS_PROBLEM_BYTES, "out of memory");
    ERR_clear_error();
    return GW_E_MEMORY;
}

/* Returns GW_E_INVALID and this text, unless the cause was an allocation inside OpenSSL. */
static int invalid(char problem_out[GW_TLS_PROBLEM_BYTES], const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(problem_out, GW_TLS_PROBLEM_BYTES, format, arguments);
    va_end(arguments);
    return gw__tls_explain(NULL, false) != NULL ? GW_E_INVALID : no_memory(problem_out);
}

/* What OpenSSL has refused. */
static const char *reason_text(void)
{
    const char *text = ERR_reason_error_string(ERR_peek_last_error());
    return text != NULL ? text : "OpenSSL gives no reason";
}

/* ---- files ---- */

/* Reads a whole file, which is not empty. `what` names it for people: "the certificate file". */
static int read_file(const char *path, const char *what, BIO **bio_out,
                     char problem_out[GW_TLS_PROBLEM_BYTES])
{
    char *bytes = malloc(FILE_BYTES_MAX + 1);
    if (bytes == NULL) {
        return no_memory(problem_out);
    }
    FILE *file = fopen(path, "rb");
    size_t count = file != NULL ? fread(bytes, 1, FILE_BYTES_MAX + 1, file) : 0;
    int error = 0;
    if (file == NULL || ferror(file)) {
        const char *hint = errno == EACCES   ? "allow the user of this process to read it"
                           : errno == ENOENT ? "check the path"
                                             : "give a file in PEM";
        error =
            invalid(problem_out, "%s %s cannot be read: %s; %s", what, path, strerror(errno), hint);
    } else if (count == 0) {
        error = invalid(problem_out, "%s %s is empty; give one in PEM", what, path);
    } else if (count > FILE_BYTES_MAX) {
        error = invalid(problem_out, "%s %s has more than %d bytes; give one in PEM", what, path,
                        FILE_BYTES_MAX);
    }
    if (file != NULL) {
        fclose(file);
    }
    if (error == 0) {
        BIO *bio = BIO_new(BIO_s_mem());
        if (bio == NULL || BIO_write(bio, bytes, (int)count) != (int)count) {
            BIO_free(bio);
            error = no_memory(problem_out);
        } else {
            *bio_out = bio;
        }
    }
    OPENSSL_cleanse(bytes, count);
    free(bytes);
    return error;
}

/* Called for an encrypted key. Nobody is there to be asked. */
static int note_encrypted(char *buffer, int size, int is_for_writing, void *context)
{
    (void)buffer;
    (void)size;
    (void)is_for_writing;
    *(bool *)context = true;
    return -1;
}

/*
 * Reads the next certificate. Returns 1, 0 at the end of the file, or an error.
 */
static int next_certificate(BIO *bio, const char *path, X509 **certificate_out,
                            char problem_out[GW_TLS_PROBLEM_BYTES])
{
    *certificate_out = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    if (*certificate_out != NULL) {
        return 1;
    }
    if (ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE) {
        ERR_clear_error();
        return 0;
    }
    return invalid(problem_out,
                   "a certificate in %s is damaged (%s); copy the file again, or have it issued "
                   "again",
                   path, reason_text());
}

static const char *date_text(const ASN1_TIME *time, char text[32])
{
    struct tm date;
    if (ASN1_TIME_to_tm(time, &date) != 1 || strftime(text, 32, "%Y-%m-%d %H:%M UTC", &date) == 0) {
        return "?";
    }
    return text;
}

static int check_dates(const X509 *certificate, const char *path,
                       char problem_out[GW_TLS_PROBLEM_BYTES])
{
    char text[32];
    if (X509_cmp_current_time(X509_get0_notAfter(certificate)) <= 0) {
        return invalid(problem_out, "the certificate in %s expired on %s; renew it", path,
                       date_text(X509_get0_notAfter(certificate), text));
    }
    if (X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0) {
        return invalid(problem_out,
                       "the certificate in %s is valid from %s on; check the clock of this "
                       "machine, or wait",
                       path, date_text(X509_get0_notBefore(certificate), text));
    }
    return 0;
}

/* Adds a certificate of the chain behind the first one. Takes it. */
static int add_to_chain(SSL_CTX *context, X509 *certificate, const char *path,
                        char problem_out[GW_TLS_PROBLEM_BYTES])
{
    if (SSL_CTX_add0_chain_cert(context, certificate) == 1) {
        return 0;
    }
    X509_free(certificate);
    return invalid(problem_out, "a certificate in %s cannot be used: %s", path, reason_text());
}

static int use_certificates(SSL_CTX *context, const char *path,
                            char problem_out[GW_TLS_PROBLEM_BYTES])
{
    BIO *bio;
    X509 *certificate = NULL;
    int error = read_file(path, "the certificate file", &bio, problem_out);
    if (error != 0) {
        return error;
    }
    int result = next_certificate(bio, path, &certificate, problem_out);
    if (result == 0) {
        error = invalid(problem_out,
                        "%s has no certificate: it has no line -----BEGIN CERTIFICATE-----; give "
                        "a file in PEM",
                        path);
    } else if (result < 0) {
        error = result;
    } else {
        error = check_dates(certificate, path, problem_out);
        if (error == 0 && SSL_CTX_use_certificate(context, certificate) != 1) {
            error = invalid(problem_out, "the certificate in %s cannot be used: %s", path,
                            reason_text());
        }
        X509_free(certificate);
    }
    while (error == 0 && (result = next_certificate(bio, path, &certificate, problem_out)) != 0) {
        error = result < 0 ? result : add_to_chain(context, certificate, path, problem_out);
    }
    BIO_free(bio);
    return error;
}

static int use_key(SSL_CTX *context, const char *path, const char *certificate_path,
                   char problem_out[GW_TLS_PROBLEM_BYTES])
{
    BIO *bio;
    bool is_encrypted = false;
    int error = read_file(path, "the key file", &bio, problem_out);
    if (error != 0) {
        return error;
    }
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, note_encrypted, &is_encrypted);
    BIO_free(bio);
    if (is_encrypted) {
        error = invalid(problem_out,
                        "the key in %s is encrypted; decrypt it with `openssl pkey -in %s -out "
                        "NEW`, and let only the user of this process read NEW",
                        path, path);
    } else if (key == NULL) {
        error = invalid(problem_out,
                        "%s has no private key, or a damaged one: it needs a line "
                        "-----BEGIN PRIVATE KEY-----; give a file in PEM",
                        path);
    } else if (X509_check_private_key(SSL_CTX_get0_certificate(context), key) != 1) {
        error = invalid(problem_out,
                        "the key in %s does not fit the first certificate in %s; "
                        "give the key that the certificate was issued for",
                        path, certificate_path);
    } else if (SSL_CTX_use_PrivateKey(context, key) != 1) {
        error = invalid(problem_out, "the key in %s cannot be used: %s", path, reason_text());
    }
    EVP_PKEY_free(key);
    return error;
}

static int trust(SSL_CTX *context, const char *path, char problem_out[GW_TLS_PROBLEM_BYTES])
{
    BIO *bio;
    X509 *certificate;
    int count = 0;
    int result;
    int error = read_file(path, "the file of trusted certificates", &bio, problem_out);
    if (error != 0) {
        return error;
    }
    while (error == 0 && (result = next_certificate(bio, path, &certificate, problem_out)) != 0) {
        if (result < 0) {
            error = result;
        } else {
            count++;
            if (X509_STORE_add_cert(SSL_CTX_get_cert_store(context), certificate) != 1) {
                error = no_memory(problem_out);
            }
            X509_free(certificate);
        }
    }
    BIO_free(bio);
    if (error == 0 && count == 0) {
        error = invalid(problem_out,
                        "%s has no certificate: it has no line -----BEGIN CERTIFICATE-----; give "
                        "a file in PEM",
                        path);
    }
    return error;
}

/* ---- settings ---- */

/* Writes secrets for Wireshark. Set in debug builds only. */
static void write_secrets(const SSL *ssl, const char *line)
{
    (void)ssl;
    const char *path = getenv("SSLKEYLOGFILE");
    FILE *file = path != NULL ? fopen(path, "a") : NULL;
    if (file != NULL) {
        (void)fprintf(file, "%s\n", line);
        fclose(file);
    }
}

static SSL_CTX *create_context(const SSL_METHOD *method)
{
    SSL_CTX *context = SSL_CTX_new(method);
    if (context == NULL) {
        return NULL;
    }
    SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    if (GW_TLS_LOGS_SECRETS) {
        SSL_CTX_set_keylog_callback(context, write_secrets);
    }
    if (SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) != 1 ||
        SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20") != 1) {
        SSL_CTX_free(context);
        return NULL;
    }
    return context;
}

/* A list of application protocols with one entry: its length and its name. Returns its bytes. */
static unsigned write_alpn(const char *alpn, uint8_t list[ALPN_BYTES_MAX + 1])
{
    size_t bytes = strlen(alpn);
    list[0] = (uint8_t)bytes;
    memcpy(list + 1, alpn, bytes);
    return (unsigned)bytes + 1;
}

static int select_alpn(SSL *ssl, const unsigned char **selected_out, unsigned char *bytes_out,
                       const unsigned char *offered, unsigned offered_bytes, void *context)
{
    const char *alpn = context;
    (void)ssl;
    for (unsigned at = 0; at < offered_bytes; at += 1U + offered[at]) {
        if (offered[at] == strlen(alpn) && memcmp(offered + at + 1, alpn, offered[at]) == 0) {
            *selected_out = offered + at + 1;
            *bytes_out = offered[at];
            return SSL_TLSEXT_ERR_OK;
        }
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* Accepts the tickets of `old`. */
static bool copy_ticket_keys(SSL_CTX *context, SSL_CTX *old)
{
    uint8_t keys[TICKET_KEY_BYTES];
    bool copied = SSL_CTX_get_tlsext_ticket_keys(old, keys, sizeof(keys)) == 1 &&
                  SSL_CTX_set_tlsext_ticket_keys(context, keys, sizeof(keys)) == 1;
    OPENSSL_cleanse(keys, sizeof(keys));
    return copied;
}

int gw__tls_server_context(const char *certificate_path, const char *key_path, const char *alpn,
                           SSL_CTX *old, SSL_CTX **context_out,
                           char problem_out[GW_TLS_PROBLEM_BYTES])
{
    static const unsigned char session_context[] = "gangway";
    ERR_clear_error();
    SSL_CTX *context = create_context(TLS_server_method());
    if (context == NULL ||
        SSL_CTX_set_session_id_context(context, session_context, sizeof(session_context)) != 1 ||
        SSL_CTX_set_num_tickets(context, TICKET_COUNT) != 1 ||
        (old != NULL && !copy_ticket_keys(context, old))) {
        SSL_CTX_free(context);
        return no_memory(problem_out);
    }
    /* Sessions are in tickets, and not here. */
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    uintptr_t mutable_alpn =
        (uintptr_t)alpn; /* OpenSSL's argument is not const; it is not changed */
    SSL_CTX_set_alpn_select_cb(context, select_alpn, (void *)mutable_alpn);
    int error = use_certificates(context, certificate_path, problem_out);
    if (error == 0) {
        error = use_key(context, key_path, certificate_path, problem_out);
    }
    if (error != 0) {
        SSL_CTX_free(context);
        return error;
    }
    *context_out = context;
    return 0;
}

int gw__tls_client_context(const struct gw_tls_client_config *config, SSL_CTX **context_out,
                           char problem_out[GW_TLS_PROBLEM_BYTES])
{
    uint8_t alpn[ALPN_BYTES_MAX + 1];
    ERR_clear_error();
    SSL_CTX *context = create_context(TLS_client_method());
    if (context == NULL ||
        SSL_CTX_set_alpn_protos(context, alpn, write_alpn(config->alpn, alpn)) != 0) {
        SSL_CTX_free(context);
        return no_memory(problem_out);
    }
    SSL_CTX_set_verify(context, config->insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
    /* A certificate that was given as trusted needs no root behind it. */
    X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context), X509_V_FLAG_PARTIAL_CHAIN);
    int error = 0;
    if (config->ca_path != NULL) {
        error = trust(context, config->ca_path, problem_out);
    } else if (!config->insecure && SSL_CTX_set_default_verify_paths(context) != 1) {
        error = invalid(problem_out, "the certificates that this system trusts "
                                     "cannot be read; give a file of trusted ones");
    }
    if (error != 0) {
        SSL_CTX_free(context);
        return error;
    }
    *context_out = context;
    return 0;
}

bool gw__tls_expect_name(SSL *ssl, const char *name)
{
    X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
    if (X509_VERIFY_PARAM_set1_ip_asc(param, name) == 1) {
        return true; /* RFC 6066, 3: an address is not sent as the name of the server */
    }
    ERR_clear_error();
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return X509_VERIFY_PARAM_set1_host(param, name, 0) == 1 &&
           SSL_set_tlsext_host_name(ssl, name) == 1;
}
