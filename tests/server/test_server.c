/* tests/server/test_server.c: Tests of the server as an object: start, drain, counters. */
#include "tests/server/captured.h"

#include "net/addr.h"
#include "net/port.h"
#include "server/counters.h"
#include "server/server.h"

enum { SERVERS = 3 };

static struct captured captured;
static struct server_config config;
static struct problem problem;

static int setup(void **state)
{
    captured_init(&captured, GW_LOG_INFO, 1000);
    server_config_init(&config);
    config.workers = 2;
    config.drain_ms = 100;
    assert_null(url_parse("127.0.0.1:0", &config.listen[0]));
    config.listen_count = 1;
    return 0;
}

static int teardown(void **state)
{
    captured_fini(&captured);
    return 0;
}

static struct server *create(void)
{
    struct server *server = server_create(&config, captured.log, &problem);
    assert_non_null(server);
    return server;
}

static void end(struct server *server)
{
    server_drain(server);
    server_drain(server); /* no effect */
    assert_int_equal(server_join(server), 0);
    server_destroy(server);
}

static void several_servers_run_in_one_process(void **state)
{
    struct server *servers[SERVERS];
    for (int i = 0; i < SERVERS; i++) {
        servers[i] = create();
        assert_int_not_equal(server_url(servers[i], 0)->addr.port, 0);
        assert_true(server_start(servers[i], &problem));
    }
    for (int i = 0; i < SERVERS; i++) {
        end(servers[i]);
    }
}

static void a_server_may_be_drained_before_it_has_served(void **state)
{
    for (int i = 0; i < 50; i++) {
        struct server *server = create();
        assert_true(server_start(server, &problem));
        end(server);
    }
}

static void an_address_in_use_is_an_error_and_nothing_leaks(void **state)
{
    struct server *server = create();
    assert_true(server_start(server, &problem));
    config.listen[1] = *server_url(server, 0);
    config.listen_count = 2;
    assert_null(server_create(&config, captured.log, &problem));
    assert_non_null(strstr(problem.text, "the port is in use"));
    end(server);
}

static void a_default_websocket_port_in_use_is_left_out(void **state)
{
    struct server *first = create();
    assert_true(server_start(first, &problem));
    config.listen[1] = *server_url(first, 0);
    config.listen[1].scheme = URL_WS;
    config.listen_count = 2;
    config.listen_is_default = true;
    struct server *second = create();
    assert_non_null(server_url(second, 0));
    assert_null(server_url(second, 1));
    assert_non_null(strstr(captured_read(&captured), " not_listening url=ws://127.0.0.1:"));
    assert_true(server_start(second, &problem));
    end(second);
    config.listen_is_default = false;
    assert_null(server_create(&config, captured.log, &problem));
    end(first);
}

static void counters_begin_at_0(void **state)
{
    struct server_counters counters;
    struct server *server = create();
    assert_true(server_start(server, &problem));
    server_counters(server, &counters);
    assert_int_equal(counters.session_count, 0);
    assert_int_equal(counters.sessions.begun, 0);
    assert_int_equal(counters.rooms, 0);
    assert_in_range(counters.packet_count, 20, SERVER_PACKET_COUNT_MAX - 1);
    for (uint32_t i = 0; i < counters.packet_count; i++) {
        assert_int_equal(counters.packets[i].count.in + counters.packets[i].count.out, 0);
    }
    server_report(server);
    assert_non_null(strstr(captured_read(&captured), " report uptime_s=0 sessions=0 "));
    end(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(several_servers_run_in_one_process, setup, teardown),
        cmocka_unit_test_setup_teardown(a_server_may_be_drained_before_it_has_served, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(an_address_in_use_is_an_error_and_nothing_leaks, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_default_websocket_port_in_use_is_left_out, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(counters_begin_at_0, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
