/* tests/scenarios/churn_clients.c: Clients that connect, act at random and leave or disconnect
 * at any moment.
 */
#include "tests/scenarios/churn_clients.h"

#include "tests/scenarios/scenario.h"

enum { CONNECTED_MAX = 120, CONNECTS_PER_STEP = 6 };

/* The packet that it waits for. */
enum step { WAITS_FOR_HELLO_ACK, WAITS_FOR_ENTERED, IS_IN_ROOM, WAITS_FOR_LEFT };

struct churn_client {
    struct room_view view; /* its client is NULL: the slot is free */
    enum step step;
};

static struct churn_client churn_clients[CONNECTED_MAX];
static uint32_t remaining_count; /* clients that have not connected yet */
static uint32_t early_reset_count;
static struct room_log *room_logs;
static uint32_t room_log_count;
static struct random random;

void churn_clients_begin(struct room_log *all_room_logs, uint32_t all_room_log_count,
                         uint32_t count, uint64_t seed)
{
    room_logs = all_room_logs;
    room_log_count = all_room_log_count;
    remaining_count = count;
    early_reset_count = 0;
    random.state = seed * 1000003;
    for (int i = 0; i < CONNECTED_MAX; i++) {
        churn_clients[i] = (struct churn_client){0};
    }
}

/* ---- connecting, entering ---- */

static void connect_player(struct churn_client *player)
{
    *player = (struct churn_client){0};
    player->view.client = test_client_connect(&scenario.addr);
    assert_non_null(player->view.client);
    test_client_hello(player->view.client, "churn");
    remaining_count--;
}

static void enter(struct churn_client *player)
{
    player->view.room_log = &room_logs[random_below(&random, room_log_count)];
    test_client_enter(player->view.client, player->view.room_log->room);
    player->step = WAITS_FOR_ENTERED;
}

/* ---- leaving ---- */

static void disconnect(struct churn_client *player, void (*end)(struct test_client *client))
{
    end(player->view.client);
    room_view_fini(&player->view);
}

/* Sends CLOSE and does not wait for FIN. */
static void send_close_and_end(struct test_client *client)
{
    test_client_send_close(client, GW__CLOSE_REASON__NONE);
    test_client_close(client);
}

static void leave(struct churn_client *player)
{
    test_client_leave(player->view.client);
    player->step = WAITS_FOR_LEFT;
}

static bool may_disconnect(struct churn_client *player)
{
    switch (random_below(&random, 100)) {
    case 0:
        early_reset_count += player->step == WAITS_FOR_HELLO_ACK;
        disconnect(player, test_client_reset);
        return true;
    case 1:
        disconnect(player, test_client_close);
        return true;
    case 2:
        disconnect(player, send_close_and_end);
        return true;
    default:
        return false;
    }
}

/* ---- acting and receiving ---- */

static void act(struct churn_client *player)
{
    if (may_disconnect(player) || player->step != IS_IN_ROOM) {
        return;
    }
    uint32_t what = random_below(&random, 20);
    if (what < 3) {
        room_view_chat(&player->view);
    } else if (what < 5) {
        test_client_move(player->view.client, (int32_t)random_below(&random, 100), 1);
    } else if (what == 5) {
        leave(player);
    }
}

bool churn_clients_act(void)
{
    uint32_t connected_count = 0, connect_count = 0;
    for (int i = 0; i < CONNECTED_MAX; i++) {
        struct churn_client *player = &churn_clients[i];
        if (player->view.client != NULL) {
            act(player);
        } else if (remaining_count > 0 && connect_count < CONNECTS_PER_STEP) {
            connect_player(player);
            connect_count++;
        }
        connected_count += player->view.client != NULL;
    }
    return connected_count > 0 || remaining_count > 0;
}

static void receive(struct churn_client *player, uint16_t id, const void *message)
{
    if (player->step == WAITS_FOR_HELLO_ACK) {
        assert_int_equal(id, HELLO_ACK);
        player->view.client->id = ((const Gw__HelloAck *)message)->session_id;
        enter(player);
        return;
    }
    room_view_apply(&player->view, id, message);
    if (id == GAME_PACKET_ENTERED) {
        assert_int_equal(player->step, WAITS_FOR_ENTERED);
        player->step = IS_IN_ROOM;
    } else if (id == GAME_PACKET_LEFT) {
        assert_int_equal(player->step, WAITS_FOR_LEFT);
        assert_int_equal(player->view.received, player->view.sent);
        enter(player);
    }
}

uint32_t churn_clients_early_reset_count(void)
{
    return early_reset_count;
}

void churn_clients_receive(void)
{
    for (int i = 0; i < CONNECTED_MAX; i++) {
        struct test_client *client = churn_clients[i].view.client;
        uint16_t id;
        const void *message;
        while (client != NULL && (message = test_client_take(client, &id)) != NULL) {
            receive(&churn_clients[i], id, message);
        }
        assert_true(client == NULL || !client->has_ended);
    }
}
