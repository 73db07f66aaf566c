/* server/game/handlers/move.c: Move: the player changes its position. */
#include "proto/game/game_server.gen.h"
#include "server/game/room.h"
#include "session/session.h"

enum { MAP_EDGE = 1000 }; /* the map is -1000 to 1000 in both directions */

static int32_t onto_the_map(int32_t coordinate)
{
    int32_t raised = coordinate < -MAP_EDGE ? -MAP_EDGE : coordinate;
    return raised > MAP_EDGE ? MAP_EDGE : raised;
}

void game_on_move(struct gw_session *session, const struct gw_frame *frame, const Game__Move *move)
{
    (void)frame;
    room_post_move(gw_session_user(session), onto_the_map(move->x), onto_the_map(move->y));
}
