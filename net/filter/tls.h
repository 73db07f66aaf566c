/* net/filter/tls.h: TLS as a byte filter: TLS 1.2 and 1.3, server and client side. */
#ifndef GW_NET_FILTER_TLS_H
#define GW_NET_FILTER_TLS_H

#include "net/filter/source.h"
#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A stream with this filter carries its bytes in TLS records. The library may be built without it,
 * see GW_E_UNSUPPORTED below.
 *
 * Both sides
 *
 *   speak TLS 1.2 and 1.3, with ephemeral keys (ECDHE) and AEAD ciphers only
 *   neither compress nor renegotiate, and neither send nor accept early data
 *   fail with GW_E_TLS after an invalid record or a failed handshake, and send the alert for it
 *   fail with GW_E_TLS when the peer sends more than GW_TLS_MESSAGE_COUNT_MAX messages of the
 *      handshake protocol (KeyUpdate above all) with less than GW_TLS_MESSAGE_BYTES of data between
 *      each two
 *   treat the peer's close_notify as a FIN, and a FIN without one as GW_E_RESET
 *   send close_notify when the stream finishes
 *
 * The server side has one certificate, for any name that a client asks for. It gives out session
 * tickets, which all streams of the source accept, also after a reload.
 *
 * The client side checks the certificate of the server, its chain and its name.
 *
 * Secrets are never logged. A debug build of the library appends them to the file that the
 * environment variable SSLKEYLOGFILE names, so that Wireshark can decrypt a capture.
 */

enum {
    GW_TLS_PROBLEM_BYTES = 512, /* of a text for people, with its NUL */
    GW_TLS_MESSAGE_COUNT_MAX = 32,
    GW_TLS_MESSAGE_BYTES = 64 * 1024,
};

struct gw_tls_server_config {
    const char *certificate_path; /* PEM: the certificate, then those between it and a root */
    const char *key_path;         /* PEM: its key, which is not encrypted; may be the same file */
    /* The application protocol: "gangway/1", or "http/1.1" below WebSocket. A client that offers
     * others only is refused; one that offers none is accepted. */
    const char *alpn;
    /* Handshakes at the same time, each from its first byte; more end with GW_E_FULL. */
    uint32_t handshake_count_max;
};

struct gw_tls_client_config {
    /* PEM: the certificates that are trusted; NULL: those of the system. */
    const char *ca_path;
    /* Accept any certificate. A program that can intercept the connection can then read and change
     * all bytes. */
    bool insecure;
    const char *server_name; /* a host name or an IP address, which the certificate must have */
    const char *alpn;        /* as above, to offer */
};

/*
 * Creates the source of filters for accepted streams, for struct gw_stream_config. Reads the files,
 * so it may block.
 *
 * Returns   0; GW_E_INVALID: a file cannot be read, is not PEM, the key is encrypted or does not
 *           fit the certificate, or the certificate has expired or is not yet valid; GW_E_MEMORY;
 *           or GW_E_UNSUPPORTED: the library was built without TLS. On an error `problem_out` has a
 *           sentence for people, which names the file and says what to do, and *source_out is not
 *           set.
 * Owns      gives a reference. Copies `config`.
 * Thread    any
 */
int gw_tls_server_create(const struct gw_tls_server_config *config,
                         struct gw_filter_source **source_out,
                         char problem_out[GW_TLS_PROBLEM_BYTES]);

/*
 * Reads the files of a source again, which gw_tls_server_create() has made. New streams use what
 * they contain; streams that have begun keep what they have. After an error nothing has changed. It
 * may block.
 *
 * Returns   0, GW_E_INVALID, GW_E_MEMORY or GW_E_UNSUPPORTED, and the text, as above
 * Thread    any
 */
int gw_tls_server_reload(struct gw_filter_source *source, char problem_out[GW_TLS_PROBLEM_BYTES]);

/*
 * Creates the source of filters for dialed streams. Reads the file, so it may block. Streams of one
 * source resume the last session that a server has given one of them a ticket for.
 *
 * Returns   0; GW_E_INVALID: the file cannot be read or has no certificate, or `server_name` is
 *           empty; GW_E_MEMORY or GW_E_UNSUPPORTED; and the text, as above
 * Owns      gives a reference. Copies `config`.
 * Thread    any
 */
int gw_tls_client_create(const struct gw_tls_client_config *config,
                         struct gw_filter_source **source_out,
                         char problem_out[GW_TLS_PROBLEM_BYTES]);

#ifdef __cplusplus
}
#endif

#endif
