/* tests/tools/dummy/test_outcome.c: tests of which session ends are in order. */
#include "session/manager.h"
#include "tests/test.h"
#include "tools/dummy-client/client.h"

static struct dummy_outcome ended(Gw__CloseReason reason, Gw__CloseReason peer_reason)
{
    return (struct dummy_outcome){.begun = true,
                                  .greeted = true,
                                  .ready = true,
                                  .ended = true,
                                  .reason = reason,
                                  .peer_reason = peer_reason};
}

static void a_client_that_leaves_is_orderly(void **state)
{
    struct dummy_outcome outcome = ended(DUMMY_LEAVES, GW__CLOSE_REASON__NONE);
    assert_true(dummy_outcome_is_orderly(&outcome, false));
    assert_true(dummy_outcome_is_orderly(&outcome, true));
}

static void a_shutdown_is_orderly_only_after_go_away(void **state)
{
    struct dummy_outcome outcome = ended(GW__CLOSE_REASON__BY_PEER, GW__CLOSE_REASON__SHUTDOWN);
    assert_false(dummy_outcome_is_orderly(&outcome, true));
    outcome.asked_to_go = true;
    assert_true(dummy_outcome_is_orderly(&outcome, true));
}

static void any_other_end_of_a_greeted_client_is_not_orderly(void **state)
{
    for (int reason = 0; reason < GW_CLOSE_REASON_COUNT; reason++) {
        struct dummy_outcome outcome = ended((Gw__CloseReason)reason, GW__CLOSE_REASON__NONE);
        outcome.asked_to_go = true;
        assert_true(dummy_outcome_is_orderly(&outcome, true) == (reason == DUMMY_LEAVES));
    }
    struct dummy_outcome kicked = ended(GW__CLOSE_REASON__BY_PEER, GW__CLOSE_REASON__KICKED);
    kicked.asked_to_go = true;
    assert_false(dummy_outcome_is_orderly(&kicked, true));
}

static void a_client_that_is_not_greeted_may_be_closed_during_a_drain(void **state)
{
    struct dummy_outcome outcome = ended(GW__CLOSE_REASON__BY_PEER, GW__CLOSE_REASON__SHUTDOWN);
    outcome.greeted = outcome.ready = false;
    assert_true(dummy_outcome_is_orderly(&outcome, true));
    assert_false(dummy_outcome_is_orderly(&outcome, false));
    outcome.reason = GW__CLOSE_REASON__NETWORK;
    assert_true(dummy_outcome_is_orderly(&outcome, true));
    assert_false(dummy_outcome_is_orderly(&outcome, false));
    outcome.reason = GW__CLOSE_REASON__GREETING_TIMEOUT;
    assert_false(dummy_outcome_is_orderly(&outcome, true));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_that_leaves_is_orderly),
        cmocka_unit_test(a_shutdown_is_orderly_only_after_go_away),
        cmocka_unit_test(any_other_end_of_a_greeted_client_is_not_orderly),
        cmocka_unit_test(a_client_that_is_not_greeted_may_be_closed_during_a_drain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
