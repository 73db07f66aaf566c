/* tests/fuzz/fuzz_tls.c: Fuzzer of what a TLS server receives.
 *
 * The first byte of an input selects whether the handshake is done, the second one the size of the
 * pieces in which the rest arrives. Before the handshake the rest are bytes of the peer. Behind it
 * they are operations of a client that has the keys, and so can do harm that others cannot.
 */
#include "tests/fuzz/fuzz.h"

#include "net/error.h"
#include "net/filter/filter.h"
#include "net/filter/source.h"
#include "net/filter/tls.h"
#include "net/pool.h"
#include "tests/support/certificates.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

enum {
    OPEN = 1,
    OWN_OUTPUT_BYTES_MAX = 8 * 1024, /* whatever the peer sends */
    TLS12 = 2,
};

struct outcome {
    int error;
    bool opened;
    bool ended;
    size_t bytes;
};

static struct gw_filter_source *source;
static SSL_CTX *client_context;

static void prepare(void)
{
    struct certificates certificates;
    char problem[GW_TLS_PROBLEM_BYTES];
    if (source != NULL) {
        return;
    }
    certificates_create(&certificates);
    const struct gw_tls_server_config config = {
        .certificate_path = certificates_path(&certificates, "server.pem"),
        .key_path = certificates_path(&certificates, "server.key"),
        .alpn = "gangway/1",
        .handshake_count_max = 1};
    fuzz_expect(gw_tls_server_create(&config, &source, problem) == 0, problem);
    certificates_destroy(&certificates);
    client_context = SSL_CTX_new(TLS_client_method());
    fuzz_expect(client_context != NULL, "there is no client");
}

static struct gw_filter *create(void)
{
    struct gw_filter *filter = NULL;
    const struct gw_addr peer = {.port = 1};
    fuzz_expect(source->create(source, &peer, &filter) == 0, "a handshake is still counted");
    return filter;
}

static void destroy(struct gw_filter *filter)
{
    filter->ops->destroy(filter);
    fuzz_expect(gw__pool_used_bytes() == 0, "memory is leaked");
}

/* Sends the filter's own output to the client, if there is one. */
static void send_own(struct gw_filter *filter, SSL *client)
{
    struct gw_span out[GW_FILTER_SPAN_COUNT_MAX];
    if (filter->wants_send) {
        int count = filter->ops->send(filter, NULL, 0, out);
        fuzz_expect(count >= 0 && count <= 1, "own output fails, or has several spans");
        fuzz_expect(count == 0 || out[0].bytes <= OWN_OUTPUT_BYTES_MAX,
                    "the own output of the filter is not bounded");
        fuzz_expect(!filter->wants_send, "a filter wants to send for ever");
        if (client != NULL && count > 0) {
            BIO_write(SSL_get_rbio(client), out[0].data, (int)out[0].bytes);
        }
        filter->ops->sent(filter);
    }
}

/* Passes one piece, in a block of its size. */
static void pass(struct gw_filter *filter, const uint8_t *bytes, size_t length,
                 struct outcome *outcome)
{
    static uint8_t out[GW_STREAM_RECV_BYTES_MAX];
    uint8_t *copy = malloc(length);
    memcpy(copy, bytes, length);
    struct gw_span in = {copy, (uint32_t)length};
    int written;
    while ((written = filter->ops->recv(filter, &in, out)) > 0) {
        fuzz_expect(in.bytes == 0 && filter->is_open, "input is left, or delivered too early");
        outcome->bytes += (size_t)written;
    }
    free(copy);
    outcome->error = written;
    outcome->opened = filter->is_open;
    outcome->ended = filter->recv_ended;
    fuzz_expect(written == 0 || filter->problem != NULL, "a failure has no problem");
    fuzz_expect(ERR_peek_error() == 0, "errors of OpenSSL are left in the queue");
}

/* ---- before the handshake ---- */

static void run_bytes(const uint8_t *bytes, size_t length, size_t piece, struct outcome *outcome)
{
    struct gw_filter *filter = create();
    *outcome = (struct outcome){.error = 0};
    for (size_t at = 0; at < length && outcome->error == 0; at += piece) {
        pass(filter, bytes + at, length - at < piece ? length - at : piece, outcome);
        send_own(filter, NULL);
    }
    fuzz_expect(!outcome->opened && outcome->bytes == 0, "a handshake is done without a key");
    filter->ops->finish(filter, 7);
    send_own(filter, NULL);
    destroy(filter);
}

/* ---- behind the handshake ---- */

/* Moves what the client has written. */
static void move(struct gw_filter *filter, SSL *client, size_t piece, struct outcome *outcome)
{
    uint8_t *bytes;
    long count = BIO_get_mem_data(SSL_get_wbio(client), &bytes);
    for (long at = 0; at < count && outcome->error == 0; at += (long)piece) {
        size_t part = (size_t)(count - at) < piece ? (size_t)(count - at) : piece;
        pass(filter, bytes + at, part, outcome);
        send_own(filter, client);
    }
    (void)BIO_reset(SSL_get_wbio(client));
}

/* One operation of the client: its kind and an argument. */
static void operate(SSL *client, uint8_t kind, uint8_t number, uint64_t *sent_bytes)
{
    static const uint8_t zeros[16384];
    uint8_t *bytes;
    long count;
    int size = number * 64 + 1;
    switch (kind % 8) {
    case 0:
    case 1:
        *sent_bytes += SSL_write(client, zeros, size) == size ? (uint64_t)size : 0;
        break;
    case 2:
        SSL_key_update(client, number % 2);
        SSL_do_handshake(client);
        break;
    case 3:
        SSL_renegotiate(client);
        SSL_do_handshake(client);
        break;
    case 4:
        SSL_shutdown(client);
        break;
    case 5: /* bytes outside records */
        BIO_write(SSL_get_wbio(client), zeros, number);
        break;
    case 6: /* a forged bit */
        count = BIO_get_mem_data(SSL_get_wbio(client), &bytes);
        if (count > 0) {
            bytes[number % count] ^= (uint8_t)(1U << kind / 8 % 8);
        }
        break;
    default:
        SSL_read(client, (uint8_t[256]){0}, 256);
    }
    ERR_clear_error();
}

static void run_operations(uint8_t way, const uint8_t *bytes, size_t length, size_t piece)
{
    struct outcome outcome = {.error = 0};
    struct gw_filter *filter = create();
    SSL *client = SSL_new(client_context);
    uint64_t sent_bytes = 0;
    SSL_set_bio(client, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(client);
    SSL_set_max_proto_version(client, way & TLS12 ? TLS1_2_VERSION : TLS1_3_VERSION);
    for (int i = 0; i < 3; i++) {
        SSL_do_handshake(client);
        ERR_clear_error();
        move(filter, client, piece, &outcome);
    }
    fuzz_expect(filter->is_open && outcome.error == 0, "the handshake is not done");
    for (size_t at = 0; at + 1 < length && at < 512 && outcome.error == 0; at += 2) {
        operate(client, bytes[at], bytes[at + 1], &sent_bytes);
        if (bytes[at] < 128) {
            move(filter, client, piece, &outcome);
        }
    }
    move(filter, client, piece, &outcome);
    fuzz_expect(outcome.bytes <= sent_bytes, "more comes out than went in");
    filter->ops->finish(filter, 7);
    send_own(filter, NULL);
    SSL_free(client);
    destroy(filter);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct outcome whole, split;
    if (length < 3) {
        return 0;
    }
    prepare();
    size_t piece = bytes[1] + 1u;
    if (bytes[0] & OPEN) {
        run_operations(bytes[0], bytes + 2, length - 2, piece);
        return 0;
    }
    run_bytes(bytes + 2, length - 2, GW_STREAM_RECV_BYTES_MAX, &whole);
    run_bytes(bytes + 2, length - 2, piece, &split);
    fuzz_expect(whole.error == split.error && whole.ended == split.ended,
                "what arrives in pieces differs");
    return 0;
}
