/* net/signals.c: Signals of the process, as callbacks on a worker. */
#include "net/signals.h"

#include "net/error.h"
#include "net/port_internal.h"
#include <stddef.h>

/* The handler only sets a flag and wakes a worker; the worker posts the task. */
static struct {
    _Atomic(struct gw_port *) port;
    atomic_bool arrived[2]; /* by enum gw_signal */
    atomic_bool posted;
    struct gw_turn turn;
    struct gw_task task;
    void (*on_signal)(enum gw_signal signal, void *context);
    void *context;
} signals;

static void mark(int signal)
{
    struct gw_port *port = atomic_load(&signals.port);
    atomic_store(&signals.arrived[signal], true);
    if (port != NULL) {
        gw__port_ops(port)->wake(gw__port_lane(port, 0));
    }
}

static void run_signals(struct gw_task *task)
{
    (void)task;
    atomic_store(&signals.posted, false);
    for (int signal = GW_SIGNAL_STOP; signal <= GW_SIGNAL_REPORT; signal++) {
        if (atomic_exchange(&signals.arrived[signal], false)) {
            signals.on_signal((enum gw_signal)signal, signals.context);
        }
    }
}

void gw__signals_poll(struct gw_port *port)
{
    bool arrived = atomic_load_explicit(&signals.arrived[GW_SIGNAL_STOP], memory_order_relaxed) ||
                   atomic_load_explicit(&signals.arrived[GW_SIGNAL_REPORT], memory_order_relaxed);
    if (arrived && atomic_load(&signals.port) == port && !atomic_exchange(&signals.posted, true)) {
        gw_turn_post(&signals.turn, &signals.task);
    }
}

int gw_signals_take(struct gw_port *port, void (*on_signal)(enum gw_signal signal, void *context),
                    void *context)
{
    if (atomic_load(&signals.port) != NULL) {
        return GW_E_FULL;
    }
    signals.on_signal = on_signal;
    signals.context = context;
    signals.task.run = run_signals;
    gw_turn_init(&signals.turn, port, NULL);
    atomic_store(&signals.posted, false);
    atomic_store(&signals.arrived[GW_SIGNAL_STOP], false);
    atomic_store(&signals.arrived[GW_SIGNAL_REPORT], false);
    atomic_store(&signals.port, port);
    os_signals_take(mark);
    return GW_OK;
}

void gw_signals_release(void)
{
    os_signals_release();
    atomic_store(&signals.port, NULL);
}
