/* server/game/handlers/say.c: Say: the server logs a text and returns it. */
#include "proto/game/game.gen.h"
#include "proto/game/game_server.gen.h"
#include "server/game/game.h"
#include "server/game/player.h"
#include "server/log/log.h"

static void log_said(const struct player *player, const char *text)
{
    struct server_log_line line;
    server_log_begin(&line, player->game->log, GW_LOG_INFO, "said");
    server_log_id(&line, "session", player->id);
    server_log_text(&line, "name", player->name);
    server_log_text(&line, "text", text);
    server_log_end(&line);
}

void game_on_say(struct gw_session *session, const struct gw_frame *frame, const Game__Say *say)
{
    Game__Said said = GAME__SAID__INIT;
    said.text = say->text;
    log_said(gw_session_user(session), say->text);
    game_reply_said(session, frame, &said);
}
