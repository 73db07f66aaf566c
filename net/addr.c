/* net/addr.c: addresses, read and written. */
#include "net/addr.h"

#include "net/error.h"
#include "net/os/os.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { IP_TEXT_BYTES = 48 };

static const uint8_t ipv4_prefix[12] = {[10] = 0xFF, [11] = 0xFF};

bool gw_addr_is_ipv4(const struct gw_addr *addr)
{
    return memcmp(addr->ip, ipv4_prefix, sizeof(ipv4_prefix)) == 0;
}

/* Reads 0 to 65535, digits alone. */
static int parse_port(const char *text, uint16_t *port_out)
{
    uint32_t port = 0;
    if (*text == '\0') {
        return GW_E_ADDRESS;
    }
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9' || port > UINT16_MAX) {
            return GW_E_ADDRESS;
        }
        port = port * 10 + (uint32_t)(*text - '0');
    }
    if (port > UINT16_MAX) {
        return GW_E_ADDRESS;
    }
    *port_out = (uint16_t)port;
    return GW_OK;
}

/* Reads "*", "127.0.0.1" or "[::1]". */
static int parse_host(const char *text, size_t bytes, uint8_t ip_out[16])
{
    char host[IP_TEXT_BYTES];
    bool bracketed = bytes >= 2 && text[0] == '[' && text[bytes - 1] == ']';
    if (bytes == 1 && text[0] == '*') {
        memset(ip_out, 0, 16);
        return GW_OK;
    }
    if (bracketed) {
        text++;
        bytes -= 2;
    }
    if (bytes == 0 || bytes >= sizeof(host)) {
        return GW_E_ADDRESS;
    }
    memcpy(host, text, bytes);
    host[bytes] = '\0';
    if (bracketed != (strchr(host, ':') != NULL)) {
        return GW_E_ADDRESS; /* an IPv6 address without brackets hides where its port begins */
    }
    return os_ip_parse(host, ip_out);
}

int gw_addr_parse(const char *text, struct gw_addr *addr_out)
{
    struct gw_addr addr = {.port = 0};
    const char *colon = strrchr(text, ':');
    if (colon == NULL) {
        return GW_E_ADDRESS;
    }
    int error = parse_host(text, (size_t)(colon - text), addr.ip);
    if (error == GW_OK) {
        error = parse_port(colon + 1, &addr.port);
    }
    if (error == GW_OK) {
        *addr_out = addr;
    }
    return error;
}

const char *gw_addr_format(const struct gw_addr *addr, char text[GW_ADDR_TEXT_BYTES])
{
    static const uint8_t any_ip[16];
    char host[IP_TEXT_BYTES];
    if (memcmp(addr->ip, any_ip, sizeof(any_ip)) == 0) {
        snprintf(text, GW_ADDR_TEXT_BYTES, "*:%u", (unsigned)addr->port);
        return text;
    }
    os_ip_format(addr->ip, host, sizeof(host));
    const char *form = gw_addr_is_ipv4(addr) ? "%s:%u" : "[%s]:%u";
    snprintf(text, GW_ADDR_TEXT_BYTES, form, host, (unsigned)addr->port);
    return text;
}
