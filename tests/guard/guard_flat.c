/* tests/guard/guard_flat.c: operations whose cost must not grow with the number of sessions. */
#include "net/addr.h"
#include "net/port_internal.h"
#include "net/wheel.h"
#include "session/manager.h"
#include "tests/guard/silent_kernel.h"
#include "tools/bench/table.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * guard_flat OPERATION SESSIONS TIMES. guard.py runs each operation with two values of TIMES; the
 * difference of the instruction counts is the cost.
 */
enum { MS = 1000000, HEARTBEAT_MS = 10000 };

static struct gw_port *port;
static struct gw_session_manager *manager;
static uint32_t session_count;
static uint32_t times;
static uint32_t step_count;
static gw_session_id ids[SILENT_KERNEL_PEER_COUNT_MAX];
static uint32_t begun_count;

/* Maps 0, 1, 2 ... to indices below `session_count` that are not adjacent. */
static uint32_t some(uint32_t i)
{
    return (uint32_t)((uint64_t)i * 7919 % session_count);
}

/* ---- sessions on the silent kernel ---- */

static void on_begin(struct gw_session *session, void *context)
{
    ids[begun_count++] = gw_session_id_of(session);
}

static void on_end(struct gw_session *session, Gw__CloseReason reason, Gw__CloseReason peer_reason,
                   void *context)
{
}

static void look_up(void)
{
    for (uint32_t i = 0; i < times; i++) {
        gw_session_unref(gw_session_manager_find(manager, ids[some(i)]));
    }
}

static void close_some(void)
{
    for (uint32_t i = 0; i < times; i++) {
        silent_kernel_close(i);
    }
}

static void (*act)(void);

/* Admits all sessions over several turns, performs the operation once, and stops 6 turns later. */
static void step(struct gw_task *task)
{
    enum { ROUNDS_AFTER = 8 };
    if (begun_count < session_count) {
        silent_kernel_connect(step_count == 0 ? session_count : 0);
        step_count = 1;
    } else if (++step_count == 2) {
        act();
    }
    if (step_count == ROUNDS_AFTER) {
        gw_port_stop(port);
        return;
    }
    gw_port_post(port, task);
}

static int run_sessions(void (*what)(void))
{
    static const struct gw_session_events events = {.on_begin = on_begin, .on_end = on_end};
    static struct gw_task task = {.run = step};
    const struct gw_port_config port_config = {.worker_count = 1,
                                               .stream_count_max = SILENT_KERNEL_PEER_COUNT_MAX};
    const struct gw_session_manager_config config = {
        .session_count_max = SILENT_KERNEL_PEER_COUNT_MAX,
        .pending_count_max = SILENT_KERNEL_PEER_COUNT_MAX, /* no peer sends a HELLO */
    };
    const struct gw_addr addr = {.port = 0};
    struct gw_listener *listener;
    act = what;
    if (gw__port_create_on(&silent_kernel, &port_config, &port) != 0) {
        return 1;
    }
    manager = gw_session_manager_create(port, &config, table_of_packets(false), &events, NULL);
    if (gw_session_manager_listen(manager, &addr, &listener) != 0) {
        return 1;
    }
    gw_port_post(port, &task);
    return gw_port_run(port);
}

/* ---- timers ---- */

static struct gw_wheel wheel;

static void fire(struct gw_timer *timer, uint64_t now_ns)
{
    timer->deadline_ns = now_ns + (uint64_t)HEARTBEAT_MS * MS;
    gw__wheel_add(&wheel, timer);
}

/* Sets all timers as heartbeats, each with a deadline of its own. */
static void set_all(struct gw_timer *timers)
{
    uint64_t begin_ns = (uint64_t)HEARTBEAT_MS * MS;
    for (uint32_t i = 0; i < session_count; i++) {
        timers[i].deadline_ns =
            i < times ? (uint64_t)(i + 1) * 2 * MS : begin_ns + i * UINT64_C(1000);
        gw__wheel_add(&wheel, &timers[i]);
    }
}

static void move_one(struct gw_timer *timer)
{
    gw__wheel_remove(&wheel, timer);
    fire(timer, 0);
}

static int run_timers(bool fires)
{
    static struct gw_timer timers[SILENT_KERNEL_PEER_COUNT_MAX];
    gw__wheel_init(&wheel, 0);
    set_all(timers);
    for (uint32_t i = 0; i < times; i++) {
        if (fires) {
            gw__wheel_advance(&wheel, (uint64_t)(i + 1) * 2 * MS + MS, fire);
        } else {
            move_one(&timers[some(i)]);
        }
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        return 2;
    }
    session_count = (uint32_t)strtoul(argv[2], NULL, 10);
    times = (uint32_t)strtoul(argv[3], NULL, 10);
    if (strcmp(argv[1], "timer-moved") == 0 || strcmp(argv[1], "timer-fired") == 0) {
        return run_timers(strcmp(argv[1], "timer-fired") == 0);
    }
    return run_sessions(strcmp(argv[1], "lookup") == 0 ? look_up : close_some);
}
