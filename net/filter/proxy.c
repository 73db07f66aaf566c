/* net/filter/proxy.c: The PROXY protocol as a byte filter: the address of a client behind a proxy.
 */
#include "net/filter/proxy.h"

#include "net/error.h"
#include "net/filter/filter.h"
#include "net/os/os.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { V2_HEAD_BYTES = 16, V2_IPV4_BYTES = 12, V2_IPV6_BYTES = 36, V2_UNIX_BYTES = 216 };

static const uint8_t v1_signature[6] = {'P', 'R', 'O', 'X', 'Y', ' '};
static const uint8_t v2_signature[12] = {0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D,
                                         0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A};

/*
 * Collects the front of the header: of version 1 all of it, of version 2 the addresses. The rest of
 * version 2 is counted.
 */
struct proxy {
    struct gw_filter base;
    int error;           /* 0, or that of every further recv() */
    uint32_t bytes;      /* in `header` */
    uint32_t skip_bytes; /* behind it */
    bool is_parsed;      /* only skip_bytes are missing */
    bool has_client;
    uint8_t header[GW_PROXY_V1_BYTES_MAX];
    struct gw_addr client;
};

struct source {
    struct gw_filter_source base;
    uint32_t network_count;
    struct gw_proxy_network networks[];
};

static struct proxy *proxy_of(struct gw_filter *filter)
{
    return (struct proxy *)(void *)filter;
}

static int fail(struct proxy *proxy, int error, const char *problem)
{
    proxy->error = error;
    proxy->base.problem = problem;
    return error;
}

/* ---- version 1 ---- */

/* Returns the next word of a line, which ends at a single blank or at the end; NULL: there is none.
 */
static const char *next_word(char **line)
{
    char *word = *line;
    if (word == NULL || *word == '\0') {
        return NULL;
    }
    char *blank = strchr(word, ' ');
    if (blank != NULL) {
        *blank = '\0';
    }
    *line = blank == NULL ? NULL : blank + 1;
    return word;
}

static bool parse_ip(const char *text, bool is_ipv4, uint8_t ip_out[16])
{
    return text != NULL && (strchr(text, ':') == NULL) == is_ipv4 &&
           os_ip_parse(text, ip_out) == GW_OK;
}

static bool parse_port(const char *text, uint16_t *port_out)
{
    size_t digits = text == NULL ? 0 : strspn(text, "0123456789");
    bool is_number = digits > 0 && digits <= 5 && text[digits] == '\0' &&
                     (text[0] != '0' || digits == 1) && strtoul(text, NULL, 10) <= UINT16_MAX;
    *port_out = is_number ? (uint16_t)strtoul(text, NULL, 10) : 0;
    return is_number;
}

/* Parses "TCP4 1.2.3.4 5.6.7.8 1 2", or "UNKNOWN" and anything. */
static bool parse_v1_line(struct proxy *proxy, char *line)
{
    uint8_t to_ip[16];
    uint16_t to_port;
    const char *family = next_word(&line);
    if (family == NULL || strcmp(family, "UNKNOWN") == 0) {
        return family != NULL;
    }
    bool is_ipv4 = strcmp(family, "TCP4") == 0;
    bool is_good = is_ipv4 || strcmp(family, "TCP6") == 0;
    is_good = is_good && parse_ip(next_word(&line), is_ipv4, proxy->client.ip);
    is_good = is_good && parse_ip(next_word(&line), is_ipv4, to_ip);
    is_good = is_good && parse_port(next_word(&line), &proxy->client.port);
    proxy->has_client = is_good && parse_port(next_word(&line), &to_port) && line == NULL;
    return proxy->has_client;
}

/* The newest byte is in the header, behind the signature. */
static int take_v1(struct proxy *proxy)
{
    char line[GW_PROXY_V1_BYTES_MAX + 1];
    uint8_t last = proxy->header[proxy->bytes - 1];
    bool is_after_cr = proxy->header[proxy->bytes - 2] == '\r';
    if (last == '\0' || (last == '\n') != is_after_cr) {
        return fail(proxy, GW_E_PROXY, "the PROXY line has a NUL, or a CR or LF that is no CR LF");
    }
    if (last == '\n') {
        uint32_t bytes = proxy->bytes - (uint32_t)sizeof(v1_signature) - 2;
        memcpy(line, proxy->header + sizeof(v1_signature), bytes);
        line[bytes] = '\0';
        proxy->is_parsed = parse_v1_line(proxy, line);
        return proxy->is_parsed
                   ? 0
                   : fail(proxy, GW_E_PROXY,
                          "the PROXY line is not TCP4, TCP6 or UNKNOWN with its addresses");
    }
    return proxy->bytes < GW_PROXY_V1_BYTES_MAX
               ? 0
               : fail(proxy, GW_E_PROXY, "the PROXY line is longer than 107 bytes");
}

/* ---- version 2 ---- */

/* The bytes of the addresses of a family; -1: it is unknown, or not for streams. */
static int address_bytes(uint8_t family)
{
    switch (family) {
    case 0x00:
        return 0;
    case 0x11:
        return V2_IPV4_BYTES;
    case 0x21:
        return V2_IPV6_BYTES;
    case 0x31:
        return V2_UNIX_BYTES;
    default:
        return -1;
    }
}

static uint16_t big_endian(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

/* Checks the first 16 bytes. */
static int check_v2_head(struct proxy *proxy)
{
    const uint8_t *head = proxy->header;
    int wanted_bytes = address_bytes(head[13]);
    uint32_t bytes = big_endian(head + 14);
    if (head[12] != 0x20 && head[12] != 0x21) {
        return fail(proxy, GW_E_PROXY, "the PROXY header has an unknown version or command");
    }
    if (bytes > GW_PROXY_V2_BYTES_MAX) {
        return fail(proxy, GW_E_PROXY, "the PROXY header has more than 2,048 bytes");
    }
    if (head[12] == 0x20) { /* LOCAL: addresses, if any, mean nothing */
        return fail(proxy, GW_E_CLOSED, "a health check of the proxy");
    }
    if (wanted_bytes < 0) {
        return fail(proxy, GW_E_PROXY, "the PROXY header has an unknown family, or datagrams");
    }
    if (bytes < (uint32_t)wanted_bytes) {
        return fail(proxy, GW_E_PROXY, "the PROXY header is shorter than its addresses");
    }
    proxy->has_client = head[13] == 0x11 || head[13] == 0x21;
    proxy->skip_bytes = proxy->has_client ? bytes - (uint32_t)wanted_bytes : bytes;
    return 0;
}

static int take_v2(struct proxy *proxy)
{
    static const uint8_t ipv4_prefix[12] = {[10] = 0xFF, [11] = 0xFF};
    const uint8_t *addresses = proxy->header + V2_HEAD_BYTES;
    if (proxy->bytes == V2_HEAD_BYTES && check_v2_head(proxy) != 0) {
        return proxy->error;
    }
    bool is_ipv4 = proxy->header[13] == 0x11;
    uint32_t kept_bytes = !proxy->has_client ? 0u : is_ipv4 ? V2_IPV4_BYTES : V2_IPV6_BYTES;
    proxy->is_parsed = proxy->bytes >= V2_HEAD_BYTES && proxy->bytes == V2_HEAD_BYTES + kept_bytes;
    if (!proxy->is_parsed || !proxy->has_client) {
        return 0;
    }
    if (is_ipv4) {
        memcpy(proxy->client.ip, ipv4_prefix, sizeof(ipv4_prefix));
        memcpy(proxy->client.ip + sizeof(ipv4_prefix), addresses, 4);
        proxy->client.port = big_endian(addresses + 8);
    } else {
        memcpy(proxy->client.ip, addresses, 16);
        proxy->client.port = big_endian(addresses + 32);
    }
    return 0;
}

/* ---- the filter ---- */

static int take_byte(struct proxy *proxy, uint8_t byte)
{
    proxy->header[proxy->bytes++] = byte;
    uint32_t bytes = proxy->bytes;
    if (bytes > sizeof(v1_signature) && proxy->header[0] == v1_signature[0]) {
        return take_v1(proxy);
    }
    if (bytes > sizeof(v2_signature)) {
        return take_v2(proxy);
    }
    bool is_v1 = bytes <= sizeof(v1_signature) && memcmp(proxy->header, v1_signature, bytes) == 0;
    bool is_v2 = memcmp(proxy->header, v2_signature, bytes) == 0;
    return is_v1 || is_v2 ? 0
                          : fail(proxy, GW_E_PROXY,
                                 "no PROXY header, which connections of its network begin with");
}

static int recv_bytes(struct gw_filter *filter, struct gw_span *in, uint8_t *out)
{
    struct proxy *proxy = proxy_of(filter);
    (void)out; /* what follows the header passes unchanged */
    while (in->bytes > 0 && proxy->error == 0 && !proxy->is_parsed) {
        (void)take_byte(proxy, *in->data);
        in->data++;
        in->bytes--;
    }
    if (proxy->is_parsed && proxy->error == 0) {
        uint32_t bytes = in->bytes < proxy->skip_bytes ? in->bytes : proxy->skip_bytes;
        proxy->skip_bytes -= bytes;
        in->data += bytes;
        in->bytes -= bytes;
        filter->is_done = proxy->skip_bytes == 0;
        filter->awaits_peer = !filter->is_done;
        filter->peer = filter->is_done && proxy->has_client ? &proxy->client : NULL;
    }
    return proxy->error;
}

static int recv_end(struct gw_filter *filter)
{
    struct proxy *proxy = proxy_of(filter);
    if (proxy->error != 0) {
        return proxy->error;
    }
    return proxy->bytes == 0 ? fail(proxy, GW_E_CLOSED, "a health check of the proxy")
                             : fail(proxy, GW_E_PROXY, "the connection ended in the PROXY header");
}

static int send_spans(struct gw_filter *filter, const struct gw_span *in, int in_count,
                      struct gw_span out[GW_FILTER_SPAN_COUNT_MAX])
{
    (void)filter;
    memcpy(out, in, (size_t)in_count * sizeof(*in));
    return in_count;
}

static void finish(struct gw_filter *filter, int reason)
{
    (void)filter;
    (void)reason;
}

static void destroy_filter(struct gw_filter *filter)
{
    free(filter);
}

/* ---- the source ---- */

static bool is_in(const uint8_t ip[16], const struct gw_proxy_network *network)
{
    uint32_t whole = network->prefix_bits / 8u;
    uint8_t mask = (uint8_t)(0xFF00u >> network->prefix_bits % 8u);
    return memcmp(ip, network->ip, whole) == 0 &&
           (mask == 0 || ((ip[whole] ^ network->ip[whole]) & mask) == 0);
}

static int create_filter(struct gw_filter_source *base, const struct gw_addr *peer,
                         struct gw_filter **filter_out)
{
    static const struct gw_filter_ops ops = {
        .name = "proxy",
        .recv = recv_bytes,
        .recv_end = recv_end,
        .send = send_spans,
        .finish = finish,
        .destroy = destroy_filter,
    };
    static const struct gw_addr nobody;
    const struct source *source = (const struct source *)(const void *)base;
    bool is_gone = memcmp(peer, &nobody, sizeof(nobody)) == 0;
    bool is_proxy = is_gone;
    for (uint32_t i = 0; i < source->network_count && !gw_addr_is_local(peer); i++) {
        is_proxy |= is_in(peer->ip, &source->networks[i]);
    }
    *filter_out = NULL;
    if (!is_proxy) {
        return GW_OK;
    }
    struct proxy *proxy = calloc(1, sizeof(*proxy));
    if (proxy == NULL) {
        return GW_E_MEMORY;
    }
    /* What the server sends before the header, such as SERVER_FULL, passes. */
    proxy->base = (struct gw_filter){.ops = &ops, .is_open = true, .awaits_peer = true};
    if (is_gone) {
        (void)fail(proxy, GW_E_CLOSED, "the connection had ended before it was accepted");
    }
    *filter_out = &proxy->base;
    return GW_OK;
}

static void destroy_source(struct gw_filter_source *base)
{
    free(base);
}

int gw_proxy_create(const struct gw_proxy_network *networks, uint32_t network_count,
                    struct gw_filter_source **source_out)
{
    size_t bytes = network_count * sizeof(*networks);
    if (network_count > GW_PROXY_NETWORK_COUNT_MAX) {
        return GW_E_FULL;
    }
    struct source *source = calloc(1, sizeof(*source) + bytes);
    if (source == NULL) {
        return GW_E_MEMORY;
    }
    source->base = (struct gw_filter_source){.create = create_filter, .destroy = destroy_source};
    atomic_init(&source->base.refs, 1);
    source->network_count = network_count;
    if (bytes > 0) {
        memcpy(source->networks, networks, bytes);
    }
    *source_out = &source->base;
    return GW_OK;
}

const char *gw_proxy_network_parse(const char *text, struct gw_proxy_network *network_out)
{
    char ip[48];
    const char *slash = strchr(text, '/');
    size_t bytes = slash == NULL ? strlen(text) : (size_t)(slash - text);
    if (bytes == 0 || bytes >= sizeof(ip)) {
        return "not an address";
    }
    memcpy(ip, text, bytes);
    ip[bytes] = '\0';
    if (os_ip_parse(ip, network_out->ip) != GW_OK) {
        return "not an address";
    }
    uint32_t bits_max = strchr(ip, ':') == NULL ? 32 : 128;
    uint16_t bits = (uint16_t)bits_max;
    if (slash != NULL && strcmp(slash, "/0") == 0) {
        bits = 0;
    } else if (slash != NULL &&
               (os_zone_number_parse(slash + 1, &bits) != GW_OK || bits > bits_max)) {
        return "an address with an invalid number of bits behind its /";
    }
    network_out->prefix_bits = (uint8_t)(bits + 128 - bits_max);
    for (uint32_t bit = network_out->prefix_bits; bit < 128; bit++) {
        if ((network_out->ip[bit / 8] & 0x80u >> bit % 8) != 0) {
            return "an address with bits behind its prefix; clear them";
        }
    }
    return NULL;
}
