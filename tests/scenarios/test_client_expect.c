/* tests/scenarios/test_client_expect.c: puppets hear what they should, and nothing else. */
#include "tests/scenarios/test_client.h"

#include "session/session.h"
#include <inttypes.h>
#include <stdio.h>

static void fail_at_close(uint16_t expected, const Gw__Close *close)
{
    fail_msg("packet %u was expected, and CLOSE %s came", expected,
             gw_close_reason_name(close->reason));
}

const void *test_client_receive(struct test_client *test_client, uint16_t id)
{
    uint16_t received = 0;
    const void *message = test_client_wait(test_client, &received);
    if (message == NULL) {
        fail_msg("packet %u was expected, and %s came", id,
                 test_client->has_hung_up ? "FIN" : "RST");
    }
    if (received != id && received == CLOSE) {
        fail_at_close(id, message);
    }
    assert_int_equal(received, id);
    return message;
}

const Game__Entered *test_client_receive_entered(struct test_client *test_client,
                                                 Game__EnterResult result)
{
    const Game__Entered *entered = test_client_receive(test_client, GAME_PACKET_ENTERED);
    assert_int_equal(entered->result, result);
    return entered;
}

void test_client_receive_line(struct test_client *test_client, const struct test_client *speaker,
                              const char *text, uint64_t line)
{
    const Game__ChatLine *said = test_client_receive(test_client, GAME_PACKET_CHAT_LINE);
    assert_int_equal(said->player, speaker->id);
    assert_string_equal(said->text, text);
    assert_int_equal(said->line, line);
}

void test_client_receive_joined(struct test_client *test_client, const struct test_client *newcomer)
{
    const Game__Joined *joined = test_client_receive(test_client, GAME_PACKET_JOINED);
    assert_non_null(joined->member);
    assert_int_equal(joined->member->player, newcomer->id);
}

void test_client_receive_gone(struct test_client *test_client, uint64_t player)
{
    const Game__Gone *gone = test_client_receive(test_client, GAME_PACKET_GONE);
    assert_int_equal(gone->player, player);
}

void test_client_receive_at(struct test_client *test_client, const struct test_client *mover,
                            int32_t x, int32_t y)
{
    const Game__Snapshot *snapshot = test_client_receive(test_client, GAME_PACKET_SNAPSHOT);
    assert_int_equal(snapshot->n_positions, 1);
    assert_int_equal(snapshot->positions[0]->player, mover->id);
    assert_int_equal(snapshot->positions[0]->x, x);
    assert_int_equal(snapshot->positions[0]->y, y);
}

void test_client_receive_nothing_but_fin(struct test_client *test_client)
{
    uint16_t id = 0;
    const void *message = test_client_wait(test_client, &id);
    if (message != NULL) {
        fail_msg("FIN was expected, and packet %u came", id);
    }
    assert_true(test_client->has_hung_up);
    test_client_close(test_client);
}

void test_client_receive_close(struct test_client *test_client, Gw__CloseReason reason)
{
    const Gw__Close *close = test_client_receive(test_client, CLOSE);
    assert_string_equal(gw_close_reason_name(close->reason), gw_close_reason_name(reason));
    test_client_receive_nothing_but_fin(test_client);
}

Gw__CloseReason test_client_receive_out(struct test_client *test_client)
{
    Gw__CloseReason reason = GW__CLOSE_REASON__NONE;
    const void *message;
    uint16_t id = 0;
    while ((message = test_client_wait(test_client, &id)) != NULL) {
        assert_int_equal(reason, GW__CLOSE_REASON__NONE); /* CLOSE is the last of all */
        reason = id == CLOSE ? ((const Gw__Close *)message)->reason : reason;
    }
    return reason;
}

void test_client_receive_silence(struct test_client *test_client)
{
    static unsigned count;
    char text[32];
    snprintf(text, sizeof text, "echo %u", ++count);
    test_client_say(test_client, text);
    const Game__Said *said = test_client_receive(test_client, GAME_PACKET_SAID);
    assert_string_equal(said->text, text);
}

uint64_t test_client_be_in(struct test_client *test_client, const char *room)
{
    test_client_enter(test_client, room);
    const Game__Entered *entered =
        test_client_receive_entered(test_client, GAME__ENTER_RESULT__ENTERED_OK);
    assert_string_equal(entered->room, room);
    return entered->line;
}
