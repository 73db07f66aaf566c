/* server/game/handlers/chat.c: Chat: a line of chat for all members of the room. */
#include "proto/game/game_server.gen.h"
#include "server/game/room.h"
#include "session/session.h"

void game_on_chat(struct gw_session *session, const struct gw_frame *frame, const Game__Chat *chat)
{
    (void)frame;
    room_post_chat(gw_session_user(session), chat->text);
}
