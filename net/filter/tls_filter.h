/* net/filter/tls_filter.h: The state of a TLS filter and of its source. Private to net. */
#ifndef GW_NET_FILTER_TLS_FILTER_H
#define GW_NET_FILTER_TLS_FILTER_H

#include "net/filter/filter.h"
#include "net/filter/tls.h"
#include "net/filter/tls_problem.h"
#include "net/os/os.h"
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

/*
 *   recv:   input -> bio_read() -> SSL_read() -> out
 *   send:   spans -> SSL_write() -> bio_write() -> own -> output -> kernel
 *
 * OpenSSL reads and writes through a BIO of tls_filter.c, which has no buffer: it reads the input
 * of the current call of recv(), and writes to `own`. Of the input it takes all, unless `out` is
 * full; a partial record it keeps itself. Its buffers exist only while they have something
 * (SSL_MODE_RELEASE_BUFFERS).
 *
 * OpenSSL queues errors for each thread. Each function that calls it leaves the queue empty.
 */

/* Bytes in a block of the pool. */
struct gw_tls_bytes {
    uint32_t block_bytes;
    uint32_t begin;
    uint32_t end;
    uint8_t data[];
};

struct gw_tls_source {
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

struct gw_tls {
    struct gw_filter filter;
    struct gw_tls_source *source;
    SSL *ssl;
    struct gw_span input;        /* of this call of recv() */
    struct gw_tls_bytes *kept;   /* input for which `out` had no room */
    struct gw_tls_bytes *own;    /* encrypted, for the next send() */
    struct gw_tls_bytes *output; /* while the kernel may have it */
    uint32_t data_bytes;         /* received since the last message of the handshake protocol */
    uint8_t message_count;
    int8_t error;            /* after a failure */
    uint8_t first_bytes;     /* of `first` */
    bool is_handshaking : 1; /* counts in handshake_count */
    bool is_finished : 1;    /* close_notify is the last output */
    bool is_flooded : 1;     /* too many messages, or too much own output */
    bool is_out_of_memory : 1;
    uint8_t first[GW_TLS_FIRST_BYTES]; /* received, to explain what the peer speaks */
};

/* ---- tls_filter.c ---- */

extern const struct gw_filter_ops gw__tls_ops;

/* Creates the BIO that each SSL object of a source gets; NULL: out of memory. */
BIO_METHOD *gw__tls_create_bio_method(void);

/* Counts what makes a peer's work ours, for SSL_set_msg_callback(). */
void gw__tls_count_message(int is_written, int version, int type, const void *data, size_t bytes,
                           SSL *ssl, void *context);

#endif
