/* tests/tools/dummy/test_options.c: tests of valid and invalid command lines. */
#include "tests/test.h"
#include "tools/dummy-client/options.h"
#include <string.h>

enum { WORD_COUNT_MAX = 12 };

static struct dummy_options options;
static struct problem problem;

/* Parses a command line whose arguments are separated by single spaces. */
static enum dummy_options_result read_line(const char *line)
{
    static char copy[300];
    char *argv[WORD_COUNT_MAX + 2] = {"gangway-dummy"};
    int argc = 1;
    strcpy(copy, line);
    for (char *word = strtok(copy, " "); word != NULL; word = strtok(NULL, " ")) {
        argv[argc++] = word;
    }
    problem.text[0] = '\0';
    return dummy_options_read(argc, argv, &options, &problem);
}

static void assert_bad(const char *line, const char *expected)
{
    assert_int_equal(read_line(line), DUMMY_OPTIONS_BAD);
    assert_string_equal(problem.text, expected);
    assert_null(strchr(problem.text, '\n'));
}

static void no_options_give_the_defaults(void **state)
{
    char addr[GW_ADDR_TEXT_BYTES];
    assert_int_equal(read_line(""), DUMMY_OPTIONS_RUN);
    assert_string_equal(gw_addr_format(&options.connect.addr, addr), "127.0.0.1:7777");
    assert_int_equal(options.client_count, 10);
    assert_int_equal(options.room_size, 50);
    assert_int_equal(options.script, DUMMY_SCRIPT_MIXED);
    assert_int_equal(options.rate_millionths, 1000000);
    assert_int_equal(options.talk_microseconds, 10000000);
    assert_int_equal(options.ramp_microseconds, 1000000);
    assert_int_equal(options.worker_count, 0);
    assert_int_equal(options.backend, GW_BACKEND_AUTO);
    assert_int_equal(options.source.count, 0);
    assert_false(options.json);
    assert_false(options.quiet);
}

static void every_option_sets_its_field(void **state)
{
    char addr[GW_ADDR_TEXT_BYTES];
    assert_int_equal(read_line("--connect [::1]:80 --clients 2000 --room-size=7 --script hello "
                               "--rate 0.2 --json"),
                     DUMMY_OPTIONS_RUN);
    assert_string_equal(gw_addr_format(&options.connect.addr, addr), "[::1]:80");
    assert_int_equal(options.client_count, 2000);
    assert_int_equal(options.room_size, 7);
    assert_int_equal(options.script, DUMMY_SCRIPT_HELLO);
    assert_int_equal(options.rate_millionths, 200000);
    assert_true(options.json);
    assert_int_equal(read_line("--source 127.0.0.2-127.0.0.21 --seconds=1.5 --ramp 0 --quiet "
                               "--workers 2 --backend epoll"),
                     DUMMY_OPTIONS_RUN);
    assert_int_equal(options.source.count, 20);
    assert_int_equal(options.talk_microseconds, 1500000);
    assert_int_equal(options.ramp_microseconds, 0);
    assert_true(options.quiet);
    assert_int_equal(options.worker_count, 2);
    assert_int_equal(options.backend, GW_BACKEND_EPOLL);
}

static void numbers_may_equal_their_limits_and_not_exceed_them(void **state)
{
    assert_int_equal(read_line("--clients 999999 --rate 10000"), DUMMY_OPTIONS_RUN);
    assert_int_equal(read_line("--clients 1 --rate 0"), DUMMY_OPTIONS_RUN);
    assert_bad("--clients 0", "--clients 0: give a number from 1 to 999999");
    assert_bad("--clients 1000000", "--clients 1000000: give a number from 1 to 999999");
    assert_bad("--rate 10000.1", "--rate 10000.1: give a number from 0 to 10000");
    assert_bad("--workers 65", "--workers 65: give a number from 0 to 64");
}

#define URLS                                                                                       \
    "HOST:PORT such as 127.0.0.1:7777, tls://HOST:PORT, ws:// or wss://HOST:PORT/PATH, or "        \
    "unix:/PATH"

static void an_invalid_option_gives_one_line_with_its_remedy(void **state)
{
    assert_bad("--clients many", "--clients many: give a number from 1 to 999999");
    assert_bad("--clients", "--clients needs a value; give --clients N");
    assert_bad("--json=yes", "--json takes no value; remove it");
    assert_bad("--client 3", "unknown option --client; see --help");
    assert_bad("3", "\"3\" is not an option; see --help");
    assert_bad("--script dance", "--script dance: give hello, chat, move or mixed");
    assert_bad("--backend kqueue", "--backend kqueue: give auto, iocp, uring or epoll");
    assert_bad("--connect localhost", "--connect localhost: give " URLS);
    assert_bad("--connect *:7777", "--connect *:7777: give " URLS);
    assert_bad("--connect fd://3", "--connect fd://3: give " URLS);
    assert_bad("--connect http://127.0.0.1:1", "--connect http://127.0.0.1:1: give " URLS);
    assert_bad("--connect tcp://127.0.0.1:1/path", "--connect tcp://127.0.0.1:1/path: give " URLS);
    assert_bad("--slow-readers 9 --clients 2",
               "--slow-readers 9: there are 2 --clients; give as many or fewer");
    assert_bad("--send Nonsense",
               "--send Nonsense: give one of Enter, Chat, Leave, Move, Who, Say");
    assert_bad("--source ::1", "--source ::1: give IPv4 addresses, such as 127.0.0.2-127.0.0.21");
}

static void all_clients_may_read_slowly(void **state)
{
    assert_int_equal(read_line("--slow-readers 2 --clients 2"), DUMMY_OPTIONS_RUN);
    assert_int_equal(options.slow_count, 2);
}

static void help_and_version_win_over_other_options(void **state)
{
    assert_int_equal(read_line("--clients 3 --help"), DUMMY_OPTIONS_HELP);
    assert_int_equal(read_line("--dance --version"), DUMMY_OPTIONS_VERSION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_options_give_the_defaults),
        cmocka_unit_test(every_option_sets_its_field),
        cmocka_unit_test(numbers_may_equal_their_limits_and_not_exceed_them),
        cmocka_unit_test(an_invalid_option_gives_one_line_with_its_remedy),
        cmocka_unit_test(all_clients_may_read_slowly),
        cmocka_unit_test(help_and_version_win_over_other_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
