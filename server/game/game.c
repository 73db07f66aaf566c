/* server/game/game.c: Session events: each session has a player, and is logged. */
#include "server/game/game.h"

#include "net/addr.h"
#include "protocol/frame.h"
#include "protocol/packet.h"
#include "server/game/login.h"
#include "server/game/player.h"
#include "server/log/log.h"
#include "server/log/packet_text.h"

#include <stdio.h>

void game_hold(struct game *game)
{
    atomic_fetch_add(&game->hold_count, 1);
}

void game_release(struct game *game)
{
    if (atomic_fetch_sub(&game->hold_count, 1) == 1) {
        game->on_over(game->context);
    }
}

static void log_begin(struct game *game, struct gw_session *session)
{
    char peer[GW_ADDR_TEXT_BYTES];
    struct server_log_line line;
    server_log_begin(&line, game->log, GW_LOG_DEBUG, "began");
    server_log_id(&line, "session", gw_session_id_of(session));
    server_log_word(&line, "peer", gw_addr_format(gw_session_peer(session), peer));
    server_log_end(&line);
}

static void on_begin(struct gw_session *session, void *context)
{
    log_begin(context, session);
    struct player *player = player_create(context, session);
    if (player == NULL) {
        gw_session_end(session, GW__CLOSE_REASON__NO_MEMORY);
    }
    gw_session_set_user(session, player);
}

/* The name in a token is proven, so it replaces that of the HELLO. */
static int on_greet(struct gw_session *session, const Gw__Hello *hello, void *context)
{
    struct game *game = context;
    struct player *player = gw_session_user(session);
    struct gw_token token = {.account = 0};
    if (player == NULL) {
        return GW__CLOSE_REASON__NO_MEMORY;
    }
    if (game->login != NULL) {
        int refusal = login_enter(game->login, session, hello, &token);
        if (refusal != 0) {
            return refusal;
        }
        player->account = token.account;
    }
    const char *name = token.name[0] != '\0' ? token.name : hello->name;
    return player_set_name(player, name) ? 0 : GW__CLOSE_REASON__NOT_WELCOME;
}

/* The first line of a session at the level info: connections that end before it make none. */
static void on_greeted(struct gw_session *session, const Gw__HelloAck *ack, void *context)
{
    char peer[GW_ADDR_TEXT_BYTES];
    (void)ack;
    struct game *game = context;
    struct player *player = gw_session_user(session);
    struct server_log_line line;
    player->is_greeted = true;
    server_log_begin(&line, game->log, GW_LOG_INFO, "greeted");
    server_log_id(&line, "session", player->id);
    server_log_word(&line, "peer", gw_addr_format(gw_session_peer(session), peer));
    server_log_text(&line, "name", player->name);
    if (player->account != 0) {
        server_log_id(&line, "account", player->account);
    }
    server_log_end(&line);
}

static void on_packet(struct gw_session *session, const struct gw_session_packet *packet,
                      void *context)
{
    struct game *game = context;
    struct server_log_line line;
    server_log_begin(&line, game->log, GW_LOG_INFO, packet->inbound ? "packet_in" : "packet_out");
    if (session != NULL) {
        server_log_id(&line, "session", gw_session_id_of(session));
    }
    server_log_word(&line, "packet", packet->packet->name);
    server_log_number(&line, "id", packet->packet->id);
    if (packet->frame->tag != 0) {
        server_log_number(&line, "tag", packet->frame->tag);
    }
    if ((packet->packet->flags & GW_PACKET_SENSITIVE) != 0) {
        server_log_put(&line, " {sensitive}");
    } else if (packet->message == NULL) {
        server_log_number(&line, "body_bytes", packet->frame->body_bytes);
    } else {
        server_log_put(&line, " ");
        server_packet_text(&line, packet->message);
    }
    server_log_end(&line);
}

/* Only Snapshot coalesces. */
static void on_lost(struct gw_session *session, uint16_t packet_id, void *context)
{
    (void)packet_id;
    (void)context;
    player_catch_up(gw_session_user(session));
}

/* All reasons of a game have one name: GAME:1234 has the number, too. */
static void log_reason(struct server_log_line *line, const char *field, Gw__CloseReason reason)
{
    server_log_word(line, field, gw_close_reason_name(reason));
    if ((int)reason >= GW_CLOSE_REASON_GAME_MIN) {
        char number[16];
        snprintf(number, sizeof number, ":%d", (int)reason);
        server_log_put(line, number);
    }
}

static void log_end(struct game *game, struct gw_session *session, Gw__CloseReason reason,
                    Gw__CloseReason peer_reason)
{
    const struct player *player = gw_session_user(session);
    struct server_log_line line;
    bool is_greeted = player != NULL && player->is_greeted;
    server_log_begin(&line, game->log, is_greeted ? GW_LOG_INFO : GW_LOG_DEBUG, "ended");
    server_log_id(&line, "session", gw_session_id_of(session));
    if (player != NULL && player->name[0] != '\0') {
        server_log_text(&line, "name", player->name);
    }
    if (player != NULL) {
        server_log_number(&line, "after_ms", (int64_t)player_age_ms(player));
    }
    log_reason(&line, "reason", reason);
    if (peer_reason != GW__CLOSE_REASON__NONE) {
        log_reason(&line, "peer_reason", peer_reason);
    }
    if (gw_session_problem(session) != NULL) {
        server_log_text(&line, "problem", gw_session_problem(session));
    }
    server_log_end(&line);
}

static void on_end(struct gw_session *session, Gw__CloseReason reason, Gw__CloseReason peer_reason,
                   void *context)
{
    struct player *player = gw_session_user(session);
    log_end(context, session, reason, peer_reason);
    if (player != NULL) {
        if (player->account != 0) {
            login_leave(player->game->login, player->account, player->id);
        }
        gw_session_set_user(session, NULL);
        player_end(player);
    }
}

static void on_listener_closed(struct gw_listener *listener, void *context)
{
    (void)listener;
    game_release(context);
}

struct gw_session_events game_events(bool log_packets)
{
    return (struct gw_session_events){
        .on_begin = on_begin,
        .on_greet = on_greet,
        .on_greeted = on_greeted,
        .on_packet = log_packets ? on_packet : NULL,
        .on_lost = on_lost,
        .on_end = on_end,
        .on_listener_closed = on_listener_closed,
    };
}
