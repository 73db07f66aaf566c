/* tests/net/port_fixture.h: a port with its workers and a door, streams that act on it, and an
 * audience. */
#ifndef GW_TESTS_NET_STAGE_H
#define GW_TESTS_NET_STAGE_H

#include "net/addr.h"
#include "net/listener.h"
#include "net/port.h"
#include "net/stream.h"
#include "net/turn.h"
#include "tests/net/checking_kernel.h"
#include "tests/support/raw_socket.h"
#include "tests/support/wait.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * A contract test runs on the backend and with the number of workers that its program was given,
 * with the checking kernel between. Each stream is an actor: its callbacks first see to it that
 * they come in the order of net/stream.h and in turns of the stream, then call those of the play.
 */
struct actor;
struct gw_ring;

/* What the streams of a test do. Any may be NULL; then what comes is consumed. */
struct play {
    void (*on_accept)(struct gw_listener *listener, struct gw_stream *stream);
    void (*on_open)(struct actor *actor);
    enum gw_recv (*on_recv)(struct actor *actor, struct gw_ring *ring);
    void (*on_deadline)(struct actor *actor);
    void (*on_close)(struct actor *actor);
};

struct actor {
    struct actor *next;
    const struct play *play;
    struct gw_stream *stream; /* with a reference, until the stage is closed */
    atomic_uint open_count;
    atomic_uint recv_count;
    atomic_uint deadline_count;
    atomic_uint close_count;
    atomic_int reason;
    atomic_bool inside;       /* a callback runs */
    atomic_bool end_was_told; /* a finish or close has returned, in a turn of the stream */
    _Atomic uint64_t said;    /* bytes of the pattern, both ways */
    _Atomic uint64_t received;
    atomic_uint number; /* the test's own */
};

struct port_fixture_plan {
    const struct play *play;       /* of the streams that come in */
    const char *addr;              /* NULL: "127.0.0.1:0" */
    uint32_t recv_bytes_max;       /* 0: 4,096 */
    uint32_t send_queue_bytes_max; /* 0: 1 MiB */
    uint32_t stream_count_max;     /* 0: 1,000 */
};

struct port_fixture {
    struct gw_port *port;
    struct gw_workers *workers;
    struct gw_listener *test_listener;
    struct gw_addr addr; /* of the test_listener */
    struct gw_stream_config stream_config;
    const struct play *play;
    _Atomic(struct actor *) actors; /* newest first */
    atomic_uint actor_count;
    atomic_bool test_listener_is_open; /* and all that was done before is seen by who comes in */
    atomic_uint test_listener_close_count;
    atomic_uint log_count;      /* events that were logged, but for DEBUG */
    uint64_t pool_bytes_before; /* what a failed test has left */
};
extern struct port_fixture fixture;

/* What the program was given. */
extern const struct gw_backend_ops *fixture_backend;
extern uint32_t fixture_worker_count;

/* Opens the stage. Closing ends all streams, and asserts that nothing is left of anything. */
void fixture_open(const struct port_fixture_plan *plan);
void fixture_close(void);

/* Ends the door alone, and waits until it is shut. Ends the port alone, after all that was on it.
 */
void fixture_shut_test_listener(void);
void fixture_end(void);

/* cmocka's setup and teardown of each test: what a failed test has left is put away. */
int fixture_setup(void **state);
int fixture_teardown(void **state);
#define FIXTURE_TEST(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

/* Whether the system says what it holds for a peer and bounds it, which Windows does not. */
bool fixture_backend_tells_unsent(void);

/* Whether a FIN is told before the bytes that came first are read, which Wine does not do. */
bool fixture_backend_tells_fin_behind_bytes(void);

/* Lanes of the port. */
uint32_t fixture_lane_count(void);

/* Waits until every lane has looked at its clock and run what was left for it. */
void fixture_run_now(void);

/*
 * Holds an actor's worker (on a shared lane all of them) just before it waits, so that what the
 * kernel and other threads do meanwhile is there when it looks, all at once.
 */
void fixture_hold_worker(struct actor *actor);
void fixture_let_worker_go(void);

/* Time leaps, and everybody has noticed. */
void fixture_leap_ms(uint64_t ms);

/* The port's counters; pool_bytes is what was taken since the stage was opened. */
struct gw_port_counters fixture_counters(void);

/* The newest actor that came in through the door; waits until `count` have come in all. */
struct actor *fixture_actor(uint32_t count);

/* An actor that connects to `addr` from here. NULL: it was refused with *error_out. */
struct actor *fixture_dial(const struct play *play, const struct gw_addr *addr,
                           const struct gw_addr *source, int *error_out);

/* A raw socket at the door, and the actor that it meets there. */
struct actor *fixture_visit(struct raw_socket *socket_out);
struct actor *fixture_visit_narrow(struct raw_socket *socket_out);

/* Starts an accepted stream as an actor of the stage's play; for plays with on_accept. */
struct actor *fixture_start(struct gw_stream *stream);

/* Runs `call(context)` in a turn, and waits until it has. */
void run_in_turn(struct gw_turn *turn, void (*call)(void *context), void *context);

/* As the gw_stream_ functions of these names, with an eye on what may not follow. */
bool actor_finish(struct actor *actor, int reason, const char *last);
bool actor_close(struct actor *actor, int reason);

/* Sends text, or the next bytes of the actor's pattern, or a buffer of them. Returns the error. */
int actor_tell(struct actor *actor, const char *text);
int actor_say(struct actor *actor, uint32_t bytes);
int actor_share(struct actor *actor, uint32_t bytes);

/* Reads all that lies in the ring, and checks it against the pattern. */
enum gw_recv actor_receive(struct actor *actor, struct gw_ring *ring);

/* Sends all that lies in the ring back, and consumes it. */
enum gw_recv actor_echo(struct actor *actor, struct gw_ring *ring);

/* Waits until the actor's last turn. Returns the reason. */
int actor_wait_close(struct actor *actor);

/* The other side of a pattern: sends the next bytes; receives and checks them. */
bool raw_say(const struct raw_socket *socket, uint64_t *said, uint64_t bytes);
bool raw_receive(const struct raw_socket *socket, uint64_t *received, uint64_t bytes);

/* Receives `text`, and nothing else. */
bool raw_receives_text(const struct raw_socket *socket, const char *text);

/* A place where a callback waits until the test lets it go on. */
struct gate {
    atomic_bool reached;
    atomic_bool open;
};
void gate_reset(struct gate *gate);
void gate_wait(struct gate *gate);

#endif
