/* net/signals.h: Signals of the process, as callbacks on a worker. */
#ifndef GW_NET_SIGNALS_H
#define GW_NET_SIGNALS_H

#ifdef __cplusplus
extern "C" {
#endif

struct gw_port;

enum gw_signal {
    GW_SIGNAL_STOP,   /* a request to stop, see below */
    GW_SIGNAL_REPORT, /* SIGUSR1; never on Windows */
};

/*
 * Installs handlers for the process's signals. Each signal becomes one call of `on_signal` on a
 * worker of `port`, in a turn of its own, so it may do whatever a callback may. Several signals in
 * quick succession may become one call. It must not block.
 *
 * The first SIGTERM, SIGINT, SIGQUIT, SIGHUP or SIGPWR becomes GW_SIGNAL_STOP; further ones of any
 * of these have no effect, because terminals, shells and supervisors send several for one request.
 * The exception ends a shutdown that takes too long: a second SIGTERM, SIGINT or SIGQUIT at least
 * 300 ms after the first of the same number ends the process at once, with exit status 1. SIGINT,
 * SIGQUIT and SIGHUP stay ignored when they were ignored at the start of the process (background
 * jobs, nohup(1)). Signals that the parent had blocked are unblocked for the calling thread, and so
 * for the workers that it starts. SIGPIPE is ignored.
 *
 * On Windows Ctrl-C, Ctrl-Break and closing the console are GW_SIGNAL_STOP; the second of them ends
 * the process.
 *
 * Only one port at a time can receive the signals.
 *
 * Returns   0, or GW_E_FULL when another port receives them.
 * Owns      borrows `port`, `on_signal` and `context` until gw_signals_release().
 * Thread    setup, on the thread that starts the workers
 */
int gw_signals_take(struct gw_port *port, void (*on_signal)(enum gw_signal signal, void *context),
                    void *context);

/*
 * Restores the previous handlers of the stop signals. After a GW_SIGNAL_STOP the process is
 * stopping: then further stop signals stay without effect, except the one that ends it at once.
 * SIGPIPE and SIGUSR1 stay ignored.
 *
 * Thread    setup
 */
void gw_signals_release(void);

#ifdef __cplusplus
}
#endif

#endif
