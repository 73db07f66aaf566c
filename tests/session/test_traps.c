/* tests/session/test_traps.c: Regression tests for faults of a predecessor of this library. */
#include "tests/session/loopback_fixture.h"
#include "tests/test.h"

#include "net/port.h"

#include <string.h>

/* Every kind of disconnect ends the session and releases its socket and memory. */
static void every_disconnect_ends_its_session(void **state)
{
    enum { COUNT = 120 };
    for (unsigned i = 0; i < COUNT; i++) {
        struct raw_socket peer = i % 4 == 0 ? peer_connect(fixture.port_number) : peer_join();
        switch (i % 4) {
        case 1:
            raw_socket_reset(&peer);
            break;
        case 2:
            peer_send(&peer, "\x05", 1); /* in the middle of a header */
            break;
        case 3:
            peer_send_header(&peer, 100, 0, SAY, 0); /* in the middle of a frame */
            break;
        }
        raw_socket_close(&peer);
    }
    wait_for_count(&fixture.server.ended, COUNT);
    wait_until_empty(fixture.server.manager);
}

static void body_sizes_from_0_to_9_exclude_the_header(void **state)
{
    /* A fixed64 of field 1 needs 9 bytes: only 0 and 9 are a message. */
    static const uint8_t body[9] = {0x09};
    for (uint32_t body_bytes = 0; body_bytes <= 9; body_bytes++) {
        struct raw_socket peer = peer_join();
        peer_send_frame(&peer, EITHER, 0, body, body_bytes);
        if (body_bytes == 0 || body_bytes == 9) {
            peer_sync(&peer);
            raw_socket_close(&peer);
        } else {
            peer_expect_close(&peer, GW__CLOSE_REASON__BAD_BODY);
        }
    }
}

/* These bytes are a PING and its PONG on every machine and with every compiler. */
static void the_wire_format_is_independent_of_byte_order(void **state)
{
    static const uint8_t ping[] = {9,    0,    0,    0,    3,    0,    0,    0,   0x09,
                                   0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11};
    struct raw_socket peer = peer_join();
    peer_send(&peer, ping, sizeof ping);
    const struct peer_frame *pong = peer_expect(&peer, PONG);
    assert_int_equal(pong->header.body_bytes, 9);
    assert_memory_equal(pong->body, ping + 8, 9);
    raw_socket_close(&peer);
}

static const struct loopback_fixture_config short_queues = {
    .server = {.send_queue_bytes_max = 32 * 1024, .unlimited = true}};

static uint64_t queued_bytes(void)
{
    struct gw_port_counters counters;
    gw_port_counters(fixture.port, &counters);
    return counters.send_queue_bytes;
}

/* A client that sends requests and does not read fills one queue, and its session ends. */
static void a_send_queue_has_a_limit(void **state)
{
    struct raw_socket peer = peer_connect_narrow(fixture.port_number);
    const Gw__Hello hello = peer_valid_hello();
    peer_send_hello(&peer, &hello);
    peer_expect(&peer, HELLO_ACK);
    static uint8_t pings[17 * 1000];
    for (int i = 0; i < 1000; i++) {
        frame_write_header(pings + i * 17, 9, 0, PING, 0)[0] = 0x09;
    }
    size_t place = 0;
    uint64_t end_ms = fixture_now_ms() + RAW_SOCKET_PATIENCE_MS;
    while (atomic_load(&fixture.server.ended) == 0 && fixture_now_ms() < end_ms) {
        size_t sent = raw_socket_send_some(&peer, pings + place, sizeof pings - place);
        place = (place + sent) % sizeof pings;
        assert_true(queued_bytes() <= 33 * 1024);
        machine_sleep_ms(sent == 0);
    }
    wait_for_count(&fixture.server.ended_for[GW__CLOSE_REASON__SLOW_CONSUMER], 1);
    raw_socket_close(&peer);
}

/* An unexpected error ends the session, too. */
static void a_reset_while_sending_ends_the_session(void **state)
{
    for (unsigned i = 1; i <= 20; i++) {
        struct raw_socket peer = peer_join();
        wait_for_count(&fixture.server.greeted, i);
        struct gw_session *session = fixture_session();
        raw_socket_reset(&peer);
        Gw__Ping number = GW__PING__INIT;
        while (!gw_session_has_ended(session)) {
            gw_session_send(session, NUMBER, &number.base);
            machine_sleep_ms(0);
        }
        gw_session_unref(session);
        wait_for_count(&fixture.server.ended, i);
    }
}

/* The server stops while clients are in any state, and leaks nothing. */
static void the_server_stops_while_clients_are_in_any_state(void **state)
{
    struct raw_socket peers[40];
    for (int i = 0; i < 40; i++) {
        peers[i] = i % 5 == 0 ? peer_connect(fixture.port_number) : peer_join();
        switch (i % 5) {
        case 1:
            peer_send(&peers[i], "\x05", 1);
            break;
        case 2:
            peer_send_header(&peers[i], 100, 0, SAY, 0);
            break;
        case 3:
            peer_send_stamp(&peers[i], PING, 1);
            break;
        }
    }
    fixture_drain(&fixture.server, 10);
    for (int i = 0; i < 40; i++) {
        struct peer_frame *frame = &(struct peer_frame){0};
        while (peer_read_frame(&peers[i], frame) && frame->header.id != CLOSE) {
        }
        assert_int_equal(frame->header.id, CLOSE);
        assert_int_equal(frame->body[1], GW__CLOSE_REASON__SHUTDOWN);
        assert_true(peer_reads_fin(&peers[i]));
        raw_socket_close(&peers[i]);
    }
    wait_until_drained(&fixture.server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(every_disconnect_ends_its_session),
        FIXTURE_TEST(body_sizes_from_0_to_9_exclude_the_header),
        FIXTURE_TEST(the_wire_format_is_independent_of_byte_order),
        FIXTURE_TEST_WITH(a_send_queue_has_a_limit, &short_queues),
        FIXTURE_TEST(a_reset_while_sending_ends_the_session),
        FIXTURE_TEST(the_server_stops_while_clients_are_in_any_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
