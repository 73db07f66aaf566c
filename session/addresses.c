/* session/addresses.c: limits of connections for each peer address. */
#include "session/addresses.h"

#include "session/internal.h"
#include "session/spin_lock.h"

#include "net/addr.h"
#include "net/log.h"
#include "net/port.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NANOSECONDS_PER_MS UINT64_C(1000000)

/* ---- keys ---- */

static uint64_t read_64(const uint8_t *bytes)
{
    uint64_t value = 0;
    for (int i = 0; i < 8; i++) {
        value = value << 8 | bytes[i];
    }
    return value;
}

/*
 * An IPv4 address has the key of an IPv6 prefix that no client has (multicast). Link-local
 * addresses of all machines have one prefix, so their interface identifiers are used.
 */
static uint64_t key_of(const struct gw_addr *addr)
{
    uint64_t prefix = read_64(addr->ip);
    uint64_t rest = read_64(addr->ip + 8);
    if (gw_addr_is_ipv4(addr)) {
        return UINT64_C(0xFFFFFFFF) << 32 | (uint32_t)rest;
    }
    if (addr->ip[0] == 0xFE && (addr->ip[1] & 0xC0) == 0x80) {
        return UINT64_C(0xFE80) << 48 | (rest & UINT64_C(0xFFFFFFFFFFFF));
    }
    return prefix != 0 ? prefix : (uint64_t)(rest != 0);
}

/* Returns 0 for an address that has no limit: one that is unknown, and usually loopback. */
static uint64_t limited_key_of(const struct gw_session_manager *manager, const struct gw_addr *addr)
{
    bool is_exempt = manager->addresses.sets == NULL ||
                     (gw_addr_is_loopback(addr) && !manager->config.limit_loopback);
    return is_exempt ? 0 : key_of(addr);
}

static uint64_t rotate(uint64_t word, int bits)
{
    return word << bits | word >> (64 - bits);
}

static void sip_rounds(uint64_t v[4], int count)
{
    for (int i = 0; i < count; i++) {
        v[0] += v[1];
        v[2] += v[3];
        v[1] = rotate(v[1], 13) ^ v[0];
        v[3] = rotate(v[3], 16) ^ v[2];
        v[0] = rotate(v[0], 32);
        v[2] += v[1];
        v[0] += v[3];
        v[1] = rotate(v[1], 17) ^ v[2];
        v[3] = rotate(v[3], 21) ^ v[0];
        v[2] = rotate(v[2], 32);
    }
}

uint64_t gw__address_hash(const uint64_t seed[2], uint64_t key)
{
    const uint64_t last = UINT64_C(8) << 56; /* the number of bytes */
    uint64_t v[4] = {seed[0] ^ UINT64_C(0x736f6d6570736575), seed[1] ^ UINT64_C(0x646f72616e646f6d),
                     seed[0] ^ UINT64_C(0x6c7967656e657261),
                     seed[1] ^ UINT64_C(0x7465646279746573)};
    v[3] ^= key;
    sip_rounds(v, 2);
    v[0] ^= key;
    v[3] ^= last;
    sip_rounds(v, 2);
    v[0] ^= last;
    v[2] ^= 0xFF;
    sip_rounds(v, 4);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* ---- the table ---- */

/* Twice as many ways as connections: that all ways of a set carry state is rare. */
static uint32_t set_count(const struct gw_session_manager_config *config)
{
    uint64_t way_count = 2 * ((uint64_t)config->session_count_max + config->pending_count_max);
    uint32_t count = 1;
    while ((uint64_t)count * GW_ADDRESS_WAY_COUNT < way_count && count < GW_ADDRESS_SET_COUNT_MAX) {
        count *= 2;
    }
    return count;
}

bool gw__addresses_init(struct gw_session_manager *manager)
{
    const struct gw_session_manager_config *config = &manager->config;
    struct gw_addresses *addresses = &manager->addresses;
    bool limits_connects = config->address_connects_per_second != GW_OFF;
    if (!limits_connects && config->address_connection_count_max == GW_OFF) {
        return true;
    }
    uint32_t count = set_count(config);
    addresses->set_mask = count - 1;
    addresses->seed[0] = gw_port_random(manager->port);
    addresses->seed[1] = gw_port_random(manager->port);
    addresses->connect_ns =
        limits_connects ? 1000 * NANOSECONDS_PER_MS / config->address_connects_per_second : 0;
    addresses->sets = calloc(count, sizeof(*addresses->sets)); /* all locks are clear */
    return addresses->sets != NULL;
}

void gw__addresses_fini(struct gw_session_manager *manager)
{
    free(manager->addresses.sets);
}

/* The set and the way of an identifier, which is 1 + set * GW_ADDRESS_WAY_COUNT + way. */
static struct gw_address_set *set_of(struct gw_session_manager *manager, uint32_t address)
{
    return &manager->addresses.sets[(address - 1) / GW_ADDRESS_WAY_COUNT];
}

static struct gw_address *way_of(struct gw_address_set *set, uint32_t address)
{
    return &set->ways[(address - 1) % GW_ADDRESS_WAY_COUNT];
}

static bool has_state(const struct gw_address *way, uint64_t now_ns)
{
    return way->key != 0 && (way->connection_count > 0 || way->full_ns > now_ns ||
                             (way->refused_count > 0 && way->log_ns > now_ns));
}

/* Returns the way of `key`, or one without state, which it gives to the key; NULL: there is none.
 */
static struct gw_address *find_or_replace(struct gw_address_set *set, uint64_t key, uint64_t now_ns)
{
    struct gw_address *unused = NULL;
    for (int i = 0; i < GW_ADDRESS_WAY_COUNT; i++) {
        if (set->ways[i].key == key) {
            return &set->ways[i];
        }
        if (unused == NULL && !has_state(&set->ways[i], now_ns)) {
            unused = &set->ways[i];
        }
    }
    if (unused != NULL) {
        *unused = (struct gw_address){.key = key};
    }
    return unused;
}

/* ---- limits ---- */

static bool is_full(const struct gw_session_manager *manager, const struct gw_address *way)
{
    return way->connection_count >= manager->config.address_connection_count_max;
}

static bool has_no_token(const struct gw_session_manager *manager, const struct gw_address *way,
                         uint64_t now_ns)
{
    uint64_t connect_ns = manager->addresses.connect_ns;
    uint64_t burst =
        (uint64_t)manager->config.address_connects_per_second * GW_ADDRESS_BURST_FACTOR;
    return connect_ns != 0 && way->full_ns > now_ns + (burst - 1) * connect_ns;
}

/* Counts a connect, or its refusal. Returns false when a limit refuses it. */
static bool count_connect(const struct gw_session_manager *manager, struct gw_address *way,
                          uint64_t now_ns)
{
    bool is_too_often = has_no_token(manager, way, now_ns);
    if (is_too_often || is_full(manager, way)) {
        way->refused_count++;
        way->refused_by_rate = is_too_often;
        return false;
    }
    way->connection_count++;
    way->full_ns = (way->full_ns > now_ns ? way->full_ns : now_ns) + manager->addresses.connect_ns;
    return true;
}

/* Returns the refusals to log now, in a copy; at most once in GW_ADDRESS_LOG_MS. */
static struct gw_address take_refusals(struct gw_address *way, uint64_t now_ns)
{
    if (way->refused_count == 0 || way->log_ns > now_ns) {
        return (struct gw_address){.key = 0};
    }
    struct gw_address taken = *way;
    way->refused_count = 0;
    way->log_ns = now_ns + GW_ADDRESS_LOG_MS * NANOSECONDS_PER_MS;
    return taken;
}

/* Formats the address that is limited: "192.0.2.1", "2001:db8::/64". */
static void format(struct gw_addr addr, char text[GW_ADDR_TEXT_BYTES + 8])
{
    char full[GW_ADDR_TEXT_BYTES];
    bool is_prefix = !gw_addr_is_ipv4(&addr) && addr.zone == 0 && read_64(addr.ip) != 0;
    if (is_prefix) {
        memset(addr.ip + 8, 0, 8);
    }
    gw_addr_format(&addr, full);
    *strrchr(full, ':') = '\0'; /* the port */
    if (full[0] == '[') {
        full[strlen(full) - 1] = '\0';
    }
    snprintf(text, GW_ADDR_TEXT_BYTES + 8, "%s%s", full[0] == '[' ? full + 1 : full,
             is_prefix ? "/64" : "");
}

static void log_refusals(const struct gw_session_manager *manager, const struct gw_addr *addr,
                         const struct gw_address *taken)
{
    char text[GW_ADDR_TEXT_BYTES + 8];
    format(*addr, text);
    const struct gw_log_field fields[] = {
        GW_LOG_TEXT("address", text),
        GW_LOG_TEXT("limit", taken->refused_by_rate ? "connects per second" : "connections"),
        GW_LOG_NUMBER("refused", taken->refused_count),
    };
    gw_log_write(gw_port_log(manager->port), GW_LOG_WARNING, "address_limit", fields,
                 sizeof fields / sizeof fields[0]);
}

bool gw__address_enter(struct gw_session_manager *manager, const struct gw_addr *addr,
                       uint32_t *address_out)
{
    struct gw_addresses *addresses = &manager->addresses;
    uint64_t key = limited_key_of(manager, addr);
    *address_out = 0;
    if (key == 0) {
        return true;
    }
    uint64_t now_ns = gw_port_now_ns(manager->port);
    uint32_t index = (uint32_t)gw__address_hash(addresses->seed, key) & addresses->set_mask;
    struct gw_address_set *set = &addresses->sets[index];
    struct gw_address taken = {.key = 0};
    bool enters = true;
    gw__spin_lock(&set->lock);
    struct gw_address *way = find_or_replace(set, key, now_ns);
    if (way != NULL) {
        enters = count_connect(manager, way, now_ns);
        taken = take_refusals(way, now_ns);
    }
    if (way != NULL && enters) {
        *address_out = 1 + index * GW_ADDRESS_WAY_COUNT + (uint32_t)(way - set->ways);
    }
    gw__spin_unlock(&set->lock);
    if (taken.refused_count > 0) {
        log_refusals(manager, addr, &taken);
    }
    return enters;
}

void gw__address_leave(struct gw_session_manager *manager, uint32_t address)
{
    if (address != 0) {
        struct gw_address_set *set = set_of(manager, address);
        gw__spin_lock(&set->lock);
        way_of(set, address)->connection_count--;
        gw__spin_unlock(&set->lock);
    }
}

/* Leaves, and returns the token of the connect. Returns false when `key` is that of the address. */
static bool leave_for(struct gw_session_manager *manager, uint32_t address, uint64_t key)
{
    struct gw_address_set *set = set_of(manager, address);
    struct gw_address *way = way_of(set, address);
    gw__spin_lock(&set->lock);
    bool leaves = way->key != key;
    if (leaves) {
        way->connection_count--;
        way->full_ns -= manager->addresses.connect_ns;
    }
    gw__spin_unlock(&set->lock);
    return leaves;
}

bool gw__address_move(struct gw_session_manager *manager, const struct gw_addr *addr,
                      uint32_t *address)
{
    if (*address != 0 && !leave_for(manager, *address, limited_key_of(manager, addr))) {
        return true;
    }
    return gw__address_enter(manager, addr, address);
}
