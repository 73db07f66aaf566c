/* tests/session/test_manager.c: Sessions of a manager: lookup, limits, sending, slow consumers. */
#include "tests/session/loopback_fixture.h"
#include "tests/support/wait.h"
#include "tests/test.h"

#include "net/buf.h"
#include "net/os/os.h"
#include "net/port.h"
#include "net/stream.h"

#include <string.h>

static const struct loopback_fixture_config small_fixture = {.server = {.session_count_max = 3}};

static void a_hello_above_the_session_limit_reads_server_full(void **state)
{
    struct raw_socket peers[3];
    for (int i = 0; i < 3; i++) {
        peers[i] = peer_join();
    }
    assert_int_equal(gw_session_manager_count(fixture.server.manager), 3);
    for (uint64_t turned_away = 1; turned_away <= 5; turned_away++) {
        struct raw_socket late = peer_connect(fixture.port_number);
        const Gw__Hello hello = peer_valid_hello();
        peer_send_hello(&late, &hello);
        peer_expect_close(&late, GW__CLOSE_REASON__SERVER_FULL);
        wait_for_count(&fixture.server.ended, (unsigned)turned_away);
        struct gw_session_counters counters = counters_of(&fixture.server);
        assert_int_equal(counters.ended[GW__CLOSE_REASON__SERVER_FULL], turned_away);
        assert_int_equal(counters.begun, 3 + turned_away);
    }
    assert_int_equal(gw_session_manager_count(fixture.server.manager), 3);
    raw_socket_close(&peers[0]);
    WAIT_FOR(gw_session_manager_count(fixture.server.manager) == 2);
    peers[0] = peer_join();
    for (int i = 0; i < 3; i++) {
        peer_sync(&peers[i]);
        raw_socket_close(&peers[i]);
    }
}

static void a_session_is_found_by_its_id_until_it_has_ended(void **state)
{
    struct raw_socket peer = peer_join();
    wait_for_count(&fixture.server.greeted, 1);
    struct gw_session *session = fixture_session();
    gw_session_id id = gw_session_id_of(session);
    assert_ptr_equal(gw_session_manager_of(session), fixture.server.manager);
    assert_true(gw_addr_is_ipv4(gw_session_peer(session)));
    assert_int_not_equal(gw_session_peer(session)->port, 0);
    raw_socket_close(&peer);
    wait_for_count(&fixture.server.ended, 1);
    assert_null(gw_session_manager_find(fixture.server.manager, id));
    /* A referenced session that has ended can be queried; messages to it are dropped. */
    assert_int_equal(gw_session_id_of(session), id);
    assert_true(gw_session_has_ended(session));
    Gw__Ping number = GW__PING__INIT;
    gw_session_send(session, NUMBER, &number.base);
    gw_session_end(session, GW__CLOSE_REASON__KICKED);
    gw_session_unref(session);
    assert_int_equal(atomic_load(&fixture.server.ended), 1);
}

static void a_stale_id_does_not_find_a_later_session(void **state)
{
    gw_session_id ids[20];
    for (unsigned i = 0; i < 20; i++) {
        struct raw_socket peer = peer_join();
        wait_for_count(&fixture.server.greeted, i + 1);
        ids[i] = atomic_load(&fixture.server.last_id);
        for (unsigned before = 0; before < i; before++) {
            assert_int_not_equal(ids[before], ids[i]);
            assert_null(gw_session_manager_find(fixture.server.manager, ids[before]));
        }
        raw_socket_close(&peer);
        wait_for_count(&fixture.server.ended, i + 1);
    }
}

struct visited {
    unsigned count;
    uint64_t sum;
};

static void count_and_send(struct gw_session *session, void *context)
{
    struct visited *visited = context;
    visited->count++;
    visited->sum += gw_session_id_of(session);
    Gw__Ping number = GW__PING__INIT;
    gw_session_send(session, NUMBER, &number.base);
}

static void each_visits_every_session_once(void **state)
{
    enum { COUNT = 300 };
    static struct raw_socket peers[COUNT];
    uint64_t sum = 0;
    for (unsigned i = 0; i < COUNT; i++) {
        peers[i] = peer_join();
        wait_for_count(&fixture.server.greeted, i + 1);
        sum += atomic_load(&fixture.server.last_id);
    }
    struct visited visited = {0, 0};
    gw_session_manager_each(fixture.server.manager, count_and_send, &visited);
    assert_int_equal(visited.count, COUNT);
    assert_int_equal(visited.sum, sum);
    for (int i = 0; i < COUNT; i++) {
        peer_expect_stamp(&peers[i], NUMBER);
        raw_socket_close(&peers[i]);
    }
    wait_until_empty(fixture.server.manager);
    gw_session_manager_each(fixture.server.manager, count_and_send, &visited);
    assert_int_equal(visited.count, COUNT);
}

/* The race: threads find, send to and end sessions while clients come and go. */
enum { FINDER_COUNT = 3, CLIENT_COUNT = 150 };

static atomic_bool clients_are_done;
static atomic_uint found_count;

static void find_and_use_sessions(void *context)
{
    unsigned seed = *(unsigned *)context;
    Gw__Ping number = GW__PING__INIT;
    while (!atomic_load(&clients_are_done)) {
        gw_session_id id = atomic_load(&fixture.server.last_id);
        struct gw_session *session = gw_session_manager_find(fixture.server.manager, id);
        if (session == NULL) {
            machine_sleep_ms(0);
            continue;
        }
        atomic_fetch_add(&found_count, 1);
        gw_session_send(session, NUMBER, &number.base);
        if (++seed % 16 == 0) {
            gw_session_end(session, GW__CLOSE_REASON__KICKED);
        }
        gw_session_unref(session);
    }
}

static void join_and_leave(int how)
{
    struct raw_socket peer = peer_connect(fixture.port_number);
    const Gw__Hello hello = peer_valid_hello();
    peer_send_hello(&peer, &hello);
    peer_expect(&peer, HELLO_ACK);
    if (how % 3 == 0) {
        raw_socket_reset(&peer);
    } else {
        raw_socket_close(&peer);
    }
}

static void found_sessions_stay_valid_while_clients_come_and_go(void **state)
{
    os_thread finders[FINDER_COUNT];
    unsigned seeds[FINDER_COUNT] = {1, 5, 9};
    for (int i = 0; i < FINDER_COUNT; i++) {
        assert_int_equal(os_thread_start(&finders[i], find_and_use_sessions, &seeds[i]), 0);
    }
    for (int i = 0; i < CLIENT_COUNT; i++) {
        join_and_leave(i);
    }
    wait_until_empty(fixture.server.manager);
    atomic_store(&clients_are_done, true);
    for (int i = 0; i < FINDER_COUNT; i++) {
        os_thread_join(finders[i]);
    }
    assert_int_equal(atomic_load(&fixture.server.ended), CLIENT_COUNT);
    assert_true(atomic_load(&found_count) > 0);
}

/* ---- slow consumers ---- */

static const struct loopback_fixture_config short_queues = {
    .server = {.send_queue_bytes_max = 64 * 1024}};

static void send_until_it_ends(struct gw_session *session)
{
    static char text[8001];
    memset(text, 'x', sizeof text - 1);
    Gw__Error line = GW__ERROR__INIT;
    line.text = text;
    for (unsigned i = 0; i < 20000 && !gw_session_has_ended(session); i++) {
        gw_session_send(session, LINE, &line.base);
        if (i % 8 == 0) {
            machine_sleep_ms(1);
        }
    }
    assert_true(gw_session_has_ended(session));
}

/* Only a peer that does not read is closed, and no queue exceeds its limit. */
static void a_client_that_does_not_read_ends_with_slow_consumer(void **state)
{
    struct raw_socket slow = peer_connect_narrow(fixture.port_number);
    const Gw__Hello hello = peer_valid_hello();
    peer_send_hello(&slow, &hello);
    peer_expect(&slow, HELLO_ACK);
    wait_for_count(&fixture.server.greeted, 1);
    struct gw_session *session = fixture_session();
    struct raw_socket good = peer_join();
    send_until_it_ends(session);
    struct gw_port_counters counters;
    gw_port_counters(fixture.port, &counters);
    assert_true(counters.send_queue_bytes <= GW_STREAM_BURST_FACTOR * 64 * 1024 + 1024);
    /* It reads again: all queued messages, then CLOSE with the reason. */
    struct peer_frame *frame = &(struct peer_frame){0};
    while (peer_read_frame(&slow, frame) && frame->header.id == LINE) {
    }
    assert_int_equal(frame->header.id, CLOSE);
    assert_int_equal(frame->body[1], GW__CLOSE_REASON__SLOW_CONSUMER);
    assert_true(peer_reads_fin(&slow));
    raw_socket_close(&slow);
    wait_for_count(&fixture.server.ended_for[GW__CLOSE_REASON__SLOW_CONSUMER], 1);
    gw_session_unref(session);
    peer_sync(&good);
    raw_socket_close(&good);
}

/* The same with one byte more: nothing else is queued. */
static void a_message_as_long_as_the_queue_goes_to_a_peer_that_reads(void **state)
{
    struct raw_socket peer = peer_join();
    wait_for_count(&fixture.server.greeted, 1);
    struct gw_session *session = fixture_session();
    static char text[65537];
    memset(text, 'x', sizeof text - 1);
    Gw__Error line = GW__ERROR__INIT;
    line.text = text;
    text[64 * 1024 - 8 - 4] = '\0'; /* a header, a tag, a length of three bytes */
    assert_int_equal(8 + gw__error__get_packed_size(&line), 64 * 1024);
    wait_until_sent();
    gw_session_send(session, LINE, &line.base);
    assert_false(gw_session_has_ended(session));
    peer_expect(&peer, LINE);
    wait_until_sent();
    text[64 * 1024 - 8 - 4] = 'x';
    text[64 * 1024 - 8 - 3] = '\0';
    gw_session_send(session, LINE, &line.base);
    assert_false(gw_session_has_ended(session));
    peer_expect(&peer, LINE);
    gw_session_unref(session);
    raw_socket_close(&peer);
}

/* A message above its limit is a mistake of the program: the log reports it, and the peer receives
 * nothing. */
static void a_message_longer_than_its_packet_is_logged_once_and_dropped(void **state)
{
    struct raw_socket peer = peer_join();
    wait_for_count(&fixture.server.greeted, 1);
    struct gw_session *session = fixture_session();
    static char text[65537];
    memset(text, 'x', sizeof text - 1);
    Gw__Error line = GW__ERROR__INIT;
    line.text = text;
    for (int i = 0; i < 10; i++) {
        gw_session_send(session, LINE, &line.base);
    }
    line.text = "short";
    gw_session_send(session, LINE, &line.base);
    peer_expect_line(&peer, "short");
    assert_int_equal(atomic_load(&fixture.too_long_logged), 1);
    gw_session_unref(session);
    raw_socket_close(&peer);
}

static void one_frame_is_encoded_for_many(void **state)
{
    struct raw_socket peers[5];
    Gw__Error line = GW__ERROR__INIT;
    line.text = "to whom it may concern";
    struct gw_buf *frame = gw_session_encode(LINE, &line.base);
    assert_non_null(frame);
    for (unsigned i = 0; i < 5; i++) {
        peers[i] = peer_join();
        wait_for_count(&fixture.server.greeted, i + 1);
        struct gw_session *session = fixture_session();
        gw_session_send_encoded(session, frame);
        gw_session_unref(session);
    }
    gw_buf_unref(frame);
    for (int i = 0; i < 5; i++) {
        peer_expect_line(&peers[i], "to whom it may concern");
        raw_socket_close(&peers[i]);
    }
    assert_int_equal(packet_counters_of(&fixture.server, LINE).out, 5);
}

static void every_reason_has_a_name(void **state)
{
    assert_string_equal(gw_close_reason_name(GW__CLOSE_REASON__NONE), "NONE");
    assert_string_equal(gw_close_reason_name(GW__CLOSE_REASON__SLOW_CONSUMER), "SLOW_CONSUMER");
    assert_string_equal(gw_close_reason_name((Gw__CloseReason)14), "?");
    assert_string_equal(gw_close_reason_name((Gw__CloseReason)-1), "?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST_WITH(a_hello_above_the_session_limit_reads_server_full, &small_fixture),
        FIXTURE_TEST(a_session_is_found_by_its_id_until_it_has_ended),
        FIXTURE_TEST(a_stale_id_does_not_find_a_later_session),
        FIXTURE_TEST(each_visits_every_session_once),
        FIXTURE_TEST(found_sessions_stay_valid_while_clients_come_and_go),
        FIXTURE_TEST_WITH(a_client_that_does_not_read_ends_with_slow_consumer, &short_queues),
        FIXTURE_TEST_WITH(a_message_as_long_as_the_queue_goes_to_a_peer_that_reads, &short_queues),
        FIXTURE_TEST(a_message_longer_than_its_packet_is_logged_once_and_dropped),
        FIXTURE_TEST(one_frame_is_encoded_for_many),
        cmocka_unit_test(every_reason_has_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
