/* tests/scenarios/test_client.c: puppets come, speak and go. */
#include "tests/scenarios/test_client.h"

#include "tests/scenarios/scenario.h"
#include <stdlib.h>
#include <string.h>

struct test_client *test_clients;

/* ---- coming and going ---- */

static struct test_client *hang_up(struct raw_socket socket)
{
    struct test_client *test_client = calloc(1, sizeof *test_client);
    assert_non_null(test_client);
    test_client->socket = socket;
    test_client->next = test_clients;
    test_client->tied = &test_clients;
    if (test_clients != NULL) {
        test_clients->tied = &test_client->next;
    }
    test_clients = test_client;
    return test_client;
}

static void take_down(struct test_client *test_client)
{
    *test_client->tied = test_client->next;
    if (test_client->next != NULL) {
        test_client->next->tied = test_client->tied;
    }
    if (test_client->message != NULL) {
        protobuf_c_message_free_unpacked(test_client->message, NULL);
    }
    free(test_client->received);
    free(test_client);
}

struct test_client *test_client_knock(const struct gw_addr *addr)
{
    struct raw_socket socket;
    return raw_socket_connect(&socket, addr) ? hang_up(socket) : NULL;
}

struct test_client *test_client_knock_narrow(const struct gw_addr *addr)
{
    struct raw_socket socket;
    return raw_socket_connect_narrow(&socket, addr) ? hang_up(socket) : NULL;
}

void test_client_greet(struct test_client *test_client, const char *name)
{
    test_client_hello(test_client, name);
    const Gw__HelloAck *ack = test_client_receive(test_client, HELLO_ACK);
    test_client->id = ack->session_id;
}

struct test_client *test_client_come(const char *name)
{
    struct test_client *test_client = test_client_knock(&scenario.addr);
    assert_non_null(test_client);
    test_client_greet(test_client, name);
    return test_client;
}

void test_client_go(struct test_client *test_client)
{
    test_client_close_frame(test_client, GW__CLOSE_REASON__NONE);
    assert_int_equal(test_client_receive_out(test_client), GW__CLOSE_REASON__NONE);
    assert_true(test_client->has_hung_up);
    test_client_close(test_client);
}

void test_client_close(struct test_client *test_client)
{
    raw_socket_close(&test_client->socket);
    take_down(test_client);
}

void test_client_reset(struct test_client *test_client)
{
    raw_socket_reset(&test_client->socket);
    take_down(test_client);
}

void test_clients_close(void)
{
    while (test_clients != NULL) {
        test_client_close(test_clients);
    }
}

/* ---- speaking ---- */

uint8_t *test_client_write(uint8_t *out, uint16_t id, uint16_t tag, const ProtobufCMessage *message)
{
    size_t body_bytes = protobuf_c_message_get_packed_size(message);
    const uint8_t header[FRAME_HEADER_BYTES] = {
        (uint8_t)body_bytes,
        (uint8_t)(body_bytes >> 8),
        (uint8_t)(body_bytes >> 16),
        0,
        (uint8_t)id,
        (uint8_t)(id >> 8),
        (uint8_t)tag,
        (uint8_t)(tag >> 8),
    };
    memcpy(out, header, sizeof header);
    return out + sizeof header + protobuf_c_message_pack(message, out + sizeof header);
}

/* Whom the server has left meanwhile notices when it listens. */
void test_client_send_bytes(struct test_client *test_client, const void *data, size_t bytes)
{
    (void)raw_socket_send(&test_client->socket, data, bytes);
}

void test_client_send(struct test_client *test_client, uint16_t id, uint16_t tag,
                      const ProtobufCMessage *message)
{
    uint8_t frame[FRAME_BYTES_MAX];
    assert_true(protobuf_c_message_get_packed_size(message) <=
                FRAME_BYTES_MAX - FRAME_HEADER_BYTES);
    test_client_send_bytes(test_client, frame,
                           (size_t)(test_client_write(frame, id, tag, message) - frame));
}

void test_client_hello(struct test_client *test_client, const char *name)
{
    Gw__Hello hello = GW__HELLO__INIT;
    hello.protocol_major = 1;
    hello.name = (char *)name;
    test_client_send(test_client, HELLO, HELLO_TAG, &hello.base);
}

void test_client_enter(struct test_client *test_client, const char *room)
{
    Game__Enter enter = GAME__ENTER__INIT;
    enter.room = (char *)room;
    test_client_send(test_client, GAME_PACKET_ENTER, 0, &enter.base);
}

void test_client_chat(struct test_client *test_client, const char *text)
{
    Game__Chat chat = GAME__CHAT__INIT;
    chat.text = (char *)text;
    test_client_send(test_client, GAME_PACKET_CHAT, 0, &chat.base);
}

void test_client_move(struct test_client *test_client, int32_t x, int32_t y)
{
    Game__Move move = GAME__MOVE__INIT;
    move.x = x;
    move.y = y;
    test_client_send(test_client, GAME_PACKET_MOVE, 0, &move.base);
}

void test_client_leave(struct test_client *test_client)
{
    const Game__Leave leave = GAME__LEAVE__INIT;
    test_client_send(test_client, GAME_PACKET_LEAVE, 0, &leave.base);
}

void test_client_who(struct test_client *test_client)
{
    const Game__Who who = GAME__WHO__INIT;
    test_client_send(test_client, GAME_PACKET_WHO, 0, &who.base);
}

void test_client_say(struct test_client *test_client, const char *text)
{
    Game__Say say = GAME__SAY__INIT;
    say.text = (char *)text;
    test_client_send(test_client, GAME_PACKET_SAY, 0, &say.base);
}

void test_client_close_frame(struct test_client *test_client, Gw__CloseReason reason)
{
    Gw__Close close = GW__CLOSE__INIT;
    close.reason = reason;
    test_client_send(test_client, CLOSE, 0, &close.base);
}
