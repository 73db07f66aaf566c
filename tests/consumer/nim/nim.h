/* tests/consumer/nim/nim.h: Functions shared by the files of the game. */
#ifndef NIM_NIM_H
#define NIM_NIM_H

#include <gangway/net/addr.h>
#include <gangway/net/port.h>
#include <gangway/net/turn.h>
#include <gangway/protocol/frame.h>
#include <gangway/session/manager.h>

#include <stdbool.h>
#include <stdint.h>

enum {
    PLAYERS = 2,
    STICKS = 21,
    TAKE_MAX = 3,
    NOT_YOUR_TURN = 1000, /* an error code of this game */
    GAME_IS_OVER = 1000,  /* a close reason of this game */
    CLOCK_NS = 50000000,  /* interval of the turn timer */
    CLOCK_TICKS = 10,     /* a player that takes longer loses */
};

/* ---- server.c: opening and closing ---- */

bool server_open(struct gw_port *port, const char *address, struct gw_addr *addr_out);
void server_close_listener(void);
void server_drain(void);
void server_close(void);

/* ---- table.c: the game. Its state belongs to the turn of the table. ---- */

struct move {
    gw_session_id player;
    struct gw_frame request;
    uint32_t sticks;
};

bool table_open(struct gw_port *port, struct gw_session_manager *sessions);
void table_close(void);

/* Thread: any. */
void table_join(gw_session_id player);
void table_leave(gw_session_id player);
void table_take(const struct move *move);

/* ---- scores.c: a pool of threads for blocking work ---- */

bool scores_open(struct gw_port *port);

/* Writes a line to the score file on a thread, then calls on_saved in a turn of `turn`. Returns
 * false when it cannot. */
bool scores_save(struct gw_turn *turn, const char *line, void (*on_saved)(void));
void scores_close(void);

/* ---- client.c: two players; a slow one makes no move ---- */

bool client_open(struct gw_port *port, const struct gw_addr *addr, bool is_second_slow);
void client_close(void);

#endif
