/* tests/stories/puppet.c: puppets come, speak and go. */
#include "tests/stories/puppet.h"

#include "tests/stories/story.h"
#include <stdlib.h>
#include <string.h>

struct puppet *puppets;

/* ---- coming and going ---- */

static struct puppet *hang_up(struct raw_socket socket)
{
    struct puppet *puppet = calloc(1, sizeof *puppet);
    assert_non_null(puppet);
    puppet->socket = socket;
    puppet->next = puppets;
    puppet->tied = &puppets;
    if (puppets != NULL) {
        puppets->tied = &puppet->next;
    }
    puppets = puppet;
    return puppet;
}

static void take_down(struct puppet *puppet)
{
    *puppet->tied = puppet->next;
    if (puppet->next != NULL) {
        puppet->next->tied = puppet->tied;
    }
    if (puppet->message != NULL) {
        protobuf_c_message_free_unpacked(puppet->message, NULL);
    }
    free(puppet->heard);
    free(puppet);
}

struct puppet *puppet_knock(const struct gw_addr *addr)
{
    struct raw_socket socket;
    return raw_socket_connect(&socket, addr) ? hang_up(socket) : NULL;
}

struct puppet *puppet_knock_narrow(const struct gw_addr *addr)
{
    struct raw_socket socket;
    return raw_socket_connect_narrow(&socket, addr) ? hang_up(socket) : NULL;
}

void puppet_greet(struct puppet *puppet, const char *name)
{
    puppet_hello(puppet, name);
    const Gw__HelloAck *ack = puppet_hear(puppet, HELLO_ACK);
    puppet->id = ack->session_id;
}

struct puppet *puppet_come(const char *name)
{
    struct puppet *puppet = puppet_knock(&story.addr);
    assert_non_null(puppet);
    puppet_greet(puppet, name);
    return puppet;
}

void puppet_go(struct puppet *puppet)
{
    puppet_farewell(puppet, GW__CLOSE_REASON__NONE);
    assert_int_equal(puppet_hear_out(puppet), GW__CLOSE_REASON__NONE);
    assert_true(puppet->has_hung_up);
    puppet_close(puppet);
}

void puppet_close(struct puppet *puppet)
{
    raw_socket_close(&puppet->socket);
    take_down(puppet);
}

void puppet_reset(struct puppet *puppet)
{
    raw_socket_reset(&puppet->socket);
    take_down(puppet);
}

void puppets_close(void)
{
    while (puppets != NULL) {
        puppet_close(puppets);
    }
}

/* ---- speaking ---- */

uint8_t *puppet_write(uint8_t *out, uint16_t id, uint16_t tag, const ProtobufCMessage *message)
{
    size_t body_bytes = protobuf_c_message_get_packed_size(message);
    const uint8_t header[FRAME_HEADER_BYTES] = {
        (uint8_t)body_bytes, (uint8_t)(body_bytes >> 8), (uint8_t)(body_bytes >> 16), 0,
        (uint8_t)id,         (uint8_t)(id >> 8),         (uint8_t)tag,                (uint8_t)(tag >> 8),
    };
    memcpy(out, header, sizeof header);
    return out + sizeof header + protobuf_c_message_pack(message, out + sizeof header);
}

/* Whom the server has left meanwhile notices when it listens. */
void puppet_send_bytes(struct puppet *puppet, const void *data, size_t bytes)
{
    (void)raw_socket_send(&puppet->socket, data, bytes);
}

void puppet_send(struct puppet *puppet, uint16_t id, uint16_t tag, const ProtobufCMessage *message)
{
    uint8_t frame[FRAME_BYTES_MAX];
    assert_true(protobuf_c_message_get_packed_size(message) <= FRAME_BYTES_MAX - FRAME_HEADER_BYTES);
    puppet_send_bytes(puppet, frame, (size_t)(puppet_write(frame, id, tag, message) - frame));
}

void puppet_hello(struct puppet *puppet, const char *name)
{
    Gw__Hello hello = GW__HELLO__INIT;
    hello.protocol_major = 1;
    hello.name = (char *)name;
    puppet_send(puppet, HELLO, HELLO_TAG, &hello.base);
}

void puppet_enter(struct puppet *puppet, const char *room)
{
    Game__Enter enter = GAME__ENTER__INIT;
    enter.room = (char *)room;
    puppet_send(puppet, GAME_PACKET_ENTER, 0, &enter.base);
}

void puppet_chat(struct puppet *puppet, const char *text)
{
    Game__Chat chat = GAME__CHAT__INIT;
    chat.text = (char *)text;
    puppet_send(puppet, GAME_PACKET_CHAT, 0, &chat.base);
}

void puppet_move(struct puppet *puppet, int32_t x, int32_t y)
{
    Game__Move move = GAME__MOVE__INIT;
    move.x = x;
    move.y = y;
    puppet_send(puppet, GAME_PACKET_MOVE, 0, &move.base);
}

void puppet_leave(struct puppet *puppet)
{
    const Game__Leave leave = GAME__LEAVE__INIT;
    puppet_send(puppet, GAME_PACKET_LEAVE, 0, &leave.base);
}

void puppet_who(struct puppet *puppet)
{
    const Game__Who who = GAME__WHO__INIT;
    puppet_send(puppet, GAME_PACKET_WHO, 0, &who.base);
}

void puppet_say(struct puppet *puppet, const char *text)
{
    Game__Say say = GAME__SAY__INIT;
    say.text = (char *)text;
    puppet_send(puppet, GAME_PACKET_SAY, 0, &say.base);
}

void puppet_farewell(struct puppet *puppet, Gw__CloseReason reason)
{
    Gw__Close close = GW__CLOSE__INIT;
    close.reason = reason;
    puppet_send(puppet, CLOSE, 0, &close.base);
}
