/* server/game/handlers/enter.c: Enter: the player enters a room. */
#include "proto/game/game_server.gen.h"
#include "protocol/frame.h"
#include "server/game/player.h"

void game_on_enter(struct gw_session *session, const struct gw_frame *frame,
                   const Game__Enter *enter)
{
    player_enter(gw_session_user(session), frame->tag, enter->room);
}
