/* tools/dummy-client/script.h: what a client does, message by message. */
#ifndef GW_DUMMY_SCRIPT_H
#define GW_DUMMY_SCRIPT_H

#include <stdbool.h>
#include <stdint.h>

enum dummy_script { DUMMY_SCRIPT_HELLO, DUMMY_SCRIPT_CHAT, DUMMY_SCRIPT_MOVE, DUMMY_SCRIPT_MIXED };

enum dummy_message { DUMMY_SAY, DUMMY_CHAT, DUMMY_MOVE, DUMMY_MESSAGE_COUNT };

/* Returns whether there is a script of that name; *script_out is set only then. */
bool dummy_script_find(const char *name, enum dummy_script *script_out);
const char *dummy_script_name(enum dummy_script script);

/* A message's name for people and programs: "chat". */
const char *dummy_message_name(enum dummy_message message);

/* Whether clients are in rooms. */
bool dummy_script_has_rooms(enum dummy_script script);

/* What client `client` sends as its message `slot`, from 0. */
enum dummy_message dummy_script_message(enum dummy_script script, uint32_t client, uint64_t slot);

/* Which slot was that of message `nth`, from 1, among the messages of its kind. */
uint64_t dummy_script_slot(enum dummy_script script, uint32_t client, enum dummy_message message,
                           uint64_t nth);

#endif
