/* server/game/login.h: Login with tokens: the account of a session, and one session per account. */
#ifndef GW_SERVER_GAME_LOGIN_H
#define GW_SERVER_GAME_LOGIN_H

#include "server/config/config.h"
#include "session/session.h"
#include "session/token.h"
#include <stdint.h>

struct gw_session_manager;
struct login;

/*
 * Creates the login of a server with `--auth token`. Reads the key file.
 *
 * Returns   the login; NULL, with the reason in *problem_out, when the key file cannot be used,
 * this build has no tokens, or memory is exhausted Owns      gives the login; destroy it with
 * login_destroy() Thread    setup
 */
struct login *login_create(const struct server_config *config, struct problem *problem_out);

/* Owns: takes `login`, which may be NULL. Thread: setup. */
void login_destroy(struct login *login);

/*
 * Opens the token in the credentials of a HELLO, and admits its account. With
 * SERVER_DUPLICATE_NEWEST the session of an earlier login is ended with KICKED.
 *
 * Returns   0, with the token in *token_out; or the close reason: NOT_WELCOME for every token that
 * is refused and, with SERVER_DUPLICATE_OLDEST, for a second login; SERVER_FULL. The session may
 *           have ended already, with a text.
 * Thread    turn of the session
 */
int login_enter(struct login *login, struct gw_session *session, const Gw__Hello *hello,
                struct gw_token *token_out);

/* The session of an account has ended. Thread: turn of the session. */
void login_leave(struct login *login, uint64_t account, gw_session_id session);

/* Logins, refused tokens by gw_token_result, and second logins, since the start. Thread: any. */
struct login_counters {
    uint64_t tokens[GW_TOKEN_RESULT_COUNT];
    uint64_t duplicates;
};
void login_counters_read(const struct login *login, struct login_counters *counters_out);

#endif
