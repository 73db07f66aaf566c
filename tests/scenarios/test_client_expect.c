/* tests/scenarios/test_client_expect.c: Checks of the packets that a test client receives. */
#include "tests/scenarios/test_client.h"

#include "session/session.h"
#include <inttypes.h>
#include <stdio.h>

static void fail_at_close(uint16_t expected, const Gw__Close *close)
{
    fail_msg("expected packet %u, received CLOSE %s", expected,
             gw_close_reason_name(close->reason));
}

const void *test_client_receive(struct test_client *client, uint16_t id)
{
    uint16_t received = 0;
    const void *message = test_client_wait(client, &received);
    if (message == NULL) {
        fail_msg("expected packet %u, received %s", id, client->has_fin ? "FIN" : "RST");
    }
    if (received != id && received == CLOSE) {
        fail_at_close(id, message);
    }
    assert_int_equal(received, id);
    return message;
}

const Game__Entered *test_client_receive_entered(struct test_client *client,
                                                 Game__EnterResult result)
{
    const Game__Entered *entered = test_client_receive(client, GAME_PACKET_ENTERED);
    assert_int_equal(entered->result, result);
    return entered;
}

void test_client_receive_line(struct test_client *client, const struct test_client *speaker,
                              const char *text, uint64_t line)
{
    const Game__ChatLine *received = test_client_receive(client, GAME_PACKET_CHAT_LINE);
    assert_int_equal(received->player, speaker->id);
    assert_string_equal(received->text, text);
    assert_int_equal(received->line, line);
}

void test_client_receive_joined(struct test_client *client, const struct test_client *newcomer)
{
    const Game__Joined *joined = test_client_receive(client, GAME_PACKET_JOINED);
    assert_non_null(joined->member);
    assert_int_equal(joined->member->player, newcomer->id);
}

void test_client_receive_gone(struct test_client *client, uint64_t player)
{
    const Game__Gone *gone = test_client_receive(client, GAME_PACKET_GONE);
    assert_int_equal(gone->player, player);
}

void test_client_receive_position(struct test_client *client, const struct test_client *mover,
                                  int32_t x, int32_t y)
{
    const Game__Snapshot *snapshot = test_client_receive(client, GAME_PACKET_SNAPSHOT);
    assert_int_equal(snapshot->n_positions, 1);
    assert_int_equal(snapshot->positions[0]->player, mover->id);
    assert_int_equal(snapshot->positions[0]->x, x);
    assert_int_equal(snapshot->positions[0]->y, y);
}

void test_client_receive_fin(struct test_client *client)
{
    uint16_t id = 0;
    const void *message = test_client_wait(client, &id);
    if (message != NULL) {
        fail_msg("expected FIN, received packet %u", id);
    }
    assert_true(client->has_fin);
    test_client_close(client);
}

void test_client_receive_close(struct test_client *client, Gw__CloseReason reason)
{
    const Gw__Close *close = test_client_receive(client, CLOSE);
    assert_string_equal(gw_close_reason_name(close->reason), gw_close_reason_name(reason));
    test_client_receive_fin(client);
}

Gw__CloseReason test_client_drain(struct test_client *client)
{
    Gw__CloseReason reason = GW__CLOSE_REASON__NONE;
    const void *message;
    uint16_t id = 0;
    while ((message = test_client_wait(client, &id)) != NULL) {
        assert_int_equal(reason, GW__CLOSE_REASON__NONE); /* no packet follows CLOSE */
        reason = id == CLOSE ? ((const Gw__Close *)message)->reason : reason;
    }
    return reason;
}

void test_client_expect_idle(struct test_client *client)
{
    static unsigned count;
    char text[32];
    snprintf(text, sizeof text, "echo %u", ++count);
    test_client_say(client, text);
    const Game__Said *said = test_client_receive(client, GAME_PACKET_SAID);
    assert_string_equal(said->text, text);
}

uint64_t test_client_join(struct test_client *client, const char *room)
{
    test_client_enter(client, room);
    const Game__Entered *entered =
        test_client_receive_entered(client, GAME__ENTER_RESULT__ENTERED_OK);
    assert_string_equal(entered->room, room);
    return entered->line;
}
