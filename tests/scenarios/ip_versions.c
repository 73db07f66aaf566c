/* tests/scenarios/ip_versions.c: Clients over IPv4 and IPv6 in one room. */
#include "server/server.h"
#include "tests/scenarios/dummies.h"
#include "tests/scenarios/scenario.h"
#include "tests/scenarios/test_client.h"
#include <string.h>

enum { CROWD = 40, TALK_MS = 800 };

static struct dummies over_ipv4;
static struct dummies over_ipv6;

static struct gw_addr addr_of(const char *text, uint16_t port)
{
    struct gw_addr addr;
    assert_int_equal(gw_addr_parse(text, &addr), 0);
    addr.port = port;
    return addr;
}

static void need_ipv6(void)
{
    struct gw_addr addr = addr_of("[::1]:0", 0);
    struct raw_socket socket;
    if (!raw_socket_listen(&socket, &addr, 1)) {
        print_message("skipped: this machine has no IPv6\n");
        skip();
    }
    raw_socket_close(&socket);
}

static void serve(const char *first, const char *second)
{
    struct server_config config = scenario_config();
    config.listen[0].addr = addr_of(first, 0);
    config.listen_count = 1;
    if (second != NULL) {
        config.listen[1] = (struct url){.addr = addr_of(second, 0)};
        config.listen_count = 2;
    }
    scenario_serve(&config);
}

static struct test_client *open_at(const struct gw_addr *addr, const char *name)
{
    struct test_client *client = test_client_connect(addr);
    assert_non_null(client);
    test_client_greet(client, name);
    return client;
}

static void check_chat(const struct gw_addr *one, const struct gw_addr *other)
{
    struct test_client *ada = open_at(one, "Ada");
    struct test_client *bob = open_at(other, "Bob");
    (void)test_client_join(ada, "room");
    (void)test_client_join(bob, "room");
    test_client_receive_joined(ada, bob);
    test_client_chat(bob, "hello");
    test_client_receive_line(ada, bob, "hello", 1);
    test_client_receive_line(bob, bob, "hello", 1);
    uint64_t id = bob->id;
    test_client_quit(bob);
    test_client_receive_gone(ada, id);
    test_client_quit(ada);
}

/* The log has the peer address in its usual text form. */
static void expect_in_log(const char *text)
{
    char line[4096];
    bool found = false;
    rewind(scenario.log_file);
    while (!found && fgets(line, sizeof line, scenario.log_file) != NULL) {
        found = strstr(line, text) != NULL;
    }
    assert_true(found);
}

static void close_and_check_peers_in_the_log(void)
{
    scenario_wait_until_empty();
    server_drain(scenario.server);
    scenario_join();
    expect_in_log(" peer=127.0.0.1:");
    expect_in_log(" peer=[::1]:");
    scenario_destroy();
}

static void a_dual_stack_listener_admits_both_ip_versions_into_one_room(void **state)
{
    need_ipv6();
    serve("*:0", NULL);
    const struct gw_addr ipv4 = addr_of("127.0.0.1:0", scenario.addr.port);
    const struct gw_addr ipv6 = addr_of("[::1]:0", scenario.addr.port);
    check_chat(&ipv4, &ipv6);
    close_and_check_peers_in_the_log();
}

static void an_ipv4_and_an_ipv6_listener_admit_clients_into_one_room(void **state)
{
    need_ipv6();
    serve("127.0.0.1:0", "[::1]:0");
    const struct gw_addr second = server_url(scenario.server, 1)->addr;
    check_chat(&scenario.addr, &second);
    close_and_check_peers_in_the_log();
}

static void a_listener_of_one_ip_version_refuses_the_other(void **state)
{
    need_ipv6();
    serve("0.0.0.0:0", NULL);
    const struct gw_addr ipv6 = addr_of("[::1]:0", scenario.addr.port);
    assert_null(test_client_connect(&ipv6));
    scenario_close();
    serve("[::1]:0", NULL);
    const struct gw_addr ipv4 = addr_of("127.0.0.1:0", scenario.addr.port);
    assert_null(test_client_connect(&ipv4));
    scenario_close();
}

static void start(struct dummies *dummies, const char *addr)
{
    dummies_init(dummies, scenario_count(CROWD), TALK_MS);
    dummies->options.connect.addr = addr_of(addr, scenario.addr.port);
    dummies_start(dummies);
}

static void dummy_clients_of_both_ip_versions_receive_every_line(void **state)
{
    need_ipv6();
    serve("*:0", NULL);
    start(&over_ipv4, "127.0.0.1:0");
    start(&over_ipv6, "[::1]:0");
    dummies_join(&over_ipv4);
    dummies_join(&over_ipv6);
    dummies_expect_clean(&over_ipv4);
    dummies_expect_clean(&over_ipv6);
    close_and_check_peers_in_the_log();
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        SCENARIO(a_dual_stack_listener_admits_both_ip_versions_into_one_room),
        SCENARIO(an_ipv4_and_an_ipv6_listener_admit_clients_into_one_room),
        SCENARIO(a_listener_of_one_ip_version_refuses_the_other),
        SCENARIO(dummy_clients_of_both_ip_versions_receive_every_line),
    };
    scenario_begin(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
