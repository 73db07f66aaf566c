/* tests/net/port_fixture.h: A port with its workers and a listener, and streams that check their
 * own callbacks. */
#ifndef GW_TESTS_NET_PORT_FIXTURE_H
#define GW_TESTS_NET_PORT_FIXTURE_H

#include "net/addr.h"
#include "net/listener.h"
#include "net/port.h"
#include "net/stream.h"
#include "net/turn.h"
#include "tests/net/controlled_backend.h"
#include "tests/support/raw_socket.h"
#include "tests/support/wait.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * A contract test runs on the backend and the number of workers that its program was given, with
 * the checking backend in between. The callbacks of each stream first check that they are called in
 * the order of net/stream.h and in turns of the stream, then call those of the test.
 */
struct checked_stream;
struct gw_ring;

/* The callbacks of a test's streams. Each may be NULL; without on_recv all bytes are consumed. */
struct stream_callbacks {
    void (*on_accept)(struct gw_listener *listener, struct gw_stream *stream);
    void (*on_open)(struct checked_stream *checked);
    enum gw_recv (*on_recv)(struct checked_stream *checked, struct gw_ring *ring);
    void (*on_deadline)(struct checked_stream *checked);
    void (*on_close)(struct checked_stream *checked);
};

struct checked_stream {
    struct checked_stream *next;
    const struct stream_callbacks *callbacks;
    struct gw_stream *stream; /* with a reference, until the fixture is closed */
    atomic_uint open_count;
    atomic_uint recv_count;
    atomic_uint deadline_count;
    atomic_uint close_count;
    atomic_int reason;
    atomic_bool inside;            /* a callback runs */
    atomic_bool end_was_requested; /* a finish or close has returned, in a turn of the stream */
    _Atomic uint64_t sent;         /* bytes of the pattern, in each direction */
    _Atomic uint64_t received;
    atomic_uint number; /* for the test */
};

struct port_fixture_plan {
    const struct stream_callbacks *callbacks; /* of accepted streams */
    const char *addr;                         /* NULL: "127.0.0.1:0" */
    const struct gw_addr *local_addr;         /* instead of `addr` */
    uint32_t recv_bytes_max;                  /* 0: 4,096 */
    uint32_t send_queue_bytes_max;            /* 0: 1 MiB */
    uint32_t stream_count_max;                /* 0: 1,000 */
};

struct port_fixture {
    struct gw_port *port;
    struct gw_workers *workers;
    struct gw_listener *listener;
    struct gw_addr addr; /* of the listener */
    struct gw_stream_config stream_config;
    const struct stream_callbacks *callbacks;
    _Atomic(struct checked_stream *) streams; /* newest first */
    atomic_uint checked_count;
    atomic_bool listener_is_open; /* orders the opening before each on_accept */
    atomic_uint listener_close_count;
    atomic_uint log_count;      /* logged events, without DEBUG */
    uint64_t pool_bytes_before; /* leaked by a failed test */
};
extern struct port_fixture fixture;

/* The program's arguments. */
extern const struct gw_backend_ops *fixture_backend;
extern uint32_t fixture_worker_count;
extern uint32_t fixture_filter_count; /* of each stream; they change no byte */

/* Opens the fixture. Closing ends all streams, and asserts that nothing is left open. */
void fixture_open(const struct port_fixture_plan *plan);
void fixture_close(void);

/* Closes the listener alone, and waits for its on_close. Ends the port, after its streams. */
void fixture_close_listener(void);
void fixture_end(void);

/* cmocka's setup and teardown of each test; stops the workers of a failed test. */
int fixture_setup(void **state);
int fixture_teardown(void **state);
#define FIXTURE_TEST(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

/* Whether the system reports and bounds the unsent bytes of a connection. False on Windows. */
bool fixture_backend_reports_unsent(void);

/* Whether the system reports a FIN behind unread bytes. False on Windows, because of Wine. */
bool fixture_backend_reports_fin_behind_bytes(void);

/* Lanes of the port. */
uint32_t fixture_lane_count(void);

/* Waits until every lane has read its clock and run all posted tasks. */
void fixture_run_now(void);

/*
 * Blocks the worker of a stream (on a shared lane all workers) just before it waits. Completions
 * and tasks collect until the worker is unblocked, and then arrive all at once.
 */
void fixture_block_worker(struct checked_stream *checked);
void fixture_unblock_worker(void);

/* Advances the clock, and waits until every lane has noticed. */
void fixture_advance_ms(uint64_t ms);

/* Records a broken rule of a callback or a backend; the first one fails the test when the fixture
 * is closed. The first rule that was broken, or NULL. */
void fixture_break_rule(const char *rule);
const char *fixture_broken_rule(void);

/* The port's counters; pool_bytes counts from the opening of the fixture. */
struct gw_port_counters fixture_counters(void);

/* The newest accepted stream; waits until `count` streams have been accepted or dialed in all. */
struct checked_stream *fixture_stream(uint32_t count);

/* Dials a stream to `addr`. NULL: refused with *error_out. */
struct checked_stream *fixture_dial(const struct stream_callbacks *callbacks,
                                    const struct gw_addr *addr, const struct gw_addr *source,
                                    int *error_out);

/* Connects a raw socket to the listener, and returns its stream. _narrow: with small buffers. */
struct checked_stream *fixture_connect(struct raw_socket *socket_out);
struct checked_stream *fixture_connect_narrow(struct raw_socket *socket_out);

/* fixture_open() with these callbacks, and fixture_connect(); ends the socket and the fixture. */
struct checked_stream *fixture_open_connected(const struct stream_callbacks *callbacks,
                                              struct raw_socket *socket_out);
struct checked_stream *fixture_open_narrow(const struct stream_callbacks *callbacks,
                                           struct raw_socket *socket_out);
void fixture_close_connected(struct raw_socket *socket);

/* Starts an accepted stream with the fixture's callbacks; for callbacks with an on_accept. */
struct checked_stream *fixture_start(struct gw_stream *stream);

/* Runs `call(context)` in a turn, and waits until it has. */
void run_in_turn(struct gw_turn *turn, void (*call)(void *context), void *context);

/* As the gw_stream_ functions of these names; no callback may follow but on_close. */
bool checked_finish(struct checked_stream *checked, int reason, const char *last);
bool checked_close(struct checked_stream *checked, int reason);

/* Sends text, or the next bytes of the stream's pattern, or a buffer of them. Returns the error. */
int checked_send_text(struct checked_stream *checked, const char *text);
int checked_send(struct checked_stream *checked, uint32_t bytes);
int checked_send_buf(struct checked_stream *checked, uint32_t bytes);
void checked_fill(struct checked_stream *checked); /* until the send queue is full */

/* Consumes the ring, and checks its bytes against the pattern. */
enum gw_recv checked_receive(struct checked_stream *checked, struct gw_ring *ring);

/* Sends the bytes of the ring back, and consumes it. */
enum gw_recv checked_echo(struct checked_stream *checked, struct gw_ring *ring);

/* Waits for on_close. Returns the reason. */
int checked_wait_close(struct checked_stream *checked);

/* The peer's side of the pattern: sends the next bytes; receives and checks bytes. */
bool raw_send_pattern(const struct raw_socket *socket, uint64_t *sent, uint64_t bytes);
bool raw_receive_pattern(const struct raw_socket *socket, uint64_t *received, uint64_t bytes);

/* Receives `text`, and nothing else. */
bool raw_receives_text(const struct raw_socket *socket, const char *text);

/* Blocks a callback until the test opens the gate. */
struct gate {
    atomic_bool reached;
    atomic_bool open;
};
void gate_reset(struct gate *gate);
void gate_wait(struct gate *gate);

#endif
