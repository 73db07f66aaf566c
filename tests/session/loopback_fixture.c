/* tests/session/loopback_fixture.c: A server and a client manager on loopback, with a small
 * schema. */
#include "tests/session/loopback_fixture.h"

#include "tests/test.h"

#include "net/error.h"
#include "net/listener.h"
#include "net/os/os.h"
#include "net/port.h"
#include "net/turn.h"
#include "net/workers.h"

#include <string.h>

struct loopback_fixture fixture;

static struct gw_workers *workers;
static struct gw_listener *listener;
static atomic_uint listener_closed;

/* ---- the schema ---- */

static void handle(struct loopback_fixture_side *side, void *peer, const struct gw_frame *frame,
                   const ProtobufCMessage *message)
{
    if (side->hooks->on_received != NULL) {
        side->hooks->on_received(peer, frame, message);
    }
    atomic_fetch_add(&side->received, 1);
}

static void handle_server(void *peer, const struct gw_frame *frame, const ProtobufCMessage *message)
{
    handle(&fixture.server, peer, frame, message);
}

static void handle_client(void *peer, const struct gw_frame *frame, const ProtobufCMessage *message)
{
    handle(&fixture.client, peer, frame, message);
}

static void handle_bytes(void *peer, const struct gw_frame *frame, const uint8_t *body)
{
    fixture.server.hooks->on_bytes(peer, frame, body);
    atomic_fetch_add(&fixture.server.received, 1);
}

#define PACKET(packet_id, side, packet_stages, bytes_max, type, handler)                           \
    {                                                                                              \
        .id = packet_id, .from = GW_FROM_##side, .stages = packet_stages,                          \
        .body_bytes_max = bytes_max, .message = &gw__##type##__descriptor, .handle = handler       \
    }

static const struct gw_packet server_packets[] = {
    PACKET(SAY, CLIENT, GW_STAGE_GREETED, 256, error, handle_server),
    PACKET(IN_LOBBY, CLIENT, 1u << 1, 16, ping, handle_server),
    PACKET(IN_ROOM, CLIENT, 1u << 2, 16, ping, handle_server),
    PACKET(BIG, CLIENT, GW_STAGE_GREETED, 16384, error, handle_server),
    PACKET(LINE, SERVER, GW_STAGE_ANY, 65536, error, NULL),
    PACKET(NUMBER, SERVER, GW_STAGE_ANY, 16, ping, NULL),
    PACKET(EITHER, BOTH, GW_STAGE_GREETED, 16, ping, handle_server),
    {.id = BYTES,
     .from = GW_FROM_BOTH,
     .stages = GW_STAGE_GREETED,
     .body_bytes_max = 512,
     .handle_opaque = handle_bytes},
};

static const uint16_t places[BYTES - SAY + 1] = {
    [0] = 1,          [IN_LOBBY - SAY] = 2, [IN_ROOM - SAY] = 3, [BIG - SAY] = 4,
    [LINE - SAY] = 5, [NUMBER - SAY] = 6,   [EITHER - SAY] = 7,  [BYTES - SAY] = 8,
};

enum { PACKET_COUNT = 8, SCHEMA_HASH = 0x5C4E3A };

/* Those of the server, with the client's handlers: filled in by fill_client_packets(). */
static struct gw_packet client_packets[PACKET_COUNT];

static const struct gw_packet_table server_table = {
    .packets = server_packets,
    .index = places,
    .packet_count = PACKET_COUNT,
    .id_first = SAY,
    .id_count = BYTES - SAY + 1,
    .schema_hash = SCHEMA_HASH,
};
static const struct gw_packet_table client_table = {
    .packets = client_packets,
    .index = places,
    .packet_count = PACKET_COUNT,
    .id_first = SAY,
    .id_count = BYTES - SAY + 1,
    .schema_hash = SCHEMA_HASH,
};

/* ---- session events ---- */

static void on_begin(struct gw_session *session, void *context)
{
    struct loopback_fixture_side *side = context;
    atomic_fetch_add(&side->begun, 1);
    if (side->hooks->on_begin != NULL) {
        side->hooks->on_begin(session);
    }
}

static int on_greet(struct gw_session *session, const Gw__Hello *hello, void *context)
{
    struct loopback_fixture_side *side = context;
    return side->hooks->on_greet != NULL ? side->hooks->on_greet(session, hello) : 0;
}

static void on_greeted(struct gw_session *session, const Gw__HelloAck *ack, void *context)
{
    struct loopback_fixture_side *side = context;
    assert_true((ack == NULL) == (side == &fixture.server));
    atomic_store(&side->last_id, gw_session_id_of(session));
    if (side->hooks->on_greeted != NULL) {
        side->hooks->on_greeted(session);
    }
    atomic_fetch_add(&side->greeted, 1);
}

static void on_go_away(struct gw_session *session, const Gw__GoAway *go_away, void *context)
{
    struct loopback_fixture_side *side = context;
    if (side->hooks->on_go_away != NULL) {
        side->hooks->on_go_away(session, go_away);
    }
}

static void on_packet(struct gw_session *session, const struct gw_session_packet *packet,
                      void *context)
{
    struct loopback_fixture_side *side = context;
    if (side->hooks->on_shown != NULL) {
        side->hooks->on_shown(session, packet);
    }
}

static void on_end(struct gw_session *session, Gw__CloseReason reason, Gw__CloseReason peer_reason,
                   void *context)
{
    struct loopback_fixture_side *side = context;
    if (side->hooks->on_end != NULL) {
        side->hooks->on_end(session, reason);
    }
    atomic_fetch_add(&side->ended_for[gw_close_reason_index(reason)], 1);
    atomic_fetch_add(&side->peer_reasons[gw_close_reason_index(peer_reason)], 1);
    atomic_fetch_add(&side->ended, 1);
}

static void on_listener_closed(struct gw_listener *closed, void *context)
{
    atomic_store(&listener_closed, 1);
}

static const struct gw_session_events events = {
    .on_begin = on_begin,
    .on_greet = on_greet,
    .on_greeted = on_greeted,
    .on_go_away = on_go_away,
    .on_end = on_end,
    .on_listener_closed = on_listener_closed,
};

static const struct gw_session_events watched_events = {
    .on_begin = on_begin,
    .on_greet = on_greet,
    .on_greeted = on_greeted,
    .on_go_away = on_go_away,
    .on_packet = on_packet,
    .on_end = on_end,
    .on_listener_closed = on_listener_closed,
};

/* ---- opening ---- */

static void write_log(enum gw_log_level level, const char *event, const struct gw_log_field *fields,
                      size_t field_count, void *context)
{
    if (strcmp(event, "bad_peer") == 0) {
        atomic_fetch_add(&fixture.bad_peers_logged, 1);
    } else if (level != GW_LOG_DEBUG) {
        atomic_fetch_add(&fixture.logged, 1);
    }
    if (strcmp(event, "other_schema") == 0) {
        atomic_fetch_add(&fixture.other_schema_logged, 1);
    } else if (strcmp(event, "packet_too_long") == 0) {
        atomic_fetch_add(&fixture.too_long_logged, 1);
    }
}

static void open_listener(void)
{
    assert_int_equal(gw_addr_parse("127.0.0.1:0", &fixture.addr), 0);
    atomic_store(&listener_closed, 0);
    assert_int_equal(gw_session_manager_listen(fixture.server.manager, &fixture.addr, &listener),
                     0);
    fixture.addr = *gw_listener_addr(listener);
    fixture.port_number = fixture.addr.port;
}

static void open_side(struct loopback_fixture_side *side, enum gw_session_side which,
                      const struct gw_session_manager_config *given,
                      const struct loopback_fixture_hooks *hooks,
                      const struct gw_packet_table *table)
{
    struct gw_session_manager_config config = *given;
    config.side = which;
    side->hooks = hooks;
    side->manager =
        gw_session_manager_create(fixture.port, &config, table,
                                  side->hooks->on_shown != NULL ? &watched_events : &events, side);
    assert_non_null(side->manager);
}

static void fill_client_packets(void)
{
    memcpy(client_packets, server_packets, sizeof client_packets);
    for (int i = 0; i < PACKET_COUNT; i++) {
        client_packets[i].handle =
            client_packets[i].message != NULL && client_packets[i].from != GW_FROM_CLIENT
                ? handle_client
                : NULL;
        client_packets[i].handle_opaque = NULL;
    }
}

int fixture_open(void **state)
{
    static const struct loopback_fixture_config usual = {0};
    const struct loopback_fixture_config *config = *state != NULL ? *state : &usual;
    const struct gw_port_config port_config = {
        .worker_count = config->worker_count != 0 ? config->worker_count : 2,
        .stream_count_max = 4096,
        .log = {.write = write_log},
    };
    memset(&fixture, 0, sizeof fixture);
    fill_client_packets();
    assert_int_equal(gw_port_create(&port_config, &fixture.port), 0);
    open_side(&fixture.server, GW_SIDE_SERVER, &config->server, &config->server_hooks,
              &server_table);
    open_side(&fixture.client, GW_SIDE_CLIENT, &config->client, &config->client_hooks,
              &client_table);
    atomic_store(&fixture.logged, 0); /* the backend; BIG is longer than body_bytes_max */
    assert_int_equal(gw_workers_start(fixture.port, &workers), 0);
    open_listener();
    return 0;
}

/* ---- waiting ---- */

uint64_t fixture_now_ms(void)
{
    return os_now_ns() / 1000000;
}

void wait_for_count(atomic_uint *count, unsigned expected)
{
    for (uint64_t end = fixture_now_ms() + RAW_SOCKET_PATIENCE_MS;
         atomic_load(count) < expected && fixture_now_ms() < end;) {
        machine_sleep_ms(1);
    }
    assert_int_equal(atomic_load(count), expected);
}

void wait_until_empty(struct gw_session_manager *manager)
{
    for (uint64_t end = fixture_now_ms() + RAW_SOCKET_PATIENCE_MS;
         gw_session_manager_count(manager) + gw_session_manager_pending_count(manager) != 0 &&
         fixture_now_ms() < end;) {
        machine_sleep_ms(1);
    }
    assert_int_equal(gw_session_manager_count(manager), 0);
    assert_int_equal(gw_session_manager_pending_count(manager), 0);
}

static uint64_t queued_bytes(void)
{
    struct gw_port_counters counters;
    gw_port_counters(fixture.port, &counters);
    return counters.send_queue_bytes;
}

void wait_until_sent(void)
{
    for (uint64_t end = fixture_now_ms() + RAW_SOCKET_PATIENCE_MS;
         queued_bytes() != 0 && fixture_now_ms() < end;) {
        machine_sleep_ms(1);
    }
    assert_int_equal(queued_bytes(), 0);
}

struct posted_task {
    struct gw_task task;
    void (*work)(void *context);
    void *context;
    atomic_uint done;
};

static void run_posted_task(struct gw_task *task)
{
    struct posted_task *posted_task = (struct posted_task *)(void *)task;
    posted_task->work(posted_task->context);
    atomic_store(&posted_task->done, 1);
}

void run_in_turn(struct gw_turn *turn, void (*work)(void *context), void *context)
{
    struct posted_task posted_task = {
        .task.run = run_posted_task, .work = work, .context = context};
    gw_turn_post(turn, &posted_task.task);
    wait_for_count(&posted_task.done, 1);
}

struct gw_session *fixture_session(void)
{
    struct gw_session *session =
        gw_session_manager_find(fixture.server.manager, atomic_load(&fixture.server.last_id));
    assert_non_null(session);
    return session;
}

struct gw_session_counters counters_of(const struct loopback_fixture_side *side)
{
    struct gw_session_counters counters;
    gw_session_manager_counters(side->manager, &counters);
    return counters;
}

struct gw_session_packet_counters packet_counters_of(const struct loopback_fixture_side *side,
                                                     uint16_t id)
{
    struct gw_session_packet_counters counters;
    gw_session_manager_packet_counters(side->manager, id, &counters);
    return counters;
}

/* ---- closing ---- */

static void on_drained(void *context)
{
    struct loopback_fixture_side *side = context;
    atomic_fetch_add(&side->drained, 1);
}

void fixture_drain(struct loopback_fixture_side *side, uint32_t drain_ms)
{
    side->draining = true;
    gw_session_manager_drain(side->manager, drain_ms, on_drained, side);
}

void wait_until_drained(struct loopback_fixture_side *side)
{
    wait_for_count(&side->drained, 1);
}

static void drain_if_not_drained(struct loopback_fixture_side *side)
{
    if (!side->draining) {
        fixture_drain(side, 0);
    }
    wait_until_drained(side);
}

/* Every session that began has ended once, with a reason that was counted. */
static void check_books(const struct loopback_fixture_side *side)
{
    const struct gw_session_counters counters = counters_of(side);
    uint64_t ended = 0;
    for (size_t i = 0; i < GW_CLOSE_REASON_COUNT; i++) {
        ended += counters.ended[i];
    }
    assert_int_equal(ended, counters.begun);
    /* A connection that is refused at once has no session. */
    uint64_t refused = counters.ended[GW__CLOSE_REASON__SERVER_FULL] +
                       counters.ended[GW__CLOSE_REASON__ADDRESS_LIMIT];
    assert_in_range(atomic_load(&side->ended), counters.begun - refused, counters.begun);
    assert_in_range(atomic_load(&side->begun), 0, atomic_load(&side->ended));
    assert_int_equal(atomic_load(&side->greeted), counters.greeted);
    assert_int_equal(gw_session_manager_count(side->manager), 0);
    assert_int_equal(gw_session_manager_pending_count(side->manager), 0);
}

/* Memory and sockets are released. */
static void check_port(void)
{
    struct gw_port_counters counters;
    gw_port_counters(fixture.port, &counters);
    assert_int_equal(counters.stream_count, 0);
    assert_int_equal(counters.send_queue_bytes, 0);
    assert_int_equal(counters.pool_bytes, 0);
}

int fixture_close(void **state)
{
    drain_if_not_drained(&fixture.client);
    drain_if_not_drained(&fixture.server);
    gw_listener_close(listener);
    wait_for_count(&listener_closed, 1);
    gw_port_stop(fixture.port);
    assert_int_equal(gw_workers_join(workers), 0);
    check_books(&fixture.client);
    check_books(&fixture.server);
    check_port();
    gw_session_manager_destroy(fixture.client.manager);
    gw_session_manager_destroy(fixture.server.manager);
    gw_port_destroy(fixture.port);
    return 0;
}
