/* tests/net/test_socket_options.c: Options that bound the kernel's memory for one connection, on
 * Linux. */
#define _GNU_SOURCE /* accept4 */
#include "tests/test.h"

#include "net/error.h"
#include "net/os/os.h"
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

static int option_of(os_socket socket, int level, int name)
{
    int value = -1;
    socklen_t bytes = sizeof(value);
    assert_int_equal(getsockopt(socket, level, name, &value, &bytes), 0);
    return value;
}

static void assert_bounded(os_socket socket)
{
    int send_bytes = option_of(socket, SOL_SOCKET, SO_SNDBUF);
    assert_in_range(send_bytes, 4096, 2 * OS_SOCKET_SEND_BYTES); /* or net.core.wmem_max */
    assert_int_equal(option_of(socket, IPPROTO_TCP, TCP_USER_TIMEOUT), OS_SOCKET_UNACKED_MS);
    assert_int_equal(option_of(socket, IPPROTO_TCP, TCP_NODELAY), 1);
}

static void accepted_and_dialed_sockets_have_bounded_buffers(void **state)
{
    struct gw_addr addr;
    struct sockaddr_storage system;
    os_socket listener;
    os_socket dialed;
    assert_int_equal(gw_addr_parse("127.0.0.1:0", &addr), GW_OK);
    assert_int_equal(os_socket_listen(&addr, 1, 0, &listener), GW_OK);
    assert_int_equal(os_socket_open(&addr, NULL, &dialed), GW_OK);
    socklen_t bytes = (socklen_t)os_addr_to_system(&addr, &system);
    (void)connect(dialed, (struct sockaddr *)&system, bytes);
    struct pollfd ready = {.fd = listener, .events = POLLIN};
    assert_int_equal(poll(&ready, 1, 30000), 1);
    os_socket accepted = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    assert_true(accepted >= 0);
    os_socket_accepted(accepted);
    assert_bounded(accepted);
    assert_bounded(dialed);
    os_socket_close(accepted);
    os_socket_close(dialed);
    os_socket_close(listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepted_and_dialed_sockets_have_bounded_buffers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
