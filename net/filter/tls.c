/* net/filter/tls.c: The TLS filter. */
#include "net/filter/tls.h"

#include "net/error.h"
#include "net/filter/filter.h"
#include "net/filter/tls_context.h"
#include "net/filter/tls_problem.h"
#include "net/os/os.h"
#include "net/pool.h"
#include <assert.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 *   recv:   input -> bio_read() -> SSL_read() -> out
 *   send:   spans -> SSL_write() -> bio_write() -> own -> output -> kernel
 *
 * OpenSSL reads and writes through a BIO of this file, which has no buffer: it reads the input of
 * the current call of recv(), and writes to `own`. Of the input it takes all, unless `out` is full;
 * a partial record it keeps itself. Its buffers exist only while they have something
 * (SSL_MODE_RELEASE_BUFFERS).
 *
 * OpenSSL queues errors for each thread. Each function here that calls it leaves the queue empty.
 */

enum {
    RECORD_BYTES_MAX = 16 * 1024,     /* of data. RFC 8446, 5.1 */
    RECORD_OVERHEAD_BYTES = 64,       /* header, nonce, content type and tag, and some */
    HANDSHAKE_BYTES_MAX = 256 * 1024, /* of own output in a handshake: the chain of a certificate */
    OWN_BYTES_MAX = 4 * 1024,         /* of own output that has not left, after it */
};

/* Bytes in a block of the pool. */
struct bytes {
    uint32_t block_bytes;
    uint32_t begin;
    uint32_t end;
    uint8_t data[];
};

struct tls_source {
    struct gw_filter_source source;
    BIO_METHOD *bio_method;
    char *certificate_path; /* server */
    char *key_path;         /* server */
    char *server_name;      /* client; NULL: any, without a check */
    char *alpn;
    atomic_uint handshake_count; /* server */
    uint32_t handshake_count_max;
    bool is_client;
    os_mutex mutex;       /* of what follows */
    SSL_CTX *context;     /* a reload replaces it */
    SSL_SESSION *session; /* client: the last one with a ticket, or NULL */
};

struct tls {
    struct gw_filter filter;
    struct tls_source *source;
    SSL *ssl;
    struct gw_span input; /* of this call of recv() */
    struct bytes *kept;   /* input for which `out` had no room */
    struct bytes *own;    /* encrypted, for the next send() */
    struct bytes *output; /* while the kernel may have it */
    uint32_t data_bytes;  /* received since the last message of the handshake protocol */
    uint8_t message_count;
    int8_t error;            /* after a failure */
    uint8_t first_bytes;     /* of `first` */
    bool is_handshaking : 1; /* counts in handshake_count */
    bool is_finished : 1;    /* close_notify is the last output */
    bool is_flooded : 1;     /* too many messages, or too much own output */
    bool is_out_of_memory : 1;
    uint8_t first[GW_TLS_FIRST_BYTES]; /* received, to explain what the peer speaks */
};

/* ---- blocks of bytes ---- */

static void bytes_free(struct bytes **bytes)
{
    if (*bytes != NULL) {
        gw__pool_give(*bytes, (*bytes)->block_bytes);
        *bytes = NULL;
    }
}

/* Makes room for `more` bytes at the end. Returns false when out of memory. */
static bool bytes_reserve(struct bytes **bytes, uint32_t more)
{
    struct bytes *old = *bytes;
    uint32_t used = old != NULL ? old->end : 0;
    uint32_t needed = (uint32_t)sizeof(*old) + used + more;
    if (old != NULL && needed <= old->block_bytes) {
        return true;
    }
    if (old != NULL && needed < 2 * old->block_bytes) {
        needed = 2 * old->block_bytes;
    }
    struct bytes *new = gw__pool_take(needed);
    if (new == NULL) {
        return false;
    }
    if (old != NULL) {
        memcpy(new->data, old->data, used);
        bytes_free(bytes);
    }
    new->block_bytes = gw__pool_block_bytes(needed);
    new->begin = 0;
    new->end = used;
    *bytes = new;
    return true;
}

static bool bytes_append(struct bytes **bytes, const void *data, uint32_t count)
{
    if (!bytes_reserve(bytes, count)) {
        return false;
    }
    memcpy((*bytes)->data + (*bytes)->end, data, count);
    (*bytes)->end += count;
    return true;
}

/* ---- the BIO ---- */

static int bio_read(BIO *bio, char *data, size_t bytes, size_t *bytes_out)
{
    struct tls *tls = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (tls->is_flooded) {
        return 0;
    }
    if (tls->input.bytes == 0) {
        BIO_set_retry_read(bio);
        return 0;
    }
    uint32_t count = tls->input.bytes < bytes ? tls->input.bytes : (uint32_t)bytes;
    memcpy(data, tls->input.data, count);
    tls->input.data += count;
    tls->input.bytes -= count;
    *bytes_out = count;
    return 1;
}

static int bio_write(BIO *bio, const char *data, size_t bytes, size_t *bytes_out)
{
    struct tls *tls = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (bytes > HANDSHAKE_BYTES_MAX || !bytes_append(&tls->own, data, (uint32_t)bytes)) {
        tls->is_out_of_memory = true;
        return 0;
    }
    *bytes_out = bytes;
    return 1;
}

static long bio_control(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

static BIO_METHOD *create_bio_method(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "gangway");
    if (method != NULL && (BIO_meth_set_read_ex(method, bio_read) != 1 ||
                           BIO_meth_set_write_ex(method, bio_write) != 1 ||
                           BIO_meth_set_ctrl(method, bio_control) != 1)) {
        BIO_meth_free(method);
        return NULL;
    }
    return method;
}

/* ---- failures and limits ---- */

static void end_handshake(struct tls *tls)
{
    if (tls->is_handshaking) {
        tls->is_handshaking = false;
        atomic_fetch_sub_explicit(&tls->source->handshake_count, 1, memory_order_relaxed);
    }
}

static void want_own(struct tls *tls)
{
    tls->filter.wants_send = tls->own != NULL;
}

/* Fails the filter. Returns the error. */
static int fail(struct tls *tls, int error, const char *problem)
{
    tls->error = (int8_t)error;
    tls->filter.problem = problem;
    end_handshake(tls);
    bytes_free(&tls->kept);
    want_own(tls);
    ERR_clear_error();
    return error;
}

/* Fails the filter with what OpenSSL reports. */
static int fail_ssl(struct tls *tls)
{
    bool is_client = tls->source->is_client;
    if (tls->is_flooded) {
        return fail(tls, GW_E_TLS,
                    is_client ? "the server floods with TLS messages"
                              : "the client floods with TLS messages");
    }
    const char *problem = gw__tls_explain(tls->ssl, is_client);
    if (tls->is_out_of_memory || problem == NULL) {
        return fail(tls, GW_E_MEMORY, "out of memory");
    }
    const char *foreign = tls->filter.is_open
                              ? NULL
                              : gw__tls_explain_foreign(tls->first, tls->first_bytes, is_client);
    return fail(tls, GW_E_TLS, foreign != NULL ? foreign : problem);
}

/*
 * Counts what makes a peer's work ours: messages of the handshake protocol after the handshake
 * (KeyUpdate, which may demand another one, and tickets), and warnings with which OpenSSL answers
 * a renegotiation.
 */
static void count_message(int is_written, int version, int type, const void *data, size_t bytes,
                          SSL *ssl, void *context)
{
    struct tls *tls = context;
    const uint8_t *message = data;
    (void)version;
    (void)ssl;
    bool counts = (type == SSL3_RT_HANDSHAKE && !is_written) ||
                  (type == SSL3_RT_ALERT && is_written && bytes == 2 &&
                   message[0] == SSL3_AL_WARNING && message[1] != SSL3_AD_CLOSE_NOTIFY);
    if (!tls->filter.is_open || !counts) {
        return;
    }
    if (tls->data_bytes >= GW_TLS_MESSAGE_BYTES) {
        tls->message_count = 0;
    }
    tls->data_bytes = 0;
    tls->message_count++;
    if (tls->message_count > GW_TLS_MESSAGE_COUNT_MAX ||
        (tls->own != NULL && tls->own->end > OWN_BYTES_MAX)) {
        tls->is_flooded = true;
    }
}

/* ---- receiving ---- */

/* Returns 1 when the handshake is done, 0 when it needs more input, or an error. */
static int handshake(struct tls *tls)
{
    ERR_clear_error();
    int result = SSL_do_handshake(tls->ssl);
    if (result == 1) {
        tls->filter.is_open = true;
        end_handshake(tls);
        want_own(tls);
        return 1;
    }
    if (SSL_get_error(tls->ssl, result) != SSL_ERROR_WANT_READ) {
        return fail_ssl(tls);
    }
    want_own(tls);
    ERR_clear_error();
    return 0;
}

/* Decrypts into `out`. Returns the number of bytes, or an error. */
static int decrypt(struct tls *tls, uint8_t *out)
{
    size_t bytes = 0;
    bool is_drained = false;
    ERR_clear_error();
    while (!is_drained && bytes < GW_STREAM_RECV_BYTES_MAX) {
        size_t more;
        int result = SSL_read_ex(tls->ssl, out + bytes, GW_STREAM_RECV_BYTES_MAX - bytes, &more);
        if (result == 1) {
            bytes += more;
            tls->data_bytes = tls->data_bytes < GW_TLS_MESSAGE_BYTES
                                  ? tls->data_bytes + (uint32_t)more
                                  : GW_TLS_MESSAGE_BYTES;
            is_drained = tls->input.bytes == 0 && SSL_pending(tls->ssl) == 0;
            continue;
        }
        int error = SSL_get_error(tls->ssl, result);
        is_drained = true;
        if (error == SSL_ERROR_ZERO_RETURN) {
            tls->filter.recv_ended = true;
            tls->input.bytes = 0;
        } else if (error != SSL_ERROR_WANT_READ && fail_ssl(tls) != 0 && bytes == 0) {
            return tls->error; /* otherwise what came before is valid: the next call fails */
        }
        ERR_clear_error();
    }
    want_own(tls);
    return (int)bytes;
}

static void note_first(struct tls *tls)
{
    uint32_t room = GW_TLS_FIRST_BYTES - tls->first_bytes;
    uint32_t bytes = tls->input.bytes < room ? tls->input.bytes : room;
    if (bytes != 0) { /* without input, `data` may be NULL */
        memcpy(tls->first + tls->first_bytes, tls->input.data, bytes);
    }
    tls->first_bytes = (uint8_t)(tls->first_bytes + bytes);
}

/* Keeps the input that is left. */
static int keep_input(struct tls *tls, int result)
{
    if (tls->kept != NULL) {
        tls->kept->begin = tls->kept->end - tls->input.bytes;
        if (tls->input.bytes == 0) {
            bytes_free(&tls->kept);
        }
    } else if (tls->input.bytes > 0 &&
               !bytes_append(&tls->kept, tls->input.data, tls->input.bytes)) {
        return fail(tls, GW_E_MEMORY, "out of memory");
    }
    return result;
}

static int tls_recv(struct gw_filter *filter, struct gw_span *in, uint8_t *out)
{
    struct tls *tls = (struct tls *)filter;
    struct gw_span input = *in;
    in->data += in->bytes;
    in->bytes = 0;
    if (tls->error != 0) {
        return tls->error;
    }
    if (tls->is_finished || filter->recv_ended) {
        bytes_free(&tls->kept);
        return 0;
    }
    if (tls->kept != NULL) {
        assert(input.bytes == 0);
        input =
            (struct gw_span){tls->kept->data + tls->kept->begin, tls->kept->end - tls->kept->begin};
    }
    tls->input = input;
    if (!filter->is_open) {
        note_first(tls);
        int result = handshake(tls);
        if (result <= 0) {
            return result;
        }
    }
    if (tls->input.bytes == 0 && !SSL_has_pending(tls->ssl)) {
        return 0;
    }
    int result = decrypt(tls, out);
    return tls->error != 0 ? result : keep_input(tls, result);
}

static int tls_recv_end(struct gw_filter *filter)
{
    struct tls *tls = (struct tls *)filter;
    bool is_client = tls->source->is_client;
    if (tls->error != 0 || filter->recv_ended) {
        return tls->error;
    }
    if (filter->is_open) {
        return fail(tls, GW_E_RESET,
                    is_client ? "the server ended the connection without close_notify; bytes may "
                                "be missing"
                              : "the client ended the connection without close_notify; bytes may "
                                "be missing");
    }
    if (is_client) {
        return fail(tls, GW_E_TLS,
                    tls->first_bytes == 0
                        ? "the server ended the connection without an answer in TLS"
                        : "the server ended the connection during the handshake");
    }
    return tls->first_bytes == 0
               ? fail(tls, GW_E_CLOSED, "the client ended the connection without a handshake")
               : fail(tls, GW_E_RESET, "the client ended the connection during the handshake");
}

/* ---- sending ---- */

static int encrypt(struct tls *tls, const uint8_t *data, uint32_t bytes)
{
    size_t written;
    int result = SSL_write_ex(tls->ssl, data, bytes, &written);
    if (result != 1) {
        (void)SSL_get_error(tls->ssl, result);
        return fail_ssl(tls);
    }
    assert(written == bytes);
    return 0;
}

/* Encrypts spans in as few records as possible: a record costs more than a copy. */
static int encrypt_spans(struct tls *tls, const struct gw_span *in, int in_count)
{
    uint8_t record[RECORD_BYTES_MAX];
    uint32_t bytes = 0;
    int error = 0;
    for (int i = 0; i < in_count && error == 0; i++) {
        struct gw_span span = in[i];
        while (span.bytes > 0 && error == 0) {
            uint32_t room = RECORD_BYTES_MAX - bytes;
            uint32_t part = span.bytes < room ? span.bytes : room;
            memcpy(record + bytes, span.data, part);
            bytes += part;
            span.data += part;
            span.bytes -= part;
            if (bytes == RECORD_BYTES_MAX) {
                error = encrypt(tls, record, bytes);
                bytes = 0;
            }
        }
    }
    return error != 0 || bytes == 0 ? error : encrypt(tls, record, bytes);
}

static int tls_send(struct gw_filter *filter, const struct gw_span *in, int in_count,
                    struct gw_span out[GW_FILTER_SPAN_COUNT_MAX])
{
    struct tls *tls = (struct tls *)filter;
    bytes_free(&tls->output);
    if (!filter->is_open && !tls->is_finished && tls->error == 0 && tls->source->is_client &&
        tls->first_bytes == 0 && tls->own == NULL) {
        if (handshake(tls) < 0) {
            filter->wants_send = false;
            return tls->error;
        }
    }
    uint32_t in_bytes = 0;
    for (int i = 0; i < in_count; i++) {
        in_bytes += in[i].bytes;
    }
    int error = 0;
    if (in_bytes > 0 && !tls->is_finished && tls->error == 0) { /* nothing follows the end */
        ERR_clear_error();
        if (!bytes_reserve(&tls->own, in_bytes + RECORD_OVERHEAD_BYTES)) {
            error = fail(tls, GW_E_MEMORY, "out of memory");
        } else {
            error = in_count == 1 ? encrypt(tls, in[0].data, in[0].bytes)
                                  : encrypt_spans(tls, in, in_count);
        }
    }
    filter->wants_send = false;
    if (error != 0) {
        return error;
    }
    if (tls->own == NULL) {
        return 0;
    }
    tls->output = tls->own;
    tls->own = NULL;
    out[0] = (struct gw_span){tls->output->data, tls->output->end};
    return 1;
}

static void tls_sent(struct gw_filter *filter)
{
    bytes_free(&((struct tls *)filter)->output);
}

/* ---- the end ---- */

static void tls_finish(struct gw_filter *filter, int reason)
{
    struct tls *tls = (struct tls *)filter;
    (void)reason;
    if (filter->is_open && tls->error == 0 && !tls->is_finished) {
        ERR_clear_error();
        (void)SSL_shutdown(tls->ssl);
        ERR_clear_error();
    }
    tls->is_finished = true;
    end_handshake(tls);
    want_own(tls);
}

static void tls_destroy(struct gw_filter *filter)
{
    struct tls *tls = (struct tls *)filter;
    end_handshake(tls);
    if (tls->error == 0) {
        /* A connection that the network ends is no reason to forget its session. */
        SSL_set_shutdown(tls->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    }
    SSL_free(tls->ssl);
    bytes_free(&tls->kept);
    bytes_free(&tls->own);
    bytes_free(&tls->output);
    gw_filter_source_unref(&tls->source->source);
    free(tls);
}

static const struct gw_filter_ops tls_ops = {
    .name = "tls",
    .recv = tls_recv,
    .recv_end = tls_recv_end,
    .send = tls_send,
    .sent = tls_sent,
    .finish = tls_finish,
    .destroy = tls_destroy,
};

/* ---- sources ---- */

static SSL_CTX *ref_context(struct tls_source *source)
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
    struct tls_source *source = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
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
static void resume(struct tls_source *source, SSL *ssl)
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
static bool create_ssl(struct tls_source *source, struct tls *tls)
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
        SSL_set_msg_callback(tls->ssl, count_message);
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
    struct tls_source *source = (struct tls_source *)base;
    (void)peer;
    if (!source->is_client &&
        atomic_fetch_add_explicit(&source->handshake_count, 1, memory_order_relaxed) >=
            source->handshake_count_max) {
        atomic_fetch_sub_explicit(&source->handshake_count, 1, memory_order_relaxed);
        return GW_E_FULL;
    }
    struct tls *tls = calloc(1, sizeof(*tls));
    if (tls == NULL || !create_ssl(source, tls)) {
        if (tls != NULL) {
            SSL_free(tls->ssl);
            free(tls);
        }
        if (!source->is_client) {
            atomic_fetch_sub_explicit(&source->handshake_count, 1, memory_order_relaxed);
        }
        return GW_E_MEMORY;
    }
    gw_filter_source_ref(base);
    tls->source = source;
    tls->is_handshaking = !source->is_client;
    tls->filter.ops = &tls_ops;
    tls->filter.wants_send = source->is_client;
    *filter_out = &tls->filter;
    return 0;
}

static void source_destroy(struct gw_filter_source *base)
{
    struct tls_source *source = (struct tls_source *)base;
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
static int source_create(const char *alpn, struct tls_source **source_out,
                         char problem_out[GW_TLS_PROBLEM_BYTES])
{
    if (alpn == NULL || alpn[0] == '\0' || strlen(alpn) > UINT8_MAX) {
        (void)snprintf(problem_out, GW_TLS_PROBLEM_BYTES,
                       "the application protocol needs 1 to %d bytes", UINT8_MAX);
        return GW_E_INVALID;
    }
    struct tls_source *source = calloc(1, sizeof(*source));
    if (source != NULL) {
        atomic_init(&source->source.refs, 1);
        source->source.create = filter_create;
        source->source.destroy = source_destroy;
        os_mutex_init(&source->mutex);
        source->bio_method = create_bio_method();
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
    struct tls_source *source;
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
    struct tls_source *source = (struct tls_source *)base;
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
    struct tls_source *source;
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
