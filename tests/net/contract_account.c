/* tests/net/contract_account.c: Every submitted operation completes exactly once, at random.
 */
#include "tests/net/contract.h"

#include "net/container_of.h"
#include "net/error.h"
#include "tests/net/endpoint.h"
#include "tests/support/random.h"
#include <string.h>

/*
 * Sockets without a stream. Each one connects to the fixture's listener, which echoes its bytes,
 * then receives, sends, cancels, sends FIN or closes in random order, and connects again. The
 * checking backend counts: an operation that completes twice, or was not submitted, breaks a rule;
 * one that does not complete is missing in its counts.
 */
enum {
    SOCKET_COUNT = 60,
    CONNECTION_COUNT = 12,
    STEP_COUNT_MAX = 40,
    SEND_BYTES_MAX = 30000,
};

struct random_socket {
    struct gw_turn turn;
    struct gw_socket socket;
    struct gw_task step_task;
    struct random random;
    uint32_t connection_count; /* connections to make after this one */
    uint32_t step_count;       /* steps left in this connection */
    bool step_posted;
    bool connecting;
    bool receiving;
    bool sending; /* or connecting */
    bool ending;
    atomic_bool over;
};

static struct random_socket crowd[SOCKET_COUNT];
static uint8_t noise[SEND_BYTES_MAX];

static void post_step(struct random_socket *one)
{
    if (!one->step_posted) {
        one->step_posted = true;
        gw_turn_post(&one->turn, &one->step_task);
    }
}

/* ---- completed operations ---- */

static void in_done(struct random_socket *one, int result)
{
    one->receiving = false;
    one->ending = one->ending || (result <= 0 && result != GW_E_CLOSED);
}

static void out_done(struct random_socket *one, int result)
{
    one->sending = false;
    one->ending =
        one->ending || result < 0; /* a cancelled send has sent an unknown number of bytes */
    one->connecting = false;
}

static void done(struct gw_op *op, int result)
{
    struct random_socket *one = GW_CONTAINER_OF(gw__op_socket(op), struct random_socket, socket);
    if (op->way == GW_WAY_IN) {
        in_done(one, result);
    } else {
        out_done(one, result);
    }
    post_step(one);
}

/* ---- random steps ---- */

static void begin_connection(struct random_socket *one)
{
    os_socket handle;
    if (endpoint_ops()->socket_open(&fixture.addr, NULL, &handle) != 0) {
        fixture_break_rule("a socket can be opened");
        atomic_store(&one->over, true);
        return;
    }
    gw__socket_init(&one->socket, handle, &one->turn, done);
    one->step_count = 1 + random_below(&one->random, STEP_COUNT_MAX);
    one->ending = false;
    if (endpoint_ops()->attach(&one->socket) != 0) {
        fixture_break_rule("a socket can be attached");
    }
    one->connecting = true;
    one->sending = true;
    endpoint_ops()->connect(&one->socket, &fixture.addr);
    if (random_below(&one->random, 8) == 0) {
        endpoint_ops()->cancel(&one->socket);
    }
}

static void end_connection(struct random_socket *one)
{
    endpoint_ops()->detach(&one->socket, false);
    if (--one->connection_count > 0) {
        begin_connection(one);
    } else {
        atomic_store(&one->over, true);
    }
}

static void receive(struct random_socket *one)
{
    if (!one->receiving) {
        one->receiving = true;
        endpoint_ops()->recv(&one->socket);
    }
}

static void say(struct random_socket *one)
{
    struct gw_span spans[3];
    if (one->sending) {
        return;
    }
    for (int i = 0; i < 3; i++) {
        spans[i] = (struct gw_span){noise, 1 + random_below(&one->random, SEND_BYTES_MAX)};
    }
    one->sending = true;
    endpoint_ops()->send(&one->socket, spans, 1 + (int)random_below(&one->random, 3));
}

static void begin_end(struct random_socket *one)
{
    one->ending = true;
    if (one->receiving || one->sending) {
        endpoint_ops()->cancel(&one->socket);
    }
}

static void do_something(struct random_socket *one)
{
    switch (random_below(&one->random, 16)) {
    case 0:
        endpoint_ops()->cancel(&one->socket);
        break;
    case 1:
        endpoint_ops()->shutdown(&one->socket);
        one->ending = true;
        break;
    case 2:
        begin_end(one);
        break;
    case 3:
    case 4:
    case 5:
    case 6:
    case 7:
        say(one);
        break;
    default:
        receive(one);
        break;
    }
}

static void step(struct gw_task *task)
{
    struct random_socket *one = GW_CONTAINER_OF(task, struct random_socket, step_task);
    one->step_posted = false;
    if (one->connecting) {
        return; /* its done runs the next step */
    }
    if (!one->ending && one->step_count-- > 0) {
        do_something(one);
    } else {
        begin_end(one);
    }
    if (one->ending && !one->receiving && !one->sending) {
        end_connection(one);
    } else if (!one->ending && !(one->receiving && one->sending)) {
        post_step(one);
    } else if (one->ending) {
        begin_end(one); /* cancels the operations that are left */
    }
}

static void begin(void *context)
{
    begin_connection(context);
}

static void every_operation_completes_once(void **state)
{
    static const struct stream_callbacks echo = {.on_recv = checked_echo};
    fixture_open(&(struct port_fixture_plan){.callbacks = &echo});
    for (uint32_t i = 0; i < SOCKET_COUNT; i++) {
        struct random_socket *one = &crowd[i];
        memset(one, 0, sizeof(*one));
        gw_turn_init(&one->turn, fixture.port, NULL);
        one->step_task.run = step;
        one->random.state = i;
        one->connection_count = CONNECTION_COUNT;
        run_in_turn(&one->turn, begin, one);
    }
    for (uint32_t i = 0; i < SOCKET_COUNT; i++) {
        WAIT_FOR(atomic_load(&crowd[i].over));
    }
    struct checking_counts counts = checking_backend_counts();
    assert_true(counts.started > SOCKET_COUNT * CONNECTION_COUNT * 3);
    assert_true(counts.cancelled > SOCKET_COUNT);
    fixture_close(); /* started and completed are equal */
}

int contract_account(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(every_operation_completes_once),
    };
    return cmocka_run_group_tests_name("contract: account", tests, NULL, NULL);
}
