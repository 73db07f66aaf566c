/* net/filter/proxy.h: The PROXY protocol as a byte filter: the address of a client behind a proxy.
 */
#ifndef GW_NET_FILTER_PROXY_H
#define GW_NET_FILTER_PROXY_H

#include "net/addr.h"
#include "net/filter/source.h"
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A connection from one of the networks must begin with a header of version 1 or 2, with which a
 * proxy, such as haproxy, sends the address of its client; otherwise it fails with GW_E_PROXY. Then
 * gw_stream_peer() is that address. A connection from elsewhere has no such filter: a header is
 * data like any other, so a client cannot choose its address.
 *
 *   a header that says UNKNOWN, AF_UNSPEC or AF_UNIX   the address of the proxy remains
 *   LOCAL of version 2, and a connection that ends     health checks of the proxy: the connection
 *   without a byte                                     ends with GW_E_CLOSED
 *   a header for datagrams, or of an unknown version,  GW_E_PROXY
 *   command or family
 *
 * A connection that was reset before it was accepted has no address any more, and ends with
 * GW_E_CLOSED: health checks of haproxy are such.
 *
 * Extensions of version 2 (TLV) are skipped. A header has at most GW_PROXY_V1_BYTES_MAX bytes, or
 * 16 and GW_PROXY_V2_BYTES_MAX; of that at most 107 are kept.
 *
 * Source: https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt
 */
enum {
    GW_PROXY_V1_BYTES_MAX = 107,  /* with its CR LF */
    GW_PROXY_V2_BYTES_MAX = 2048, /* behind its first 16: addresses and TLVs */
    GW_PROXY_NETWORK_COUNT_MAX = 64,
};

/* The addresses that begin with the first `prefix_bits` of `ip`; IPv4 as in struct gw_addr. */
struct gw_proxy_network {
    uint8_t ip[16];
    uint8_t prefix_bits; /* 0 to 128; of IPv4: 96 and its own */
};

/*
 * Parses "10.0.0.0/8", "2001:db8::/32", "127.0.0.1" or "::1".
 *
 * Returns   NULL; or why it is refused, a static text that completes the sentence "`text` is ...".
 *           Then *network_out is undefined.
 * Thread    any
 */
const char *gw_proxy_network_parse(const char *text, struct gw_proxy_network *network_out);

/*
 * Creates the source of filters for accepted streams, for struct gw_stream_config. It is the first
 * one of the chain.
 *
 * Returns   0; GW_E_FULL (more than GW_PROXY_NETWORK_COUNT_MAX networks) or GW_E_MEMORY;
 *           *source_out is set only on 0.
 * Owns      gives a reference. Copies `networks`.
 * Thread    any
 */
int gw_proxy_create(const struct gw_proxy_network *networks, uint32_t network_count,
                    struct gw_filter_source **source_out);

#ifdef __cplusplus
}
#endif

#endif
