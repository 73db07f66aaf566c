/* server/game/handlers/leave.c: Leave: the player returns to the lobby. */
#include "proto/game/game_server.gen.h"
#include "server/game/player.h"

void game_on_leave(struct gw_session *session, const struct gw_frame *frame,
                   const Game__Leave *leave)
{
    (void)frame;
    (void)leave;
    player_leave(gw_session_user(session));
}
