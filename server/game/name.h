/* server/game/name.h: Rules for the names of players and rooms. */
#ifndef GW_SERVER_GAME_NAME_H
#define GW_SERVER_GAME_NAME_H

#include <stdbool.h>
#include <string.h>

enum { NAME_BYTES_MAX = 32 };

/*
 * Returns whether a name has 1 to NAME_BYTES_MAX bytes. The schemas (gw/control.proto for players,
 * game/game.proto for rooms) require printable UTF-8: other names do not reach a handler.
 */
static inline bool name_is_valid(const char *name)
{
    return name[0] != '\0' && strlen(name) <= NAME_BYTES_MAX;
}

#endif
