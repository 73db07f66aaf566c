/* tests/session/test_end.c: End of a session: once, with one reason, with CLOSE. */
#include "tests/session/loopback_fixture.h"
#include "tests/test.h"

#include "net/os/os.h"
#include "net/turn.h"

#include <stdlib.h>
#include <string.h>

/* ---- ended by the server ---- */

static void messages_sent_before_the_end_precede_close(void **state)
{
    struct raw_socket peer = peer_join();
    wait_for_count(&fixture.server.greeted, 1);
    struct gw_session *session = fixture_session();
    Gw__Ping number = GW__PING__INIT;
    for (number.stamp = 1; number.stamp <= 100; number.stamp++) {
        gw_session_send(session, NUMBER, &number.base);
    }
    assert_false(gw_session_has_ended(session));
    gw_session_end(session, GW__CLOSE_REASON__KICKED);
    assert_true(gw_session_has_ended(session));
    gw_session_send(session, NUMBER, &number.base); /* dropped */
    for (uint64_t stamp = 1; stamp <= 100; stamp++) {
        assert_int_equal(peer_expect_stamp(&peer, NUMBER), stamp);
    }
    peer_expect_close(&peer, GW__CLOSE_REASON__KICKED);
    gw_session_unref(session);
}

enum { THREAD_COUNT = 4, RACE_COUNT = 40 };

static void end_session(void *context)
{
    gw_session_end(context, GW__CLOSE_REASON__KICKED);
}

static void concurrent_ends_call_on_end_once_with_one_reason(void **state)
{
    for (unsigned race = 1; race <= RACE_COUNT; race++) {
        struct raw_socket peer = peer_join();
        wait_for_count(&fixture.server.greeted, race);
        struct gw_session *session = fixture_session();
        os_thread threads[THREAD_COUNT];
        for (int i = 0; i < THREAD_COUNT; i++) {
            assert_int_equal(os_thread_start(&threads[i], end_session, session), 0);
        }
        for (int i = 0; i < THREAD_COUNT; i++) {
            os_thread_join(threads[i]);
        }
        peer_expect_close(&peer, GW__CLOSE_REASON__KICKED);
        gw_session_unref(session);
    }
    wait_for_count(&fixture.server.ended, RACE_COUNT);
    wait_for_count(&fixture.server.ended_for[GW__CLOSE_REASON__KICKED], RACE_COUNT);
}

/* The peer reads CLOSE, then FIN, also while it is sending. */
static void close_is_read_by_a_peer_that_keeps_sending(void **state)
{
    static uint8_t frames_to_send[64 * 1024];
    for (unsigned round = 1; round <= 20; round++) {
        struct raw_socket peer = peer_join();
        wait_for_count(&fixture.server.greeted, round);
        struct gw_session *session = fixture_session();
        for (size_t i = 0; i + 8 <= sizeof frames_to_send; i += 8) {
            frame_write_header(frames_to_send + i, 0, 0, EITHER, 0);
        }
        peer_send(&peer, frames_to_send, 8 * 1000);
        gw_session_end(session, GW__CLOSE_REASON__KICKED);
        gw_session_unref(session);
        while (!raw_socket_has_news(&peer) &&
               raw_socket_send_some(&peer, frames_to_send, 1024) > 0) {
        }
        peer_expect_close(&peer, GW__CLOSE_REASON__KICKED);
    }
}

static void close_is_read_by_a_peer_in_the_middle_of_a_frame(void **state)
{
    struct raw_socket peer = peer_join();
    wait_for_count(&fixture.server.greeted, 1);
    peer_send_header(&peer, 200, 0, SAY, 0);
    struct gw_session *session = fixture_session();
    gw_session_end(session, GW__CLOSE_REASON__KICKED);
    gw_session_unref(session);
    raw_socket_send_some(&peer, "more", 4);
    peer_expect_close(&peer, GW__CLOSE_REASON__KICKED);
}

/* ---- ended by the peer ---- */

static void close_from_a_peer_is_not_answered_and_its_reason_is_kept(void **state)
{
    struct raw_socket peer = peer_join();
    Gw__Close close = GW__CLOSE__INIT;
    close.reason = GW__CLOSE_REASON__SHUTDOWN;
    peer_send_message(&peer, CLOSE, &close.base);
    peer_expect_fin(&peer);
    wait_for_count(&fixture.server.ended_for[GW__CLOSE_REASON__BY_PEER], 1);
    assert_int_equal(atomic_load(&fixture.server.peer_reasons[GW__CLOSE_REASON__SHUTDOWN]), 1);
}

static void frames_behind_close_are_not_received(void **state)
{
    struct raw_socket peer = peer_join();
    uint8_t frames[16];
    frame_write_header(frame_write_header(frames, 0, 0, CLOSE, 0), 0, 0, SAY, 0);
    peer_send(&peer, frames, sizeof frames);
    peer_expect_fin(&peer);
    wait_for_count(&fixture.server.ended, 1);
    assert_int_equal(atomic_load(&fixture.server.received), 0);
}

/* After FIN the peer reads the answers to what it sent. */
static void a_peer_that_sends_fin_reads_its_answers(void **state)
{
    struct raw_socket peer = peer_join();
    peer_send_stamp(&peer, PING, 7);
    raw_socket_finish(&peer);
    assert_int_equal(peer_expect_stamp(&peer, PONG), 7);
    peer_expect_fin(&peer);
    wait_for_count(&fixture.server.ended_for[GW__CLOSE_REASON__BY_PEER], 1);
}

static void a_reset_ends_the_session_with_network(void **state)
{
    struct raw_socket peer = peer_join();
    raw_socket_reset(&peer);
    wait_for_count(&fixture.server.ended_for[GW__CLOSE_REASON__NETWORK], 1);
}

/* ---- ended in its own callbacks ---- */

static void end_in_begin(struct gw_session *session)
{
    gw_session_end(session, GW__CLOSE_REASON__KICKED);
}

static int end_in_greet(struct gw_session *session, const Gw__Hello *hello)
{
    gw_session_end(session, GW__CLOSE_REASON__KICKED);
    return 0;
}

static void end_in_handler(struct gw_session *session, const struct gw_frame *frame,
                           const ProtobufCMessage *message)
{
    Gw__Ping number = GW__PING__INIT;
    number.stamp = 4;
    gw_session_send(session, NUMBER, &number.base);
    gw_session_end(session, GW__CLOSE_REASON__KICKED);
    gw_session_send(session, NUMBER, &number.base);
}

static void use_in_end(struct gw_session *session, Gw__CloseReason reason)
{
    Gw__Ping number = GW__PING__INIT;
    gw_session_send(session, NUMBER, &number.base);
    gw_session_end(session, reason);
    assert_true(gw_session_has_ended(session));
    assert_null(gw_session_manager_find(gw_session_manager_of(session), gw_session_id_of(session)));
}

static const struct loopback_fixture_config ends_in_begin = {
    .server_hooks = {.on_begin = end_in_begin}};
static const struct loopback_fixture_config ends_in_greet = {
    .server_hooks = {.on_greet = end_in_greet}};
static const struct loopback_fixture_config ends_in_greeted = {
    .server_hooks = {.on_greeted = end_in_begin}};
static const struct loopback_fixture_config ends_in_handler = {
    .server_hooks = {.on_received = end_in_handler}};
static const struct loopback_fixture_config used_in_end = {.server_hooks = {.on_end = use_in_end}};

static void a_session_may_be_ended_in_on_begin(void **state)
{
    struct raw_socket peer = peer_connect(fixture.port_number);
    peer_expect_close(&peer, GW__CLOSE_REASON__KICKED);
    wait_for_count(&fixture.server.ended, 1);
}

static void a_session_may_be_ended_in_on_greet(void **state)
{
    struct raw_socket peer = peer_connect(fixture.port_number);
    const Gw__Hello hello = peer_valid_hello();
    peer_send_hello(&peer, &hello);
    peer_expect_close(&peer, GW__CLOSE_REASON__KICKED);
    assert_int_equal(atomic_load(&fixture.server.greeted), 0);
}

static void a_session_may_be_ended_in_on_greeted(void **state)
{
    struct raw_socket peer = peer_join();
    peer_expect_close(&peer, GW__CLOSE_REASON__KICKED);
}

static void a_session_may_be_ended_in_a_handler(void **state)
{
    struct raw_socket peer = peer_join();
    uint8_t frames[8 * 10];
    for (int i = 0; i < 10; i++) {
        frame_write_header(frames + i * 8, 0, 0, SAY, 0);
    }
    peer_send(&peer, frames, sizeof frames);
    assert_int_equal(peer_expect_stamp(&peer, NUMBER), 4);
    peer_expect_close(&peer, GW__CLOSE_REASON__KICKED);
    assert_int_equal(atomic_load(&fixture.server.received), 1);
}

static void on_end_may_use_the_session_but_not_find_it(void **state)
{
    struct raw_socket peer = peer_join();
    raw_socket_close(&peer);
    peer = peer_join();
    peer_send_header(&peer, 0, 0, 65535, 0);
    peer_expect_close(&peer, GW__CLOSE_REASON__UNKNOWN_PACKET);
    wait_for_count(&fixture.server.ended, 2);
}

/* Handlers end, send to and look up each other's sessions, on all workers at once. */

enum { GROUP_COUNT = 16, MESSAGE_COUNT = 300 };

static _Atomic gw_session_id group[GROUP_COUNT];

static void end_and_send_to_others(struct gw_session *session, const struct gw_frame *frame,
                                   const ProtobufCMessage *message)
{
    uint64_t stamp = ((const Gw__Ping *)message)->stamp;
    gw_session_id id = atomic_load(&group[stamp % GROUP_COUNT]);
    struct gw_session *other = gw_session_manager_find(gw_session_manager_of(session), id);
    if (other != NULL) {
        gw_session_send(other, NUMBER, message);
        if (stamp % 97 == 0) {
            gw_session_end(other, GW__CLOSE_REASON__KICKED);
        }
        gw_session_unref(other);
    }
}

static void join_group(struct gw_session *session)
{
    atomic_store(&group[(uint32_t)gw_session_id_of(session) % GROUP_COUNT],
                 gw_session_id_of(session));
}

static const struct loopback_fixture_config all_end_each_other = {
    .server_hooks = {.on_received = end_and_send_to_others, .on_greeted = join_group}};

static void handlers_may_send_to_and_end_other_sessions(void **state)
{
    struct raw_socket peers[GROUP_COUNT];
    for (int i = 0; i < GROUP_COUNT; i++) {
        peers[i] = peer_join();
    }
    srand(7);
    for (int i = 0; i < MESSAGE_COUNT; i++) {
        for (int p = 0; p < GROUP_COUNT; p++) {
            uint8_t frame[17] = {0};
            uint64_t stamp = (uint64_t)rand();
            frame_write_header(frame, 9, 0, EITHER, 0)[0] = 0x09;
            memcpy(frame + 9, &stamp, sizeof stamp);
            raw_socket_send_some(&peers[p], frame, sizeof frame);
        }
    }
    for (int i = 0; i < GROUP_COUNT; i++) {
        raw_socket_close(&peers[i]);
    }
    wait_until_empty(fixture.server.manager);
    wait_for_count(&fixture.server.ended, GROUP_COUNT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(messages_sent_before_the_end_precede_close),
        FIXTURE_TEST(concurrent_ends_call_on_end_once_with_one_reason),
        FIXTURE_TEST(close_is_read_by_a_peer_that_keeps_sending),
        FIXTURE_TEST(close_is_read_by_a_peer_in_the_middle_of_a_frame),
        FIXTURE_TEST(close_from_a_peer_is_not_answered_and_its_reason_is_kept),
        FIXTURE_TEST(frames_behind_close_are_not_received),
        FIXTURE_TEST(a_peer_that_sends_fin_reads_its_answers),
        FIXTURE_TEST(a_reset_ends_the_session_with_network),
        FIXTURE_TEST_WITH(a_session_may_be_ended_in_on_begin, &ends_in_begin),
        FIXTURE_TEST_WITH(a_session_may_be_ended_in_on_greet, &ends_in_greet),
        FIXTURE_TEST_WITH(a_session_may_be_ended_in_on_greeted, &ends_in_greeted),
        FIXTURE_TEST_WITH(a_session_may_be_ended_in_a_handler, &ends_in_handler),
        FIXTURE_TEST_WITH(on_end_may_use_the_session_but_not_find_it, &used_in_end),
        FIXTURE_TEST_WITH(handlers_may_send_to_and_end_other_sessions, &all_end_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
