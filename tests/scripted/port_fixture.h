/* tests/scripted/port_fixture.h: a port on the scripted kernel, and a test that goes on step by
 * step. */
#ifndef GW_TESTS_SCRIPTED_STAGE_H
#define GW_TESTS_SCRIPTED_STAGE_H

#include "net/port.h"
#include "tests/scripted/kernel.h"
#include <stdbool.h>
#include <stdint.h>

struct gw_turn;

/*
 * All happens on the thread of the test: while it asks for it, that thread is the port's worker,
 * and in between it is just another thread. So a test reads from top to bottom:
 *
 *      fixture_open(&config);
 *      struct peer *peer = peer_connect(7000);
 *      fixture_run_now();                      until nothing more can happen at this time
 *      fixture_run_ms(1000);                  until this much later, and nothing more can happen
 *      fixture_close();                       everything is gone, and given back
 */
struct port_fixture_config {
    struct kernel_config kernel;
    uint32_t stream_count_max; /* 0: 4,096 */
};

/* The port of the stage. */
extern struct gw_port *fixture_port;

/* NULL: a kind kernel. fixture_open_any() returns the port's error instead of failing the test. */
void fixture_open(const struct port_fixture_config *config);
int fixture_open_any(const struct port_fixture_config *config);

/* Fails unless all streams, handles and memory are back to what was before fixture_open(). */
void fixture_close(void);

/* Makes the port on operations of the test's own, which see those of the kernel. */
typedef const struct gw_backend_ops *fixture_wrap(const struct gw_backend_ops *below);
void fixture_open_wrapped(const struct port_fixture_config *config, fixture_wrap *wrap);

/* ---- time ---- */

void fixture_run_now(void);
void fixture_run_ms(uint64_t ms);
void fixture_run_until(uint64_t time_ns);
void fixture_run_until_idle(void); /* until nothing is left to come */

uint64_t fixture_now_ns(void);

/* Milliseconds since the stage was opened. */
uint64_t fixture_ms(uint64_t time_ns);

/* When a timer fires that was set to this: its wheel turns in ticks. */
uint64_t fixture_tick_at(uint64_t deadline_ns);

#define FIXTURE_MS UINT64_C(1000000)

/* The program does not run for `ms` from `time_ns` on: see kernel_stop_at(). */
void fixture_stop_at(uint64_t time_ns, uint64_t ms);

/* Puts the clock right on a tick, so that times are easy to tell. */
void fixture_align(void);

/* ---- doing ---- */

/* Runs `work` in a turn, and settles. */
void fixture_in_turn(struct gw_turn *turn, void (*work)(void *context), void *context);

struct gw_port_counters fixture_counters(void);

/* How often the port has logged an event of this name. */
uint32_t fixture_logged_count(const char *event);

#endif
