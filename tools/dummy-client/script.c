/* tools/dummy-client/script.c: scripts: which message a client sends, when, and with which
 * position. */
#include "tools/dummy-client/script.h"
#include "proto/game/game_client.gen.h"
#include "tools/dummy-client/options.h"
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

enum { EDGE = 1000, ROW = 2 * EDGE + 1 };

dummy_position dummy_script_position(uint32_t client, uint32_t step)
{
    uint64_t walked = (uint64_t)client * 7 * ROW + step;
    uint32_t row = (uint32_t)(walked / ROW % ROW);
    int32_t along = (int32_t)(walked % ROW);
    int32_t x = row % 2 == 0 ? along - EDGE : EDGE - along;
    return dummy_position_at(x, (int32_t)row - EDGE);
}

uint64_t dummy_pace_interval_ns(uint64_t rate_millionths)
{
    return rate_millionths == 0 ? 0 : UINT64_C(1000000000000000) / rate_millionths;
}

void dummy_pace_begin(struct dummy_pace *pace, uint64_t now_ns, uint32_t client)
{
    /* Multiples of the golden ratio are spread evenly for any number of clients. */
    uint32_t part = client * UINT32_C(0x9E3779B9) >> 16;
    pace->start_ns = now_ns + pace->interval_ns / 65536 * part;
}

uint64_t dummy_pace_slot_ns(const struct dummy_pace *pace, uint64_t slot)
{
    return pace->interval_ns == 0 ? DUMMY_NEVER : pace->start_ns + slot * pace->interval_ns;
}

static const uint16_t packet_ids[DUMMY_MESSAGE_COUNT] = {[DUMMY_SAY] = GAME_PACKET_SAY,
                                                         [DUMMY_CHAT] = GAME_PACKET_CHAT,
                                                         [DUMMY_MOVE] = GAME_PACKET_MOVE};

/* A script repeats after two messages. */
static double wanted_rate(const struct dummy_options *options, enum dummy_message message)
{
    int of_two = (dummy_script_message(options->script, 0, 0) == message ? 1 : 0) +
                 (dummy_script_message(options->script, 0, 1) == message ? 1 : 0);
    return (double)options->rate_millionths / 1e6 * of_two / 2;
}

struct dummy_rate_excess dummy_script_excess(const struct dummy_options *options)
{
    for (int i = 0; i < DUMMY_MESSAGE_COUNT && options->send == NULL; i++) {
        enum dummy_message message = (enum dummy_message)i;
        unsigned allowed = gw_packet_find(&game_client_packets, packet_ids[i])->rate_per_second;
        double wanted = wanted_rate(options, message);
        if (allowed != 0 && wanted > allowed) {
            return (struct dummy_rate_excess){message, wanted, allowed};
        }
    }
    return (struct dummy_rate_excess){.message = DUMMY_MESSAGE_COUNT};
}
