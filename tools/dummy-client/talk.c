/* tools/dummy-client/talk.c: what a client says. */
#include "tools/dummy-client/talk.h"
#include "proto/game/game_client.gen.h"
#include "tools/dummy-client/client.h"
#include "tools/dummy-client/crowd.h"
#include "tools/dummy-client/fill.h"
#include "tools/dummy-client/options.h"
#include "tools/dummy-client/room.h"
#include "tools/dummy-client/text.h"
#include <stddef.h>

static void say(struct dummy_client *client)
{
    char text[DUMMY_HELLO_TEXT_BYTES];
    Game__Say message = GAME__SAY__INIT;
    message.text = dummy_text_write_hello(client->index, (uint32_t)client->sent[DUMMY_SAY], text);
    game_send_say(client->session, &message);
}

static void chat(struct dummy_client *client, uint64_t intended_ns)
{
    char text[DUMMY_CHAT_TEXT_BYTES];
    struct dummy_chat_text line = {
        .client = client->index,
        .line = (uint32_t)client->sent[DUMMY_CHAT],
        .intended_us = (intended_ns - client->crowd->origin_ns) / 1000,
    };
    Game__Chat message = GAME__CHAT__INIT;
    message.text = dummy_text_write_chat(&line, text);
    dummy_room_say(client->ledger.room);
    game_send_chat(client->session, &message);
}

static void move(struct dummy_client *client)
{
    dummy_place place = dummy_place_step(client->index, (uint32_t)client->sent[DUMMY_MOVE]);
    Game__Move message = GAME__MOVE__INIT;
    message.x = dummy_place_x(place);
    message.y = dummy_place_y(place);
    dummy_room_move(client->ledger.room, client->ledger.self, place);
    game_send_move(client->session, &message);
}

static void speak(struct dummy_client *client, enum dummy_message message, uint64_t intended_ns)
{
    client->sent[message]++;
    dummy_counter_sent(dummy_stats_mine(&client->crowd->stats), message);
    switch (message) {
    case DUMMY_SAY:
        say(client);
        break;
    case DUMMY_CHAT:
        chat(client, intended_ns);
        break;
    default:
        move(client);
    }
}

/* A message has at most so many bytes, unpacked. */
enum { FILL_BYTES = 16 * 1024 };

void dummy_talk_begin(struct dummy_client *client)
{
    const struct gw_packet *packet = client->crowd->options->send;
    _Alignas(max_align_t) uint8_t memory[FILL_BYTES];
    const ProtobufCMessage *message =
        packet == NULL ? NULL : dummy_fill(packet, memory, sizeof memory);
    if (message == NULL) {
        return;
    }
    dummy_counter_filled(dummy_stats_mine(&client->crowd->stats));
    if (packet->reply_id != 0) {
        dummy_request(client, packet, message);
    } else {
        gw_session_send(client->session, packet->id, message);
    }
}

void dummy_talk(struct dummy_client *client, uint64_t now_ns)
{
    struct dummy_crowd *crowd = client->crowd;
    while (crowd->options->send == NULL) {
        uint64_t intended_ns = dummy_pace_slot_ns(&client->pace, client->slot);
        if (intended_ns > now_ns || intended_ns >= crowd->stop_ns ||
            atomic_load(&crowd->phase) > DUMMY_PHASE_TALK) {
            return;
        }
        speak(client, dummy_script_message(crowd->options->script, client->index, client->slot),
              intended_ns);
        client->slot++;
    }
}
