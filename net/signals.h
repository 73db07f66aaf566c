/* net/signals.h: what the operating system's user asks of the whole program. */
#ifndef GW_NET_SIGNALS_H
#define GW_NET_SIGNALS_H

struct gw_port;

enum gw_signal {
    GW_SIGNAL_STOP,   /* SIGINT, SIGTERM; on Windows Ctrl-C, Ctrl-Break, the console closing */
    GW_SIGNAL_REPORT, /* SIGUSR1; on Windows nothing */
};

/*
 * Takes the program's signals, from now on, for `port`: each becomes one call of `on_signal` on a
 * worker, in a turn of its own, so that it may do whatever a callback may. Several that come close
 * together may become one. A second GW_SIGNAL_STOP ends the program at once, with exit status 1:
 * the user's way out when stopping takes too long. SIGPIPE is ignored.
 *
 * One port at a time may have the signals.
 *
 * Returns   0, or GW_E_FULL when a port has them already.
 * Owns      borrows `port`, `on_signal` and `context` until gw_signals_release().
 * Thread    setup.
 */
int gw_signals_take(struct gw_port *port, void (*on_signal)(enum gw_signal signal, void *context),
                    void *context);

/* Gives the signals back to the system's defaults. Thread: setup. */
void gw_signals_release(void);

#endif
