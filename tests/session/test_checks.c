/* tests/session/test_checks.c: Effect of an invalid frame on other clients. */
#include "tests/session/loopback_fixture.h"
#include "tests/test.h"

/*
 * tests/scripted/test_checks.c shows each check on both sides of its limit. Here a real kernel
 * agrees, other clients are not affected, and the log has at most one line per second.
 */
static void an_invalid_frame_closes_its_own_connection_alone(void **state)
{
    struct raw_socket valid = peer_join();
    uint64_t begin_ms = fixture_now_ms();
    for (int i = 0; i < 20; i++) {
        peer_send_text(&valid, "here");
        struct raw_socket invalid = peer_join();
        peer_send_header(&invalid, 0, 0, 65535, 0);
        peer_expect_close(&invalid, GW__CLOSE_REASON__UNKNOWN_PACKET);
        peer_sync(&valid);
    }
    assert_int_equal(atomic_load(&fixture.server.received), 20);
    assert_int_equal(atomic_load(&fixture.logged), 0);
    assert_in_range(atomic_load(&fixture.bad_peers_logged), 1,
                    2 + (fixture_now_ms() - begin_ms) / 1000);
    raw_socket_close(&valid);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(an_invalid_frame_closes_its_own_connection_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
