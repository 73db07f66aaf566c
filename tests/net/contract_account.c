/* tests/net/contract_account.c: every operation that was started comes home once, whatever happens.
 */
#include "tests/net/contract.h"

#include "net/container_of.h"
#include "net/error.h"
#include "tests/net/backend_fixture.h"
#include "tests/support/random.h"
#include <string.h>

/*
 * Sockets that have nothing above them but chance: each dials the stage's door, where its bytes are
 * sent back, then receives, sends, cancels, says FIN or goes away in any order, and dials again.
 * The checking kernel counts: what is done twice, or while nothing is in flight, breaks a rule;
 * what does not come home is missing in its account.
 */
enum {
    RESTLESS_COUNT = 60,
    LIFE_COUNT = 12,
    STEP_COUNT_MAX = 40,
    SEND_BYTES_MAX = 30000,
};

struct restless {
    struct gw_turn turn;
    struct gw_socket socket;
    struct gw_task step_task;
    struct random random;
    uint32_t life_count; /* still to come */
    uint32_t step_count; /* left in this life */
    bool step_posted;
    bool connecting;
    bool receiving;
    bool sending; /* or connecting */
    bool ending;
    atomic_bool over;
};

static struct restless crowd[RESTLESS_COUNT];
static uint8_t noise[SEND_BYTES_MAX];

static void post_step(struct restless *one)
{
    if (!one->step_posted) {
        one->step_posted = true;
        gw_turn_post(&one->turn, &one->step_task);
    }
}

/* ---- what comes home ---- */

static void in_done(struct restless *one, int result)
{
    one->receiving = false;
    one->ending = one->ending || (result <= 0 && result != GW_E_CLOSED);
}

static void out_done(struct restless *one, int result)
{
    one->sending = false;
    one->ending = one->ending || result < 0; /* a send that was cancelled has sent who knows what */
    one->connecting = false;
}

static void done(struct gw_op *op, int result)
{
    struct restless *one = GW_CONTAINER_OF(gw__op_socket(op), struct restless, socket);
    if (op->way == GW_WAY_IN) {
        in_done(one, result);
    } else {
        out_done(one, result);
    }
    post_step(one);
}

/* ---- what it may do ---- */

static void begin_life(struct restless *one)
{
    os_socket handle;
    if (backend_fixture_ops()->socket_open(&fixture.addr, NULL, &handle) != 0) {
        checking_kernel_break("a socket can be opened");
        atomic_store(&one->over, true);
        return;
    }
    gw__socket_init(&one->socket, handle, &one->turn, done);
    one->step_count = 1 + random_below(&one->random, STEP_COUNT_MAX);
    one->ending = false;
    if (backend_fixture_ops()->attach(&one->socket) != 0) {
        checking_kernel_break("a socket can be attached");
    }
    one->connecting = true;
    one->sending = true;
    backend_fixture_ops()->connect(&one->socket, &fixture.addr);
    if (random_below(&one->random, 8) == 0) {
        backend_fixture_ops()->cancel(&one->socket);
    }
}

static void end_life(struct restless *one)
{
    backend_fixture_ops()->detach(&one->socket, false);
    if (--one->life_count > 0) {
        begin_life(one);
    } else {
        atomic_store(&one->over, true);
    }
}

static void receive(struct restless *one)
{
    if (!one->receiving) {
        one->receiving = true;
        backend_fixture_ops()->recv(&one->socket);
    }
}

static void say(struct restless *one)
{
    struct gw_span spans[3];
    if (one->sending) {
        return;
    }
    for (int i = 0; i < 3; i++) {
        spans[i] = (struct gw_span){noise, 1 + random_below(&one->random, SEND_BYTES_MAX)};
    }
    one->sending = true;
    backend_fixture_ops()->send(&one->socket, spans, 1 + (int)random_below(&one->random, 3));
}

static void begin_end(struct restless *one)
{
    one->ending = true;
    if (one->receiving || one->sending) {
        backend_fixture_ops()->cancel(&one->socket);
    }
}

static void do_something(struct restless *one)
{
    switch (random_below(&one->random, 16)) {
    case 0:
        backend_fixture_ops()->cancel(&one->socket);
        break;
    case 1:
        backend_fixture_ops()->shutdown(&one->socket);
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
    struct restless *one = GW_CONTAINER_OF(task, struct restless, step_task);
    one->step_posted = false;
    if (one->connecting) {
        return; /* its done comes back here */
    }
    if (!one->ending && one->step_count-- > 0) {
        do_something(one);
    } else {
        begin_end(one);
    }
    if (one->ending && !one->receiving && !one->sending) {
        end_life(one);
    } else if (!one->ending && !(one->receiving && one->sending)) {
        post_step(one);
    } else if (one->ending) {
        begin_end(one); /* hurries lane what is left */
    }
}

static void begin(void *context)
{
    begin_life(context);
}

static void every_operation_comes_home_once(void **state)
{
    (void)state;
    static const struct play echo = {.on_recv = actor_echo};
    fixture_open(&(struct port_fixture_plan){.play = &echo});
    for (uint32_t i = 0; i < RESTLESS_COUNT; i++) {
        struct restless *one = &crowd[i];
        memset(one, 0, sizeof(*one));
        gw_turn_init(&one->turn, fixture.port, NULL);
        one->step_task.run = step;
        one->random.state = i;
        one->life_count = LIFE_COUNT;
        run_in_turn(&one->turn, begin, one);
    }
    for (uint32_t i = 0; i < RESTLESS_COUNT; i++) {
        WAIT_FOR(atomic_load(&crowd[i].over));
    }
    struct checking_account account = checking_kernel_account();
    assert_true(account.started > RESTLESS_COUNT * LIFE_COUNT * 3);
    assert_true(account.cancelled > RESTLESS_COUNT);
    fixture_close(); /* the account is even */
}

int contract_account(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(every_operation_comes_home_once),
    };
    return cmocka_run_group_tests_name("contract: account", tests, NULL, NULL);
}
