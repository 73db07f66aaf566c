/* tests/stories/families.c: players come over IPv4 and IPv6, and meet in one room. */
#include "server/server.h"
#include "tests/stories/dummies.h"
#include "tests/stories/puppet.h"
#include "tests/stories/story.h"
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
    struct server_config config = story_config();
    config.listen[0] = addr_of(first, 0);
    config.listen_count = 1;
    if (second != NULL) {
        config.listen[config.listen_count++] = addr_of(second, 0);
    }
    story_serve(&config);
}

static struct puppet *come(const struct gw_addr *addr, const char *name)
{
    struct puppet *puppet = puppet_knock(addr);
    assert_non_null(puppet);
    puppet_greet(puppet, name);
    return puppet;
}

static void talk(const struct gw_addr *one, const struct gw_addr *other)
{
    struct puppet *ada = come(one, "Ada");
    struct puppet *bob = come(other, "Bob");
    (void)puppet_be_in(ada, "room");
    (void)puppet_be_in(bob, "room");
    puppet_hear_joined(ada, bob);
    puppet_chat(bob, "from afar");
    puppet_hear_line(ada, bob, "from afar", 1);
    puppet_hear_line(bob, bob, "from afar", 1);
    uint64_t id = bob->id;
    puppet_go(bob);
    puppet_hear_gone(ada, id);
    puppet_go(ada);
}

/* The log says where they came from, in the form that people know. */
static void expect_in_log(const char *text)
{
    char line[4096];
    bool found = false;
    rewind(story.log_file);
    while (!found && fgets(line, sizeof line, story.log_file) != NULL) {
        found = strstr(line, text) != NULL;
    }
    assert_true(found);
}

static void end_with_both_in_the_log(void)
{
    story_wait_until_empty();
    server_drain(story.server);
    story_join();
    expect_in_log(" peer=127.0.0.1:");
    expect_in_log(" peer=[::1]:");
    story_destroy();
}

static void a_dual_door_lets_both_families_into_one_room(void **state)
{
    (void)state;
    need_ipv6();
    serve("*:0", NULL);
    const struct gw_addr ipv4 = addr_of("127.0.0.1:0", story.addr.port);
    const struct gw_addr ipv6 = addr_of("[::1]:0", story.addr.port);
    talk(&ipv4, &ipv6);
    end_with_both_in_the_log();
}

static void two_doors_let_both_families_into_one_room(void **state)
{
    (void)state;
    need_ipv6();
    serve("127.0.0.1:0", "[::1]:0");
    const struct gw_addr second = *server_addr(story.server, 1);
    talk(&story.addr, &second);
    end_with_both_in_the_log();
}

static void each_family_has_doors_of_its_own(void **state)
{
    (void)state;
    need_ipv6();
    serve("0.0.0.0:0", NULL);
    const struct gw_addr ipv6 = addr_of("[::1]:0", story.addr.port);
    assert_null(puppet_knock(&ipv6));
    story_close();
    serve("[::1]:0", NULL);
    const struct gw_addr ipv4 = addr_of("127.0.0.1:0", story.addr.port);
    assert_null(puppet_knock(&ipv4));
    story_close();
}

static void start(struct dummies *dummies, const char *addr)
{
    dummies_init(dummies, story_count(CROWD), TALK_MS);
    dummies->options.connect = addr_of(addr, story.addr.port);
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
        STORY(a_dual_door_lets_both_families_into_one_room),
        STORY(two_doors_let_both_families_into_one_room),
        STORY(each_family_has_doors_of_its_own),
        STORY(dummy_clients_of_both_families_lose_nothing),
    };
    story_begin(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
