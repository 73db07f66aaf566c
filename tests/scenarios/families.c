/* tests/scenarios/families.c: players come over IPv4 and IPv6, and meet in one room. */
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
        print_message("this machine has no IPv6\n");
        skip();
    }
    raw_socket_close(&socket);
}

static void serve(const char *first, const char *second)
{
    struct server_config config = scenario_config();
    config.listen[0] = addr_of(first, 0);
    config.listen_count = 1;
    if (second != NULL) {
        config.listen[config.listen_count++] = addr_of(second, 0);
    }
    scenario_serve(&config);
}

static struct test_client *come(const struct gw_addr *addr, const char *name)
{
    struct test_client *test_client = test_client_knock(addr);
    assert_non_null(test_client);
    test_client_greet(test_client, name);
    return test_client;
}

static void talk(const struct gw_addr *one, const struct gw_addr *other)
{
    struct test_client *ada = come(one, "Ada");
    struct test_client *bob = come(other, "Bob");
    (void)test_client_be_in(ada, "room");
    (void)test_client_be_in(bob, "room");
    test_client_receive_joined(ada, bob);
    test_client_chat(bob, "from afar");
    test_client_receive_line(ada, bob, "from afar", 1);
    test_client_receive_line(bob, bob, "from afar", 1);
    uint64_t id = bob->id;
    test_client_go(bob);
    test_client_receive_gone(ada, id);
    test_client_go(ada);
}

/* The log says where they came from, in the form that people know. */
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

static void end_with_both_in_the_log(void)
{
    scenario_wait_until_empty();
    server_drain(scenario.server);
    scenario_join();
    expect_in_log(" peer=127.0.0.1:");
    expect_in_log(" peer=[::1]:");
    scenario_destroy();
}

static void a_dual_test_listener_lets_both_families_into_one_room(void **state)
{
    (void)state;
    need_ipv6();
    serve("*:0", NULL);
    const struct gw_addr ipv4 = addr_of("127.0.0.1:0", scenario.addr.port);
    const struct gw_addr ipv6 = addr_of("[::1]:0", scenario.addr.port);
    talk(&ipv4, &ipv6);
    end_with_both_in_the_log();
}

static void two_test_listeners_let_both_families_into_one_room(void **state)
{
    (void)state;
    need_ipv6();
    serve("127.0.0.1:0", "[::1]:0");
    const struct gw_addr second = *server_addr(scenario.server, 1);
    talk(&scenario.addr, &second);
    end_with_both_in_the_log();
}

static void each_family_has_test_listeners_of_its_own(void **state)
{
    (void)state;
    need_ipv6();
    serve("0.0.0.0:0", NULL);
    const struct gw_addr ipv6 = addr_of("[::1]:0", scenario.addr.port);
    assert_null(test_client_knock(&ipv6));
    scenario_close();
    serve("[::1]:0", NULL);
    const struct gw_addr ipv4 = addr_of("127.0.0.1:0", scenario.addr.port);
    assert_null(test_client_knock(&ipv4));
    scenario_close();
}

static void start(struct dummies *dummies, const char *addr)
{
    dummies_init(dummies, scenario_count(CROWD), TALK_MS);
    dummies->options.connect = addr_of(addr, scenario.addr.port);
    dummies_start(dummies);
}

static void dummy_clients_of_both_families_lose_nothing(void **state)
{
    (void)state;
    need_ipv6();
    serve("*:0", NULL);
    start(&over_ipv4, "127.0.0.1:0");
    start(&over_ipv6, "[::1]:0");
    dummies_join(&over_ipv4);
    dummies_join(&over_ipv6);
    dummies_expect_clean(&over_ipv4);
    dummies_expect_clean(&over_ipv6);
    end_with_both_in_the_log();
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        SCENARIO(a_dual_test_listener_lets_both_families_into_one_room),
        SCENARIO(two_test_listeners_let_both_families_into_one_room),
        SCENARIO(each_family_has_test_listeners_of_its_own),
        SCENARIO(dummy_clients_of_both_families_lose_nothing),
    };
    scenario_begin(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
