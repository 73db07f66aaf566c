/* tests/scenarios/test_client_receive.c: Receive buffers of test clients, and the packets in them.
 */
#include "tests/scenarios/test_client.h"

#include "net/os/os.h"
#include "tests/support/machine.h"
#include "tests/support/wait.h"
#include <stdlib.h>
#include <string.h>

enum { READ_BYTES = 64 * 1024 };

static uint16_t id_of(const uint8_t *frame)
{
    return frame_read_header(frame).id;
}

/* Returns the complete frame at `*offset` and advances `*offset` past it; or NULL. */
static const uint8_t *frame_at(const struct test_client *client, size_t *offset)
{
    const uint8_t *frame = client->received + *offset;
    size_t bytes = frame_complete_bytes(frame, client->received_bytes - *offset);
    *offset += bytes;
    return bytes > 0 ? frame : NULL;
}

/* ---- messages ---- */

/* Every packet that the server sends. */
static const struct {
    uint16_t id;
    const ProtobufCMessageDescriptor *descriptor;
} known[] = {
    {HELLO_ACK, &gw__hello_ack__descriptor},
    {PING, &gw__ping__descriptor},
    {PONG, &gw__pong__descriptor},
    {CLOSE, &gw__close__descriptor},
    {GO_AWAY, &gw__go_away__descriptor},
    {ERROR_REPLY, &gw__error__descriptor},
    {GAME_PACKET_ENTERED, &game__entered__descriptor},
    {GAME_PACKET_LEFT, &game__left__descriptor},
    {GAME_PACKET_JOINED, &game__joined__descriptor},
    {GAME_PACKET_GONE, &game__gone__descriptor},
    {GAME_PACKET_CHAT_LINE, &game__chat_line__descriptor},
    {GAME_PACKET_SNAPSHOT, &game__snapshot__descriptor},
    {GAME_PACKET_WHO_IS_HERE, &game__who_is_here__descriptor},
    {GAME_PACKET_SAID, &game__said__descriptor},
};

static const ProtobufCMessageDescriptor *descriptor_of(uint16_t id)
{
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (known[i].id == id) {
            return known[i].descriptor;
        }
    }
    fail_msg("received packet %u, which no server sends", id);
    return NULL;
}

static ProtobufCMessage *unpack(const uint8_t *frame)
{
    const struct frame_header header = frame_read_header(frame);
    if (header.id == HELLO_ACK) {
        assert_int_equal(header.tag, HELLO_TAG);
    }
    /* A request whose tag is a byte of the next frame, as chaos.c sends it, has an answer too. */
    bool is_answer = header.tag != 0;
    assert_int_equal(header.flags, (is_answer ? 1 : 0) | (header.id == ERROR_REPLY ? 2 : 0));
    ProtobufCMessage *message = protobuf_c_message_unpack(
        descriptor_of(header.id), NULL, header.body_bytes, frame + FRAME_HEADER_BYTES);
    assert_non_null(message);
    return message;
}

/* ---- reading ---- */

/* PONG is the frame of the PING with another id. */
static void answer(struct test_client *client, const uint8_t *ping, size_t bytes)
{
    uint8_t pong[64];
    client->ping_count++;
    if (!client->ignores_pings && !client->has_ended) {
        assert_true(bytes <= sizeof pong);
        memcpy(pong, ping, bytes);
        pong[4] = PONG;
        (void)raw_socket_send_some(&client->socket, pong, bytes);
    }
}

static void answer_pings(struct test_client *client)
{
    const uint8_t *frame;
    size_t before = client->answered;
    while ((frame = frame_at(client, &client->answered)) != NULL) {
        if (id_of(frame) == PING) {
            answer(client, frame, client->answered - before);
        }
        before = client->answered;
    }
}

static void discard_taken(struct test_client *client)
{
    client->received_bytes -= client->taken;
    client->answered -= client->taken;
    memmove(client->received, client->received + client->taken, client->received_bytes);
    client->taken = 0;
}

static void make_space(struct test_client *client)
{
    if (client->capacity - client->received_bytes >= READ_BYTES) {
        return;
    }
    if (client->taken > 0) {
        discard_taken(client);
    }
    if (client->capacity - client->received_bytes < READ_BYTES) {
        client->capacity = 2 * client->capacity + READ_BYTES;
        client->received = realloc(client->received, client->capacity);
        assert_non_null(client->received);
    }
}

static bool read_socket(struct test_client *client)
{
    if (client->has_ended || !raw_socket_has_news(&client->socket)) {
        return false;
    }
    make_space(client);
    int got =
        raw_socket_recv(&client->socket, client->received + client->received_bytes, READ_BYTES);
    client->has_ended = got <= 0;
    client->has_fin = got == RAW_SOCKET_FIN;
    client->received_bytes += got > 0 ? (size_t)got : 0;
    answer_pings(client);
    return true;
}

bool test_clients_receive(void)
{
    bool any = false;
    for (struct test_client *client = test_clients; client != NULL; client = client->next) {
        any = (!client->is_paused && read_socket(client)) || any;
    }
    return any;
}

/* ---- taking ---- */

const void *test_client_take(struct test_client *client, uint16_t *id_out)
{
    const uint8_t *frame;
    do {
        frame = frame_at(client, &client->taken);
    } while (frame != NULL && id_of(frame) == PING);
    if (frame == NULL) {
        return NULL;
    }
    if (client->message != NULL) {
        protobuf_c_message_free_unpacked(client->message, NULL);
        client->message = NULL;
    }
    client->message = unpack(frame);
    *id_out = id_of(frame);
    return client->message;
}

const void *test_client_wait(struct test_client *client, uint16_t *id_out)
{
    uint64_t end_ns = os_now_ns() + WAIT_NS;
    const void *message;
    while ((message = test_client_take(client, id_out)) == NULL && !client->has_ended) {
        assert_true(os_now_ns() < end_ns);
        bool any = client->is_paused && read_socket(client);
        if (!test_clients_receive() && !any) {
            machine_sleep_ms(1);
        }
    }
    return message;
}
