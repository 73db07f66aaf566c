/* tests/scenarios/test_client_ear.c: bytes that puppets hear become packets. */
#include "tests/scenarios/test_client.h"

#include "net/os/os.h"
#include "tests/support/machine.h"
#include "tests/support/wait.h"
#include <stdlib.h>
#include <string.h>

enum { READ_BYTES = 64 * 1024 };

static uint32_t number_at(const uint8_t *bytes, int count)
{
    uint32_t number = 0;
    for (int i = 0; i < count; i++) {
        number |= (uint32_t)bytes[i] << 8 * i;
    }
    return number;
}

static uint16_t id_of(const uint8_t *frame)
{
    return (uint16_t)number_at(frame + 4, 2);
}

/* The whole frame that begins at `*place`, which moves behind it; or NULL. */
static const uint8_t *frame_at(const struct test_client *test_client, size_t *place)
{
    size_t bytes = test_client->received_bytes - *place;
    const uint8_t *frame = test_client->received + *place;
    if (bytes < FRAME_HEADER_BYTES || bytes - FRAME_HEADER_BYTES < number_at(frame, 3)) {
        return NULL;
    }
    *place += FRAME_HEADER_BYTES + number_at(frame, 3);
    return frame;
}

/* ---- messages ---- */

/* All that a server may say. */
static const struct {
    uint16_t id;
    const ProtobufCMessageDescriptor *descriptor;
} known[] = {
    {HELLO_ACK, &gw__hello_ack__descriptor},
    {PING, &gw__ping__descriptor},
    {PONG, &gw__pong__descriptor},
    {CLOSE, &gw__close__descriptor},
    {GO_AWAY, &gw__go_away__descriptor},
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
    size_t place = 0;
    while (place < sizeof known / sizeof known[0] && known[place].id != id) {
        place++;
    }
    if (place == sizeof known / sizeof known[0]) {
        fail_msg("no server says packet %u", id);
    }
    return known[place].descriptor;
}

static ProtobufCMessage *unpack(const uint8_t *frame)
{
    bool greets = id_of(frame) == HELLO_ACK;
    assert_int_equal(frame[3], greets ? 1 : 0);
    assert_int_equal(number_at(frame + 6, 2), greets ? HELLO_TAG : 0);
    ProtobufCMessage *message = protobuf_c_message_unpack(
        descriptor_of(id_of(frame)), NULL, number_at(frame, 3), frame + FRAME_HEADER_BYTES);
    assert_non_null(message);
    return message;
}

/* ---- listening ---- */

/* A PING goes back as it is, but for its id. */
static void answer(struct test_client *test_client, const uint8_t *ping, size_t bytes)
{
    uint8_t pong[64];
    test_client->ping_count++;
    if (!test_client->is_mute && !test_client->has_ended) {
        assert_true(bytes <= sizeof pong);
        memcpy(pong, ping, bytes);
        pong[4] = PONG;
        (void)raw_socket_send_some(&test_client->socket, pong, bytes);
    }
}

static void answer_pings(struct test_client *test_client)
{
    const uint8_t *frame;
    size_t before = test_client->looked;
    while ((frame = frame_at(test_client, &test_client->looked)) != NULL) {
        if (id_of(frame) == PING) {
            answer(test_client, frame, test_client->looked - before);
        }
        before = test_client->looked;
    }
}

static void forget_what_was_taken(struct test_client *test_client)
{
    test_client->received_bytes -= test_client->first;
    test_client->looked -= test_client->first;
    memmove(test_client->received, test_client->received + test_client->first,
            test_client->received_bytes);
    test_client->first = 0;
}

static void make_space(struct test_client *test_client)
{
    if (test_client->capacity - test_client->received_bytes >= READ_BYTES) {
        return;
    }
    if (test_client->first > 0) {
        forget_what_was_taken(test_client);
    }
    if (test_client->capacity - test_client->received_bytes < READ_BYTES) {
        test_client->capacity = 2 * test_client->capacity + READ_BYTES;
        test_client->received = realloc(test_client->received, test_client->capacity);
        assert_non_null(test_client->received);
    }
}

static bool listen_to(struct test_client *test_client)
{
    if (test_client->has_ended || !raw_socket_has_news(&test_client->socket)) {
        return false;
    }
    make_space(test_client);
    int got = raw_socket_recv(&test_client->socket,
                              test_client->received + test_client->received_bytes, READ_BYTES);
    test_client->has_ended = got <= 0;
    test_client->has_hung_up = got == RAW_SOCKET_FIN;
    test_client->received_bytes += got > 0 ? (size_t)got : 0;
    answer_pings(test_client);
    return true;
}

bool test_clients_listen(void)
{
    bool any = false;
    for (struct test_client *test_client = test_clients; test_client != NULL;
         test_client = test_client->next) {
        any = (!test_client->is_closed && listen_to(test_client)) || any;
    }
    return any;
}

/* ---- taking ---- */

const void *test_client_take(struct test_client *test_client, uint16_t *id_out)
{
    const uint8_t *frame;
    do {
        frame = frame_at(test_client, &test_client->first);
    } while (frame != NULL && id_of(frame) == PING);
    if (frame == NULL) {
        return NULL;
    }
    if (test_client->message != NULL) {
        protobuf_c_message_free_unpacked(test_client->message, NULL);
    }
    test_client->message = unpack(frame);
    *id_out = id_of(frame);
    return test_client->message;
}

const void *test_client_wait(struct test_client *test_client, uint16_t *id_out)
{
    uint64_t end_ns = os_now_ns() + WAIT_NS;
    const void *message;
    while ((message = test_client_take(test_client, id_out)) == NULL && !test_client->has_ended) {
        assert_true(os_now_ns() < end_ns);
        bool any = test_client->is_closed && listen_to(test_client);
        if (!test_clients_listen() && !any) {
            machine_sleep_ms(1);
        }
    }
    return message;
}
