/* tests/session/test_checks.c: the checks of WIRE.md, each on both sides of its limit. */
#include "tests/session/loopback_fixture.h"
#include "tests/test.h"

#include "net/port.h"

#include <string.h>

/* A header alone decides: no body is sent, and none is waited for. */
static void expect_end_by_header(uint32_t body_bytes, uint8_t flags, uint16_t id,
                                 Gw__CloseReason reason)
{
    struct raw_socket peer = peer_join();
    peer_send_header(&peer, body_bytes, flags, id, 0);
    peer_expect_close(&peer, reason);
}

/* A frame of zeros, which is no message, or an empty one. */
static void expect_taken(uint16_t id, uint8_t flags, size_t body_bytes)
{
    static uint8_t frame[8 + PEER_BODY_BYTES_MAX];
    struct raw_socket peer = peer_join();
    unsigned received_before = atomic_load(&fixture.server.received);
    frame_write_header(frame, (uint32_t)body_bytes, flags, id, 0);
    peer_send(&peer, frame, 8 + body_bytes);
    if (body_bytes == 0) {
        peer_sync(&peer);
        assert_int_equal(atomic_load(&fixture.server.received), received_before + 1);
        raw_socket_close(&peer);
    } else {
        peer_expect_close(&peer, GW__CLOSE_REASON__BAD_BODY);
    }
}

static void a_reserved_flag_ends_with_bad_flags(void **state)
{
    (void)state;
    for (unsigned flags = 0; flags < 256; flags++) {
        if ((flags & ~3u) == 0) {
            expect_taken(EITHER, (uint8_t)flags, 0);
        } else if ((flags & (flags - 1)) == 0 || flags == 255) {
            expect_end_by_header(0, (uint8_t)flags, EITHER, GW__CLOSE_REASON__BAD_FLAGS);
        }
    }
}

static void a_greeted_peer_sends_at_most_4096_bytes_of_body(void **state)
{
    (void)state;
    expect_taken(BIG, 0, 4096);
    expect_end_by_header(4097, 0, BIG, GW__CLOSE_REASON__TOO_LONG);
    expect_end_by_header(0xFFFFFF, 0, BIG, GW__CLOSE_REASON__TOO_LONG);
}

static const struct loopback_fixture_config frugal = {
    .server = {.body_bytes_max = 100, .body_bytes_max_connected = 50}};

static void the_limits_of_the_stages_are_the_configs(void **state)
{
    (void)state;
    expect_taken(BIG, 0, 100);
    expect_end_by_header(101, 0, BIG, GW__CLOSE_REASON__TOO_LONG);
    struct raw_socket peer = peer_connect(fixture.port_number);
    peer_send_header(&peer, 51, 0, HELLO, HELLO_TAG);
    peer_expect_close(&peer, GW__CLOSE_REASON__TOO_LONG);
}

static void a_packet_has_at_most_its_own_bytes(void **state)
{
    (void)state;
    expect_taken(SAY, 0, 256);
    expect_end_by_header(257, 0, SAY, GW__CLOSE_REASON__TOO_LONG);
    expect_taken(IN_LOBBY, 0, 16);
    expect_end_by_header(17, 0, IN_LOBBY, GW__CLOSE_REASON__TOO_LONG);
}

static void an_id_that_nobody_has_ends_with_unknown_packet(void **state)
{
    (void)state;
    static const uint16_t ids[] = {0, 7, 63, 64, 255, SAY - 1, BIG + 1, BYTES + 1, 32767, 65535};
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        expect_end_by_header(0, 0, ids[i], GW__CLOSE_REASON__UNKNOWN_PACKET);
    }
}

static void what_only_a_server_sends_ends_with_wrong_way(void **state)
{
    (void)state;
    static const uint16_t ids[] = {HELLO_ACK, GO_AWAY, 11, LINE, NUMBER};
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        expect_end_by_header(0, 0, ids[i], GW__CLOSE_REASON__WRONG_WAY);
    }
}

static void go_to_room(struct gw_session *session, const struct gw_frame *frame,
                       const ProtobufCMessage *message)
{
    (void)message;
    if (frame->packet_id == IN_LOBBY) {
        gw_session_set_stage(session, 1);
    } else if (frame->packet_id == IN_ROOM) {
        gw_session_set_stage(session, 0);
    }
}

static const struct loopback_fixture_config two_stages = {
    .server_hooks = {.on_received = go_to_room}};

static void a_packet_is_welcome_only_at_its_stage(void **state)
{
    (void)state;
    struct raw_socket peer = peer_join();
    peer_send_header(&peer, 0, 0, IN_ROOM, 0);
    peer_expect_close(&peer, GW__CLOSE_REASON__WRONG_STAGE);

    peer = peer_join();
    peer_send_header(&peer, 0, 0, IN_LOBBY, 0);
    peer_send_header(&peer, 0, 0, IN_ROOM, 0);
    peer_send_header(&peer, 0, 0, IN_LOBBY, 0);
    peer_sync(&peer);
    assert_int_equal(atomic_load(&fixture.server.received), 3);
    peer_send_header(&peer, 0, 0, IN_LOBBY, 0);
    peer_expect_close(&peer, GW__CLOSE_REASON__WRONG_STAGE);
    assert_int_equal(atomic_load(&fixture.server.received), 3);
}

/* All stages are bits of one word: the last one is neither the first nor none. */
static void go_to_last_stage(struct gw_session *session)
{
    gw_session_set_stage(session, GW_STAGE_GAME_MAX);
}

static const struct loopback_fixture_config last_stage = {
    .server_hooks = {.on_greeted = go_to_last_stage}};

static void the_last_stage_is_a_greeted_one(void **state)
{
    (void)state;
    expect_taken(SAY, 0, 0);
    expect_end_by_header(0, 0, IN_LOBBY, GW__CLOSE_REASON__WRONG_STAGE);
    expect_end_by_header(0, 0, HELLO, GW__CLOSE_REASON__WRONG_STAGE);
}

/* Each header is wrong in all that comes after its first mistake, too. */
static void the_first_check_that_fails_gives_the_reason(void **state)
{
    (void)state;
    expect_end_by_header(0xFFFFFF, 0x80, 65535, GW__CLOSE_REASON__BAD_FLAGS);
    expect_end_by_header(0xFFFFFF, 0, 65535, GW__CLOSE_REASON__TOO_LONG);
    expect_end_by_header(4096, 0, 65535, GW__CLOSE_REASON__UNKNOWN_PACKET);
    expect_end_by_header(4096, 0, NUMBER, GW__CLOSE_REASON__WRONG_WAY);
    expect_end_by_header(4096, 0, IN_ROOM, GW__CLOSE_REASON__WRONG_STAGE);
    expect_end_by_header(4096, 0, IN_LOBBY, GW__CLOSE_REASON__TOO_LONG);
}

static void a_body_that_is_not_its_message_ends_with_bad_body(void **state)
{
    (void)state;
    static const uint8_t bodies[][4] = {
        {0x0A, 0x7F, 'x', 'y'},   /* a text longer than the body */
        {0x08, 0xFF, 0xFF, 0xFF}, /* a number without an end */
        {0x0F, 0x00, 0x00, 0x00}, /* a wire type that does not exist */
        {0x00, 0x00, 0x00, 0x00}, /* a field with number 0 */
    };
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        struct raw_socket peer = peer_join();
        peer_send_frame(&peer, SAY, 0, bodies[i], sizeof bodies[i]);
        peer_expect_close(&peer, GW__CLOSE_REASON__BAD_BODY);
    }
    assert_int_equal(atomic_load(&fixture.server.received), 0);
}

static const struct loopback_fixture_config small_arena = {.server = {.arena_bytes = 512}};

static void a_message_larger_than_the_arena_ends_with_too_complex(void **state)
{
    (void)state;
    char text[2000];
    Gw__Error big = GW__ERROR__INIT;
    big.text = memset(text, 'x', sizeof text);
    struct raw_socket peer = peer_join();
    text[200] = '\0';
    peer_send_message(&peer, BIG, &big.base);
    peer_sync(&peer);
    assert_int_equal(atomic_load(&fixture.server.received), 1);
    text[200] = 'x';
    text[sizeof text - 1] = '\0';
    peer_send_message(&peer, BIG, &big.base);
    peer_expect_close(&peer, GW__CLOSE_REASON__TOO_COMPLEX);
    assert_int_equal(atomic_load(&fixture.server.received), 1);
}

/* T2: nothing is kept for a body that will not be read. */
static void a_header_that_is_refused_costs_no_memory(void **state)
{
    (void)state;
    struct raw_socket peers[20];
    for (size_t i = 0; i < 20; i++) {
        peers[i] = peer_join();
        peer_send_header(&peers[i], 0xFFFFFF, 0, BIG, 0);
        assert_true(peer_read_frame(&peers[i], &(struct peer_frame){0}));
    }
    wait_until_sent();
    struct gw_port_counters counters;
    gw_port_counters(fixture.port, &counters);
    assert_int_equal(counters.pool_bytes, 0);
    for (size_t i = 0; i < 20; i++) {
        raw_socket_close(&peers[i]);
    }
}

/* I4, I7: others do not notice what one peer does wrong, and the log has one line in a second. */
static void others_notice_nothing(void **state)
{
    (void)state;
    struct raw_socket good = peer_join();
    uint64_t begin_ms = fixture_now_ms();
    for (int i = 0; i < 20; i++) {
        peer_send_text(&good, "here");
        expect_end_by_header(0, 0, 65535, GW__CLOSE_REASON__UNKNOWN_PACKET);
        peer_sync(&good);
    }
    assert_int_equal(atomic_load(&fixture.server.received), 20);
    assert_int_equal(atomic_load(&fixture.logged), 0);
    assert_in_range(atomic_load(&fixture.bad_peers_logged), 1,
                    2 + (fixture_now_ms() - begin_ms) / 1000);
    raw_socket_close(&good);
}

static void go_to_room_now(void *context)
{
    gw_session_set_stage(context, 1);
}

/* What changes before the body has come does not change what was decided about its header. */
/* Its stage is looked at again when its body has come: the server may have left that one. */
static void a_frame_whose_stage_was_left_is_not_handled(void **state)
{
    (void)state;
    uint8_t frame[8 + 9] = {0};
    frame_write_header(frame, 9, 0, IN_LOBBY, 0);
    frame[8] = 0x09; /* field 1, fixed64 */
    struct raw_socket peer = peer_join();
    wait_for_count(&fixture.server.greeted, 1);
    struct gw_session *session = fixture_session();
    peer_send(&peer, frame, 8);
    machine_sleep_ms(50); /* so that the header has been read when the stage changes */
    run_in_turn(gw_session_turn(session), go_to_room_now, session);
    peer_send(&peer, frame + 8, 9);
    peer_sync(&peer);
    assert_int_equal(atomic_load(&fixture.server.received), 0);
    struct gw_session_packet_counters counters;
    gw_session_manager_packet_counters(fixture.server.manager, IN_LOBBY, &counters);
    assert_int_equal(counters.crossed, 1);
    gw_session_unref(session);
    raw_socket_close(&peer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(a_reserved_flag_ends_with_bad_flags),
        FIXTURE_TEST(a_greeted_peer_sends_at_most_4096_bytes_of_body),
        FIXTURE_TEST_WITH(the_limits_of_the_stages_are_the_configs, &frugal),
        FIXTURE_TEST(a_packet_has_at_most_its_own_bytes),
        FIXTURE_TEST(an_id_that_nobody_has_ends_with_unknown_packet),
        FIXTURE_TEST(what_only_a_server_sends_ends_with_wrong_way),
        FIXTURE_TEST_WITH(a_packet_is_welcome_only_at_its_stage, &two_stages),
        FIXTURE_TEST_WITH(the_last_stage_is_a_greeted_one, &last_stage),
        FIXTURE_TEST(the_first_check_that_fails_gives_the_reason),
        FIXTURE_TEST(a_body_that_is_not_its_message_ends_with_bad_body),
        FIXTURE_TEST_WITH(a_message_larger_than_the_arena_ends_with_too_complex, &small_arena),
        FIXTURE_TEST(a_header_that_is_refused_costs_no_memory),
        FIXTURE_TEST(others_notice_nothing),
        FIXTURE_TEST(a_frame_whose_stage_was_left_is_not_handled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
