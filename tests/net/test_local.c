/* tests/net/test_local.c: Unix sockets, and listening sockets that the process was given, on Linux.
 */
#define _GNU_SOURCE /* mkdtemp */
#include "tests/test.h"

#include "net/error.h"
#include "net/os/os.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[40];
static char path[60];
static struct gw_addr addr;

static int setup(void **state)
{
    char text[GW_ADDR_TEXT_BYTES];
    snprintf(folder, sizeof folder, "/tmp/gw_local_XXXXXX");
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    snprintf(path, sizeof path, "%s/socket", folder);
    snprintf(text, sizeof text, "unix:%s", path);
    return gw_addr_parse_local(text, &addr) == NULL ? 0 : -1;
}

static int teardown(void **state)
{
    (void)unlink(path);
    return rmdir(folder);
}

static bool there_is_a_file(void)
{
    struct stat file;
    return lstat(path, &file) == 0;
}

/* Connects with calls of the system alone. Returns the descriptor, or -1. */
static int connect_plainly(void)
{
    struct sockaddr_storage name;
    socklen_t bytes = (socklen_t)os_addr_to_system(&addr, &name);
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(descriptor, (struct sockaddr *)&name, bytes) != 0) {
        (void)close(descriptor);
        return -1;
    }
    return descriptor;
}

static int listen_at(const char *text)
{
    struct gw_addr other;
    os_socket listener;
    assert_null(gw_addr_parse_local(text, &other));
    return os_socket_listen(&other, 1, 0, &listener);
}

/* ---- addresses ---- */

static void paths_and_descriptors_format_to_the_same_text(void **state)
{
    static const char *const texts[] = {"unix:/run/game.sock", "unix:game.sock", "unix:/a/b c:7777",
                                        "fd://3", "fd://65535"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct gw_addr parsed, again;
        char text[GW_ADDR_TEXT_BYTES];
        assert_null(gw_addr_parse_local(texts[i], &parsed));
        assert_true(gw_addr_is_local(&parsed));
        assert_false(gw_addr_is_ipv4(&parsed));
        assert_string_equal(gw_addr_format(&parsed, text), texts[i]);
        assert_null(gw_addr_parse_local(texts[i], &again));
        assert_memory_equal(&parsed, &again, sizeof parsed);
        assert_int_equal(gw_addr_parse(texts[i], &again), GW_E_ADDRESS); /* it may be a peer's */
    }
    struct gw_addr slashes, none;
    assert_null(gw_addr_parse_local("unix:/run/game.sock", &none));
    assert_null(gw_addr_parse_local("unix:///run/game.sock", &slashes));
    assert_memory_equal(&slashes, &none, sizeof none);
}

static void an_address_of_an_interface_with_the_largest_number_is_not_local(void **state)
{
    struct gw_addr link_local;
    assert_int_equal(gw_addr_parse("[fe80::1%65535]:1", &link_local), GW_OK);
    assert_false(gw_addr_is_local(&link_local));
}

static void an_invalid_path_or_descriptor_is_refused_with_a_reason(void **state)
{
    static const char *const cases[][2] = {
        {"unix:", "an address without a path"},
        {"unix:/a\nb", "a path with a control character"},
        {"127.0.0.1:1", "neither unix:/path nor fd://number"},
        {"fd://", "not the number of a descriptor, which is 3 or above"},
        {"fd://2", "not the number of a descriptor, which is 3 or above"},
        {"fd://3x", "not the number of a descriptor, which is 3 or above"},
        {"fd://65536", "not the number of a descriptor, which is 3 or above"},
    };
    char text[5 + GW_ADDR_PATH_BYTES_MAX + 2] = "unix:";
    struct gw_addr parsed;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_string_equal(gw_addr_parse_local(cases[i][0], &parsed), cases[i][1]);
    }
    memset(text + 5, 'x', GW_ADDR_PATH_BYTES_MAX);
    assert_null(gw_addr_parse_local(text, &parsed));
    text[5 + GW_ADDR_PATH_BYTES_MAX] = 'x';
    assert_string_equal(gw_addr_parse_local(text, &parsed),
                        "a path of more than 107 bytes, the limit of Unix sockets");
}

/* ---- the file ---- */

static void a_listener_creates_its_file_and_removes_it(void **state)
{
    os_socket listener;
    assert_int_equal(os_socket_listen(&addr, 1, 0, &listener), GW_OK);
    assert_true(there_is_a_file());
    os_socket_close(listener);
    assert_false(there_is_a_file());
}

static void the_file_of_a_dead_server_is_replaced(void **state)
{
    struct sockaddr_storage name;
    socklen_t bytes = (socklen_t)os_addr_to_system(&addr, &name);
    int dead = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    os_socket listener;
    assert_int_equal(bind(dead, (struct sockaddr *)&name, bytes), 0);
    assert_int_equal(listen(dead, 1), 0);
    (void)close(dead);
    assert_true(there_is_a_file());
    assert_int_equal(os_socket_listen(&addr, 1, 0, &listener), GW_OK);
    int peer = connect_plainly();
    assert_true(peer >= 0);
    (void)close(peer);
    os_socket_close(listener);
    assert_false(there_is_a_file());
}

static void the_file_of_a_living_server_is_left_alone(void **state)
{
    os_socket listener, second;
    assert_int_equal(os_socket_listen(&addr, 1, 0, &listener), GW_OK);
    assert_int_equal(os_socket_listen(&addr, 1, 0, &second), GW_E_IN_USE);
    int peers[8]; /* more than its backlog holds: it lives all the same */
    for (int i = 0; i < 8; i++) {
        struct sockaddr_storage name;
        socklen_t bytes = (socklen_t)os_addr_to_system(&addr, &name);
        peers[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        (void)connect(peers[i], (struct sockaddr *)&name, bytes);
    }
    assert_int_equal(os_socket_listen(&addr, 1, 0, &second), GW_E_IN_USE);
    for (int i = 0; i < 8; i++) {
        (void)close(peers[i]);
    }
    assert_true(there_is_a_file());
    os_socket_close(listener);
}

static void another_file_is_left_alone(void **state)
{
    os_socket listener;
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    (void)fclose(file);
    assert_int_equal(os_socket_listen(&addr, 1, 0, &listener), GW_E_ADDRESS);
    assert_true(there_is_a_file());
}

static void a_file_that_has_replaced_its_own_is_left_alone(void **state)
{
    os_socket listener;
    assert_int_equal(os_socket_listen(&addr, 1, 0, &listener), GW_OK);
    assert_int_equal(unlink(path), 0);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    (void)fclose(file);
    os_socket_close(listener);
    assert_true(there_is_a_file());
}

static void a_folder_that_another_server_has_locked_is_in_use(void **state)
{
    os_socket listener;
    int lock = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(flock(lock, LOCK_EX), 0);
    assert_int_equal(os_socket_listen(&addr, 1, 0, &listener), GW_E_IN_USE);
    (void)close(lock);
    assert_int_equal(os_socket_listen(&addr, 1, 0, &listener), GW_OK);
    os_socket_close(listener);
}

static void a_folder_that_is_not_there_has_an_error_of_its_own(void **state)
{
    assert_int_equal(listen_at("unix:/nowhere/socket"), GW_E_NO_FILE);
    assert_int_equal(listen_at("unix:/dev/null/socket"), GW_E_NO_FILE);
}

/* ---- sockets that were given ---- */

static int given_socket(int family, int type, bool listens)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int descriptor = socket(family, type, 0);
    if (listens) {
        assert_int_equal(bind(descriptor, (struct sockaddr *)&name, sizeof name), 0);
        assert_int_equal(listen(descriptor, 1), 0);
    }
    return descriptor;
}

static struct gw_addr addr_of_descriptor(int descriptor)
{
    char text[GW_ADDR_TEXT_BYTES];
    struct gw_addr given;
    snprintf(text, sizeof text, "fd://%d", descriptor);
    assert_null(gw_addr_parse_local(text, &given));
    return given;
}

static void a_given_listening_socket_is_used_once_and_shows_its_address(void **state)
{
    int descriptor = given_socket(AF_INET, SOCK_STREAM, true);
    struct gw_addr given = addr_of_descriptor(descriptor);
    struct gw_addr same = given;
    os_socket listener, second;
    assert_int_equal(os_socket_listen(&given, 1, 0, &listener), GW_OK);
    assert_int_equal(listener, descriptor);
    assert_true(gw_addr_is_ipv4(&given));
    assert_int_not_equal(given.port, 0);
    assert_int_not_equal(fcntl(listener, F_GETFL) & O_NONBLOCK, 0);
    assert_int_not_equal(fcntl(listener, F_GETFD) & FD_CLOEXEC, 0);
    assert_int_equal(os_socket_listen(&same, 1, 0, &second), GW_E_IN_USE);
    os_socket_close(listener);
}

static void a_given_unix_socket_keeps_its_file(void **state)
{
    struct sockaddr_storage name;
    socklen_t bytes = (socklen_t)os_addr_to_system(&addr, &name);
    int descriptor = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(descriptor, (struct sockaddr *)&name, bytes), 0);
    assert_int_equal(listen(descriptor, 1), 0);
    struct gw_addr given = addr_of_descriptor(descriptor);
    os_socket listener;
    assert_int_equal(os_socket_listen(&given, 1, 0, &listener), GW_OK);
    assert_memory_equal(&given, &addr, sizeof addr);
    os_socket_close(listener);
    assert_true(there_is_a_file());
}

static void a_descriptor_that_is_no_listening_stream_socket_is_refused(void **state)
{
    int descriptors[] = {
        given_socket(AF_INET, SOCK_STREAM, false),
        given_socket(AF_INET, SOCK_DGRAM, false),
        open("/dev/null", O_RDONLY),
        dup(0),
    };
    (void)close(descriptors[3]);
    for (size_t i = 0; i < sizeof descriptors / sizeof descriptors[0]; i++) {
        struct gw_addr given = addr_of_descriptor(descriptors[i]);
        os_socket listener;
        assert_int_equal(os_socket_listen(&given, 1, 0, &listener), GW_E_ADDRESS);
        if (i < 3) {
            assert_true(fcntl(descriptors[i], F_GETFD) >= 0); /* it is not ours to close */
            (void)close(descriptors[i]);
        }
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_and_descriptors_format_to_the_same_text),
        cmocka_unit_test(an_address_of_an_interface_with_the_largest_number_is_not_local),
        cmocka_unit_test(an_invalid_path_or_descriptor_is_refused_with_a_reason),
        TEST(a_listener_creates_its_file_and_removes_it),
        TEST(the_file_of_a_dead_server_is_replaced),
        TEST(the_file_of_a_living_server_is_left_alone),
        TEST(another_file_is_left_alone),
        TEST(a_file_that_has_replaced_its_own_is_left_alone),
        TEST(a_folder_that_another_server_has_locked_is_in_use),
        cmocka_unit_test(a_folder_that_is_not_there_has_an_error_of_its_own),
        cmocka_unit_test(a_given_listening_socket_is_used_once_and_shows_its_address),
        TEST(a_given_unix_socket_keeps_its_file),
        cmocka_unit_test(a_descriptor_that_is_no_listening_stream_socket_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
