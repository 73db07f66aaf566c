/* tests/stories/puppet_ear.c: bytes that puppets hear become packets. */
#include "tests/stories/puppet.h"

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
static const uint8_t *frame_at(const struct puppet *puppet, size_t *place)
{
    size_t bytes = puppet->heard_bytes - *place;
    const uint8_t *frame = puppet->heard + *place;
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
static void answer(struct puppet *puppet, const uint8_t *ping, size_t bytes)
{
    uint8_t pong[64];
    puppet->ping_count++;
    if (!puppet->is_mute && !puppet->has_ended) {
        assert_true(bytes <= sizeof pong);
        memcpy(pong, ping, bytes);
        pong[4] = PONG;
        (void)raw_socket_send_some(&puppet->socket, pong, bytes);
    }
}

static void answer_pings(struct puppet *puppet)
{
    const uint8_t *frame;
    size_t before = puppet->looked;
    while ((frame = frame_at(puppet, &puppet->looked)) != NULL) {
        if (id_of(frame) == PING) {
            answer(puppet, frame, puppet->looked - before);
        }
        before = puppet->looked;
    }
}

static void forget_what_was_taken(struct puppet *puppet)
{
    puppet->heard_bytes -= puppet->first;
    puppet->looked -= puppet->first;
    memmove(puppet->heard, puppet->heard + puppet->first, puppet->heard_bytes);
    puppet->first = 0;
}

static void make_space(struct puppet *puppet)
{
    if (puppet->capacity - puppet->heard_bytes >= READ_BYTES) {
        return;
    }
    if (puppet->first > 0) {
        forget_what_was_taken(puppet);
    }
    if (puppet->capacity - puppet->heard_bytes < READ_BYTES) {
        puppet->capacity = 2 * puppet->capacity + READ_BYTES;
        puppet->heard = realloc(puppet->heard, puppet->capacity);
        assert_non_null(puppet->heard);
    }
}

static bool listen_to(struct puppet *puppet)
{
    if (puppet->has_ended || !raw_socket_has_news(&puppet->socket)) {
        return false;
    }
    make_space(puppet);
    int got = raw_socket_recv(&puppet->socket, puppet->heard + puppet->heard_bytes, READ_BYTES);
    puppet->has_ended = got <= 0;
    puppet->has_hung_up = got == RAW_SOCKET_FIN;
    puppet->heard_bytes += got > 0 ? (size_t)got : 0;
    answer_pings(puppet);
    return true;
}

bool puppets_listen(void)
{
    bool any = false;
    for (struct puppet *puppet = puppets; puppet != NULL; puppet = puppet->next) {
        any = (!puppet->is_deaf && listen_to(puppet)) || any;
    }
    return any;
}

/* ---- taking ---- */

const void *puppet_take(struct puppet *puppet, uint16_t *id_out)
{
    const uint8_t *frame;
    do {
        frame = frame_at(puppet, &puppet->first);
    } while (frame != NULL && id_of(frame) == PING);
    if (frame == NULL) {
        return NULL;
    }
    if (puppet->message != NULL) {
        protobuf_c_message_free_unpacked(puppet->message, NULL);
    }
    puppet->message = unpack(frame);
    *id_out = id_of(frame);
    return puppet->message;
}

const void *puppet_wait(struct puppet *puppet, uint16_t *id_out)
{
    uint64_t end_ns = os_now_ns() + WAIT_NS;
    const void *message;
    while ((message = puppet_take(puppet, id_out)) == NULL && !puppet->has_ended) {
        assert_true(os_now_ns() < end_ns);
        bool any = puppet->is_deaf && listen_to(puppet);
        if (!puppets_listen() && !any) {
            machine_sleep_ms(1);
        }
    }
    return message;
}
