/* tests/consumer/nim/table.c: The table: seats, moves and the turn timer. */
#include "nim.gen.h"
#include "nim.h"

#include <gangway/net/timer.h>
#include <gangway/session/group.h>
#include <gangway/session/request.h>

#include <stdio.h>

static struct gw_turn turn;
static struct gw_timer clock_timer;
static struct gw_group *group;
static struct gw_session_manager *manager;
static gw_session_id players[PLAYERS];
static uint32_t player_count;
static uint32_t active; /* index of the player whose turn it is */
static uint32_t left;   /* sticks */
static uint32_t ticks;  /* until the active player loses; 0: the game is over */

/* ---- the end: the score is saved by a thread, then the players are disconnected ---- */

static void end_session(struct gw_session *session, void *context)
{
    (void)context;
    gw_session_end_text(session, (Gw__CloseReason)GAME_IS_OVER, "the game is over");
}

static void on_saved(void)
{
    gw_group_each(group, end_session, NULL);
    gw_group_destroy(group);
}

static void end_game(uint32_t winner, bool by_time)
{
    Nim__Over over = NIM__OVER__INIT;
    over.winner = players[winner];
    over.by_time = by_time;
    gw_group_flush(group); /* Over is sent behind every Turn, and to clients without a seat, too */
    gw_session_manager_broadcast(manager, NIM_PACKET_OVER, &over.base);
    ticks = 0;
    gw_timer_stop(&clock_timer);
    char line[64];
    snprintf(line, sizeof line, "player %u wins%s\n", (unsigned)winner + 1,
             by_time ? " on time" : "");
    if (!scores_save(&turn, line, on_saved)) {
        on_saved();
    }
}

/* ---- moves ---- */

static void begin_turn(uint32_t player)
{
    active = player;
    ticks = CLOCK_TICKS;
    Nim__Turn message = NIM__TURN__INIT;
    message.player = players[player];
    message.left = left;
    nim_broadcast_turn(group, &message);
}

static void on_clock(struct gw_timer *timer)
{
    (void)timer;
    if (--ticks == 0) {
        end_game(1 - active, true);
    }
}

static void take(struct gw_turn *of, void *data)
{
    const struct move *move = data;
    (void)of;
    struct gw_session *session = gw_session_manager_find(manager, move->player);
    if (session != NULL && (ticks == 0 || players[active] != move->player)) {
        gw_session_refuse(session, &move->request, NOT_YOUR_TURN, "it is not your turn");
    } else if (session != NULL) {
        left -= move->sticks < left ? move->sticks : left;
        Nim__Taken taken = NIM__TAKEN__INIT;
        taken.left = left;
        nim_group_reply_taken(group, move->player, &move->request, &taken);
        if (left == 0) {
            end_game(active, false);
        } else {
            begin_turn(1 - active);
        }
    }
    gw_session_unref(session);
}

void table_take(const struct move *move)
{
    gw_turn_call(&turn, take, move, sizeof *move);
}

/* ---- seats ---- */

static void join(struct gw_turn *of, void *data)
{
    (void)of;
    struct gw_session *session = gw_session_manager_find(manager, *(gw_session_id *)data);
    if (session == NULL || player_count == PLAYERS || gw_group_add(group, session) != 0) {
        gw_session_unref(session);
        return;
    }
    players[player_count++] = *(gw_session_id *)data;
    gw_session_set_stage(session, NIM__STAGE__PLAYING);
    Nim__Joined joined = NIM__JOINED__INIT;
    joined.player = gw_session_id_of(session);
    gw_group_broadcast_except(group, joined.player, NIM_PACKET_JOINED, &joined.base);
    gw_session_unref(session);
    if (player_count == PLAYERS) {
        server_close_listener();
        left = STICKS;
        gw_timer_set_every(&clock_timer, CLOCK_NS);
        begin_turn(0);
    }
}

void table_join(gw_session_id player)
{
    gw_turn_call(&turn, join, &player, sizeof player);
}

static void leave(struct gw_turn *of, void *data)
{
    (void)of;
    if (ticks > 0) {
        end_game(players[0] == *(gw_session_id *)data ? 1 : 0, false);
    }
}

void table_leave(gw_session_id player)
{
    gw_turn_call(&turn, leave, &player, sizeof player);
}

/* ---- opening and closing ---- */

bool table_open(struct gw_port *port, struct gw_session_manager *sessions)
{
    const struct gw_group_config config = {0};
    manager = sessions;
    gw_turn_init(&turn, port, NULL);
    gw_timer_init(&clock_timer, &turn, on_clock);
    group = gw_group_create(sessions, &turn, &config);
    return group != NULL;
}

void table_close(void)
{
    gw_turn_unref(&turn);
}
