/* net/addr.c: Parsing and formatting of addresses. */
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

bool gw_addr_is_local(const struct gw_addr *addr)
{
    return addr->zone == OS_LOCAL_ZONE && addr->ip[0] < OS_LOCAL_KIND_COUNT;
}

bool gw_addr_is_loopback(const struct gw_addr *addr)
{
    static const uint8_t loopback_ipv6[16] = {[15] = 1};
    if (gw_addr_is_local(addr)) {
        return true;
    }
    return gw_addr_is_ipv4(addr) ? addr->ip[12] == 127
                                 : memcmp(addr->ip, loopback_ipv6, sizeof(addr->ip)) == 0;
}

static bool is_link_local(const uint8_t ip[16])
{
    return ip[0] == 0xFE && (ip[1] & 0xC0) == 0x80;
}

/* ---- parsing: each function returns NULL, or what is wrong ---- */

static const char not_an_address[] = "not an address";

static const char *parse_port(const char *text, uint16_t *port_out)
{
    static const char no_port[] = "an address without a port from 0 to 65535";
    uint32_t port = 0;
    if (*text == '\0') {
        return no_port;
    }
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9' || port > UINT16_MAX) {
            return no_port;
        }
        port = port * 10 + (uint32_t)(*text - '0');
    }
    *port_out = (uint16_t)port;
    return port > UINT16_MAX ? no_port : NULL;
}

/* Copies part of a text, with a NUL. Returns false when the part is empty or too long. */
static bool copy_part(const char *text, size_t bytes, char *part, size_t part_bytes)
{
    if (bytes == 0 || bytes >= part_bytes) {
        return false;
    }
    memcpy(part, text, bytes);
    part[bytes] = '\0';
    return true;
}

/* Parses the text between brackets: "::1", "fe80::1%eth0". */
static const char *parse_ipv6(const char *text, size_t bytes, struct gw_addr *addr)
{
    char host[IP_TEXT_BYTES];
    char zone[OS_ZONE_TEXT_BYTES];
    const char *percent = memchr(text, '%', bytes);
    size_t host_bytes = percent == NULL ? bytes : (size_t)(percent - text);
    if (!copy_part(text, host_bytes, host, sizeof(host)) || strchr(host, ':') == NULL ||
        os_ip_parse(host, addr->ip) != GW_OK) {
        return not_an_address;
    }
    if (percent == NULL) {
        return NULL;
    }
    if (!is_link_local(addr->ip)) {
        return "an address with a zone, which only link-local ones have (fe80::...)";
    }
    if (!copy_part(percent + 1, bytes - host_bytes - 1, zone, sizeof(zone)) ||
        os_zone_parse(zone, &addr->zone) != GW_OK) {
        return "an address with a zone that is no interface of this machine";
    }
    return NULL;
}

/* Parses "*", "127.0.0.1" or "[::1]". */
static const char *parse_host(const char *text, size_t bytes, struct gw_addr *addr)
{
    char host[IP_TEXT_BYTES];
    if (bytes == 1 && text[0] == '*') {
        memset(addr->ip, 0, sizeof(addr->ip));
        return NULL;
    }
    if (bytes >= 2 && text[0] == '[' && text[bytes - 1] == ']') {
        return parse_ipv6(text + 1, bytes - 2, addr);
    }
    if (!copy_part(text, bytes, host, sizeof(host))) {
        return not_an_address;
    }
    if (strchr(host, ':') != NULL) {
        return "not an address, or an IPv6 address without [ ] around it";
    }
    return os_ip_parse(host, addr->ip) == GW_OK ? NULL : not_an_address;
}

static const char *parse(const char *text, struct gw_addr *addr)
{
    const char *colon = strrchr(text, ':');
    memset(addr, 0, sizeof(*addr));
    if (colon == NULL) {
        return strpbrk(text, "0123456789*") == text ? "an address without a port" : not_an_address;
    }
    const char *problem = parse_host(text, (size_t)(colon - text), addr);
    return problem != NULL ? problem : parse_port(colon + 1, &addr->port);
}

int gw_addr_parse(const char *text, struct gw_addr *addr_out)
{
    struct gw_addr addr;
    if (parse(text, &addr) != NULL) {
        return GW_E_ADDRESS;
    }
    *addr_out = addr;
    return GW_OK;
}

const char *gw_addr_problem(const char *text)
{
    struct gw_addr addr;
    const char *problem = parse(text, &addr);
    if (problem == NULL && is_link_local(addr.ip) && addr.zone == 0) {
        problem = "a link-local address without its interface ([fe80::1%eth0]:7777)";
    }
    return problem;
}

const char *gw_addr_parse_local(const char *text, struct gw_addr *addr_out)
{
    bool is_path = strncmp(text, "unix:", 5) == 0;
    if (!is_path && strncmp(text, "fd://", 5) != 0) {
        return "neither unix:/path nor fd://number";
    }
    text += is_path && strncmp(text + 5, "///", 3) == 0 ? 7 : 5;
    size_t bytes = strlen(text);
    for (size_t i = 0; i < bytes; i++) {
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7F) {
            return "a path with a control character";
        }
    }
    if (is_path && bytes == 0) {
        return "an address without a path";
    }
    if (is_path && bytes > GW_ADDR_PATH_BYTES_MAX) {
        return "a path of more than 107 bytes, the limit of Unix sockets";
    }
    uint16_t descriptor = 0;
    if (!is_path && (os_zone_number_parse(text, &descriptor) != GW_OK || descriptor < 3)) {
        return "not the number of a descriptor, which is 3 or above";
    }
    int error = is_path ? os_local_from_path(text, addr_out)
                        : os_local_from_descriptor(descriptor, addr_out);
    return error == GW_OK       ? NULL
           : error == GW_E_FULL ? "one path more than the 256 of a process"
                                : "an address that this system does not have";
}

const char *gw_addr_format(const struct gw_addr *addr, char text[GW_ADDR_TEXT_BYTES])
{
    static const uint8_t any_ip[16];
    char host[IP_TEXT_BYTES];
    if (gw_addr_is_local(addr)) {
        os_local_format(addr, text);
        return text;
    }
    if (memcmp(addr->ip, any_ip, sizeof(any_ip)) == 0) {
        snprintf(text, GW_ADDR_TEXT_BYTES, "*:%u", (unsigned)addr->port);
        return text;
    }
    os_ip_format(addr->ip, host, sizeof(host));
    if (gw_addr_is_ipv4(addr)) {
        snprintf(text, GW_ADDR_TEXT_BYTES, "%s:%u", host, (unsigned)addr->port);
    } else if (addr->zone == 0) {
        snprintf(text, GW_ADDR_TEXT_BYTES, "[%s]:%u", host, (unsigned)addr->port);
    } else {
        char zone[OS_ZONE_TEXT_BYTES];
        os_zone_format(addr->zone, zone);
        snprintf(text, GW_ADDR_TEXT_BYTES, "[%s%%%s]:%u", host, zone, (unsigned)addr->port);
    }
    return text;
}
