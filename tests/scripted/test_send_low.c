/* tests/scripted/test_send_low.c: on_send_low, the event that a send queue has drained. */
#include "tests/test.h"

#include "net/buf.h"
#include "net/error.h"
#include "net/stream.h"
#include "net/turn.h"
#include "tests/scripted/peer.h"
#include "tests/scripted/port_fixture.h"
#include "tests/scripted/test_stream.h"

#include <string.h>

enum {
    QUEUE_BYTES = 64 * 1024,
    SOFT_BYTES = QUEUE_BYTES / GW_STREAM_SOFT_PART,
    BLOCK_BYTES = 1024 - GW_STREAM_BUF_OVERHEAD_BYTES, /* counts 1,024 */
};

static const struct gw_stream_config config = {.recv_bytes_max = 4096,
                                               .send_queue_bytes_max = QUEUE_BYTES};

static struct gw_stream_events events;
static struct test_stream test_stream;
static struct peer *listener;
static struct peer *peer;
static uint32_t low_count;
static uint32_t low_bytes; /* what was queued when the event came */
static uint32_t refill_blocks;

static void queue_blocks(uint32_t count)
{
    static uint8_t block[BLOCK_BYTES];
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(test_stream_send(&test_stream, block, sizeof block), GW_OK);
    }
}

static void on_send_low(struct gw_stream *stream, void *context)
{
    assert_ptr_equal(context, &test_stream);
    assert_true(gw_turn_is_mine(gw_stream_turn(stream)));
    low_count++;
    low_bytes = gw_stream_send_queue_bytes(stream);
    if (refill_blocks > 0) {
        uint32_t count = refill_blocks;
        refill_blocks = 0;
        queue_blocks(count);
    }
}

static int open_stream(void **state)
{
    struct gw_addr addr = peer_addr(7000);
    fixture_open(NULL);
    memset(&test_stream, 0, sizeof test_stream);
    low_count = 0;
    refill_blocks = 0;
    events = test_stream_events;
    events.on_send_low = on_send_low;
    listener = peer_listen(7000);
    assert_int_equal(gw_stream_dial(fixture_port, &addr, NULL, &config, &events, &test_stream,
                                    &test_stream.stream),
                     GW_OK);
    fixture_run_now();
    peer = peer_accept(listener);
    assert_non_null(peer);
    peer_set_window(peer, 0);
    return 0;
}

static int close_stream(void **state)
{
    peer_close(peer);
    peer_close(listener);
    gw_stream_close(test_stream.stream, GW_OK);
    fixture_run_now();
    test_stream_fini(&test_stream);
    fixture_close();
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stream, close_stream)

/* Lets the peer read block by block until so many bytes are left in the queue. */
static void drain_to(uint32_t bytes)
{
    while (gw_stream_send_queue_bytes(test_stream.stream) > bytes) {
        peer_set_window(peer, BLOCK_BYTES);
        (void)peer_read(peer, NULL, SIZE_MAX);
        fixture_run_now();
    }
    peer_set_window(peer, 0);
    (void)peer_read(peer, NULL, SIZE_MAX);
}

static void a_queue_that_stays_below_the_soft_limit_has_no_event(void **state)
{
    queue_blocks(SOFT_BYTES / 1024);
    fixture_run_now();
    drain_to(0);
    assert_int_equal(low_count, 0);
}

static void the_event_comes_at_half_of_the_soft_limit_and_once(void **state)
{
    queue_blocks(SOFT_BYTES / 1024 + 1);
    fixture_run_now();
    drain_to(SOFT_BYTES / 2 + 1024);
    assert_int_equal(low_count, 0);
    drain_to(SOFT_BYTES / 2);
    assert_int_equal(low_count, 1);
    assert_int_equal(low_bytes, SOFT_BYTES / 2);
    drain_to(0);
    assert_int_equal(low_count, 1);
}

static void the_event_comes_again_when_the_queue_was_high_again(void **state)
{
    for (uint32_t round = 1; round <= 3; round++) {
        queue_blocks(SOFT_BYTES / 1024 + 5);
        fixture_run_now();
        drain_to(round == 2 ? SOFT_BYTES / 2 : 0);
        assert_int_equal(low_count, round);
    }
}

static void a_queue_between_the_two_marks_has_no_event(void **state)
{
    queue_blocks(SOFT_BYTES / 1024 + 1);
    fixture_run_now();
    drain_to(0);
    assert_int_equal(low_count, 1);
    queue_blocks(SOFT_BYTES / 1024 - 1);
    fixture_run_now();
    drain_to(0);
    assert_int_equal(low_count, 1);
}

static void the_event_may_send_and_fill_the_queue_again(void **state)
{
    refill_blocks = SOFT_BYTES / 1024 + 5;
    queue_blocks(SOFT_BYTES / 1024 + 1);
    fixture_run_now();
    drain_to(0);
    assert_int_equal(refill_blocks, 0);
    assert_int_equal(low_count, 2); /* the second for the blocks that the first queued */
}

static void queue_many_blocks(void *context)
{
    queue_blocks(SOFT_BYTES / 1024 + 5);
    assert_int_equal(low_count, 0); /* not inside a call */
}

static void a_burst_that_the_kernel_takes_at_once_has_the_event_too(void **state)
{
    peer_set_window(peer, 1 << 20);
    kernel_behaviour()->immediate_percent = 100;
    fixture_in_turn(gw_stream_turn(test_stream.stream), queue_many_blocks, NULL);
    assert_int_equal(low_count, 1);
    assert_int_equal(low_bytes, 0);
}

static void a_closing_stream_has_no_event(void **state)
{
    queue_blocks(SOFT_BYTES / 1024 + 5);
    fixture_run_now();
    assert_true(gw_stream_finish(test_stream.stream, GW_OK, NULL));
    drain_to(0);
    assert_int_equal(low_count, 0);
}

static void dropped_bytes_drain_the_queue_too(void **state)
{
    enum { KEY = 7, LARGE_BYTES = SOFT_BYTES - 2048 };
    struct gw_buf *buf = gw_buf_create(LARGE_BYTES);
    gw_buf_mark(buf, 0, KEY);
    queue_blocks(1);
    fixture_run_now();
    assert_int_equal(gw_stream_send(test_stream.stream, buf), GW_OK);
    queue_blocks(4);
    fixture_run_now();
    assert_true(gw_stream_send_queue_bytes(test_stream.stream) > SOFT_BYTES);
    gw_buf_unref(buf);
    buf = gw_buf_create(16);
    gw_buf_mark(buf, 0, KEY);
    assert_int_equal(gw_stream_send(test_stream.stream, buf), GW_OK);
    gw_buf_unref(buf);
    fixture_run_now();
    assert_true(gw_stream_send_queue_bytes(test_stream.stream) <= SOFT_BYTES / 2);
    drain_to(0);
    assert_int_equal(low_count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_queue_that_stays_below_the_soft_limit_has_no_event),
        TEST(the_event_comes_at_half_of_the_soft_limit_and_once),
        TEST(the_event_comes_again_when_the_queue_was_high_again),
        TEST(a_queue_between_the_two_marks_has_no_event),
        TEST(the_event_may_send_and_fill_the_queue_again),
        TEST(a_burst_that_the_kernel_takes_at_once_has_the_event_too),
        TEST(a_closing_stream_has_no_event),
        TEST(dropped_bytes_drain_the_queue_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
