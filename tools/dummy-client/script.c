/* tools/dummy-client/script.c: what a client does, message by message. */
#include "tools/dummy-client/script.h"
#include <string.h>

static const char *const script_names[] = {
    [DUMMY_SCRIPT_HELLO] = "hello",
    [DUMMY_SCRIPT_CHAT] = "chat",
    [DUMMY_SCRIPT_MOVE] = "move",
    [DUMMY_SCRIPT_MIXED] = "mixed",
};
static const char *const message_names[DUMMY_MESSAGE_COUNT] = {
    [DUMMY_SAY] = "say", [DUMMY_CHAT] = "chat", [DUMMY_MOVE] = "move"};

bool dummy_script_find(const char *name, enum dummy_script *script_out)
{
    for (int i = 0; i <= DUMMY_SCRIPT_MIXED; i++) {
        if (strcmp(name, script_names[i]) == 0) {
            *script_out = (enum dummy_script)i;
            return true;
        }
    }
    return false;
}

const char *dummy_script_name(enum dummy_script script)
{
    return script_names[script];
}

const char *dummy_message_name(enum dummy_message message)
{
    return message_names[message];
}

bool dummy_script_has_rooms(enum dummy_script script)
{
    return script != DUMMY_SCRIPT_HELLO;
}

enum dummy_message dummy_script_message(enum dummy_script script, uint32_t client, uint64_t slot)
{
    switch (script) {
    case DUMMY_SCRIPT_HELLO:
        return DUMMY_SAY;
    case DUMMY_SCRIPT_CHAT:
        return DUMMY_CHAT;
    case DUMMY_SCRIPT_MOVE:
        return DUMMY_MOVE;
    case DUMMY_SCRIPT_MIXED:
        break;
    }
    return (slot + client) % 2 == 0 ? DUMMY_CHAT : DUMMY_MOVE;
}

uint64_t dummy_script_slot(enum dummy_script script, uint32_t client, enum dummy_message message,
                           uint64_t nth)
{
    if (script != DUMMY_SCRIPT_MIXED) {
        return nth - 1;
    }
    return 2 * (nth - 1) + (dummy_script_message(script, client, 0) == message ? 0 : 1);
}
