/* tests/scripted/port_fixture.h: A port on the simulated kernel that a test runs step by step. */
#ifndef GW_TESTS_SCRIPTED_PORT_FIXTURE_H
#define GW_TESTS_SCRIPTED_PORT_FIXTURE_H

#include "net/port.h"
#include "tests/scripted/kernel.h"
#include <stdbool.h>
#include <stdint.h>

struct gw_turn;

/*
 * Everything runs on the thread of the test. Inside the fixture_run functions that thread is the
 * port's worker; between them it is a thread like any other. So a test reads from top to bottom:
 *
 *      fixture_open(&config);
 *      struct peer *peer = peer_connect(7000);
 *      fixture_run_now();                      until nothing is left to do now
 *      fixture_run_ms(1000);                   until this much later, and nothing is left to do
 *      fixture_close();                       everything must be closed and freed
 */
struct port_fixture_config {
    struct kernel_config kernel;
    uint32_t stream_count_max; /* 0: 4,096 */

    /* Returns operations of the test, which wrap those of the kernel; may be NULL. */
    const struct gw_backend_ops *(*wrap)(const struct gw_backend_ops *below);
};

/* The port of the fixture. */
extern struct gw_port *fixture_port;

/* The ops of the simulated kernel with the checking backend around them; a broken rule fails the
 * test. For tests that create their own port. */
const struct gw_backend_ops *fixture_checked_ops(void);

/* `config` may be NULL: the default kernel. fixture_open_any() returns the error of the port
 * instead of failing the test. */
void fixture_open(const struct port_fixture_config *config);
int fixture_open_any(const struct port_fixture_config *config);

/* Fails unless all streams, handles and memory are released, as before fixture_open(). */
void fixture_close(void);

/* ---- time ---- */

void fixture_run_now(void);
void fixture_run_ms(uint64_t ms);
void fixture_run_until(uint64_t time_ns);
void fixture_run_until_idle(void); /* until nothing is left to do */

uint64_t fixture_now_ns(void);

/* Milliseconds since the fixture was opened. */
uint64_t fixture_ms(uint64_t time_ns);

/* The time at which a timer with this deadline fires: the wheel's next tick. */
uint64_t fixture_tick_at(uint64_t deadline_ns);

#define FIXTURE_MS UINT64_C(1000000)

/* Stops the process for `ms` from `time_ns` on: see kernel_stop_at(). */
void fixture_stop_at(uint64_t time_ns, uint64_t ms);

/* Advances the clock to a tick of the wheel. */
void fixture_align_to_tick(void);

/* ---- turns and counters ---- */

/* Runs `work` in a turn, and then until nothing is left to do now. */
void fixture_in_turn(struct gw_turn *turn, void (*work)(void *context), void *context);

struct gw_port_counters fixture_counters(void);

/* How often the port has logged this event. */
uint32_t fixture_logged_count(const char *event);

#endif
