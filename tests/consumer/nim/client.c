/* tests/consumer/nim/client.c: Two players that connect to the server. */
#include "nim.gen.h"
#include "nim.h"
#include "nim_client.gen.h"

#include <stdio.h>

struct player {
    gw_session_id id; /* as the server knows it */
    bool is_slow;
};

static struct gw_session_manager *manager;
static struct player players[PLAYERS];
static struct gw_addr server_addr;
static int ended_count;

/* ---- playing ---- */

static void on_taken(struct gw_session *session, const struct gw_answer *answer,
                     const Nim__Taken *taken, void *context)
{
    (void)session;
    (void)context;
    if (answer->kind == GW_ANSWER_REPLY && taken->left == 0) {
        printf("the last stick is mine\n");
    }
}

void nim_client_on_joined(struct gw_session *session, const struct gw_frame *frame,
                          const Nim__Joined *joined)
{
    (void)frame;
    (void)joined;
    const struct player *player = gw_session_user(session);
    printf("player %d has an opponent\n", (int)(player - players) + 1);
}

/* A player that leaves a multiple of 4 wins. */
void nim_client_on_turn(struct gw_session *session, const struct gw_frame *frame,
                        const Nim__Turn *turn)
{
    (void)frame;
    const struct player *player = gw_session_user(session);
    if (turn->player == player->id && !player->is_slow) {
        Nim__Take take = NIM__TAKE__INIT;
        take.sticks = turn->left % (TAKE_MAX + 1) != 0 ? turn->left % (TAKE_MAX + 1) : 1;
        nim_ask_take(session, &take, on_taken, NULL);
    }
}

void nim_client_on_over(struct gw_session *session, const struct gw_frame *frame,
                        const Nim__Over *over)
{
    (void)frame;
    const struct player *player = gw_session_user(session);
    if (over->winner == player->id) {
        printf("player %d wins%s\n", (int)(player - players) + 1, over->by_time ? " on time" : "");
    }
}

/* Required by the packet table; the answers of nim_ask_take() go to on_taken. */
void nim_client_on_taken(struct gw_session *session, const struct gw_frame *frame,
                         const Nim__Taken *taken)
{
    (void)session;
    (void)frame;
    (void)taken;
}

/* ---- connecting ---- */

static void on_begin(struct gw_session *session, void *context)
{
    (void)context;
    Gw__Hello hello = GW__HELLO__INIT;
    hello.name = "player";
    gw_session_hello(session, &hello);
}

/* The second player connects when the first has its seat. */
static void on_greeted(struct gw_session *session, const Gw__HelloAck *ack, void *context)
{
    (void)context;
    struct player *player = gw_session_user(session);
    player->id = ack->session_id;
    if (player == &players[0]) {
        gw_session_manager_dial(manager, &server_addr, NULL, &players[1]);
    }
}

static void on_drained(void *context)
{
    (void)context;
    server_drain();
}

static void on_end(struct gw_session *session, Gw__CloseReason reason, Gw__CloseReason peer_reason,
                   void *context)
{
    (void)reason;
    (void)context;
    const struct player *player = gw_session_user(session);
    printf("player %d was closed with %d\n", (int)(player - players) + 1, (int)peer_reason);
    if (++ended_count == PLAYERS) {
        gw_session_manager_drain(manager, 0, on_drained, NULL);
    }
}

bool client_open(struct gw_port *port, const struct gw_addr *addr, bool is_second_slow)
{
    static const struct gw_session_events events = {
        .on_begin = on_begin, .on_greeted = on_greeted, .on_end = on_end};
    const struct gw_session_manager_config config = {.side = GW_SIDE_CLIENT};

    server_addr = *addr;
    players[1].is_slow = is_second_slow;
    manager = gw_session_manager_create(port, &config, &nim_client_packets, &events, NULL);
    return manager != NULL &&
           gw_session_manager_dial(manager, addr, NULL, &players[0]) != GW_SESSION_ID_NONE;
}

void client_close(void)
{
    gw_session_manager_destroy(manager);
}
