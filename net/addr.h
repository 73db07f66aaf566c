/* net/addr.h: the address of a TCP endpoint. */
#ifndef GW_NET_ADDR_H
#define GW_NET_ADDR_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { GW_ADDR_TEXT_BYTES = 56 }; /* "[ffff:...:255.255.255.255]:65535" and its NUL */

/*
 * A value: copy it freely. An IPv4 address is held as ::ffff:a.b.c.d, so that one form is enough
 * for both families. All zero with a port is every interface of the machine, in both families.
 */
struct gw_addr {
    uint8_t ip[16];
    uint16_t port; /* in the order of this machine */
};

/*
 * Reads "127.0.0.1:7777", "[::1]:7777", "*:7777" (every interface, IPv4 and IPv6) or
 * "0.0.0.0:7777" (every interface, IPv4 alone). Names are not looked up.
 *
 * Returns   0 or GW_E_ADDRESS; *addr_out is set only on 0.
 * Thread    any.
 */
int gw_addr_parse(const char *text, struct gw_addr *addr_out);

/* Writes the address the way gw_addr_parse() reads it. Returns `text`. Thread: any. */
const char *gw_addr_format(const struct gw_addr *addr, char text[GW_ADDR_TEXT_BYTES]);

/* Whether it is an IPv4 address, held as ::ffff:a.b.c.d. Thread: any. */
bool gw_addr_is_ipv4(const struct gw_addr *addr);

#ifdef __cplusplus
}
#endif

#endif
