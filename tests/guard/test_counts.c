/* tests/guard/test_counts.c: limits of system calls, allocations and copies for each message. */
#include "tests/test.h"

#include "tests/guard/counts.h"
#include "tests/guard/guard_pair.h"
#include "tools/bench/wire.h"
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROUND_COUNT = 50, PLAYER_COUNT = 64 };

static enum gw_backend backend;

/* The counts of one run, for each received message. */
struct each {
    double syscalls;
    double waits;
    double allocations;
    double copies; /* copied bytes, in sizes of a message */
    uint64_t allocation_count;
};

static struct counts counted;

static void on_done(void)
{
    counted = counts_end();
}

/* A child process for each run: guard_pair_run() runs once in a process. */
static void run_child(struct guard_pair *guard_pair, int out)
{
    guard_pair->backend = backend;
    guard_pair->warm_round_count = 10;
    guard_pair->round_count = ROUND_COUNT;
    guard_pair->on_warm = counts_begin;
    guard_pair->on_done = on_done;
    bool ran = guard_pair_run(guard_pair);
    ssize_t put = write(out, &counted, sizeof(counted));
    _exit(ran && put == sizeof(counted) ? 0 : 1);
}

static struct each run(struct guard_pair guard_pair)
{
    int ends[2];
    int status = 0;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        run_child(&guard_pair, ends[1]);
    }
    close(ends[1]);
    assert_int_equal(read(ends[0], &counted, sizeof(counted)), sizeof(counted));
    close(ends[0]);
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
    double count = (double)guard_pair_received_count(&guard_pair) * ROUND_COUNT;
    struct each each = {(double)counted.syscall_count / count, (double)counted.wait_count / count,
                        (double)counted.allocation_count / count,
                        (double)counted.copied_bytes / count / guard_pair.frame_bytes,
                        counted.allocation_count};
    print_message(
        "  for each message: %.4f system calls, %.4f waits, %.4f allocations, %.3f copies\n",
        each.syscalls, each.waits, each.allocations, each.copies);
    return each;
}

static struct guard_pair echo(uint32_t depth, uint16_t packet_id)
{
    return (struct guard_pair){
        .player_count = PLAYER_COUNT, .depth = depth, .frame_bytes = 128, .packet_id = packet_id};
}

static struct guard_pair room(uint32_t size, uint32_t sender_count)
{
    return (struct guard_pair){.player_count = size,
                               .sender_count = sender_count,
                               .depth = 1,
                               .frame_bytes = 128,
                               .packet_id = WIRE_SAY,
                               .room_size = size};
}

static void an_echo_allocates_nothing(void **state)
{
    assert_int_equal(run(echo(1, WIRE_OPAQUE)).allocation_count, 0);
    assert_int_equal(run(echo(16, WIRE_OPAQUE)).allocation_count, 0);
    assert_int_equal(run(echo(16, WIRE_ECHO)).allocation_count, 0);
}

/* One recv, one send, and a share of a wait. */
static void an_echo_takes_a_recv_and_a_send(void **state)
{
    struct each each = run(echo(1, WIRE_OPAQUE));
    assert_true(each.syscalls <= 2.1);
    assert_true(each.waits <= 0.1);
}

static void sixteen_echoes_take_a_recv_and_a_send(void **state)
{
    struct each each = run(echo(16, WIRE_OPAQUE));
    assert_true(each.syscalls <= 2.1 / 16);
}

static void an_echo_is_copied_once(void **state)
{
    assert_true(run(echo(16, WIRE_OPAQUE)).copies <= 1.1);
}

/* protobuf-c packs into the send queue; copies inside protobuf-c are not counted. */
static void a_packed_message_is_not_copied(void **state)
{
    assert_true(run(echo(16, WIRE_ECHO)).copies <= 0.01);
}

/* One buffer, and one task that the game posts to the room, for any size of room. */
static void a_broadcast_of_any_size_takes_one_allocation(void **state)
{
    static const uint32_t sizes[] = {1, 8, 64, 250};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        assert_true(run(room(sizes[i], 1)).allocation_count <= 2 * ROUND_COUNT);
    }
}

/*
 * All messages received in one wait become one buffer, and one send to each member. epoll reports
 * all 64 at once; io_uring handles about 20 in a call, so that 64 take four waits.
 */
static void messages_of_one_wait_are_broadcast_in_one_send_to_each_member(void **state)
{
    uint32_t wait_count = backend == GW_BACKEND_URING ? 4 : 1;
    struct each each = run(room(PLAYER_COUNT, 0));
    assert_true(each.syscalls <= (wait_count + 1.1) / PLAYER_COUNT);
    assert_true(each.allocation_count <= (PLAYER_COUNT + 2 * wait_count) * ROUND_COUNT);
    assert_true(each.copies <= 0.1);
}

static bool find_backend(const char *name)
{
    for (int i = GW_BACKEND_AUTO; i <= GW_BACKEND_EPOLL; i++) {
        if (strcmp(gw_backend_name((enum gw_backend)i), name) == 0) {
            backend = (enum gw_backend)i;
            return true;
        }
    }
    return false;
}

/* Whether this machine runs the backend. */
static bool is_available(void)
{
    struct gw_port *port;
    const struct gw_port_config config = {.backend = backend, .worker_count = 1};
    if (gw_port_create(&config, &port) != 0) {
        return false;
    }
    gw_port_destroy(port);
    return true;
}

int main(int argc, char **argv)
{
    enum { SKIPPED = 77 };
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_echo_allocates_nothing),
        cmocka_unit_test(an_echo_takes_a_recv_and_a_send),
        cmocka_unit_test(sixteen_echoes_take_a_recv_and_a_send),
        cmocka_unit_test(an_echo_is_copied_once),
        cmocka_unit_test(a_packed_message_is_not_copied),
        cmocka_unit_test(a_broadcast_of_any_size_takes_one_allocation),
        cmocka_unit_test(messages_of_one_wait_are_broadcast_in_one_send_to_each_member),
    };
    if (argc != 2 || !find_backend(argv[1])) {
        fprintf(stderr, "usage: test_guard_counts BACKEND\n");
        return 2;
    }
    return is_available() ? cmocka_run_group_tests(tests, NULL, NULL) : SKIPPED;
}
