/* tests/scripted/test_manager.c: listening, broadcasting and switched-off timeouts of a manager. */
#include "tests/test.h"

#include "net/error.h"
#include "net/listener.h"
#include "net/stream.h"
#include "tests/scripted/session_fixture.h"

#include <string.h>

static int open_session_fixture(void **state)
{
    (void)state;
    session_fixture_open(NULL, NULL);
    return 0;
}

static int close_session_fixture(void **state)
{
    (void)state;
    session_fixture_close();
    return 0;
}

#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, open_session_fixture, close_session_fixture)

/* ---- gw_session_manager_listen() ---- */

static struct peer *connect_to(const struct gw_listener *listener)
{
    struct peer *peer = peer_connect(gw_listener_addr(listener)->port);
    assert_non_null(peer);
    fixture_run_now();
    return peer;
}

static void a_manager_admits_sessions_from_two_listeners(void **state)
{
    (void)state;
    const struct gw_addr addr = peer_addr(0);
    struct gw_listener *second;
    assert_int_equal(gw_session_manager_listen(session_fixture.manager, &addr, &second), 0);
    fixture_run_now();
    struct peer *first_peer = session_fixture_connect();
    struct peer *second_peer = connect_to(second);
    assert_int_equal(gw_session_manager_count(session_fixture.manager), 2);
    gw_listener_close(second);
    fixture_run_now();
    assert_int_equal(gw_session_manager_count(session_fixture.manager), 2); /* sessions continue */
    peer_close(first_peer);
    peer_close(second_peer);
}

static void listening_at_an_address_in_use_is_an_error(void **state)
{
    (void)state;
    const struct gw_addr addr = peer_addr(session_fixture.port);
    struct gw_listener *listener = NULL;
    assert_int_equal(gw_session_manager_listen(session_fixture.manager, &addr, &listener),
                     GW_E_IN_USE);
    assert_null(listener);
}

static void on_end(struct gw_session *session, Gw__CloseReason reason, Gw__CloseReason peer_reason,
                   void *context)
{
    (void)session;
    (void)reason;
    (void)peer_reason;
    (void)context;
}

static void a_clients_side_does_not_listen(void **state)
{
    (void)state;
    static const struct gw_session_events events = {.on_end = on_end};
    const struct gw_session_manager_config config = {.side = GW_SIDE_CLIENT,
                                                     .session_count_max = 4};
    struct gw_session_manager *clients =
        gw_session_manager_create(fixture_port, &config, &session_fixture_packets, &events, NULL);
    const struct gw_addr addr = peer_addr(0);
    struct gw_listener *listener = NULL;
    assert_int_equal(gw_session_manager_listen(clients, &addr, &listener), GW_E_UNSUPPORTED);
    assert_null(listener);
    assert_int_equal(fixture_logged_count("misuse"), 1);
    gw_session_manager_destroy(clients);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_manager_admits_sessions_from_two_listeners),
        TEST(listening_at_an_address_in_use_is_an_error),
        TEST(a_clients_side_does_not_listen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
