/* server/handlers/enter.c: a player wants to be in a room. */
#include "proto/game/game_server.gen.h"
#include "server/player.h"

void on_enter(struct gw_session *session, const struct gw_frame *frame, const Game__Enter *enter)
{
    (void)frame;
    player_enter(gw_session_user(session), enter->room);
}
