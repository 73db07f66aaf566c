/* tests/server/test_config.c: Tests of the command line and the INI file. */
#include "tests/test.h"

#include "net/log.h"
#include "net/port.h"
#include "server/config/config.h"
#include "tests/support/machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct server_config config;
static struct problem problem;
static char printed[64 * 1024];

/* The INI file of a test, in the folder of the build in which the test runs. */
static const char path[] = "test_config.ini";

static void write_file(const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static enum server_config_result read_arguments(int argc, char **argv)
{
    FILE *out = machine_scratch_file();
    assert_non_null(out);
    enum server_config_result result = server_config_read(argc, argv, out, &config, &problem);
    rewind(out);
    printed[fread(printed, 1, sizeof printed - 1, out)] = '\0';
    fclose(out);
    return result;
}

#define READ(...)                                                                                  \
    read_arguments((int)(sizeof((char *[]){"gangway-server", __VA_ARGS__}) / sizeof(char *)),      \
                   (char *[]){"gangway-server", __VA_ARGS__})

#define ASSERT_BAD(expected, ...)                                                                  \
    do {                                                                                           \
        assert_int_equal(READ(__VA_ARGS__), SERVER_CONFIG_BAD);                                    \
        assert_string_equal(problem.text, expected);                                               \
    } while (0)

#define ASSERT_BAD_FILE(content, expected)                                                         \
    do {                                                                                           \
        write_file(content);                                                                       \
        ASSERT_BAD(expected, "--config", (char *)path);                                            \
    } while (0)

static int teardown(void **state)
{
    remove(path);
    return 0;
}

static const char *listening_on(uint32_t index)
{
    static char text[URL_TEXT_BYTES];
    return url_format(&config.listen[index], text);
}

static void no_options_give_the_defaults(void **state)
{
    char *argv[] = {"gangway-server", NULL};
    assert_int_equal(read_arguments(1, argv), SERVER_CONFIG_RUN);
    assert_int_equal(config.listen_count, 2);
    assert_true(config.listen_is_default);
    assert_string_equal(listening_on(0), "127.0.0.1:7777");
    assert_string_equal(listening_on(1), "ws://127.0.0.1:7778");
    assert_int_equal(config.backend, GW_BACKEND_AUTO);
    assert_int_equal(config.workers, 0);
    assert_int_equal(config.sessions_max, 10000);
    assert_int_equal(config.room_members_max, 100);
    assert_int_equal(config.rooms_max, 1000);
    assert_int_equal(config.room_tick_ms, 50);
    assert_int_equal(config.drain_ms, 2000);
    assert_int_equal(config.log_level, GW_LOG_INFO);
    assert_false(config.log_packets);
    assert_int_equal(config.log_lines_per_second, 1000);
    assert_int_equal(config.report_seconds, 60);
}

static void options_of_each_kind_can_be_set(void **state)
{
    assert_int_equal(READ("--workers", "3", "--room-tick-ms=0", "--backend", "epoll",
                          "--log-level=debug", "--log-packets", "--listen", "[::1]:1",
                          "--listen=127.0.0.1:2, *:3", "--insecure-listen"),
                     SERVER_CONFIG_RUN);
    assert_int_equal(config.workers, 3);
    assert_int_equal(config.room_tick_ms, 0);
    assert_int_equal(config.backend, GW_BACKEND_EPOLL);
    assert_int_equal(config.log_level, GW_LOG_DEBUG);
    assert_true(config.log_packets);
    assert_int_equal(config.listen_count, 3);
    assert_string_equal(listening_on(0), "[::1]:1");
    assert_string_equal(listening_on(1), "127.0.0.1:2");
    assert_string_equal(listening_on(2), "*:3");
}

static void a_number_may_equal_its_limits_and_not_exceed_them(void **state)
{
    assert_int_equal(READ("--room-members-max", "1"), SERVER_CONFIG_RUN);
    assert_int_equal(READ("--room-members-max", "1000"), SERVER_CONFIG_RUN);
    ASSERT_BAD("room_members_max: \"0\" is out of range; give 1 to 1000", "--room-members-max",
               "0");
    ASSERT_BAD("room_members_max: \"1001\" is out of range; give 1 to 1000", "--room-members-max",
               "1001");
    ASSERT_BAD("workers: \"18446744073709551617\" is out of range; give 0 to 64", "--workers",
               "18446744073709551617");
}

static void text_that_is_not_a_number_is_refused(void **state)
{
    ASSERT_BAD("workers: \"two\" is not a number; give 0 to 64", "--workers", "two");
    ASSERT_BAD("workers: \"-1\" is not a number; give 0 to 64", "--workers=-1");
    ASSERT_BAD("workers: \"2 \" is not a number; give 0 to 64", "--workers", "2 ");
    ASSERT_BAD("workers: \"0x2\" is not a number; give 0 to 64", "--workers", "0x2");
    ASSERT_BAD("workers: \"\" is not a number; give 0 to 64", "--workers=");
}

static void an_invalid_command_line_gives_an_error_with_its_remedy(void **state)
{
    ASSERT_BAD("unknown option --wrokers; see --help", "--wrokers", "2");
    ASSERT_BAD("unknown option --workers2; see --help", "--workers2");
    ASSERT_BAD("unknown option --work; see --help", "--work", "2");
    ASSERT_BAD("--workers needs a value; give --workers COUNT", "--workers");
    ASSERT_BAD("--workers needs a value; give --workers COUNT", "--workers", "--log-packets");
    ASSERT_BAD("--config needs a value; give --config FILE", "--config");
    ASSERT_BAD("\"7777\" is not an option; see --help", "7777");
    ASSERT_BAD("\"--\" is not an option; see --help", "--");
    ASSERT_BAD("--help takes no value; remove it", "--help=yes");
    ASSERT_BAD("log_packets: \"maybe\" is neither; give yes or no", "--log-packets=maybe");
    ASSERT_BAD("backend: \"kqueue\" is none of them; give auto, iocp, uring or epoll",
               "--backend=kqueue");
}

#define GIVE_URL                                                                                   \
    "; give HOST:PORT ([::1]:7777, *:7777), tls://HOST:PORT, ws:// or wss://HOST:PORT/PATH, "      \
    "unix:/PATH or fd://3"

static void an_invalid_url_gives_an_error_with_its_remedy(void **state)
{
    static const char *const cases[][2] = {
        {"localhost:7777", "listen: \"localhost:7777\" is a name, and names are not looked up"},
        {"ws://game.example:1/x",
         "listen: \"ws://game.example:1/x\" is a name, and names are not looked up"},
        {"127.0.0.1:1,", "listen: \"\" is not an address"},
        {"tsl://127.0.0.1:1", "listen: \"tsl://127.0.0.1:1\" is a URL with an unknown scheme"},
        {"tls://127.0.0.1", "listen: \"tls://127.0.0.1\" is an address without a port"},
        {"tls://127.0.0.1:1/x", "listen: \"tls://127.0.0.1:1/x\" is an address with a path, which "
                                "only ws:// and wss:// have"},
        {"ws://127.0.0.1:1/x?y",
         "listen: \"ws://127.0.0.1:1/x?y\" is a URL with a query, which listeners ignore"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char expected[PROBLEM_BYTES];
        snprintf(expected, sizeof expected, "%s%s", cases[i][1], GIVE_URL);
        ASSERT_BAD(expected, "--listen", (char *)cases[i][0]);
    }
}

static void the_listeners_may_be_of_each_kind(void **state)
{
    assert_int_equal(READ("--listen",
                          "tcp://127.0.0.1:1, tls://[::1]:2 ,WS://*:3/play,"
                          "wss://127.0.0.1:4",
                          "--tls-cert", "cert.pem", "--tls-key=key.pem", "--tls-handshakes-max=7",
                          "--ws-origins", "https://game.example, null", "--insecure-listen"),
                     SERVER_CONFIG_RUN);
    assert_false(config.listen_is_default);
    assert_int_equal(config.listen_count, 4);
    assert_string_equal(listening_on(0), "127.0.0.1:1");
    assert_string_equal(listening_on(1), "tls://[::1]:2");
    assert_string_equal(listening_on(2), "ws://*:3/play");
    assert_string_equal(listening_on(3), "wss://127.0.0.1:4");
    assert_string_equal(config.tls_cert, "cert.pem");
    assert_string_equal(config.tls_key, "key.pem");
    assert_int_equal(config.tls_handshakes_max, 7);
    assert_string_equal(config.ws_origins, "https://game.example, null");
}

static void more_addresses_than_the_maximum_are_refused(void **state)
{
    char list[SERVER_LISTEN_COUNT_MAX * 16 + 16] = "127.0.0.1:1";
    for (int i = 1; i < SERVER_LISTEN_COUNT_MAX; i++) {
        strcat(list, ",127.0.0.1:1");
    }
    assert_int_equal(READ("--listen", list), SERVER_CONFIG_RUN);
    strcat(list, ",127.0.0.1:1");
    ASSERT_BAD("listen: more than 16 addresses; give fewer", "--listen", list);
}

static void other_machines_connect_without_tls_only_with_insecure_listen(void **state)
{
    static const char *const open_to_all[] = {"*:1",      "0.0.0.0:1",     "192.0.2.1:1",
                                              "[::2]:1",  "126.0.0.1:1",   "128.0.0.1:1",
                                              "[1::1]:1", "[fe80::1%1]:1", "127.0.0.1:1,0.0.0.0:1",
                                              "ws://*:1"};
    static const char *const own[] = {"127.0.0.1:1",         "127.255.0.1:1",    "[::1]:1",
                                      "[::1]:1,127.0.0.1:1", "ws://127.0.0.1:1", "tls://*:1",
                                      "wss://0.0.0.0:1"};
    for (size_t i = 0; i < sizeof open_to_all / sizeof open_to_all[0]; i++) {
        assert_int_equal(READ("--listen", (char *)open_to_all[i]), SERVER_CONFIG_BAD);
        assert_non_null(strstr(problem.text, "listen: other machines can connect to "));
        assert_non_null(strstr(problem.text, "--insecure-listen"));
        assert_int_equal(READ("--listen", (char *)open_to_all[i], "--insecure-listen"),
                         SERVER_CONFIG_RUN);
    }
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
        assert_int_equal(READ("--listen", (char *)own[i]), SERVER_CONFIG_RUN);
    }
    ASSERT_BAD("listen: other machines can connect to *:9 without TLS; give an address of "
               "127.0.0.0/8 or [::1], or tls:// or wss://, or also --insecure-listen",
               "--listen", "127.0.0.1:1,*:9");
    assert_int_equal(READ("--listen", "*:1", "--print-config"), SERVER_CONFIG_DONE);
    write_file("listen = *:1\ninsecure_listen = yes\n");
    assert_int_equal(READ("--config", (char *)path), SERVER_CONFIG_RUN);
    assert_int_equal(READ("--config", (char *)path, "--insecure-listen=no"), SERVER_CONFIG_BAD);
}

static void an_ini_file_sets_options(void **state)
{
    write_file("; a comment\n# another\n\nworkers = 3\nlog_packets = yes\n"
               "listen = 127.0.0.1:1, 127.0.0.1:2\nlisten = 127.0.0.1:3 ; the third\n");
    assert_int_equal(READ("--config", (char *)path), SERVER_CONFIG_RUN);
    assert_int_equal(config.workers, 3);
    assert_true(config.log_packets);
    assert_int_equal(config.listen_count, 3);
    assert_string_equal(listening_on(2), "127.0.0.1:3");
}

static void the_command_line_overrides_the_file(void **state)
{
    write_file("workers = 3\nrooms_max = 7\nlog_packets = yes\nlisten = 127.0.0.1:1\n");
    assert_int_equal(READ("--workers", "5", "--listen=127.0.0.1:9", "--config", (char *)path,
                          "--log-packets=no"),
                     SERVER_CONFIG_RUN);
    assert_int_equal(config.workers, 5);
    assert_int_equal(config.rooms_max, 7);
    assert_false(config.log_packets);
    assert_int_equal(config.listen_count, 1);
    assert_string_equal(listening_on(0), "127.0.0.1:9");
}

static void an_error_in_a_file_is_reported_with_its_line(void **state)
{
    ASSERT_BAD_FILE("\nworkers = two\n",
                    "test_config.ini:2: workers: \"two\" is not a number; give 0 to 64");
    ASSERT_BAD_FILE("workers = 65\n",
                    "test_config.ini:1: workers: \"65\" is out of range; give 0 to 64");
    ASSERT_BAD_FILE("; one\n; two\nwrokers = 2\n",
                    "test_config.ini:3: unknown option \"wrokers\"; see --help");
    ASSERT_BAD_FILE("workers = 2\nworkers = 2\n",
                    "test_config.ini:2: workers is set twice; remove one");
    ASSERT_BAD_FILE("workers 2\n",
                    "test_config.ini:1: this is not `name = value`; see --print-config");
    ASSERT_BAD_FILE("[server]\nworkers = 2\n",
                    "test_config.ini:1: there are no [sections]; remove them");
    ASSERT_BAD_FILE("workers = 2\n[server]\n\n; none\nrooms_max = 2\n",
                    "test_config.ini:2: there are no [sections]; remove them");
    ASSERT_BAD_FILE("workers = 2\n[last]\n",
                    "test_config.ini:2: there are no [sections]; remove them");
    ASSERT_BAD_FILE("\n [indented]\n\nworkers = 2\n",
                    "test_config.ini:2: there are no [sections]; remove them");
    ASSERT_BAD_FILE("config = other.ini\n",
                    "test_config.ini:1: unknown option \"config\"; see --help");
    ASSERT_BAD_FILE("workers = 2\nlisten = here",
                    "test_config.ini:2: listen: \"here\" is an address without a port from 0 to "
                    "65535" GIVE_URL);
}

static void the_first_of_several_errors_is_reported(void **state)
{
    ASSERT_BAD_FILE("nonsense\nworkers = x\n",
                    "test_config.ini:1: this is not `name = value`; see --print-config");
    ASSERT_BAD_FILE("workers = x\nnonsense\n",
                    "test_config.ini:1: workers: \"x\" is not a number; give 0 to 64");
}

static void a_line_that_is_too_long_is_an_error(void **state)
{
    char text[1000] = "listen = ";
    memset(text + 9, '1', 900);
    text[909] = '\0';
    ASSERT_BAD_FILE(text, "test_config.ini:1: the line is too long; split it");
}

static void a_file_that_cannot_be_read_is_an_error(void **state)
{
    ASSERT_BAD("cannot open not/there.ini: No such file or directory; give another --config",
               "--config", "not/there.ini");
    assert_int_equal(READ("--config", "."), SERVER_CONFIG_BAD);
    assert_non_null(strstr(problem.text, "; give another --config"));
}

static void the_output_of_print_config_can_be_read_back(void **state)
{
    assert_int_equal(READ("--workers=7", "--log-packets", "--backend=epoll", "--room-tick-ms=0",
                          "--listen=[::1]:1,*:2,0.0.0.0:3", "--log-level=error", "--print-config"),
                     SERVER_CONFIG_DONE);
    struct server_config before = config;
    write_file(printed);
    assert_int_equal(READ("--config", (char *)path, "--print-config"), SERVER_CONFIG_DONE);
    before.given = config.given; /* the file sets every option */
    assert_memory_equal(&before, &config, sizeof config);
}

static void help_lists_every_option_of_the_file(void **state)
{
    char all[sizeof printed];
    assert_int_equal(READ("--print-config"), SERVER_CONFIG_DONE);
    memcpy(all, printed, sizeof all);
    assert_int_equal(READ("--help"), SERVER_CONFIG_DONE);
    unsigned count = 0;
    for (char *line = strtok(all, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        char *end = strstr(line, " = ");
        if (line[0] != ';' && end != NULL) {
            char option[64] = "--";
            strncat(option, line, (size_t)(end - line));
            for (char *at = option; (at = strchr(at, '_')) != NULL;) {
                *at = '-';
            }
            assert_non_null(strstr(printed, option));
            count++;
        }
    }
    assert_in_range(count, 10, 64);
}

static void the_version_is_one_line(void **state)
{
    assert_int_equal(READ("--version"), SERVER_CONFIG_DONE);
    assert_int_equal(strncmp(printed, "gangway-server ", 15), 0);
    assert_ptr_equal(strchr(printed, '\n'), printed + strlen(printed) - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_options_give_the_defaults),
        cmocka_unit_test(options_of_each_kind_can_be_set),
        cmocka_unit_test(a_number_may_equal_its_limits_and_not_exceed_them),
        cmocka_unit_test(text_that_is_not_a_number_is_refused),
        cmocka_unit_test(an_invalid_command_line_gives_an_error_with_its_remedy),
        cmocka_unit_test(an_invalid_url_gives_an_error_with_its_remedy),
        cmocka_unit_test(the_listeners_may_be_of_each_kind),
        cmocka_unit_test(more_addresses_than_the_maximum_are_refused),
        cmocka_unit_test(other_machines_connect_without_tls_only_with_insecure_listen),
        cmocka_unit_test_teardown(an_ini_file_sets_options, teardown),
        cmocka_unit_test_teardown(the_command_line_overrides_the_file, teardown),
        cmocka_unit_test_teardown(an_error_in_a_file_is_reported_with_its_line, teardown),
        cmocka_unit_test_teardown(the_first_of_several_errors_is_reported, teardown),
        cmocka_unit_test_teardown(a_line_that_is_too_long_is_an_error, teardown),
        cmocka_unit_test(a_file_that_cannot_be_read_is_an_error),
        cmocka_unit_test_teardown(the_output_of_print_config_can_be_read_back, teardown),
        cmocka_unit_test(help_lists_every_option_of_the_file),
        cmocka_unit_test(the_version_is_one_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
