/* tests/session/test_rates.c: Rate limits of sessions, with generated arrival times. */
#include "tests/test.h"

#include "net/stream.h"
#include "net/turn.h"
#include "session/counters.h"
#include "session/deadline.h"
#include "session/internal.h"
#include "session/rates.h"
#include "session/receive.h"
#include "tests/support/random.h"

#include <stdlib.h>
#include <string.h>

#define MS     UINT64_C(1000000)
#define SECOND (1000 * MS)

enum {
    TYPE_COUNT_MAX = 4,
    EXCESS_MS = 12000,
    NETWORK_MS = 10000, /* the longest delay from sending to arrival, without jitter */
    JITTER_MS = 200,
    TICK_MS = 4, /* how late the end of a wait is noticed */
    LATE_MS = 100,
    SEED_COUNT = 2000,
    FLOOD_SECONDS = 30,
};

/* ---- stubs for session/rates.c ---- */

static uint64_t clock_ns;

uint64_t gw_turn_now_ns(const struct gw_turn *turn)
{
    return clock_ns;
}

struct gw_turn *gw_stream_turn(struct gw_stream *stream)
{
    return NULL;
}

uint32_t gw__session_now_ms(const struct gw_session *session)
{
    return (uint32_t)(clock_ns / MS);
}

const struct gw_packet_table gw__control_packets = {0};

size_t gw__packet_count(const struct gw_session_manager *manager)
{
    return manager->packets->packet_count;
}

/*
 * session/rates.c needs them to link; this test does not call the functions that suspend reading.
 */
bool gw_turn_check(const struct gw_turn *turn, const char *function)
{
    return true;
}

struct gw_turn *gw_session_turn(struct gw_session *session)
{
    return NULL;
}

void gw_stream_pause(struct gw_stream *stream)
{
}

void gw_stream_resume(struct gw_stream *stream)
{
}

void gw__session_update_deadline(struct gw_session *session)
{
}

void gw__stage_exclude(struct gw_session *session, uint32_t since_ms, uint32_t now_ms)
{
}

struct gw_shard *gw__shard(const struct gw_session_manager *manager)
{
    return NULL;
}

/* ---- a server that reads one session ---- */

/* The server reads nothing in this time: it has paused the session, or the process is stopped. */
struct pause {
    uint64_t begin_ns;
    uint64_t end_ns;
};

static struct {
    struct gw_packet packets[TYPE_COUNT_MAX];
    struct gw_packet_table table;
    struct gw_session_manager manager;
    struct gw_session session;
    struct random random;
    struct pause pause; /* the next one */
    uint64_t paused_ns; /* total */
    uint64_t latest_ns; /* the longest time from the sending of a packet to its handling */
    uint64_t begin_ns;  /* of the clock */
} server;

static struct gw_packet *add_type(uint16_t rate, uint16_t burst, bool is_droppable)
{
    struct gw_packet *packet = &server.packets[server.table.packet_count++];
    packet->id = (uint16_t)(GW_PACKET_ID_CONTROL_MAX + server.table.packet_count);
    packet->from = GW_FROM_CLIENT;
    packet->flags = is_droppable ? GW_PACKET_DROPPABLE : 0;
    packet->rate_per_second = rate;
    packet->burst_count = burst;
    return packet;
}

static void open_server(uint64_t seed)
{
    memset(&server, 0, sizeof server);
    server.random.state = seed;
    server.table.packets = server.packets;
    server.manager.packets = &server.table;
    server.manager.config.side = GW_SIDE_SERVER;
    server.manager.config.excess_ms = EXCESS_MS;
    server.session.manager = &server.manager;
    server.pause = (struct pause){UINT64_MAX, UINT64_MAX};
    clock_ns = server.begin_ns = 3600 * SECOND + random_below(&server.random, 1000000);
}

static void open_types(void)
{
    assert_true(gw__rates_init(&server.manager));
}

static void close_server(void)
{
    free(server.session.buckets);
    gw__rates_fini(&server.manager);
}

static uint64_t random_ns(uint64_t limit_ns)
{
    return limit_ns == 0 ? 0 : random_next(&server.random) % limit_ns;
}

/* Advances the clock to the time, or to the end of a pause that has begun by then. */
static void read_at(uint64_t time_ns)
{
    clock_ns = time_ns > clock_ns ? time_ns : clock_ns;
    if (clock_ns >= server.pause.begin_ns) {
        uint32_t begin_ms = (uint32_t)(server.pause.begin_ns / MS);
        clock_ns = clock_ns > server.pause.end_ns ? clock_ns : server.pause.end_ns;
        uint64_t now_ns = clock_ns;
        clock_ns = server.pause.end_ns;
        gw__rates_add_unread(&server.session, begin_ms);
        clock_ns = now_ns;
        server.paused_ns += server.pause.end_ns - server.pause.begin_ns;
        server.pause = (struct pause){UINT64_MAX, UINT64_MAX};
    }
}

/* Handles a packet, after a wait if it is throttled. Returns false when the packet ends the
 * session. */
static bool handle(const struct gw_packet *packet, uint64_t sent_ns, uint64_t arrived_ns)
{
    read_at(arrived_ns);
    enum gw_rate rate = gw__rates_check(&server.session, packet);
    if (rate == GW_RATE_DELAY) {
        read_at(clock_ns + gw__rates_left_ns(&server.session, packet) + random_ns(TICK_MS * MS));
        gw__rates_take(&server.session, packet);
    }
    uint64_t took_ns = clock_ns - sent_ns;
    server.latest_ns = took_ns > server.latest_ns ? took_ns : server.latest_ns;
    return rate != GW_RATE_TOO_OFTEN;
}

/* ---- senders ---- */

/* Sends one packet type within a token bucket of its own. Phases of some seconds alternate: steady
 * packets, as many as possible, or none. */
struct sender {
    const struct gw_packet *packet;
    uint64_t interval_ns;
    uint64_t burst_ns;
    uint64_t tat_ns;    /* the bucket is full from then on */
    uint64_t wanted_ns; /* between two packets in this phase */
    uint64_t phase_end_ns;
    uint64_t next_ns;
};

static void begin_phase(struct sender *sender)
{
    enum { STEADY, SLOW, GREEDY, SILENT, KINDS };
    uint32_t kind = random_below(&server.random, KINDS);
    uint64_t length_ns = random_ns(20 * SECOND);
    sender->phase_end_ns = sender->next_ns + length_ns;
    sender->wanted_ns = kind == GREEDY   ? 0
                        : kind == SLOW   ? sender->interval_ns + random_ns(4 * sender->interval_ns)
                        : kind == STEADY ? sender->interval_ns
                                         : length_ns;
}

static void advance_sender(struct sender *sender)
{
    uint64_t at_ns = sender->next_ns;
    sender->tat_ns = (sender->tat_ns > at_ns ? sender->tat_ns : at_ns) + sender->interval_ns;
    if (at_ns >= sender->phase_end_ns) {
        begin_phase(sender);
    }
    uint64_t may_ns = sender->tat_ns + sender->interval_ns;
    may_ns = may_ns > sender->burst_ns ? may_ns - sender->burst_ns : 0;
    sender->next_ns += sender->wanted_ns;
    sender->next_ns = sender->next_ns > may_ns ? sender->next_ns : may_ns;
}

static struct sender sender_of(const struct gw_packet *packet, uint64_t interval_ns,
                               uint64_t burst_ns)
{
    struct sender sender = {.packet = packet, .interval_ns = interval_ns, .burst_ns = burst_ns};
    sender.next_ns = sender.phase_end_ns = server.begin_ns + random_ns(SECOND);
    return sender;
}

static struct sender *next_sender(struct sender *senders, uint32_t count)
{
    struct sender *next = senders;
    for (uint32_t i = 1; i < count; i++) {
        next = senders[i].next_ns < next->next_ns ? &senders[i] : next;
    }
    return next;
}

/* ---- the network ---- */

/* Keeps the order. Packets that are sent during a stall arrive at its end. */
struct network {
    uint64_t stall_ns_max;
    uint64_t stall_begin_ns;
    uint64_t stall_end_ns;
    uint64_t arrived_ns; /* the last one */
};

static uint64_t pass_network(struct network *network, uint64_t sent_ns)
{
    if (sent_ns >= network->stall_end_ns) {
        network->stall_begin_ns = sent_ns + random_ns(20 * SECOND);
        network->stall_end_ns = network->stall_begin_ns + random_ns(network->stall_ns_max + 1);
    }
    bool is_stalled = sent_ns >= network->stall_begin_ns;
    uint64_t arrives_ns =
        (is_stalled ? network->stall_end_ns : sent_ns) + random_ns(JITTER_MS * MS);
    network->arrived_ns = arrives_ns > network->arrived_ns ? arrives_ns : network->arrived_ns;
    return network->arrived_ns;
}

/* ---- clients within their rates ---- */

static void maybe_pause(uint64_t longest_ns)
{
    if (longest_ns > 0 && server.pause.begin_ns == UINT64_MAX) {
        server.pause.begin_ns = clock_ns + random_ns(60 * SECOND);
        server.pause.end_ns = server.pause.begin_ns + random_ns(longest_ns);
    }
}

static void add_random_type(void)
{
    static const uint16_t rates[] = {1, 1, 2, 3, 5, 10, 20, 20, 50, 200};
    uint16_t rate = rates[random_below(&server.random, sizeof rates / sizeof *rates)];
    uint16_t burst = (uint16_t)(1 + random_below(&server.random, 3u * rate));
    add_type(rate, burst, random_below(&server.random, 3) == 0);
}

/* A client may also send more than `burst` at once. That counts like a network delay, for each
 * packet type, since it delays the others. */
static void run_honest(uint64_t seed, uint64_t longest_pause_ns)
{
    struct sender senders[TYPE_COUNT_MAX];
    open_server(seed);
    for (uint32_t i = 0, count = 1 + random_below(&server.random, TYPE_COUNT_MAX); i < count; i++) {
        add_random_type();
    }
    open_types();
    uint64_t early_ns = random_below(&server.random, 2) == 0
                            ? 0
                            : random_ns(NETWORK_MS * MS / server.table.packet_count);
    for (uint32_t i = 0; i < server.table.packet_count; i++) {
        const struct gw_packet *packet = &server.packets[i];
        uint64_t interval_ns = SECOND / packet->rate_per_second;
        senders[i] = sender_of(packet, interval_ns, interval_ns * packet->burst_count + early_ns);
    }
    struct network network = {.stall_ns_max =
                                  NETWORK_MS * MS - early_ns * server.table.packet_count};
    uint64_t end_ns = server.begin_ns + (120 * SECOND) + 2 * longest_pause_ns;
    for (struct sender *next;
         (next = next_sender(senders, server.table.packet_count))->next_ns < end_ns;) {
        uint64_t sent_ns = next->next_ns;
        maybe_pause(longest_pause_ns);
        if (!handle(next->packet, sent_ns, pass_network(&network, sent_ns))) {
            fail_msg("seed %llu: a client that keeps to its rates is ended after %llu ms",
                     (unsigned long long)seed,
                     (unsigned long long)(clock_ns - server.begin_ns) / MS);
        }
        advance_sender(next);
    }
    assert_true(server.latest_ns <= (NETWORK_MS + JITTER_MS + LATE_MS) * MS + server.paused_ns);
    close_server();
}

static void no_client_within_its_rates_is_closed(void **state)
{
    for (uint64_t seed = 1; seed <= SEED_COUNT; seed++) {
        run_honest(seed, 0);
    }
}

static void no_pause_of_the_server_closes_a_client_within_its_rates(void **state)
{
    for (uint64_t seed = 1; seed <= SEED_COUNT; seed++) {
        run_honest(seed, seed % 2 == 0 ? 5 * SECOND : 180 * SECOND);
    }
}

/* ---- clients above their rates ---- */

/* Sends one type at 1.5 times its rate or more: steadily, with jitter, or in clusters of up to 2 s;
 * the others stay within their rates. Returns the time after which the session ends. */
static uint64_t run_flooder(uint64_t seed)
{
    static const uint32_t percents[] = {150, 150, 160, 200, 250, 400, 2000};
    struct sender others[TYPE_COUNT_MAX];
    open_server(seed);
    do {
        add_random_type();
    } while (server.table.packet_count < TYPE_COUNT_MAX && random_below(&server.random, 2) == 0);
    struct gw_packet *flood = &server.packets[0];
    uint32_t burst_max = 5 * flood->rate_per_second / 2;
    flood->burst_count = flood->burst_count > burst_max ? (uint16_t)burst_max : flood->burst_count;
    open_types();
    for (uint32_t i = 1; i < server.table.packet_count; i++) {
        uint64_t interval_ns = SECOND / server.packets[i].rate_per_second;
        others[i - 1] = sender_of(&server.packets[i], interval_ns, interval_ns);
    }
    uint32_t percent = percents[random_below(&server.random, sizeof percents / sizeof *percents)];
    uint64_t interval_ns = SECOND * 100 / flood->rate_per_second / percent;
    uint32_t cluster = random_below(&server.random, 2) == 0
                           ? 1
                           : 1 + random_below(&server.random, 2u * flood->rate_per_second);
    struct network network = {0};
    uint64_t begin_ns = server.begin_ns + random_ns(60 * SECOND);
    for (uint64_t count = 0;;) {
        uint64_t flood_ns = begin_ns + count / cluster * cluster * interval_ns;
        struct sender *other = next_sender(others, server.table.packet_count - 1);
        bool is_flood = server.table.packet_count == 1 || flood_ns <= other->next_ns;
        uint64_t sent_ns = is_flood ? flood_ns : other->next_ns;
        const struct gw_packet *packet = is_flood ? flood : other->packet;
        if (!handle(packet, sent_ns, pass_network(&network, sent_ns))) {
            assert_ptr_equal(packet, flood);
            break;
        }
        if (is_flood) {
            count++;
        } else {
            advance_sender(other);
        }
    }
    close_server();
    return clock_ns - begin_ns;
}

static void every_client_at_one_and_a_half_times_its_rate_is_closed_within_30_s(void **state)
{
    uint64_t longest_ns = 0;
    for (uint64_t seed = 1; seed <= SEED_COUNT; seed++) {
        uint64_t took_ns = run_flooder(seed);
        if (took_ns > FLOOD_SECONDS * SECOND) {
            fail_msg("seed %llu: it took %llu ms", (unsigned long long)seed,
                     (unsigned long long)(took_ns / MS));
        }
        longest_ns = took_ns > longest_ns ? took_ns : longest_ns;
    }
    assert_true(longest_ns > 28 * SECOND); /* so the limit is reached */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_client_within_its_rates_is_closed),
        cmocka_unit_test(no_pause_of_the_server_closes_a_client_within_its_rates),
        cmocka_unit_test(every_client_at_one_and_a_half_times_its_rate_is_closed_within_30_s),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
