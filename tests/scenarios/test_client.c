/* tests/scenarios/test_client.c: Connecting, sending and closing of test clients. */
#include "tests/scenarios/test_client.h"

#include "tests/scenarios/scenario.h"
#include <stdlib.h>

struct test_client *test_clients;

/* ---- connecting and closing ---- */

static struct test_client *add(struct raw_socket socket)
{
    struct test_client *client = calloc(1, sizeof *client);
    assert_non_null(client);
    client->socket = socket;
    client->next = test_clients;
    client->link = &test_clients;
    if (test_clients != NULL) {
        test_clients->link = &client->next;
    }
    test_clients = client;
    return client;
}

static void destroy(struct test_client *client)
{
    *client->link = client->next;
    if (client->next != NULL) {
        client->next->link = client->link;
    }
    if (client->message != NULL) {
        protobuf_c_message_free_unpacked(client->message, NULL);
    }
    free(client->received);
    free(client);
}

struct test_client *test_client_connect(const struct gw_addr *addr)
{
    struct raw_socket socket;
    return raw_socket_connect(&socket, addr) ? add(socket) : NULL;
}

struct test_client *test_client_connect_narrow(const struct gw_addr *addr)
{
    struct raw_socket socket;
    return raw_socket_connect_narrow(&socket, addr) ? add(socket) : NULL;
}

void test_client_greet(struct test_client *client, const char *name)
{
    test_client_hello(client, name);
    const Gw__HelloAck *ack = test_client_receive(client, HELLO_ACK);
    client->id = ack->session_id;
}

struct test_client *test_client_open(const char *name)
{
    struct test_client *client = test_client_connect(&scenario.addr);
    assert_non_null(client);
    test_client_greet(client, name);
    return client;
}

void test_client_quit(struct test_client *client)
{
    test_client_send_close(client, GW__CLOSE_REASON__NONE);
    assert_int_equal(test_client_drain(client), GW__CLOSE_REASON__NONE);
    assert_true(client->has_fin);
    test_client_close(client);
}

void test_client_close(struct test_client *client)
{
    raw_socket_close(&client->socket);
    destroy(client);
}

void test_client_reset(struct test_client *client)
{
    raw_socket_reset(&client->socket);
    destroy(client);
}

void test_clients_close(void)
{
    while (test_clients != NULL) {
        test_client_close(test_clients);
    }
}

/* ---- sending ---- */

uint8_t *test_client_write(uint8_t *out, uint16_t id, uint16_t tag, const ProtobufCMessage *message)
{
    return out + frame_write(out, id, 0, tag, message);
}

/* Errors are ignored: a client that the server has closed reads the end later. */
void test_client_send_bytes(struct test_client *client, const void *data, size_t bytes)
{
    (void)raw_socket_send(&client->socket, data, bytes);
}

void test_client_send(struct test_client *client, uint16_t id, uint16_t tag,
                      const ProtobufCMessage *message)
{
    uint8_t frame[FRAME_BYTES_MAX];
    assert_true(protobuf_c_message_get_packed_size(message) <=
                FRAME_BYTES_MAX - FRAME_HEADER_BYTES);
    test_client_send_bytes(client, frame,
                           (size_t)(test_client_write(frame, id, tag, message) - frame));
}

void test_client_hello(struct test_client *client, const char *name)
{
    Gw__Hello hello = GW__HELLO__INIT;
    hello.protocol_major = 1;
    hello.name = (char *)name;
    test_client_send(client, HELLO, HELLO_TAG, &hello.base);
}

void test_client_enter(struct test_client *client, const char *room)
{
    Game__Enter enter = GAME__ENTER__INIT;
    enter.room = (char *)room;
    test_client_send(client, GAME_PACKET_ENTER, 0, &enter.base);
}

void test_client_chat(struct test_client *client, const char *text)
{
    Game__Chat chat = GAME__CHAT__INIT;
    chat.text = (char *)text;
    test_client_send(client, GAME_PACKET_CHAT, 0, &chat.base);
}

void test_client_move(struct test_client *client, int32_t x, int32_t y)
{
    Game__Move move = GAME__MOVE__INIT;
    move.x = x;
    move.y = y;
    test_client_send(client, GAME_PACKET_MOVE, 0, &move.base);
}

void test_client_leave(struct test_client *client)
{
    const Game__Leave leave = GAME__LEAVE__INIT;
    test_client_send(client, GAME_PACKET_LEAVE, 0, &leave.base);
}

void test_client_who(struct test_client *client)
{
    const Game__Who message = GAME__WHO__INIT;
    test_client_send(client, GAME_PACKET_WHO, 0, &message.base);
}

void test_client_say(struct test_client *client, const char *text)
{
    Game__Say say = GAME__SAY__INIT;
    say.text = (char *)text;
    test_client_send(client, GAME_PACKET_SAY, 0, &say.base);
}

void test_client_send_close(struct test_client *client, Gw__CloseReason reason)
{
    Gw__Close close = GW__CLOSE__INIT;
    close.reason = reason;
    test_client_send(client, CLOSE, 0, &close.base);
}
