/* net/filter/tls_filter.c: The TLS filter: the BIO, receiving, sending, the end. */
#include "net/filter/tls_filter.h"

#include "net/error.h"
#include "net/filter/source.h"
#include "net/pool.h"
#include <assert.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

enum {
    RECORD_BYTES_MAX = 16 * 1024,     /* of data. RFC 8446, 5.1 */
    RECORD_OVERHEAD_BYTES = 64,       /* header, nonce, content type and tag, and some */
    HANDSHAKE_BYTES_MAX = 256 * 1024, /* of own output in a handshake: the chain of a certificate */
    OWN_BYTES_MAX = 4 * 1024,         /* of own output that has not left, after it */
};

/* ---- blocks of bytes ---- */

static void bytes_free(struct gw_tls_bytes **bytes)
{
    if (*bytes != NULL) {
        gw__pool_give(*bytes, (*bytes)->block_bytes);
        *bytes = NULL;
    }
}

/* Makes room for `more` bytes at the end. Returns false when out of memory. */
static bool bytes_reserve(struct gw_tls_bytes **bytes, uint32_t more)
{
    struct gw_tls_bytes *old = *bytes;
    uint32_t used = old != NULL ? old->end : 0;
    uint32_t needed = (uint32_t)sizeof(*old) + used + more;
    if (old != NULL && needed <= old->block_bytes) {
        return true;
    }
    if (old != NULL && needed < 2 * old->block_bytes) {
        needed = 2 * old->block_bytes;
    }
    struct gw_tls_bytes *new = gw__pool_take(needed);
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

static bool bytes_append(struct gw_tls_bytes **bytes, const void *data, uint32_t count)
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
    struct gw_tls *tls = BIO_get_data(bio);
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
    struct gw_tls *tls = BIO_get_data(bio);
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

BIO_METHOD *gw__tls_create_bio_method(void)
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

/* Returns false at the limit of handshakes. */
static bool begin_handshake(struct gw_tls *tls)
{
    struct gw_tls_source *source = tls->source;
    if (atomic_fetch_add_explicit(&source->handshake_count, 1, memory_order_relaxed) >=
        source->handshake_count_max) {
        atomic_fetch_sub_explicit(&source->handshake_count, 1, memory_order_relaxed);
        return false;
    }
    tls->is_handshaking = true;
    return true;
}

static void end_handshake(struct gw_tls *tls)
{
    if (tls->is_handshaking) {
        tls->is_handshaking = false;
        atomic_fetch_sub_explicit(&tls->source->handshake_count, 1, memory_order_relaxed);
    }
}

static void want_own(struct gw_tls *tls)
{
    tls->filter.wants_send = tls->own != NULL;
}

/* Fails the filter. Returns the error. */
static int fail(struct gw_tls *tls, int error, const char *problem)
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
static int fail_ssl(struct gw_tls *tls)
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
void gw__tls_count_message(int is_written, int version, int type, const void *data, size_t bytes,
                           SSL *ssl, void *context)
{
    struct gw_tls *tls = context;
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
static int handshake(struct gw_tls *tls)
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
static int decrypt(struct gw_tls *tls, uint8_t *out)
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

static void note_first(struct gw_tls *tls)
{
    uint32_t room = GW_TLS_FIRST_BYTES - tls->first_bytes;
    uint32_t bytes = tls->input.bytes < room ? tls->input.bytes : room;
    if (bytes != 0) { /* without input, `data` may be NULL */
        memcpy(tls->first + tls->first_bytes, tls->input.data, bytes);
    }
    tls->first_bytes = (uint8_t)(tls->first_bytes + bytes);
}

/* Keeps the input that is left. */
static int keep_input(struct gw_tls *tls, int result)
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
    struct gw_tls *tls = (struct gw_tls *)filter;
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
        /* A client that sends nothing holds memory only, and keeps no other one out. */
        if (!tls->source->is_client && tls->first_bytes == 0 && input.bytes > 0 &&
            !begin_handshake(tls)) {
            return fail(tls, GW_E_FULL, "too many TLS handshakes at the same time");
        }
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
    struct gw_tls *tls = (struct gw_tls *)filter;
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

static int encrypt(struct gw_tls *tls, const uint8_t *data, uint32_t bytes)
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
static int encrypt_spans(struct gw_tls *tls, const struct gw_span *in, int in_count)
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
    struct gw_tls *tls = (struct gw_tls *)filter;
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
    bytes_free(&((struct gw_tls *)filter)->output);
}

/* ---- the end ---- */

static void tls_finish(struct gw_filter *filter, int reason)
{
    struct gw_tls *tls = (struct gw_tls *)filter;
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
    struct gw_tls *tls = (struct gw_tls *)filter;
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

const struct gw_filter_ops gw__tls_ops = {
    .name = "tls",
    .recv = tls_recv,
    .recv_end = tls_recv_end,
    .send = tls_send,
    .sent = tls_sent,
    .finish = tls_finish,
    .destroy = tls_destroy,
};
