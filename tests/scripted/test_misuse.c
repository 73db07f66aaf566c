/* tests/scripted/test_misuse.c: Invalid arguments of a program, in Release and Debug builds. */
#include "tests/test.h"

#include "net/buf.h"
#include "net/error.h"
#include "net/offload_internal.h"
#include "net/port_internal.h"
#include "net/send_queue.h"
#include "net/stream.h"
#include "protocol/message_rules.h"
#include "protocol/packet.h"
#include "session/group.h"
#include "session/request.h"
#include "tests/scripted/memory.h"
#include "tests/scripted/session_fixture.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

enum { COMPLAINT_MS = 1001, PORT = 7100 };

/* One more was logged since `before`. A second passes, so that the next one is logged again. */
static uint32_t expect_misuse(uint32_t before)
{
    assert_int_equal(fixture_logged_count("misuse"), before + 1);
    fixture_run_ms(COMPLAINT_MS);
    return before + 1;
}

/* ---- numbers ---- */

static void an_unknown_result_of_on_greet_refuses_the_hello(void **state)
{
    static const int results[] = {-2, -100, INT_MIN, 14, 19, 40, 63, 64, 200, 999, 65536, INT_MAX};
    uint32_t logged = 0;
    for (size_t i = 0; i < sizeof results / sizeof results[0]; i++) {
        session_fixture.result = results[i];
        peer = session_fixture_connect();
        session_fixture_send_hello(peer);
        fixture_run_now();
        assert_int_equal(session_fixture_close_reason(peer), GW__CLOSE_REASON__NOT_WELCOME);
        peer_close(peer);
        logged = expect_misuse(logged);
        assert_int_equal(session_fixture.reason, GW__CLOSE_REASON__NOT_WELCOME);
    }
    assert_int_equal(session_fixture.greeted_count, 0);
}

static void each_close_reason_may_refuse_a_hello(void **state)
{
    for (unsigned i = 0; i < gw__close_reason__descriptor.n_values; i++) {
        int reason = gw__close_reason__descriptor.values[i].value;
        assert_true(reason >= 0 && reason < GW_CLOSE_REASON_COUNT);
        if (reason == GW__CLOSE_REASON__NONE) {
            continue;
        }
        session_fixture.result = reason;
        peer = session_fixture_connect();
        session_fixture_send_hello(peer);
        fixture_run_now();
        peer_close(peer);
        fixture_run_now();
        assert_int_equal(session_fixture.reason, reason);
    }
    assert_int_equal(fixture_logged_count("misuse"), 0);
}

static void an_unknown_reason_ends_a_session_with_kicked(void **state)
{
    static const int reasons[] = {0, -1, INT_MIN, 14, 40, 63, 64, 255, 256, 999, 65536, INT_MAX};
    uint32_t logged = 0;
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        peer = session_fixture_join();
        gw_session_end(session_fixture.last, (Gw__CloseReason)reasons[i]);
        fixture_run_now();
        assert_int_equal(session_fixture_close_reason(peer), GW__CLOSE_REASON__KICKED);
        peer_close(peer);
        logged = expect_misuse(logged);
        assert_int_equal(session_fixture.reason, GW__CLOSE_REASON__KICKED);
    }
}

static void a_peers_close_may_have_any_reason(void **state)
{
    static const int reasons[] = {0, -1, INT_MIN, 14, 40, 64, 255, 256, INT_MAX};
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        Gw__Close close = GW__CLOSE__INIT;
        close.reason = (Gw__CloseReason)reasons[i];
        peer = session_fixture_join();
        session_fixture_send(peer, CLOSE, &close.base);
        fixture_run_now();
        peer_close(peer);
        fixture_run_now();
        assert_int_equal(session_fixture.reason, GW__CLOSE_REASON__BY_PEER);
        assert_int_equal(session_fixture.peer_reason, GW__CLOSE_REASON__NONE);
    }
}

static void set_stages(void *context)
{
    gw_session_set_stage(session_fixture.last, *(uint32_t *)context);
}

static void a_stage_beyond_the_last_one_changes_nothing(void **state)
{
    uint32_t stages[] = {1, 31, 32, 255, 256, UINT32_MAX};
    uint32_t logged = 0;
    peer = session_fixture_join();
    fixture_in_turn(gw_session_turn(session_fixture.last), set_stages, &stages[0]);
    for (size_t i = 1; i < sizeof stages / sizeof stages[0]; i++) {
        fixture_in_turn(gw_session_turn(session_fixture.last), set_stages, &stages[i]);
        logged = expect_misuse(logged);
    }
    session_fixture_send_header(peer, 0, 0, IN_ROOM, 0);
    fixture_run_now();
    assert_int_equal(session_fixture.received_count, 1);
}

/* ---- the order of calls ---- */

static void greet_and_hello(void *context)
{
    const Gw__Hello hello = GW__HELLO__INIT;
    gw_session_greet(session_fixture.last, 0);
    gw_session_hello(session_fixture.last, &hello);
}

static void a_greeting_before_hello_does_nothing(void **state)
{
    uint8_t body[128];
    size_t bytes;
    peer = session_fixture_connect();
    fixture_in_turn(gw_session_turn(session_fixture.last), greet_and_hello, NULL);
    assert_int_equal(fixture_logged_count("misuse"), 1);
    assert_int_equal(peer_unread_count(peer), 0);
    assert_int_equal(session_fixture.greeted_count, 0);
    session_fixture_send_hello(peer);
    fixture_run_now();
    assert_int_equal(session_fixture_next(peer, body, &bytes), HELLO_ACK);
}

static void greet_three_times(void *context)
{
    gw_session_greet(session_fixture.last, 0);
    gw_session_greet(session_fixture.last, GW__CLOSE_REASON__KICKED);
    gw_session_greet(session_fixture.last, -77);
}

static void a_second_greeting_does_nothing(void **state)
{
    uint8_t body[128];
    size_t bytes;
    session_fixture.result = GW_GREET_LATER;
    peer = session_fixture_connect();
    session_fixture_send_hello(peer);
    fixture_run_now();
    fixture_in_turn(gw_session_turn(session_fixture.last), greet_three_times, NULL);
    assert_int_equal(session_fixture_next(peer, body, &bytes), HELLO_ACK);
    assert_int_equal(peer_unread_count(peer), 0);
    assert_int_equal(session_fixture.greeted_count, 1);
    session_fixture_ping(peer, 1);
    fixture_run_now();
    assert_int_equal(session_fixture_next(peer, body, &bytes), PONG);
    gw_session_end(session_fixture.last, GW__CLOSE_REASON__KICKED);
    fixture_in_turn(gw_session_turn(session_fixture.last), greet_three_times, NULL);
    assert_int_equal(session_fixture_close_reason(peer), GW__CLOSE_REASON__KICKED);
}

static void a_second_drain_does_nothing(void **state)
{
    session_fixture_drain(100);
    gw_session_manager_drain(session_fixture.manager, 0, NULL, NULL);
    assert_int_equal(fixture_logged_count("misuse"), 1);
    fixture_run_ms(200);
    assert_int_equal(session_fixture.drained_count, 1);
}

/* ---- packets ---- */

static void expect_nothing_sent(void)
{
    uint8_t body[128];
    size_t bytes;
    fixture_run_now();
    assert_int_equal(peer_unread_count(peer), 0);
    session_fixture_ping(peer, 1);
    fixture_run_now();
    assert_int_equal(session_fixture_next(peer, body, &bytes), PONG);
}

static void packets_of_the_other_side_are_dropped(void **state)
{
    static const uint16_t ids[] = {0, 6, 7, 63, 64, SAY - 1, SAY, ASK, ANSWER + 1, 32767, 65535};
    Gw__Error error = GW__ERROR__INIT;
    uint32_t logged = 0;
    peer = session_fixture_join();
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        const struct gw_frame frame = {.packet_id = ids[i]};
        struct gw_buf *encoded = gw_session_encode(ids[i], &error.base);
        gw_session_send(session_fixture.last, ids[i], &error.base);
        logged = expect_misuse(logged);
        gw_session_reply(session_fixture.last, &frame, ids[i], &error.base);
        logged = expect_misuse(logged);
        gw_session_send_opaque(session_fixture.last, &frame, (const uint8_t *)"");
        logged = expect_misuse(logged);
        if (ids[i] != 6) { /* of an encoded packet only the id is known */
            gw_session_send_encoded(session_fixture.last, encoded);
            logged = expect_misuse(logged);
        }
        gw_buf_unref(encoded);
        expect_nothing_sent();
    }
}

static void a_message_of_another_type_is_dropped(void **state)
{
    Gw__Hello hello = GW__HELLO__INIT;
    hello.name = "not a line";
    peer = session_fixture_join();
    gw_session_send(session_fixture.last, LINE, &hello.base);
    assert_int_equal(fixture_logged_count("misuse"), 1);
    expect_nothing_sent();
}

static void a_buffer_that_is_not_one_frame_is_dropped(void **state)
{
    static const uint8_t bytes[20] = {[4] = LINE & 0xFF, [5] = LINE >> 8};
    uint32_t logged = 0;
    peer = session_fixture_join();
    static const uint32_t counts[] = {0, 1, 7, 9, 20};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        struct gw_buf *buf = gw_buf_create(counts[i]);
        memcpy(gw_buf_data(buf), bytes, counts[i]);
        gw_session_send_encoded(session_fixture.last, buf);
        logged = expect_misuse(logged);
        gw_buf_unref(buf);
    }
    expect_nothing_sent();
}

static struct {
    struct gw_turn turn;
    struct gw_group *group;
    int error;
} room;

static void broadcast_in_room(void *context)
{
    Gw__Error error = GW__ERROR__INIT;
    room.group = gw_group_create(session_fixture.manager, &room.turn,
                                 &(struct gw_group_config){.tick_ms = 0});
    room.error = gw_group_add(room.group, session_fixture.last);
    gw_group_broadcast(room.group, SAY, &error.base);
    gw_group_broadcast(room.group, 65535, &error.base);
    gw_group_broadcast(room.group, PING, &error.base);
    gw_group_send(room.group, gw_session_id_of(session_fixture.last), SAY, &error.base);
    gw_group_destroy(room.group);
}

static void a_group_drops_packets_that_may_not_be_sent(void **state)
{
    peer = session_fixture_join();
    gw_turn_init(&room.turn, fixture_port, NULL);
    fixture_in_turn(&room.turn, broadcast_in_room, NULL);
    fixture_run_now();
    gw_turn_unref(&room.turn);
    assert_int_equal(room.error, 0);
    assert_int_equal(fixture_logged_count("misuse"), 1);
    expect_nothing_sent();
}

/* ---- the client's side ---- */

static struct gw_session *client;

static void on_client_begin(struct gw_session *session, void *context)
{
    const Gw__Hello hello = GW__HELLO__INIT;
    client = session;
    gw_session_hello(session, &hello);
    gw_session_hello(session, &hello);
}

static void on_client_end(struct gw_session *session, Gw__CloseReason reason,
                          Gw__CloseReason peer_reason, void *context)
{
    client = NULL;
}

static void on_answer(struct gw_session *session, const struct gw_answer *answer, void *context)
{
    fail_msg("an answer of kind %d", (int)answer->kind);
}

static void ask_wrongly(void *context)
{
    Gw__Error error = GW__ERROR__INIT;
    Gw__Ping ping = GW__PING__INIT;
    const struct gw_frame request = {.packet_id = ASK, .tag = 7};
    assert_int_equal(gw_session_request(client, ASK, &error.base, NULL, NULL), 0);
    assert_int_equal(gw_session_request(client, SAY, &error.base, on_answer, NULL), 0);
    assert_int_equal(gw_session_request(client, LINE, &error.base, on_answer, NULL), 0);
    assert_int_equal(gw_session_request(client, 999, &error.base, on_answer, NULL), 0);
    assert_int_equal(gw_session_request(client, ASK, &ping.base, on_answer, NULL), 0);
    gw_session_refuse(client, &request, 1, "no");
    gw_session_greet(client, 0);
}

static void on_client_drained(void *context)
{
}

static void a_client_side_session_ignores_server_calls(void **state)
{
    static const struct gw_session_manager_config config = {.side = GW_SIDE_CLIENT,
                                                            .session_count_max = 4};
    static const struct gw_session_events events = {.on_begin = on_client_begin,
                                                    .on_end = on_client_end};
    struct gw_addr addr = peer_addr(PORT);
    assert_int_equal(gw_session_manager_dial(session_fixture.manager, &addr, NULL, NULL), 0);
    struct gw_session_manager *manager =
        gw_session_manager_create(fixture_port, &config, &session_fixture_packets, &events, NULL);
    struct peer *listener = peer_listen(PORT);
    assert_int_not_equal(gw_session_manager_dial(manager, &addr, NULL, NULL), 0);
    fixture_run_now();
    struct peer *server = peer_accept(listener);
    struct frame_header frame = frame_read_header(peer_data(server));
    assert_int_equal(frame.id, HELLO);
    assert_int_equal(peer_unread_count(server), FRAME_HEADER_BYTES + frame.body_bytes);
    peer_read(server, NULL, peer_unread_count(server));
    fixture_in_turn(gw_session_turn(client), ask_wrongly, NULL);
    fixture_run_now();
    assert_int_equal(peer_unread_count(server), 0);
    gw_session_manager_destroy(manager); /* too early: ignored */
    gw_session_manager_drain(manager, 0, on_client_drained, NULL);
    peer_close(server);
    peer_close(listener);
    fixture_run_ms(3000);
    assert_null(client);
    gw_session_manager_destroy(manager);
}

/* ---- configs and schemas of a manager ---- */

static void expect_no_manager(const struct gw_session_manager_config *config,
                              const struct gw_packet_table *packets,
                              const struct gw_session_events *events)
{
    uint32_t logged = fixture_logged_count("misuse");
    assert_null(gw_session_manager_create(fixture_port, config, packets, events, NULL));
    assert_int_equal(fixture_logged_count("misuse"), logged + 1);
}

static void a_manager_refuses_an_invalid_config(void **state)
{
    static const struct gw_session_events events = {.on_end = on_client_end};
    static const struct gw_session_events no_end = {.on_begin = on_client_begin};
    const struct gw_session_manager_config usual = {.session_count_max = 4};
    struct gw_session_manager_config config = usual;
    expect_no_manager(&usual, &session_fixture_packets, &no_end);
    config.session_count_max = UINT32_MAX;
    expect_no_manager(&config, &session_fixture_packets, &events);
    config = usual;
    config.body_bytes_max = UINT32_MAX;
    expect_no_manager(&config, &session_fixture_packets, &events);
    config = usual;
    config.body_bytes_max_connected = GW_FRAME_BODY_BYTES_MAX + 1;
    expect_no_manager(&config, &session_fixture_packets, &events);
}

static void a_manager_refuses_a_contradictory_schema(void **state)
{
    static const struct gw_session_events events = {.on_end = on_client_end};
    static const struct gw_message_rules other = {.message = &gw__ping__descriptor};
    static const uint16_t good_index[] = {1};
    static const uint16_t bad_index[] = {2};
    static const uint16_t no_index[] = {0};
    static struct gw_field_rule rules[2] = {{.counter = 1}, {.counter = 9}};
    static const struct gw_message_rules many = {
        .message = &gw__error__descriptor, .rules = rules, .counter_count = 1};
    static const struct gw_message_rules required = {.message = &gw__error__descriptor,
                                                     .rules = rules,
                                                     .counter_count = 9,
                                                     .required_count = 10};
    static const struct gw_message_rules counters = {
        .message = &gw__error__descriptor, .rules = rules, .counter_count = 33};
    const struct gw_session_manager_config config = {.session_count_max = 4};
    const struct gw_packet good = {
        .id = 300, .body_bytes_max = 1, .message = &gw__error__descriptor};
    struct gw_packet packet = good;
    struct gw_packet_table table = {.packets = &packet,
                                    .index = good_index,
                                    .packet_count = 1,
                                    .id_first = 300,
                                    .id_count = 1,
                                    .schema_hash = 7};
    struct gw_session_manager *manager =
        gw_session_manager_create(fixture_port, &config, &table, &events, NULL);
    assert_non_null(manager);
    gw_session_manager_destroy(manager);
    packet.body_bytes_max = GW_FRAME_BODY_BYTES_MAX + 1;
    expect_no_manager(&config, &table, &events);
    packet = good;
    packet.message_rules = &other;
    expect_no_manager(&config, &table, &events);
    packet.message_rules = &many;
    expect_no_manager(&config, &table, &events);
    packet.message_rules = &required;
    expect_no_manager(&config, &table, &events);
    packet.message_rules = &counters;
    expect_no_manager(&config, &table, &events);
    packet = good;
    table.index = bad_index;
    expect_no_manager(&config, &table, &events);
    table.index = no_index;
    expect_no_manager(&config, &table, &events);
    packet.id = 5;
    table.index = good_index;
    table.id_first = 5;
    expect_no_manager(&config, &table, &events);
}

static uint32_t warnings_of_manager(uint32_t body_bytes_max, enum gw_session_side side,
                                    const struct gw_packet_table *packets)
{
    static const struct gw_session_events events = {.on_end = on_client_end};
    const struct gw_session_manager_config config = {
        .side = side, .session_count_max = 4, .body_bytes_max = body_bytes_max};
    uint32_t logged = fixture_logged_count("body_bytes_max_too_small");
    struct gw_session_manager *manager =
        gw_session_manager_create(fixture_port, &config, packets, &events, NULL);
    assert_non_null(manager);
    gw_session_manager_destroy(manager);
    return fixture_logged_count("body_bytes_max_too_small") - logged;
}

static void a_server_warns_of_a_packet_that_is_longer_than_it_accepts(void **state)
{
    static const uint16_t index[] = {1, 2};
    struct gw_packet both[] = {{.id = 300,
                                .from = GW_FROM_CLIENT,
                                .stages = GW_STAGE_GREETED,
                                .body_bytes_max = 4097,
                                .message = &gw__error__descriptor},
                               {.id = 301,
                                .from = GW_FROM_SERVER,
                                .stages = GW_STAGE_ANY,
                                .body_bytes_max = 65536,
                                .message = &gw__error__descriptor}};
    const struct gw_packet_table table = {.packets = both,
                                          .index = index,
                                          .packet_count = 2,
                                          .id_first = 300,
                                          .id_count = 2,
                                          .schema_hash = 7};
    assert_int_equal(warnings_of_manager(0, GW_SIDE_SERVER, &table), 1);
    assert_int_equal(warnings_of_manager(4096, GW_SIDE_SERVER, &table), 1);
    assert_int_equal(warnings_of_manager(4097, GW_SIDE_SERVER, &table), 0);
    assert_int_equal(warnings_of_manager(4096, GW_SIDE_CLIENT, &table), 0);
    both[0].body_bytes_max = 4096;
    assert_int_equal(warnings_of_manager(0, GW_SIDE_SERVER, &table), 0);
}

/* ---- streams and buffers ---- */

static int closed_with;

static void on_bare_close(struct gw_stream *stream, int reason, void *context)
{
    closed_with = reason;
}

static void a_message_of_4_gib_is_dropped(void **state)
{
    static const uint32_t sizes[] = {0, 1, INT32_MAX, (uint32_t)INT32_MAX + 1, UINT32_MAX};
    static const struct gw_stream_events events = {.on_close = on_bare_close};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        const struct gw_stream_config config = {.recv_bytes_max = sizes[i],
                                                .send_queue_bytes_max = UINT32_MAX};
        struct peer *listener = peer_listen(PORT);
        struct gw_addr addr = peer_addr(PORT);
        struct gw_stream *stream;
        struct gw_stream_reservation place;
        assert_int_equal(gw_stream_dial(fixture_port, &addr, NULL, &config, &events, NULL, &stream),
                         0);
        fixture_run_now();
        struct peer *other = peer_accept(listener);
        peer_send(other, "some bytes", 10);
        gw_stream_start(stream, &(const struct gw_stream_events){0}, NULL); /* a second time */
        assert_int_equal(gw_stream_reserve(stream, 0, &place), GW_E_FULL);
        fixture_run_now();
        closed_with = 0;
        gw_stream_close(stream, 5);
        fixture_run_now();
        assert_int_equal(closed_with, 5);
        gw_stream_unref(stream);
        peer_close(other);
        peer_close(listener);
    }
}

static void ranges_of_a_buffer_are_clipped_to_its_length(void **state)
{
    struct gw_buf *buf = gw_buf_create(10);
    uint32_t begin;
    gw_buf_trim(buf, 11);
    assert_int_equal(gw_buf_bytes(buf), 10);
    gw_buf_mark(buf, 10, 5);
    gw_buf_mark(buf, 3, 0);
    assert_int_equal(gw__buf_key(buf, &begin), 0);
    memcpy(gw_buf_data(buf), "0123456789", 10);
    peer = session_fixture_join();
    struct gw_stream *stream = (struct gw_stream *)(void *)gw_session_turn(
        session_fixture.last); /* the turn comes first in memory */
    assert_int_equal(gw_stream_send_part(stream, buf, 8, UINT32_MAX), 0);
    assert_int_equal(gw_stream_send_part(stream, buf, 10, 12), 0);
    assert_int_equal(gw_stream_send_part(stream, buf, 7, 3), 0);
    fixture_run_now();
    assert_int_equal(peer_unread_count(peer), 2);
    gw_buf_unref(buf);
}

/* ---- calls outside their turn, as Debug builds report them ---- */

static char explained[512];

static void explain(void *context)
{
    gw__turn_explain(gw_session_turn(context), "gw_session_pause", explained, sizeof explained);
}

static void a_call_outside_its_turn_aborts_with_an_explanation(void **state)
{
    char first_port[16];
    char second_port[16];
    peer = session_fixture_join();
    struct gw_session *first = session_fixture.last;
    session_fixture_join();
    snprintf(first_port, sizeof first_port, ":%u", gw_session_peer(first)->port);
    snprintf(second_port, sizeof second_port, ":%u", gw_session_peer(session_fixture.last)->port);
    assert_false(gw_turn_is_mine(gw_session_turn(first)));
    explain(first);
    assert_non_null(strstr(explained, "gw_session_pause()"));
    assert_non_null(strstr(explained, first_port));
    assert_non_null(strstr(explained, "no turn"));
    fixture_in_turn(gw_session_turn(session_fixture.last), explain, first);
    assert_non_null(strstr(explained, first_port));
    assert_non_null(strstr(explained, second_port));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SESSION_TEST(an_unknown_result_of_on_greet_refuses_the_hello),
        SESSION_TEST(each_close_reason_may_refuse_a_hello),
        SESSION_TEST(an_unknown_reason_ends_a_session_with_kicked),
        SESSION_TEST(a_peers_close_may_have_any_reason),
        SESSION_TEST(a_stage_beyond_the_last_one_changes_nothing),
        SESSION_TEST(a_greeting_before_hello_does_nothing),
        SESSION_TEST(a_second_greeting_does_nothing),
        SESSION_TEST(a_second_drain_does_nothing),
        SESSION_TEST(packets_of_the_other_side_are_dropped),
        SESSION_TEST(a_message_of_another_type_is_dropped),
        SESSION_TEST(a_buffer_that_is_not_one_frame_is_dropped),
        SESSION_TEST(a_group_drops_packets_that_may_not_be_sent),
        SESSION_TEST(a_client_side_session_ignores_server_calls),
        SESSION_TEST(a_manager_refuses_an_invalid_config),
        SESSION_TEST(a_manager_refuses_a_contradictory_schema),
        SESSION_TEST(a_server_warns_of_a_packet_that_is_longer_than_it_accepts),
        SESSION_TEST(a_message_of_4_gib_is_dropped),
        SESSION_TEST(ranges_of_a_buffer_are_clipped_to_its_length),
        SESSION_TEST(a_call_outside_its_turn_aborts_with_an_explanation),
    };
    (void)gw__offload_is_working(); /* where thread locals are emulated, their first use takes
                                       memory */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
