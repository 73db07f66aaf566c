/* tests/net/contract_send_elsewhere.c: Sends from other turns and other threads. */
#include "tests/net/contract.h"

#include "net/buf.h"
#include "net/error.h"
#include "net/port_internal.h"
#include "tests/net/port_fixture.h"
#include <stdlib.h>
#include <string.h>

/* ---- many threads ---- */

enum { SPEAKER_COUNT = 4, MESSAGE_COUNT = 500 };

/* Each message contains its sender, its number, and a random number of bytes. */
struct message {
    uint16_t speaker;
    uint16_t number;
    uint32_t bytes;
};

struct speaker {
    struct gw_stream *stream;
    uint16_t index;
    atomic_int error;
};

static int speak_by_place(struct gw_stream *stream, const struct message *message)
{
    struct gw_stream_reservation place;
    int error = gw_stream_reserve(stream, message->bytes, &place);
    if (error == 0) {
        memset(place.data, message->speaker, message->bytes);
        memcpy(place.data, message, sizeof(*message));
        gw_stream_commit(stream, &place);
    }
    return error;
}

static int speak_by_buffer(struct gw_stream *stream, const struct message *message)
{
    struct gw_buf *buf = gw_buf_create(message->bytes);
    memset(gw_buf_data(buf), message->speaker, message->bytes);
    memcpy(gw_buf_data(buf), message, sizeof(*message));
    int error = gw_stream_send(stream, buf);
    gw_buf_unref(buf);
    return error;
}

static void speak(void *context)
{
    struct speaker *speaker = context;
    for (uint16_t number = 0; number < MESSAGE_COUNT; number++) {
        struct message message = {speaker->index, number, sizeof(message) + number % 90u * 13u};
        int error = number % 3 == 0 ? speak_by_buffer(speaker->stream, &message)
                                    : speak_by_place(speaker->stream, &message);
        if (error != 0) {
            atomic_store(&speaker->error, error);
        }
    }
}

/* Receives one complete message. Returns its sender, or -1 when it was partial or not the sender's
 * next. */
static int receive_message(const struct raw_socket *peer, uint16_t *next_of_speaker)
{
    struct message message;
    uint8_t rest[2000];
    if (!raw_socket_recv_all(peer, &message, sizeof(message)) || message.speaker >= SPEAKER_COUNT ||
        message.bytes - sizeof(message) > sizeof(rest) ||
        !raw_socket_recv_all(peer, rest, message.bytes - sizeof(message))) {
        return -1;
    }
    for (size_t i = 0; i < message.bytes - sizeof(message); i++) {
        if (rest[i] != message.speaker) {
            return -1;
        }
    }
    return message.number == next_of_speaker[message.speaker]++ ? message.speaker : -1;
}

static void messages_of_each_thread_keep_their_order(void **state)
{
    struct raw_socket peer;
    struct speaker speakers[SPEAKER_COUNT];
    os_thread threads[SPEAKER_COUNT];
    uint16_t next_of_speaker[SPEAKER_COUNT] = {0};
    fixture_open(&(struct port_fixture_plan){.send_queue_bytes_max = 4 << 20});
    struct checked_stream *checked = fixture_connect(&peer);
    for (uint16_t i = 0; i < SPEAKER_COUNT; i++) {
        speakers[i] = (struct speaker){.stream = checked->stream, .index = i};
        assert_int_equal(os_thread_start(&threads[i], speak, &speakers[i]), 0);
    }
    for (int i = 0; i < SPEAKER_COUNT * MESSAGE_COUNT; i++) {
        assert_true(receive_message(&peer, next_of_speaker) >= 0);
    }
    for (int i = 0; i < SPEAKER_COUNT; i++) {
        os_thread_join(threads[i]);
        assert_int_equal(atomic_load(&speakers[i].error), 0);
    }
    fixture_close_connected(&peer);
}

/* ---- objects on every lane ---- */

static void speak_in_turn(void *context)
{
    speak(context);
}

static void messages_of_each_object_keep_their_order(void **state)
{
    struct raw_socket peer;
    struct speaker speakers[SPEAKER_COUNT];
    struct gw_turn rooms[SPEAKER_COUNT];
    uint16_t next_of_speaker[SPEAKER_COUNT] = {0};
    fixture_open(&(struct port_fixture_plan){.send_queue_bytes_max = 4 << 20});
    struct checked_stream *checked = fixture_connect(&peer);
    for (uint16_t i = 0; i < SPEAKER_COUNT; i++) {
        speakers[i] = (struct speaker){.stream = checked->stream, .index = i};
        gw_turn_init(&rooms[i], fixture.port, NULL); /* on each lane, one after the other */
        run_in_turn(&rooms[i], speak_in_turn, &speakers[i]);
    }
    for (int i = 0; i < SPEAKER_COUNT * MESSAGE_COUNT; i++) {
        assert_true(receive_message(&peer, next_of_speaker) >= 0);
    }
    for (int i = 0; i < SPEAKER_COUNT; i++) {
        assert_int_equal(atomic_load(&speakers[i].error), 0);
    }
    fixture_close_connected(&peer);
}

/* ---- waking ---- */

enum { OTHER_COUNT = 64 };

static struct {
    struct gw_turn others[OTHER_COUNT];
    struct gw_task tasks[OTHER_COUNT][3];
    atomic_uint run_count;
    uint64_t wakes_before;
} crowd;

static void count_run(struct gw_task *task)
{
    atomic_fetch_add(&crowd.run_count, 1);
}

static void leave_work_for_all(void *context)
{
    crowd.wakes_before = fixture_counters().wake_count;
    for (int i = 0; i < OTHER_COUNT; i++) {
        for (int j = 0; j < 3; j++) {
            crowd.tasks[i][j].run = count_run;
            gw_turn_post(&crowd.others[i], &crowd.tasks[i][j]);
        }
    }
}

/*
 * One turn wakes each other lane once, however many tasks it posts, and never its own. On a shared
 * lane a worker that starts a few turns and sees more wakes the next worker.
 */
static void one_turn_wakes_each_lane_once(void **state)
{
    uint64_t wakes_max = fixture_backend->lane_shared ? OTHER_COUNT / 4 : fixture_lane_count() - 1;
    struct gw_turn room;
    fixture_open(&(struct port_fixture_plan){.callbacks = NULL});
    gw_turn_init(&room, fixture.port, NULL);
    for (int i = 0; i < OTHER_COUNT; i++) {
        gw_turn_init(&crowd.others[i], fixture.port, NULL);
    }
    for (uint32_t round = 1; round <= 20; round++) {
        atomic_store(&crowd.run_count, 0);
        run_in_turn(&room, leave_work_for_all, NULL);
        WAIT_FOR(atomic_load(&crowd.run_count) == 3 * OTHER_COUNT);
        uint64_t wakes = fixture_counters().wake_count - crowd.wakes_before;
        assert_true(wakes <= wakes_max);
        machine_sleep_ms(1); /* lets all workers sleep again */
    }
    fixture_close();
}

/* ---- outside of turns ---- */

/* An object that sends to a stream when its last reference is released. */
struct mourner {
    struct gw_turn turn;
    struct checked_stream *checked;
    atomic_int error;
};

static void send_goodbye(struct gw_turn *turn)
{
    struct mourner *mourner = (struct mourner *)(void *)turn;
    atomic_store(&mourner->error, checked_send_text(mourner->checked, "goodbye"));
}

static void let_go(void *context)
{
    struct mourner *mourner = context;
    gw_turn_unref(&mourner->turn);
}

/* An object's last reference may be released after its turn: then no turn flushes the send. */
static void a_send_in_the_last_turn_of_an_object_leaves_at_once(void **state)
{
    struct raw_socket peer;
    static struct mourner mourner;
    fixture_open(&(struct port_fixture_plan){.callbacks = NULL});
    mourner.checked = fixture_connect(&peer);
    fixture_run_now();
    struct gw_lane *lane = gw_stream_turn(mourner.checked->stream)->lane;
    gw__turn_init(&mourner.turn, lane, send_goodbye);
    run_in_turn(&mourner.turn, let_go, &mourner);
    uint64_t end_ns = os_now_ns() + (uint64_t)2 * 1000000000;
    while (!raw_socket_has_news(&peer) && os_now_ns() < end_ns) {
        machine_sleep_ms(1);
    }
    assert_true(raw_socket_has_news(&peer)); /* although its lane has no other work */
    assert_true(raw_receives_text(&peer, "goodbye"));
    assert_int_equal(atomic_load(&mourner.error), 0);
    fixture_close_connected(&peer);
}

/* ---- before on_open ---- */

static void a_send_before_a_dialed_stream_opens_leaves_when_it_opens(void **state)
{
    struct gw_addr addr;
    struct raw_socket listener;
    struct raw_socket peer;
    uint64_t received = 0;
    assert_int_equal(gw_addr_parse("127.0.0.1:0", &addr), 0);
    assert_true(raw_socket_listen(&listener, &addr, 10));
    fixture_open(&(struct port_fixture_plan){.callbacks = NULL});
    struct checked_stream *checked = fixture_dial(NULL, &addr, NULL, NULL);
    assert_int_equal(checked_send(checked, 10000), 0);
    assert_int_equal(checked_send_buf(checked, 10000), 0);
    assert_true(raw_socket_accept(&listener, &peer, &addr));
    assert_true(raw_receive_pattern(&peer, &received, 20000));
    raw_socket_close(&peer);
    raw_socket_close(&listener);
    fixture_close();
}

static void start_and_send(struct gw_listener *listener, struct gw_stream *stream)
{
    (void)gw_stream_ref(stream);
    struct checked_stream *checked = fixture_start(stream);
    if (checked_send(checked, 100) != 0 || checked_send_buf(checked, 10000) != 0) {
        fixture_break_rule("a stream that was started takes what is sent");
    }
    gw_stream_unref(stream);
}

static void a_send_in_on_accept_leaves_when_the_stream_opens(void **state)
{
    static const struct stream_callbacks eager = {.on_accept = start_and_send};
    struct raw_socket peer;
    uint64_t received = 0;
    (void)fixture_open_connected(&eager, &peer);
    assert_true(raw_receive_pattern(&peer, &received, 10100));
    fixture_close_connected(&peer);
}

int contract_send_elsewhere(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(messages_of_each_thread_keep_their_order),
        FIXTURE_TEST(messages_of_each_object_keep_their_order),
        FIXTURE_TEST(one_turn_wakes_each_lane_once),
        FIXTURE_TEST(a_send_in_the_last_turn_of_an_object_leaves_at_once),
        FIXTURE_TEST(a_send_before_a_dialed_stream_opens_leaves_when_it_opens),
        FIXTURE_TEST(a_send_in_on_accept_leaves_when_the_stream_opens),
    };
    return cmocka_run_group_tests_name("contract: send elsewhere", tests, NULL, NULL);
}
