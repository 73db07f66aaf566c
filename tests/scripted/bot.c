/* tests/scripted/bot.c: Scripted game client that checks what it receives. */
#include "tests/scripted/bot.h"

#include "net/filter/source.h"
#include "net/filter/websocket.h"
#include "tests/scripted/memory.h"
#include "tests/support/frame_codec.h"
#include "tests/support/websocket_bytes.h"
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FRAME_BYTES_MAX = 70000,
    ENTER = 1000,
    CHAT = 1001,
    LEAVE = 1002,
    MOVE = 1003,
    WHO = 1004,
    SAY = 1005,
    ENTERED = 1100,
    LEFT = 1101,
    JOINED = 1102,
    GONE = 1103,
    CHAT_LINE = 1104,
    SNAPSHOT = 1105,
    MEMBERS = 1106,
    SAID = 1107,
};

bool bot_speaks_websocket;

bool bot_can_speak_websocket(void)
{
    const struct gw_websocket_server_config config = {.path = NULL};
    struct gw_filter_source *source = NULL;
    bool can = gw_websocket_server_create(&config, &source) == 0;
    gw_filter_source_unref(source);
    return can;
}

/* ---- WebSocket ---- */

static void ask_for_websocket(struct bot *bot)
{
    static const char request[] = "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n"
                                  "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                                  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    peer_send(bot->peer, request, sizeof request - 1);
}

/* Two fragments of one message, with a ping between them. */
static void send_message(struct bot *bot, const uint8_t *data, size_t count)
{
    static uint8_t wire[FRAME_BYTES_MAX + 4 * WS_HEADER_BYTES_MAX];
    const uint8_t key[4] = {(uint8_t)bot->index, 0xFE, 0x55, (uint8_t)count};
    size_t half = count / 2;
    size_t bytes = ws_write(wire, WS_BINARY, key, data, half);
    bytes += ws_write(wire + bytes, WS_PING | WS_FIN, key, NULL, 0);
    bytes += ws_write(wire + bytes, WS_CONTINUATION | WS_FIN, key, data + half, count - half);
    peer_send(bot->peer, wire, bytes);
}

/* Reads the answer to the request. Returns whether it has arrived. */
static bool read_answer(struct bot *bot)
{
    const char *data = (const char *)peer_data(bot->peer);
    size_t count = peer_unread_count(bot->peer);
    for (size_t end = 4; end <= count && !bot->websocket.is_answered; end++) {
        if (memcmp(data + end - 4, "\r\n\r\n", 4) == 0) {
            assert_true(strncmp(data, "HTTP/1.1 101 ", 13) == 0 ||
                        strncmp(data, "HTTP/1.1 503 ", 13) == 0);
            bot->websocket.is_closed = data[9] == '5';
            bot->websocket.is_answered = true;
            peer_read(bot->peer, NULL, bot->websocket.is_closed ? count : end);
        }
    }
    return bot->websocket.is_answered;
}

/* Reads the header of a frame. Returns whether it has arrived. */
static bool read_header(struct bot *bot)
{
    uint8_t header[4];
    size_t count = peer_unread_count(bot->peer);
    if (count < 2) {
        return false;
    }
    uint32_t length = peer_data(bot->peer)[1];
    assert_true(length <= 126); /* not masked, and shorter than 64 KiB */
    assert_false(bot->websocket.is_closed);
    if (count < (length == 126 ? 4u : 2u)) {
        return false;
    }
    peer_read(bot->peer, header, length == 126 ? 4 : 2);
    bot->websocket.first = header[0];
    bot->websocket.left = length == 126 ? (uint32_t)header[2] << 8 | header[3] : length;
    return true;
}

static void check_close(const uint8_t *payload, size_t count)
{
    assert_true(count >= 2);
    unsigned status = (unsigned)payload[0] << 8 | payload[1];
    assert_true(status == 1000 || status == 1002 || status == 1011 ||
                (status > 4000 && status < 5000));
}

/* Takes the payload of a data frame as far as it has arrived. Returns whether that is all. */
static bool read_data(struct bot *bot)
{
    size_t count = peer_unread_count(bot->peer);
    count = count < bot->websocket.left ? count : bot->websocket.left;
    bot->websocket.bytes =
        memory_resize_unseen(bot->websocket.bytes, bot->websocket.count + count + 1);
    peer_read(bot->peer, bot->websocket.bytes + bot->websocket.count, count);
    bot->websocket.count += (uint32_t)count;
    bot->websocket.left -= (uint32_t)count;
    return bot->websocket.left == 0;
}

/* Takes the payload of a control frame. Returns false when not all of it has arrived. */
static bool read_control(struct bot *bot)
{
    uint8_t payload[125];
    uint32_t bytes = bot->websocket.left;
    assert_true(bytes <= sizeof payload);
    if (peer_unread_count(bot->peer) < bytes) {
        return false;
    }
    peer_read(bot->peer, payload, bytes);
    if (bot->websocket.first == (WS_CLOSE | WS_FIN)) {
        check_close(payload, bytes);
        bot->websocket.is_closed = true;
    } else {
        assert_int_equal(bot->websocket.first, WS_PONG | WS_FIN);
        assert_int_equal(bytes, 0); /* as those of the pings */
    }
    return true;
}

/* Collects the payload of all data frames that have arrived. */
static void read_websocket(struct bot *bot)
{
    bool more = bot->websocket.is_answered || read_answer(bot);
    while (more) {
        if (!bot->websocket.has_header) {
            more = read_header(bot);
            bot->websocket.has_header = more;
        } else {
            more =
                bot->websocket.first == (WS_BINARY | WS_FIN) ? read_data(bot) : read_control(bot);
            bot->websocket.has_header = !more;
        }
    }
}

/* ---- connecting ---- */

bool bot_connect(struct bot *bot, uint32_t index, uint16_t port)
{
    *bot = (struct bot){.peer = peer_connect(port), .index = index};
    if (bot->peer != NULL && bot_speaks_websocket) {
        ask_for_websocket(bot);
    }
    return bot->peer != NULL;
}

void bot_fini(struct bot *bot)
{
    memory_free_unseen(bot->websocket.bytes);
    bot->websocket.bytes = NULL;
    if (bot->peer != NULL) {
        peer_close(bot->peer);
        bot->peer = NULL;
    }
}

/* ---- sending ---- */

static void send_plain(struct bot *bot, const uint8_t *data, size_t count)
{
    peer_send(bot->peer, data, count);
}

static void send_tagged(struct bot *bot, uint16_t id, uint16_t tag, const ProtobufCMessage *message)
{
    static uint8_t frame[FRAME_BYTES_MAX];
    if (bot->peer != NULL) {
        size_t bytes = frame_write(frame, id, 0, tag, message);
        (bot_speaks_websocket ? send_message : send_plain)(bot, frame, bytes);
    }
}

void bot_send(struct bot *bot, uint16_t id, const ProtobufCMessage *message)
{
    send_tagged(bot, id, 0, message);
}

void bot_hello(struct bot *bot)
{
    char name[16];
    Gw__Hello hello = GW__HELLO__INIT;
    snprintf(name, sizeof name, "bot %u", (unsigned)bot->index);
    hello.protocol_major = 1;
    hello.name = name;
    send_tagged(bot, HELLO, HELLO_TAG, &hello.base);
}

void bot_enter(struct bot *bot, const char *room)
{
    Game__Enter enter = GAME__ENTER__INIT;
    enter.room = (char *)room;
    bot->asked_count++;
    bot_send(bot, ENTER, &enter.base);
}

void bot_chat(struct bot *bot)
{
    char text[32];
    Game__Chat chat = GAME__CHAT__INIT;
    snprintf(text, sizeof text, "%u says %u", (unsigned)bot->index, (unsigned)++bot->chat_count);
    chat.text = text;
    bot_send(bot, CHAT, &chat.base);
}

void bot_say(struct bot *bot, const char *text)
{
    Game__Say say = GAME__SAY__INIT;
    say.text = (char *)text;
    bot_send(bot, SAY, &say.base);
}

void bot_move(struct bot *bot, int32_t x, int32_t y)
{
    Game__Move move = GAME__MOVE__INIT;
    move.x = x;
    move.y = y;
    bot_send(bot, MOVE, &move.base);
}

void bot_ask_members(struct bot *bot)
{
    Game__Who request = GAME__WHO__INIT;
    bot_send(bot, WHO, &request.base);
}

void bot_leave(struct bot *bot)
{
    Game__Leave leave = GAME__LEAVE__INIT;
    bot->left_asked_count++;
    bot_send(bot, LEAVE, &leave.base);
}

void bot_ping(struct bot *bot)
{
    Gw__Ping ping = GW__PING__INIT;
    ping.stamp = bot->index;
    bot_send(bot, PING, &ping.base);
}

void bot_close(struct bot *bot)
{
    Gw__Close close = GW__CLOSE__INIT;
    close.reason = GW__CLOSE_REASON__SHUTDOWN;
    bot_send(bot, CLOSE, &close.base);
    if (bot->peer != NULL) {
        peer_finish(bot->peer);
    }
}

/* ---- receiving ---- */

static void add_member(struct bot *bot, uint64_t player)
{
    for (uint32_t i = 0; i < bot->member_count; i++) {
        assert_true(bot->members[i] != player); /* a member does not join twice */
    }
    assert_true(bot->member_count < BOT_COUNT_MAX);
    bot->members[bot->member_count++] = player;
}

static void remove_member(struct bot *bot, uint64_t player)
{
    uint32_t place = 0;
    while (place < bot->member_count && bot->members[place] != player) {
        place++;
    }
    assert_true(place < bot->member_count); /* a member that leaves was in the room */
    bot->members[place] = bot->members[--bot->member_count];
}

static void receive_entered(struct bot *bot, const Game__Entered *entered)
{
    bot->entered_count++;
    bot->entered = entered->result;
    if (entered->result != GAME__ENTER_RESULT__ENTERED_OK) {
        return;
    }
    assert_false(bot->is_in_room);
    bot->is_in_room = true;
    bot->line = entered->line;
    bot->member_count = 0;
    for (size_t i = 0; i < entered->n_members; i++) {
        add_member(bot, entered->members[i]->player);
    }
}

static uint32_t speaker_of(struct bot *bot, uint64_t player)
{
    uint32_t place = 0;
    while (bot->speakers[place] != 0 && bot->speakers[place] != player) {
        place++;
        assert_true(place < BOT_SPEAKER_COUNT_MAX);
    }
    bot->speakers[place] = player;
    return place;
}

static void receive_line(struct bot *bot, const Game__ChatLine *line)
{
    static const char verb[] = " says ";
    assert_true(bot->is_in_room);
    assert_int_equal(line->line, bot->line + 1);
    bot->line = line->line;
    bot->line_count++;
    const char *says = strstr(line->text, verb); /* sscanf() allocates on some systems */
    assert_non_null(says);
    unsigned long count = strtoul(says + strlen(verb), NULL, 10);
    uint32_t speaker = speaker_of(bot, line->player);
    assert_true(count > bot->received_of[speaker]);
    bot->received_of[speaker] = (uint32_t)count;
    bot->own_line_count += line->player == bot->id ? 1 : 0;
}

static void receive_close(struct bot *bot, const Gw__Close *close)
{
    bot->has_close = true;
    bot->reason = close->reason;
}

static void receive_room(struct bot *bot, uint16_t id, ProtobufCMessage *message)
{
    switch (id) {
    case LEFT:
        bot->left_count++;
        assert_true(bot->is_in_room);
        bot->is_in_room = false;
        break;
    case JOINED:
        add_member(bot, ((Game__Joined *)message)->member->player);
        break;
    case GONE:
        remove_member(bot, ((Game__Gone *)message)->player);
        break;
    case CHAT_LINE:
        receive_line(bot, (Game__ChatLine *)message);
        break;
    case SNAPSHOT:
        assert_true(bot->is_in_room);
        bot->snapshot_count++;
        break;
    default:
        assert_true(id == MEMBERS && bot->is_in_room);
        assert_int_equal(((Game__WhoIsHere *)message)->n_members, bot->member_count);
    }
}

static void receive(struct bot *bot, uint16_t id, ProtobufCMessage *message)
{
    switch (id) {
    case HELLO_ACK:
        assert_false(bot->is_greeted);
        bot->is_greeted = true;
        bot->id = ((Gw__HelloAck *)message)->session_id;
        break;
    case PING:
        bot_send(bot, PONG, message);
        break;
    case PONG:
        bot->pong_count++;
        break;
    case CLOSE:
        receive_close(bot, (Gw__Close *)message);
        break;
    case GO_AWAY:
        bot->has_goaway = true;
        break;
    case ENTERED:
        receive_entered(bot, (Game__Entered *)message);
        break;
    case SAID:
        bot->said_count++;
        break;
    default:
        receive_room(bot, id, message);
    }
}

static const ProtobufCMessageDescriptor *type_of(uint16_t id)
{
    static const ProtobufCMessageDescriptor *const control[] = {
        [HELLO_ACK] = &gw__hello_ack__descriptor, [PING] = &gw__ping__descriptor,
        [PONG] = &gw__pong__descriptor,           [CLOSE] = &gw__close__descriptor,
        [GO_AWAY] = &gw__go_away__descriptor,
    };
    static const ProtobufCMessageDescriptor *const game[] = {
        &game__entered__descriptor,     &game__left__descriptor,      &game__joined__descriptor,
        &game__gone__descriptor,        &game__chat_line__descriptor, &game__snapshot__descriptor,
        &game__who_is_here__descriptor, &game__said__descriptor,
    };
    if (id >= HELLO_ACK && id <= GO_AWAY) {
        return control[id];
    }
    return id >= ENTERED && id <= SAID ? game[id - ENTERED] : NULL;
}

static void *take(void *context, size_t bytes)
{
    return memory_take_unseen(bytes);
}

static void give(void *context, void *memory)
{
    memory_free_unseen(memory);
}

/* The test client keeps its memory when allocations of the library fail. */
static ProtobufCAllocator unseen = {.alloc = take, .free = give};

static void take_frame(struct bot *bot, const uint8_t *data, size_t bytes)
{
    uint16_t id = frame_read_header(data).id;
    const ProtobufCMessageDescriptor *type = type_of(id);
    assert_non_null(type);
    assert_false(bot->has_close); /* no frame follows CLOSE */
    ProtobufCMessage *message = protobuf_c_message_unpack(type, &unseen, bytes - FRAME_HEADER_BYTES,
                                                          data + FRAME_HEADER_BYTES);
    assert_non_null(message);
    bot->frame_count++;
    receive(bot, id, message);
    protobuf_c_message_free_unpacked(message, &unseen);
}

static void take_frames_of_websocket(struct bot *bot)
{
    size_t at = 0;
    for (size_t bytes;
         (bytes = frame_complete_bytes(bot->websocket.bytes + at, bot->websocket.count - at)) > 0;
         at += bytes) {
        take_frame(bot, bot->websocket.bytes + at, bytes);
    }
    bot->websocket.count -= (uint32_t)at;
    memmove(bot->websocket.bytes, bot->websocket.bytes + at, bot->websocket.count);
}

void bot_read(struct bot *bot)
{
    static uint8_t data[FRAME_BYTES_MAX];
    if (bot->peer == NULL || bot->is_closed) {
        return;
    }
    if (bot_speaks_websocket) {
        read_websocket(bot);
        if (bot->websocket.count > 0) {
            take_frames_of_websocket(bot);
        }
        return;
    }
    for (size_t bytes;
         (bytes = frame_complete_bytes(peer_data(bot->peer), peer_unread_count(bot->peer))) > 0;) {
        assert_true(bytes < FRAME_BYTES_MAX);
        peer_read(bot->peer, data, bytes);
        take_frame(bot, data, bytes);
    }
}

bool bot_is_over(const struct bot *bot)
{
    return bot->peer == NULL || peer_has_fin(bot->peer) || peer_has_reset(bot->peer);
}
