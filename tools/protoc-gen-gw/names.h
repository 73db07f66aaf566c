/* tools/protoc-gen-gw/names.h: what a protobuf name becomes in C. */
#ifndef GW_TOOLS_PROTOC_GEN_GW_NAMES_H
#define GW_TOOLS_PROTOC_GEN_GW_NAMES_H

#include "tools/protoc-gen-gw/pool.h"

#include <stdbool.h>

/*
 * The first two are protobuf-c's own rules, and must give what its generator gives:
 *
 *      full name        name_type()      name_symbol()
 *      game.ChatLine    Game__ChatLine   game__chat_line
 *      game.C_Move      Game__CMove      game__c__move
 */
const char *name_type(struct pool *pool, const char *full_name);
const char *name_symbol(struct pool *pool, const char *full_name);

/* Ours: "chat_line" and "CHAT_LINE" of "ChatLine", "c_move" of "C_Move", "a_b" of "A.B". */
const char *name_snake(struct pool *pool, const char *name);
const char *name_upper(struct pool *pool, const char *name);

/* "text" of "Text": protoc-gen-c's rule for a field. It puts "_" behind some words of C and C++. */
const char *name_member(struct pool *pool, const char *name);

/* "GAME_GAME_GEN_H" of "game/game.gen.h". */
const char *name_guard(struct pool *pool, const char *path);

/* "game/game" of "game/game.proto". */
const char *name_stem(struct pool *pool, const char *path);

/* Whether `name` is identifiers with dots between them, as in "game.Chat". NULL and "" are not. */
bool name_is_good(const char *name);

/* Whether `path` may stand in an #include, and stays below where it is written. */
bool name_is_good_path(const char *path);

#endif
