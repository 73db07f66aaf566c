/* tests/net/test_send_queue.c: The send queue, compared with a plain array of bytes. */
#include "tests/test.h"

#include "net/buf.h"
#include "net/pool.h"
#include "net/send_queue.h"
#include "net/stream.h"
#include "tests/support/random.h"
#include <string.h>

enum { BYTES_MAX = 1 << 20 };

/* A queue, the bytes that should be in it, and what they cost. */
struct twin {
    struct gw_send_queue queue;
    struct random random;
    uint64_t cost;
    uint32_t used;
    uint8_t bytes[BYTES_MAX];
};

static uint8_t *twin_write(struct twin *twin, uint8_t *to, uint32_t bytes)
{
    for (uint32_t i = 0; i < bytes; i++) {
        to[i] = (uint8_t)random_next(&twin->random);
    }
    memcpy(twin->bytes + twin->used, to, bytes);
    twin->used += bytes;
    return to;
}

static void twin_share(struct twin *twin, uint32_t bytes)
{
    struct gw_buf *buf = gw_buf_create(bytes);
    twin_write(twin, gw_buf_data(buf), bytes);
    struct gw_send_entry *entry = gw__send_entry_share(buf, 0, gw_buf_bytes(buf));
    gw_buf_unref(buf);
    assert_int_equal(gw__send_entry_cost(entry), bytes + GW_STREAM_BUF_OVERHEAD_BYTES);
    twin->cost += gw__send_entry_cost(entry);
    gw__send_queue_append(&twin->queue, entry);
}

static void twin_append(struct twin *twin, struct gw_send_entry *entry, uint32_t bytes)
{
    twin_write(twin, entry->data, bytes);
    entry->end = bytes;
    assert_int_equal(gw__send_entry_cost(entry), bytes);
    twin->cost += bytes;
    gw__send_queue_append(&twin->queue, entry);
}

/* As a stream appends on its own lane. */
static void twin_reserve(struct twin *twin, uint32_t bytes)
{
    uint8_t *room = gw__send_queue_room(&twin->queue, bytes);
    if (room == NULL) {
        twin_append(twin, gw__send_entry_chunk(bytes), bytes);
        return;
    }
    twin_write(twin, room, bytes);
    twin->queue.last->end += bytes;
    twin->cost += bytes;
}

static void twin_consume(struct twin *twin, uint32_t bytes)
{
    struct gw_send_gone gone;
    gw__send_queue_consume(&twin->queue, bytes, &gone);
    assert_int_equal(gone.count, 0); /* no message was dropped */
    twin->cost -= gone.cost;
    twin->used -= bytes;
    memmove(twin->bytes, twin->bytes + bytes, twin->used);
}

/* Returns the number of bytes in the spans. */
static uint32_t twin_check(struct twin *twin)
{
    struct gw_span spans[GW_SEND_SPAN_COUNT_MAX];
    int count = gw__send_queue_gather(&twin->queue, spans);
    uint32_t shown = 0;
    assert_true(count <= GW_SEND_SPAN_COUNT_MAX);
    for (int i = 0; i < count; i++) {
        assert_true(spans[i].bytes > 0);
        assert_memory_equal(spans[i].data, twin->bytes + shown, spans[i].bytes);
        shown += spans[i].bytes;
    }
    assert_true(count == GW_SEND_SPAN_COUNT_MAX || shown == twin->used);
    assert_int_equal(gw__send_queue_is_empty(&twin->queue), twin->used == 0);
    return shown;
}

static void step(struct twin *twin)
{
    uint32_t bytes =
        1 + random_below(&twin->random, random_below(&twin->random, 6) == 0 ? 6000 : 200);
    bool room = twin->used + bytes < BYTES_MAX;
    switch (room ? random_below(&twin->random, 5) : 4) {
    case 0:
        twin_share(twin, bytes);
        break;
    case 1:
        twin_append(twin, gw__send_entry_exact(bytes), bytes);
        break;
    case 2:
        twin_reserve(twin, bytes);
        break;
    case 3:
        (void)twin_check(twin);
        break;
    default:
        twin_consume(twin, random_below(&twin->random, twin_check(twin) + 1));
        break;
    }
}

static void a_send_queue_is_a_queue_of_bytes(void **state)
{
    static struct twin twin;
    twin.random.state = 42;
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 5000; i++) {
            step(&twin);
        }
        if (round % 2 == 0) {
            assert_int_equal(gw__send_queue_drop(&twin.queue), twin.cost);
            twin.cost = 0;
            twin.used = 0;
        }
        while (twin.used > 0) {
            twin_consume(&twin, twin_check(&twin));
        }
        assert_int_equal(twin.cost, 0);
        assert_int_equal(gw__pool_used_bytes(), 0);
    }
}

static void a_queue_returns_at_most_the_spans_of_one_send(void **state)
{
    static struct twin twin;
    for (int i = 0; i < 2 * GW_SEND_SPAN_COUNT_MAX; i++) {
        twin_share(&twin, 10);
    }
    assert_int_equal(twin_check(&twin), 10 * GW_SEND_SPAN_COUNT_MAX);
    twin_consume(&twin, 10 * GW_SEND_SPAN_COUNT_MAX - 1);
    assert_int_equal(twin_check(&twin), 10 * GW_SEND_SPAN_COUNT_MAX - 9);
    assert_int_equal(gw__send_queue_drop(&twin.queue), twin.cost);
    assert_int_equal(gw__pool_used_bytes(), 0);
}

static int span_count_of(const struct gw_send_queue *queue)
{
    struct gw_span spans[GW_SEND_SPAN_COUNT_MAX];
    return gw__send_queue_gather(queue, spans);
}

static void small_messages_share_a_chunk(void **state)
{
    static struct twin twin;
    for (int i = 0; i < 20; i++) {
        twin_reserve(&twin, 30);
        twin_append(&twin, gw__send_entry_exact(40), 40);
    }
    assert_int_equal(span_count_of(&twin.queue), 1);
    (void)twin_check(&twin);
    (void)gw__send_queue_drop(&twin.queue);
}

static void a_large_message_of_another_thread_is_not_copied(void **state)
{
    static struct twin twin;
    twin_reserve(&twin, 30);
    twin_append(&twin, gw__send_entry_exact(1000), 1000);
    assert_int_equal(span_count_of(&twin.queue), 2);
    (void)twin_check(&twin);
    (void)gw__send_queue_drop(&twin.queue);
}

static void nothing_is_written_into_a_shared_buffer(void **state)
{
    static struct twin twin;
    assert_null(gw__send_queue_room(&twin.queue, 1));
    twin_share(&twin, 10);
    assert_null(gw__send_queue_room(&twin.queue, 1));
    twin_reserve(&twin, 1);
    assert_non_null(gw__send_queue_room(&twin.queue, 1));
    twin_consume(&twin, 11);
    assert_null(gw__send_queue_room(&twin.queue, 1)); /* the chunk is gone */
    assert_int_equal(gw__pool_used_bytes(), 0);
}

static void a_chunk_accepts_what_fits_and_not_a_byte_more(void **state)
{
    static struct twin twin;
    twin_reserve(&twin, 1);
    uint32_t free_bytes = twin.queue.last->capacity_bytes - 1;
    assert_null(gw__send_queue_room(&twin.queue, free_bytes + 1));
    assert_non_null(gw__send_queue_room(&twin.queue, free_bytes));
    twin_reserve(&twin, free_bytes);
    assert_int_equal(span_count_of(&twin.queue), 1);
    twin_reserve(&twin, 1);
    assert_int_equal(span_count_of(&twin.queue), 2);
    (void)twin_check(&twin);
    (void)gw__send_queue_drop(&twin.queue);
}

static void a_chunk_that_is_being_sent_accepts_more_bytes(void **state)
{
    static struct twin twin;
    struct gw_span spans[GW_SEND_SPAN_COUNT_MAX];
    twin_reserve(&twin, 100);
    assert_int_equal(gw__send_queue_gather(&twin.queue, spans), 1);
    twin_reserve(&twin, 50);
    assert_memory_equal(spans[0].data, twin.bytes, 100); /* the kernel still reads it */
    twin_consume(&twin, 100);
    assert_int_equal(twin_check(&twin), 50);
    twin_consume(&twin, 50);
    assert_int_equal(gw__pool_used_bytes(), 0);
}

/* ---- coalescing keys ---- */

/* A queue of shared buffers, each of one letter. */
struct letters {
    struct gw_send_queue queue;
    uint32_t shown_count;
    uint32_t cost;
    char lost[9]; /* the keys whose loss was reported */
};

/* `head` bytes without a key, and `tail` bytes of `kind`. */
static void put(struct letters *letters, char letter, uint32_t head, uint32_t tail, uint16_t kind)
{
    struct gw_buf *buf = gw_buf_create(head + tail);
    struct gw_send_gone gone = {0};
    assert_non_null(buf);
    memset(gw_buf_data(buf), letter, head);
    memset(gw_buf_data(buf) + head, letter - 'a' + 'A', tail);
    if (tail > 0) {
        gw_buf_mark(buf, head, kind);
    }
    struct gw_send_entry *entry = gw__send_entry_share(buf, 0, gw_buf_bytes(buf));
    gw_buf_unref(buf);
    letters->cost += gw__send_entry_cost(entry);
    if (entry->key != 0) {
        gw__send_queue_coalesce(&letters->queue, letters->shown_count, entry, &gone);
    }
    letters->cost -= gone.cost;
    gw__send_queue_append(&letters->queue, entry);
}

static void send_bytes(struct letters *letters, uint32_t bytes)
{
    struct gw_send_gone gone;
    gw__send_queue_consume(&letters->queue, bytes, &gone);
    letters->cost -= gone.cost;
    for (uint32_t i = 0; i < gone.count; i++) {
        letters->lost[strlen(letters->lost)] = (char)('0' + gone.keys[i]);
    }
}

static void expect_waiting(struct letters *letters, const char *text)
{
    struct gw_span spans[GW_SEND_SPAN_COUNT_MAX];
    char waiting[64] = "";
    int count = gw__send_queue_gather(&letters->queue, spans);
    for (int i = 0; i < count; i++) {
        assert_true(spans[i].bytes > 0);
        strncat(waiting, (const char *)spans[i].data, spans[i].bytes);
    }
    assert_string_equal(waiting, text);
}

static void expect_end(struct letters *letters, const char *lost)
{
    assert_int_equal(gw__send_queue_drop(&letters->queue), letters->cost);
    assert_string_equal(letters->lost, lost);
    assert_int_equal(gw__pool_used_bytes(), 0);
}

static void only_the_newest_message_of_a_key_waits_and_the_order_is_kept(void **state)
{
    struct letters letters = {0};
    put(&letters, 'a', 2, 0, 0);
    put(&letters, 'b', 0, 2, 1);
    put(&letters, 'c', 0, 1, 2);
    put(&letters, 'd', 1, 0, 0);
    put(&letters, 'e', 0, 3, 1);
    expect_waiting(&letters, "aaCdEEE");
    put(&letters, 'f', 0, 1, 2);
    put(&letters, 'g', 0, 1, 1);
    expect_waiting(&letters, "aadFG");
    put(&letters, 'h', 1, 0, 0);
    expect_waiting(&letters, "aadFGh");
    send_bytes(&letters, 6);
    expect_end(&letters, "21");
}

static void a_head_stays_when_its_tail_is_dropped(void **state)
{
    struct letters letters = {0};
    put(&letters, 'a', 3, 2, 1);
    put(&letters, 'b', 3, 2, 1);
    expect_waiting(&letters, "aaabbbBB");
    send_bytes(&letters, 7);
    put(&letters, 'c', 1, 2, 1); /* before the first byte of the tail is sent */
    expect_waiting(&letters, "BcCC");
    send_bytes(&letters, 2);
    put(&letters, 'd', 0, 1, 1); /* the whole head has been sent, and nothing of the tail */
    expect_waiting(&letters, "D");
    send_bytes(&letters, 1);
    expect_end(&letters, "11");
}

static void bytes_in_flight_are_not_dropped(void **state)
{
    struct letters letters = {.shown_count = 2};
    put(&letters, 'a', 0, 1, 1);
    put(&letters, 'b', 1, 1, 1);
    put(&letters, 'c', 1, 1, 1);
    put(&letters, 'd', 1, 1, 1);
    expect_waiting(&letters, "AbBcdD");
    send_bytes(&letters, 3);
    letters.shown_count = 0;
    assert_string_equal(letters.lost, "");
    put(&letters, 'e', 0, 1, 1);
    expect_waiting(&letters, "cdE");
    send_bytes(&letters, 3);
    expect_end(&letters, "1");
}

/* The newest message reports the loss; the messages that it replaced report nothing. */
static void a_loss_is_reported_once_when_the_newest_message_has_left(void **state)
{
    struct letters letters = {0};
    put(&letters, 'a', 0, 1, 1);
    put(&letters, 'b', 2, 1, 1);
    put(&letters, 'c', 0, 2, 1);
    send_bytes(&letters, 3);
    assert_string_equal(letters.lost, "");
    send_bytes(&letters, 1);
    assert_string_equal(letters.lost, "1");
    put(&letters, 'd', 0, 1, 1);
    send_bytes(&letters, 1);
    expect_end(&letters, "1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_send_queue_is_a_queue_of_bytes),
        cmocka_unit_test(a_queue_returns_at_most_the_spans_of_one_send),
        cmocka_unit_test(small_messages_share_a_chunk),
        cmocka_unit_test(a_large_message_of_another_thread_is_not_copied),
        cmocka_unit_test(nothing_is_written_into_a_shared_buffer),
        cmocka_unit_test(a_chunk_accepts_what_fits_and_not_a_byte_more),
        cmocka_unit_test(a_chunk_that_is_being_sent_accepts_more_bytes),
        cmocka_unit_test(only_the_newest_message_of_a_key_waits_and_the_order_is_kept),
        cmocka_unit_test(a_head_stays_when_its_tail_is_dropped),
        cmocka_unit_test(bytes_in_flight_are_not_dropped),
        cmocka_unit_test(a_loss_is_reported_once_when_the_newest_message_has_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
