/* server/game/handlers/who.c: Who: the player requests the list of members. */
#include "proto/game/game_server.gen.h"
#include "protocol/frame.h"
#include "server/game/room.h"
#include "session/session.h"

void game_on_who(struct gw_session *session, const struct gw_frame *frame, const Game__Who *request)
{
    (void)request;
    room_post_who(gw_session_user(session), frame->tag);
}
