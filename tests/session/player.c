/* tests/session/player.c: what a bare socket says to be a player. */
#include "tests/session/player.h"

#include "tests/test.h"

#include <string.h>

static struct raw_frame frame;

Gw__Hello player_hello(void)
{
    Gw__Hello hello = GW__HELLO__INIT;
    hello.protocol_major = GW_PROTOCOL_MAJOR;
    hello.name = "Ada";
    return hello;
}

static void send_with_tag(struct raw_peer *peer, uint16_t id, uint16_t tag,
                          const ProtobufCMessage *message)
{
    static uint8_t body[RAW_BODY_BYTES_MAX];
    assert_true(protobuf_c_message_get_packed_size(message) <= sizeof body);
    raw_send_frame(peer, id, tag, body, protobuf_c_message_pack(message, body));
}

void player_send(struct raw_peer *peer, uint16_t id, const ProtobufCMessage *message)
{
    send_with_tag(peer, id, 0, message);
}

void player_say_hello(struct raw_peer *peer, const Gw__Hello *hello)
{
    send_with_tag(peer, HELLO_ID, HELLO_TAG, &hello->base);
}

void player_say(struct raw_peer *peer, const char *text)
{
    Gw__Error say = GW__ERROR__INIT;
    say.text = (char *)text;
    player_send(peer, SAY, &say.base);
}

void player_stamp(struct raw_peer *peer, uint16_t id, uint64_t stamp)
{
    Gw__Ping ping = GW__PING__INIT;
    ping.stamp = stamp;
    player_send(peer, id, &ping.base);
}

struct raw_peer player_join(void)
{
    struct raw_peer peer = raw_connect(fixture.port_number);
    const Gw__Hello hello = player_hello();
    player_say_hello(&peer, &hello);
    player_expect(&peer, HELLO_ACK_ID);
    return peer;
}

const struct raw_frame *player_expect(struct raw_peer *peer, uint16_t id)
{
    assert_true(raw_read(peer, &frame));
    assert_int_equal(frame.id, id);
    return &frame;
}

uint64_t player_expect_stamp(struct raw_peer *peer, uint16_t id)
{
    player_expect(peer, id);
    Gw__Ping *ping = gw__ping__unpack(NULL, frame.body_bytes, frame.body);
    assert_non_null(ping);
    uint64_t stamp = ping->stamp;
    gw__ping__free_unpacked(ping, NULL);
    return stamp;
}

void player_expect_line(struct raw_peer *peer, const char *text)
{
    player_expect(peer, LINE);
    Gw__Error *line = gw__error__unpack(NULL, frame.body_bytes, frame.body);
    assert_non_null(line);
    assert_string_equal(line->text, text);
    gw__error__free_unpacked(line, NULL);
}

void player_sync(struct raw_peer *peer)
{
    static uint64_t stamp;
    player_stamp(peer, PING_ID, ++stamp);
    assert_int_equal(player_expect_stamp(peer, PONG_ID), stamp);
}

void player_expect_close(struct raw_peer *peer, Gw__CloseReason reason)
{
    player_expect(peer, CLOSE_ID);
    Gw__Close *close = gw__close__unpack(NULL, frame.body_bytes, frame.body);
    assert_non_null(close);
    assert_int_equal(close->reason, reason);
    gw__close__free_unpacked(close, NULL);
    assert_true(raw_reads_fin(peer));
    raw_close(peer);
}

void player_expect_silence(struct raw_peer *peer)
{
    assert_true(raw_reads_fin(peer));
    raw_close(peer);
}
