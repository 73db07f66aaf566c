/* net/addr.h: Addresses of endpoints: TCP, and Unix sockets. */
#ifndef GW_NET_ADDR_H
#define GW_NET_ADDR_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    GW_ADDR_PATH_BYTES_MAX = 107, /* of a Unix socket: unix(7) */
    GW_ADDR_PATH_COUNT_MAX = 256, /* different ones in one process */
    GW_ADDR_TEXT_BYTES = 120, /* "unix:" and the longest path, or the longest of IPv6, and NUL */
};

/*
 * A value that can be copied. An IPv4 address is stored as ::ffff:a.b.c.d, so both families have
 * one form. An `ip` of all zeros is every interface of the machine, in both families.
 *
 * On Linux a value may also stand for a Unix socket (its path is in a table of the process), for
 * the process at the other end of one, or for a listening socket that the process was given. No
 * IP address has the `zone` of these.
 */
struct gw_addr {
    uint8_t ip[16];
    uint16_t port; /* in host byte order */
    uint16_t zone; /* interface index of a link-local address (fe80::/10); otherwise 0 */
};

/*
 * Parses "127.0.0.1:7777", "[::1]:7777", "*:7777" (every interface, IPv4 and IPv6) or
 * "0.0.0.0:7777" (every interface, IPv4 alone). A link-local address has a zone, the name or
 * the number (1 to 65,535) of its interface: "[fe80::1%eth0]:7777", "[fe80::1%2]:7777" (on
 * Windows the number alone; RFC 4007). Host names are not
 * resolved: see net/lookup.h.
 *
 * Returns   0 or GW_E_ADDRESS; *addr_out is set only on 0.
 * Thread    any
 */
int gw_addr_parse(const char *text, struct gw_addr *addr_out);

/*
 * Explains why `text` cannot be used as an address to listen at or to connect to. The explanation
 * completes the sentence "`text` is ...": "an address without a port". It covers everything that
 * gw_addr_parse() rejects, and link-local addresses without a zone, which gw_addr_parse() accepts
 * and the operating system rejects.
 *
 * Returns   a static string, or NULL when the address can be used.
 * Thread    any
 */
const char *gw_addr_problem(const char *text);

/*
 * Parses, on Linux, "unix:/run/game.sock", a path of at most GW_ADDR_PATH_BYTES_MAX bytes, or, for
 * gw_listener_open(), "fd://3": descriptor 3 or above, a listening stream socket that the process
 * was given, as systemd does. The path is kept until the process ends, so do not parse one that
 * comes from a peer.
 *
 * Returns   NULL; or why it is refused, as gw_addr_problem(), and then *addr_out is unchanged.
 * Thread    any
 */
const char *gw_addr_parse_local(const char *text, struct gw_addr *addr_out);

/*
 * Formats the address so that gw_addr_parse() or gw_addr_parse_local() can read it. The peer of an
 * accepted Unix socket is "unix:pid=4711,uid=1000,gid=1000". Returns `text`. Thread: any.
 */
const char *gw_addr_format(const struct gw_addr *addr, char text[GW_ADDR_TEXT_BYTES]);

/* Whether it is an IPv4 address, stored as ::ffff:a.b.c.d. Thread: any. */
bool gw_addr_is_ipv4(const struct gw_addr *addr);

/* Whether it is no IP address: a Unix socket, its peer, or a descriptor. Thread: any. */
bool gw_addr_is_local(const struct gw_addr *addr);

/* Whether only this machine has it: 127.0.0.0/8, ::1, or a Unix socket. Thread: any. */
bool gw_addr_is_loopback(const struct gw_addr *addr);

#ifdef __cplusplus
}
#endif

#endif
