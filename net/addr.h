/* net/addr.h: the address of a TCP endpoint. */
#ifndef GW_NET_ADDR_H
#define GW_NET_ADDR_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { GW_ADDR_TEXT_BYTES = 72 }; /* "[fe80:...:255.255.255.255%interface]:65535" and its NUL */

/*
 * A value: copy it freely. An IPv4 address is held as ::ffff:a.b.c.d, so that one form is enough
 * for both families. All zero with a port is every interface of the machine, in both families.
 */
struct gw_addr {
    uint8_t ip[16];
    uint16_t port; /* in the order of this machine */
    uint16_t zone; /* of a link-local address, fe80::/10: the index of its interface; otherwise 0 */
};

/*
 * Reads "127.0.0.1:7777", "[::1]:7777", "*:7777" (every interface, IPv4 and IPv6) or
 * "0.0.0.0:7777" (every interface, IPv4 alone). A link-local address has a zone, which is the name
 * or the number (1 to 65,535) of its interface: "[fe80::1%eth0]:7777", "[fe80::1%2]:7777" (on
 * Windows the number alone; RFC 4007). Names of machines are not looked up.
 *
 * Returns   0 or GW_E_ADDRESS; *addr_out is set only on 0.
 * Thread    any.
 */
int gw_addr_parse(const char *text, struct gw_addr *addr_out);

/*
 * What is wrong with a text as an address to listen at or to dial, as the end of a sentence that
 * begins with `text` is: "an address without a port". That is what gw_addr_parse() refuses, and a
 * link-local address without a zone, which it takes and the system does not.
 *
 * Returns   a static string, or NULL when nothing is wrong.
 * Thread    any.
 */
const char *gw_addr_problem(const char *text);

/* Writes the address the way gw_addr_parse() reads it. Returns `text`. Thread: any. */
const char *gw_addr_format(const struct gw_addr *addr, char text[GW_ADDR_TEXT_BYTES]);

/* Whether it is an IPv4 address, held as ::ffff:a.b.c.d. Thread: any. */
bool gw_addr_is_ipv4(const struct gw_addr *addr);

#ifdef __cplusplus
}
#endif

#endif
