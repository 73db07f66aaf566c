/* tools/dummy-client/send.c: sending of a client's messages. */
#include "tools/dummy-client/send.h"
#include "proto/game/game_client.gen.h"
#include "tools/dummy-client/client.h"
#include "tools/dummy-client/fill.h"
#include "tools/dummy-client/options.h"
#include "tools/dummy-client/room.h"
#include "tools/dummy-client/run.h"
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
        .intended_us = (intended_ns - client->run->origin_ns) / 1000,
    };
    Game__Chat message = GAME__CHAT__INIT;
    message.text = dummy_text_write_chat(&line, text);
    dummy_room_say(client->ledger.room);
    game_send_chat(client->session, &message);
}

static void move(struct dummy_client *client)
{
    dummy_position position =
        dummy_script_position(client->index, (uint32_t)client->sent[DUMMY_MOVE]);
    Game__Move message = GAME__MOVE__INIT;
    message.x = dummy_position_x(position);
    message.y = dummy_position_y(position);
    dummy_room_move(client->ledger.room, client->ledger.self, position);
    game_send_move(client->session, &message);
}

static void send_message(struct dummy_client *client, enum dummy_message message,
                         uint64_t intended_ns)
{
    client->sent[message]++;
    dummy_counter_sent(dummy_stats_mine(&client->run->stats), message);
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

/* The largest unpacked message. */
enum { FILL_BYTES = 16 * 1024 };

void dummy_send_filled(struct dummy_client *client)
{
    const struct gw_packet *packet = client->run->options->send;
    _Alignas(max_align_t) uint8_t memory[FILL_BYTES];
    const ProtobufCMessage *message =
        packet == NULL ? NULL : dummy_fill(packet, memory, sizeof memory);
    if (message == NULL) {
        return;
    }
    dummy_counter_filled(dummy_stats_mine(&client->run->stats));
    if (packet->reply_id != 0) {
        dummy_request(client, packet, message);
    } else {
        gw_session_send(client->session, packet->id, message);
    }
}

void dummy_send_due(struct dummy_client *client, uint64_t now_ns)
{
    struct dummy_run *run = client->run;
    while (run->options->send == NULL) {
        uint64_t intended_ns = dummy_pace_slot_ns(&client->pace, client->slot);
        if (intended_ns > now_ns || intended_ns >= run->stop_ns ||
            atomic_load(&run->phase) > DUMMY_PHASE_SEND) {
            return;
        }
        send_message(client,
                     dummy_script_message(run->options->script, client->index, client->slot),
                     intended_ns);
        client->slot++;
    }
}
