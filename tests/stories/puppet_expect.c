/* tests/stories/puppet_expect.c: puppets hear what they should, and nothing else. */
#include "tests/stories/puppet.h"

#include "session/session.h"
#include <inttypes.h>
#include <stdio.h>

static void fail_at_close(uint16_t expected, const Gw__Close *close)
{
    fail_msg("packet %u was expected, and CLOSE %s came", expected,
             gw_close_reason_name(close->reason));
}

const void *puppet_hear(struct puppet *puppet, uint16_t id)
{
    uint16_t heard = 0;
    const void *message = puppet_wait(puppet, &heard);
    if (message == NULL) {
        fail_msg("packet %u was expected, and %s came", id, puppet->has_hung_up ? "FIN" : "RST");
    }
    if (heard != id && heard == CLOSE) {
        fail_at_close(id, message);
    }
    assert_int_equal(heard, id);
    return message;
}

const Game__Entered *puppet_hear_entered(struct puppet *puppet, Game__EnterResult result)
{
    const Game__Entered *entered = puppet_hear(puppet, GAME_PACKET_ENTERED);
    assert_int_equal(entered->result, result);
    return entered;
}

void puppet_hear_line(struct puppet *puppet, const struct puppet *speaker, const char *text,
                      uint64_t line)
{
    const Game__ChatLine *said = puppet_hear(puppet, GAME_PACKET_CHAT_LINE);
    assert_int_equal(said->player, speaker->id);
    assert_string_equal(said->text, text);
    assert_int_equal(said->line, line);
}

void puppet_hear_joined(struct puppet *puppet, const struct puppet *newcomer)
{
    const Game__Joined *joined = puppet_hear(puppet, GAME_PACKET_JOINED);
    assert_non_null(joined->member);
    assert_int_equal(joined->member->player, newcomer->id);
}

void puppet_hear_gone(struct puppet *puppet, uint64_t player)
{
    const Game__Gone *gone = puppet_hear(puppet, GAME_PACKET_GONE);
    assert_int_equal(gone->player, player);
}

void puppet_hear_at(struct puppet *puppet, const struct puppet *mover, int32_t x, int32_t y)
{
    const Game__Snapshot *snapshot = puppet_hear(puppet, GAME_PACKET_SNAPSHOT);
    assert_int_equal(snapshot->n_positions, 1);
    assert_int_equal(snapshot->positions[0]->player, mover->id);
    assert_int_equal(snapshot->positions[0]->x, x);
    assert_int_equal(snapshot->positions[0]->y, y);
}

void puppet_hear_nothing_but_fin(struct puppet *puppet)
{
    uint16_t id = 0;
    const void *message = puppet_wait(puppet, &id);
    if (message != NULL) {
        fail_msg("FIN was expected, and packet %u came", id);
    }
    assert_true(puppet->has_hung_up);
    puppet_close(puppet);
}

void puppet_hear_close(struct puppet *puppet, Gw__CloseReason reason)
{
    const Gw__Close *close = puppet_hear(puppet, CLOSE);
    assert_string_equal(gw_close_reason_name(close->reason), gw_close_reason_name(reason));
    puppet_hear_nothing_but_fin(puppet);
}

Gw__CloseReason puppet_hear_out(struct puppet *puppet)
{
    Gw__CloseReason reason = GW__CLOSE_REASON__NONE;
    const void *message;
    uint16_t id = 0;
    while ((message = puppet_wait(puppet, &id)) != NULL) {
        assert_int_equal(reason, GW__CLOSE_REASON__NONE); /* CLOSE is the last of all */
        reason = id == CLOSE ? ((const Gw__Close *)message)->reason : reason;
    }
    return reason;
}

void puppet_hear_silence(struct puppet *puppet)
{
    static unsigned count;
    char text[32];
    snprintf(text, sizeof text, "echo %u", ++count);
    puppet_say(puppet, text);
    const Game__Said *said = puppet_hear(puppet, GAME_PACKET_SAID);
    assert_string_equal(said->text, text);
}

uint64_t puppet_be_in(struct puppet *puppet, const char *room)
{
    puppet_enter(puppet, room);
    const Game__Entered *entered = puppet_hear_entered(puppet, GAME__ENTER_RESULT__ENTERED_OK);
    assert_string_equal(entered->room, room);
    return entered->line;
}
