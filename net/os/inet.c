/* net/os/inet.c: IP addresses, as text and as the socket calls take them. */
#define _GNU_SOURCE /* getaddrinfo, EAI_NODATA */
#include "net/os/os.h"

#include "net/error.h"
#include <string.h>

#ifdef _WIN32
#include <winsock2.h>
#include <ws2tcpip.h>
#else
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#endif

static const uint8_t ipv4_prefix[12] = {[10] = 0xFF, [11] = 0xFF};
static const uint8_t any_ip[16];

int os_addr_to_system(const struct gw_addr *addr, struct sockaddr_storage *system_out)
{
    memset(system_out, 0, sizeof(*system_out));
    if (gw_addr_is_local(addr)) {
        return os_local_to_system(addr, system_out);
    }
    if (gw_addr_is_ipv4(addr)) {
        struct sockaddr_in *in = (struct sockaddr_in *)system_out;
        in->sin_family = AF_INET;
        in->sin_port = htons(addr->port);
        memcpy(&in->sin_addr, addr->ip + sizeof(ipv4_prefix), sizeof(in->sin_addr));
        return sizeof(*in);
    }
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)system_out;
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(addr->port);
    memcpy(&in6->sin6_addr, addr->ip, sizeof(in6->sin6_addr));
    in6->sin6_scope_id = addr->zone;
    return sizeof(*in6);
}

struct gw_addr os_addr_from_system(const struct sockaddr_storage *system)
{
    struct gw_addr addr = {.port = 0};
    if (system->ss_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)system;
        memcpy(addr.ip, ipv4_prefix, sizeof(ipv4_prefix));
        memcpy(addr.ip + sizeof(ipv4_prefix), &in->sin_addr, sizeof(in->sin_addr));
        addr.port = ntohs(in->sin_port);
    } else if (system->ss_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)system;
        memcpy(addr.ip, &in6->sin6_addr, sizeof(in6->sin6_addr));
        addr.port = ntohs(in6->sin6_port);
        addr.zone = in6->sin6_scope_id <= UINT16_MAX ? (uint16_t)in6->sin6_scope_id : 0;
    }
    return addr;
}

static int lookup_error(int code)
{
#ifdef EAI_NODATA
    if (code == EAI_NODATA) {
        return GW_E_NAME;
    }
#endif
    return code == EAI_NONAME   ? GW_E_NAME
           : code == EAI_AGAIN  ? GW_E_TIMEOUT
           : code == EAI_MEMORY ? GW_E_MEMORY
                                : GW_E_SYSTEM;
}

int os_addr_lookup(const char *name, struct gw_addr *addrs_out, uint32_t count_max,
                   uint32_t *count_out)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    *count_out = 0;
    int code = getaddrinfo(name, NULL, &hints, &found);
    if (code != 0) {
        return lookup_error(code);
    }
    for (const struct addrinfo *at = found; at != NULL && *count_out < count_max;
         at = at->ai_next) {
        if (at->ai_family == AF_INET || at->ai_family == AF_INET6) {
            struct sockaddr_storage system = {0};
            memcpy(&system, at->ai_addr, at->ai_addrlen);
            addrs_out[(*count_out)++] = os_addr_from_system(&system);
        }
    }
    freeaddrinfo(found);
    return *count_out > 0 ? GW_OK : GW_E_NAME;
}

int os_zone_number_parse(const char *text, uint16_t *zone_out)
{
    uint32_t number = 0;
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 5 || text[digits] != '\0') {
        return GW_E_ADDRESS;
    }
    for (size_t i = 0; i < digits; i++) {
        number = number * 10 + (uint32_t)(text[i] - '0');
    }
    *zone_out = (uint16_t)number;
    return number == 0 || number > UINT16_MAX ? GW_E_ADDRESS : GW_OK;
}

bool os_ip_is_any(const uint8_t ip[16])
{
    return memcmp(ip, any_ip, sizeof(any_ip)) == 0;
}

void os_ip_make_any_v4(uint8_t ip[16])
{
    memset(ip, 0, 16);
    memcpy(ip, ipv4_prefix, sizeof(ipv4_prefix));
}

int os_ip_parse(const char *text, uint8_t ip_out[16])
{
    if (inet_pton(AF_INET6, text, ip_out) == 1) {
        return GW_OK;
    }
    memcpy(ip_out, ipv4_prefix, sizeof(ipv4_prefix));
    return inet_pton(AF_INET, text, ip_out + sizeof(ipv4_prefix)) == 1 ? GW_OK : GW_E_ADDRESS;
}

void os_ip_format(const uint8_t ip[16], char *text, uint32_t text_bytes)
{
    bool ipv4 = memcmp(ip, ipv4_prefix, sizeof(ipv4_prefix)) == 0;
    const void *from = ipv4 ? ip + sizeof(ipv4_prefix) : ip;
    if (inet_ntop(ipv4 ? AF_INET : AF_INET6, from, text, text_bytes) == NULL) {
        text[0] = '\0';
    }
}
