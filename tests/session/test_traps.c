/* tests/session/test_traps.c: what the server that this one grew from did wrong. */
#include "tests/session/player.h"
#include "tests/test.h"

#include "net/port.h"

#include <string.h>

/* O1: every way to hang up ends the session, and gives back its socket and its memory. */
static void o1_every_disconnect_ends_its_session(void **state)
{
    (void)state;
    enum { COUNT = 120 };
    for (unsigned i = 0; i < COUNT; i++) {
        struct raw_peer peer = i % 4 == 0 ? raw_connect(fixture.port_number) : player_join();
        switch (i % 4) {
        case 1:
            raw_reset(&peer);
            break;
        case 2:
            raw_send(&peer, "\x05", 1); /* in the middle of a header */
            break;
        case 3:
            raw_send_header(&peer, 100, 0, SAY, 0); /* in the middle of a frame */
            break;
        }
        raw_close(&peer);
    }
    wait_for_count(&fixture.server.ended, COUNT);
    wait_until_empty(fixture.server.manager);
}

static void check_text(struct gw_session *session, const struct gw_frame *frame,
                       const ProtobufCMessage *message)
{
    const Gw__Error *say = (const Gw__Error *)message;
    if (frame->body_bytes != 92 || strlen(say->text) != 90) {
        gw_session_end(session, GW__CLOSE_REASON__KICKED);
    }
}

static const struct loopback_fixture_config attentive = {
    .server_hooks = {.on_received = check_text}};

/* O2: the parser looks at all the bytes there are, not at those of this receive. */
static void o2_a_packet_of_100_bytes_may_come_as_60_and_40(void **state)
{
    (void)state;
    uint8_t packet[100] = {0};
    uint8_t *body = raw_header(packet, 92, 0, SAY, 0);
    body[0] = 0x12; /* field 2, a text */
    body[1] = 90;
    memset(body + 2, 'x', 90);
    struct raw_peer peer = player_join();
    for (unsigned i = 1; i <= 5; i++) {
        raw_send(&peer, packet, 60);
        raw_sleep_ms(10);
        raw_send(&peer, packet + 60, 40);
        wait_for_count(&fixture.server.received, i); /* now, and not with the next one */
    }
    player_sync(&peer);
    raw_close(&peer);
}

/* O3, O9: whatever a header says its size is, reading moves on by at least the header. */
static void o3_o9_a_size_of_zero_moves_on(void **state)
{
    (void)state;
    struct raw_peer peer = player_join();
    for (int i = 0; i < 200; i++) {
        raw_send_header(&peer, 0, 0, EITHER, 0);
    }
    player_sync(&peer);
    assert_int_equal(atomic_load(&fixture.server.received), 200);
    raw_close(&peer);
}

static void o3_eight_zeros_end_the_session_and_nothing_else(void **state)
{
    (void)state;
    struct raw_peer good = player_join();
    struct raw_peer peer = player_join();
    raw_send(&peer, "\0\0\0\0\0\0\0\0", 8);
    player_expect_close(&peer, GW__CLOSE_REASON__UNKNOWN_PACKET);
    peer = raw_connect(fixture.port_number);
    raw_send(&peer, "\0\0\0\0\0\0\0\0", 8);
    player_expect_silence(&peer);
    player_sync(&good);
    raw_close(&good);
}

static void o9_sizes_from_0_to_9_are_all_of_the_body_alone(void **state)
{
    (void)state;
    /* A fixed64 of field 1 needs 9 bytes: only 0 and 9 are a message. */
    static const uint8_t body[9] = {0x09};
    for (uint32_t body_bytes = 0; body_bytes <= 9; body_bytes++) {
        struct raw_peer peer = player_join();
        raw_send_frame(&peer, EITHER, 0, body, body_bytes);
        if (body_bytes == 0 || body_bytes == 9) {
            player_sync(&peer);
            raw_close(&peer);
        } else {
            player_expect_close(&peer, GW__CLOSE_REASON__BAD_BODY);
        }
    }
}

/* O4: an id is looked up, and does not index anything beyond its table. */
static void o4_every_id_from_65280_to_65535_is_unknown(void **state)
{
    (void)state;
    for (uint32_t id = 65280; id <= 65535; id++) {
        struct raw_peer peer = player_join();
        raw_send_header(&peer, 0, 0, (uint16_t)id, 0);
        player_expect_close(&peer, GW__CLOSE_REASON__UNKNOWN_PACKET);
    }
}

/* O5: these bytes are a PING and its PONG on every machine and with every compiler. */
static void o5_the_wire_is_bytes(void **state)
{
    (void)state;
    static const uint8_t ping[] = {9,    0,    0,    0,    3,    0,    0,    0,   0x09,
                                   0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11};
    struct raw_peer peer = player_join();
    raw_send(&peer, ping, sizeof ping);
    const struct raw_frame *pong = player_expect(&peer, PONG_ID);
    assert_int_equal(pong->body_bytes, 9);
    assert_memory_equal(pong->body, ping + 8, 9);
    raw_close(&peer);
}

static const struct loopback_fixture_config short_queues = {
    .server = {.send_queue_bytes_max = 32 * 1024, .unlimited = true}};

static uint64_t queued_bytes(void)
{
    struct gw_port_counters counters;
    gw_port_counters(fixture.port, &counters);
    return counters.send_queue_bytes;
}

/* O6: who asks and does not read costs one queue, and then its session. */
static void o6_a_send_queue_has_a_limit(void **state)
{
    (void)state;
    struct raw_peer peer = raw_connect_narrow(fixture.port_number);
    const Gw__Hello hello = player_hello();
    player_say_hello(&peer, &hello);
    player_expect(&peer, HELLO_ACK_ID);
    static uint8_t pings[17 * 1000];
    for (int i = 0; i < 1000; i++) {
        raw_header(pings + i * 17, 9, 0, PING_ID, 0)[0] = 0x09;
    }
    size_t place = 0;
    uint64_t end_ms = raw_now_ms() + RAW_PATIENCE_MS;
    while (atomic_load(&fixture.server.ended) == 0 && raw_now_ms() < end_ms) {
        size_t sent = raw_send_some(&peer, pings + place, sizeof pings - place);
        place = (place + sent) % sizeof pings;
        assert_true(queued_bytes() <= 33 * 1024);
        raw_sleep_ms(sent == 0);
    }
    wait_for_count(&fixture.server.ended_for[GW__CLOSE_REASON__SLOW_CONSUMER], 1);
    raw_close(&peer);
}

/* O7: an error that nobody has foreseen is an end, too. */
static void o7_a_reset_in_the_middle_of_sending_ends_the_session(void **state)
{
    (void)state;
    for (unsigned i = 1; i <= 20; i++) {
        struct raw_peer peer = player_join();
        wait_for_count(&fixture.server.greeted, i);
        struct gw_session *session = fixture_session();
        raw_reset(&peer);
        Gw__Ping number = GW__PING__INIT;
        while (!gw_session_has_ended(session)) {
            gw_session_send(session, NUMBER, &number.base);
            raw_sleep_ms(0);
        }
        gw_session_unref(session);
        wait_for_count(&fixture.server.ended, i);
    }
}

/* O8: it stops, with players in the middle of all they do, and leaves nothing behind. */
static void o8_it_stops_whatever_players_do(void **state)
{
    (void)state;
    struct raw_peer peers[40];
    for (int i = 0; i < 40; i++) {
        peers[i] = i % 5 == 0 ? raw_connect(fixture.port_number) : player_join();
        switch (i % 5) {
        case 1:
            raw_send(&peers[i], "\x05", 1);
            break;
        case 2:
            raw_send_header(&peers[i], 100, 0, SAY, 0);
            break;
        case 3:
            player_stamp(&peers[i], PING_ID, 1);
            break;
        }
    }
    fixture_drain(&fixture.server, 10);
    for (int i = 0; i < 40; i++) {
        struct raw_frame *frame = &(struct raw_frame){0};
        while (raw_read(&peers[i], frame) && frame->id != CLOSE_ID) {
        }
        assert_int_equal(frame->id, CLOSE_ID);
        assert_int_equal(frame->body[1], GW__CLOSE_REASON__SHUTDOWN);
        assert_true(raw_reads_fin(&peers[i]));
        raw_close(&peers[i]);
    }
    wait_until_drained(&fixture.server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(o1_every_disconnect_ends_its_session),
        FIXTURE_TEST_WITH(o2_a_packet_of_100_bytes_may_come_as_60_and_40, &attentive),
        FIXTURE_TEST(o3_o9_a_size_of_zero_moves_on),
        FIXTURE_TEST(o3_eight_zeros_end_the_session_and_nothing_else),
        FIXTURE_TEST(o9_sizes_from_0_to_9_are_all_of_the_body_alone),
        FIXTURE_TEST(o4_every_id_from_65280_to_65535_is_unknown),
        FIXTURE_TEST(o5_the_wire_is_bytes),
        FIXTURE_TEST_WITH(o6_a_send_queue_has_a_limit, &short_queues),
        FIXTURE_TEST(o7_a_reset_in_the_middle_of_sending_ends_the_session),
        FIXTURE_TEST(o8_it_stops_whatever_players_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
