/* tools/protoc-gen-gw/names.h: Conversion of protobuf names to C names. */
#ifndef GW_TOOLS_PROTOC_GEN_GW_NAMES_H
#define GW_TOOLS_PROTOC_GEN_GW_NAMES_H

#include "tools/protoc-gen-gw/pool.h"

#include <stdbool.h>

/*
 * The first two follow the rules of protobuf-c and must give the names that its generator writes:
 *
 *      full name        name_type()      name_symbol()
 *      game.ChatLine    Game__ChatLine   game__chat_line
 *      game.C_Move      Game__CMove      game__c__move
 */
const char *name_type(struct pool *pool, const char *full_name);
const char *name_symbol(struct pool *pool, const char *full_name);

/* Of this generator: "chat_line" and "CHAT_LINE" of "ChatLine", "c_move" of "C_Move", "a_b" of
 * "A.B". */
const char *name_snake(struct pool *pool, const char *name);
const char *name_upper(struct pool *pool, const char *name);

/* "text" of "Text": protoc-gen-c's rule for a field. It appends "_" to some keywords. */
const char *name_member(struct pool *pool, const char *name);

/* "GAME_GAME_GEN_H" of "game/game.gen.h". */
const char *name_guard(struct pool *pool, const char *path);

/* "game/game" of "game/game.proto". */
const char *name_stem(struct pool *pool, const char *path);

/* Whether `name` is identifiers with dots between them, as in "game.Chat". NULL and "" are not. */
bool name_is_good(const char *name);

/* Whether `path` is valid in an #include and does not leave its folder. */
bool name_is_good_path(const char *path);

#endif
