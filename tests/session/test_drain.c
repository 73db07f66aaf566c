/* tests/session/test_drain.c: Drain of a server. */
#include "tests/session/loopback_fixture.h"
#include "tests/test.h"

#include "net/os/os.h"

enum { LONG_MS = 60000 };

static void expect_go_away(struct raw_socket *peer, uint32_t deadline_ms)
{
    const struct peer_frame *frame = peer_expect(peer, GO_AWAY);
    Gw__GoAway *go_away = gw__go_away__unpack(NULL, frame->header.body_bytes, frame->body);
    assert_non_null(go_away);
    assert_int_equal(go_away->deadline_ms, deadline_ms);
    assert_int_equal(go_away->retry_min_ms, 500);
    assert_int_equal(go_away->retry_max_ms, 5000);
    gw__go_away__free_unpacked(go_away, NULL);
}

static void a_drain_without_sessions_completes_at_once(void **state)
{
    fixture_drain(&fixture.server, LONG_MS);
    wait_until_drained(&fixture.server);
}

static void a_greeted_client_receives_goaway_and_is_served_until_it_leaves(void **state)
{
    struct raw_socket peers[2] = {peer_join(), peer_join()};
    wait_for_count(&fixture.server.greeted, 2);
    fixture_drain(&fixture.server, LONG_MS);
    expect_go_away(&peers[0], LONG_MS);
    expect_go_away(&peers[1], LONG_MS);
    peer_send_text(&peers[0], "one last word");
    peer_sync(&peers[0]);
    assert_int_equal(atomic_load(&fixture.server.received), 1);
    raw_socket_close(&peers[0]);
    wait_for_count(&fixture.server.ended, 1);
    assert_int_equal(atomic_load(&fixture.server.drained), 0);
    raw_socket_close(&peers[1]);
    wait_until_drained(&fixture.server);
    assert_int_equal(atomic_load(&fixture.server.ended_for[GW__CLOSE_REASON__BY_PEER]), 2);
}

static void an_ungreeted_connection_reads_shutdown_at_once(void **state)
{
    struct raw_socket mute = peer_connect(fixture.port_number);
    wait_for_count(&fixture.server.begun, 1);
    fixture_drain(&fixture.server, LONG_MS);
    peer_expect_close(&mute, GW__CLOSE_REASON__SHUTDOWN);
    wait_until_drained(&fixture.server);
}

static void a_client_that_stays_until_the_deadline_reads_shutdown(void **state)
{
    struct raw_socket peer = peer_join();
    wait_for_count(&fixture.server.greeted, 1);
    uint64_t began_ms = fixture_now_ms();
    fixture_drain(&fixture.server, 100);
    expect_go_away(&peer, 100);
    peer_expect_close(&peer, GW__CLOSE_REASON__SHUTDOWN);
    assert_true(fixture_now_ms() + 1 - began_ms >= 100);
    wait_until_drained(&fixture.server);
}

static void a_hello_after_the_drain_began_reads_shutdown(void **state)
{
    struct raw_socket peer = peer_join();
    wait_for_count(&fixture.server.greeted, 1);
    fixture_drain(&fixture.server, LONG_MS);
    expect_go_away(&peer, LONG_MS);
    for (int i = 0; i < 5; i++) {
        struct raw_socket late = peer_connect(fixture.port_number);
        const Gw__Hello hello = peer_valid_hello();
        peer_send_hello(&late, &hello);
        peer_expect_close(&late, GW__CLOSE_REASON__SHUTDOWN);
    }
    peer_sync(&peer);
    raw_socket_close(&peer);
    wait_until_drained(&fixture.server);
    assert_int_equal(atomic_load(&fixture.server.greeted), 1);
}

static void a_silent_connection_during_a_drain_reads_shutdown(void **state)
{
    struct raw_socket peer = peer_join();
    wait_for_count(&fixture.server.greeted, 1);
    fixture_drain(&fixture.server, LONG_MS);
    expect_go_away(&peer, LONG_MS);
    struct raw_socket late = peer_connect(fixture.port_number);
    peer_expect_close(&late, GW__CLOSE_REASON__SHUTDOWN);
    raw_socket_close(&peer);
    wait_until_drained(&fixture.server);
}

static int never_answer(struct gw_session *session, const Gw__Hello *hello)
{
    return GW_GREET_LATER;
}

static const struct loopback_fixture_config deferring = {
    .server_hooks = {.on_greet = never_answer}};

static void a_connection_with_a_deferred_greeting_reads_shutdown(void **state)
{
    struct raw_socket peer = peer_connect(fixture.port_number);
    const Gw__Hello hello = peer_valid_hello();
    peer_send_hello(&peer, &hello);
    peer_sync(&peer);
    fixture_drain(&fixture.server, LONG_MS);
    peer_expect_close(&peer, GW__CLOSE_REASON__SHUTDOWN);
    wait_until_drained(&fixture.server);
}

static void after_the_drain_no_connection_is_admitted(void **state)
{
    fixture_drain(&fixture.server, 0);
    wait_until_drained(&fixture.server);
    struct raw_socket late = peer_connect(fixture.port_number);
    assert_false(peer_read_frame(&late, &(struct peer_frame){0}));
    raw_socket_close(&late);
    assert_int_equal(counters_of(&fixture.server).begun, 0);
}

static const struct loopback_fixture_config one_session = {.server = {.session_count_max = 1}};

/* A connection that was turned away is still closing; on_drained waits for that, too. */
static void on_drained_is_called_after_turned_away_connections_closed(void **state)
{
    struct raw_socket peer = peer_join();
    struct raw_socket late = peer_connect(fixture.port_number);
    peer_expect(&late, CLOSE);
    fixture_drain(&fixture.server, LONG_MS);
    expect_go_away(&peer, LONG_MS);
    raw_socket_close(&peer);
    wait_for_count(&fixture.server.ended, 1);
    machine_sleep_ms(20);
    assert_int_equal(atomic_load(&fixture.server.drained), 0);
    raw_socket_close(&late);
    wait_until_drained(&fixture.server);
}

/* The race: clients connect, greet and leave while the drain begins. Each one reads SHUTDOWN. */
enum { THREAD_COUNT = 3, LATE_COUNT = 40 };

static atomic_uint checked_count;
static atomic_uint fault_count;

/* Reads the frames that a client may receive in a drain: HELLO_ACK, GOAWAY, CLOSE SHUTDOWN. Then
 * closes. */
static void connect_and_check(void)
{
    struct raw_socket peer = peer_connect(fixture.port_number);
    uint8_t hello[10];
    uint8_t *body = frame_write_header(hello, 2, 0, HELLO, HELLO_TAG);
    body[0] = 0x08;
    body[1] = GW_PROTOCOL_MAJOR;
    raw_socket_send_some(&peer, hello, sizeof hello);
    struct peer_frame *frame = &(struct peer_frame){0};
    unsigned acknowledged = 0;
    unsigned sent_away = 0;
    while (peer_read_frame(&peer, frame) && frame->header.id != CLOSE) {
        acknowledged += frame->header.id == HELLO_ACK;
        sent_away += frame->header.id == GO_AWAY;
        if (sent_away != 0) {
            break;
        }
    }
    bool closed = frame->header.id == CLOSE && frame->body[1] == GW__CLOSE_REASON__SHUTDOWN;
    if (sent_away + closed != 1 || sent_away > acknowledged) {
        atomic_fetch_add(&fault_count, 1);
    }
    atomic_fetch_add(&checked_count, 1);
    raw_socket_close(&peer);
}

static void connect_during_drain(void *context)
{
    for (int i = 0; i < LATE_COUNT; i++) {
        connect_and_check();
    }
}

static void connections_racing_with_the_drain_read_shutdown(void **state)
{
    struct raw_socket first_client = peer_join(); /* so that the drain does not end too early */
    os_thread threads[THREAD_COUNT];
    for (int i = 0; i < THREAD_COUNT; i++) {
        assert_int_equal(os_thread_start(&threads[i], connect_during_drain, NULL), 0);
    }
    fixture_drain(&fixture.server, LONG_MS);
    for (int i = 0; i < THREAD_COUNT; i++) {
        os_thread_join(threads[i]);
    }
    assert_int_equal(atomic_load(&fault_count), 0);
    assert_int_equal(atomic_load(&checked_count), THREAD_COUNT * LATE_COUNT);
    expect_go_away(&first_client, LONG_MS);
    raw_socket_close(&first_client);
    wait_until_drained(&fixture.server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(a_drain_without_sessions_completes_at_once),
        FIXTURE_TEST(a_greeted_client_receives_goaway_and_is_served_until_it_leaves),
        FIXTURE_TEST(an_ungreeted_connection_reads_shutdown_at_once),
        FIXTURE_TEST(a_client_that_stays_until_the_deadline_reads_shutdown),
        FIXTURE_TEST(a_hello_after_the_drain_began_reads_shutdown),
        FIXTURE_TEST(a_silent_connection_during_a_drain_reads_shutdown),
        FIXTURE_TEST_WITH(a_connection_with_a_deferred_greeting_reads_shutdown, &deferring),
        FIXTURE_TEST(after_the_drain_no_connection_is_admitted),
        FIXTURE_TEST_WITH(on_drained_is_called_after_turned_away_connections_closed, &one_session),
        FIXTURE_TEST(connections_racing_with_the_drain_read_shutdown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
