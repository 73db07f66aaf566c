/* tests/scenarios/foreign_peers.c: players who come, do this and that, and leave or vanish at any
 * moment.
 */
#include "tests/scenarios/foreign_peers.h"

#include "tests/scenarios/scenario.h"

enum { HERE_MAX = 120, COME_MAX = 6 };

/* What it is about to hear. */
enum step { TO_BE_GREETED, TO_BE_LET_IN, NOTHING_SPECIAL, TO_BE_LET_OUT };

struct visitor {
    struct listener listener; /* its test_client is NULL: the place is free */
    enum step step;
};

static struct visitor foreign_peers[HERE_MAX];
static uint32_t left_count; /* so many are still to come */
static uint32_t early_reset_count;
static struct room_log *room_logs;
static uint32_t room_log_count;
static struct random random;

void foreign_peers_begin(struct room_log *all_room_logs, uint32_t all_room_log_count,
                         uint32_t count, uint64_t seed)
{
    room_logs = all_room_logs;
    room_log_count = all_room_log_count;
    left_count = count;
    early_reset_count = 0;
    random.state = seed * 1000003;
    for (int i = 0; i < HERE_MAX; i++) {
        foreign_peers[i] = (struct visitor){0};
    }
}

/* ---- coming, entering ---- */

static void come(struct visitor *visitor)
{
    *visitor = (struct visitor){0};
    visitor->listener.test_client = test_client_knock(&scenario.addr);
    assert_non_null(visitor->listener.test_client);
    test_client_hello(visitor->listener.test_client, "visitor");
    left_count--;
}

static void enter(struct visitor *visitor)
{
    visitor->listener.room_log = &room_logs[random_below(&random, room_log_count)];
    test_client_enter(visitor->listener.test_client, visitor->listener.room_log->room);
    visitor->step = TO_BE_LET_IN;
}

/* ---- going ---- */

static void go(struct visitor *visitor, void (*take_down)(struct test_client *test_client))
{
    take_down(visitor->listener.test_client);
    listener_fini(&visitor->listener);
}

/* Says CLOSE, and does not wait for the end. */
static void say_close_frame(struct test_client *test_client)
{
    test_client_close_frame(test_client, GW__CLOSE_REASON__NONE);
    test_client_close(test_client);
}

static void leave(struct visitor *visitor)
{
    test_client_leave(visitor->listener.test_client);
    visitor->step = TO_BE_LET_OUT;
}

static bool vanishes(struct visitor *visitor)
{
    switch (random_below(&random, 100)) {
    case 0:
        early_reset_count += visitor->step == TO_BE_GREETED;
        go(visitor, test_client_reset);
        return true;
    case 1:
        go(visitor, test_client_close);
        return true;
    case 2:
        go(visitor, say_close_frame);
        return true;
    default:
        return false;
    }
}

/* ---- being there ---- */

static void act(struct visitor *visitor)
{
    if (vanishes(visitor) || visitor->step != NOTHING_SPECIAL) {
        return;
    }
    uint32_t what = random_below(&random, 20);
    if (what < 3) {
        listener_chat(&visitor->listener);
    } else if (what < 5) {
        test_client_move(visitor->listener.test_client, (int32_t)random_below(&random, 100), 1);
    } else if (what == 5) {
        leave(visitor);
    }
}

bool foreign_peers_act(void)
{
    uint32_t here_count = 0, come_count = 0;
    for (int i = 0; i < HERE_MAX; i++) {
        struct visitor *visitor = &foreign_peers[i];
        if (visitor->listener.test_client != NULL) {
            act(visitor);
        } else if (left_count > 0 && come_count < COME_MAX) {
            come(visitor);
            come_count++;
        }
        here_count += visitor->listener.test_client != NULL;
    }
    return here_count > 0 || left_count > 0;
}

static void receive(struct visitor *visitor, uint16_t id, const void *message)
{
    if (visitor->step == TO_BE_GREETED) {
        assert_int_equal(id, HELLO_ACK);
        visitor->listener.test_client->id = ((const Gw__HelloAck *)message)->session_id;
        enter(visitor);
        return;
    }
    listener_believe(&visitor->listener, id, message);
    if (id == GAME_PACKET_ENTERED) {
        assert_int_equal(visitor->step, TO_BE_LET_IN);
        visitor->step = NOTHING_SPECIAL;
    } else if (id == GAME_PACKET_LEFT) {
        assert_int_equal(visitor->step, TO_BE_LET_OUT);
        assert_int_equal(visitor->listener.received, visitor->listener.said);
        enter(visitor);
    }
}

uint32_t foreign_peers_early_reset_count(void)
{
    return early_reset_count;
}

void foreign_peers_listen(void)
{
    for (int i = 0; i < HERE_MAX; i++) {
        struct test_client *test_client = foreign_peers[i].listener.test_client;
        uint16_t id;
        const void *message;
        while (test_client != NULL && (message = test_client_take(test_client, &id)) != NULL) {
            receive(&foreign_peers[i], id, message);
        }
        assert_true(test_client == NULL || !test_client->has_ended);
    }
}
