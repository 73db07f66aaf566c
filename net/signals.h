/* net/signals.h: what the operating system's user asks of the whole program. */
#ifndef GW_NET_SIGNALS_H
#define GW_NET_SIGNALS_H

#ifdef __cplusplus
extern "C" {
#endif

struct gw_port;

enum gw_signal {
    GW_SIGNAL_STOP,   /* a request to stop, see below */
    GW_SIGNAL_REPORT, /* SIGUSR1; on Windows nothing */
};

/*
 * Takes the program's signals, from now on, for `port`: each becomes one call of `on_signal` on a
 * worker, in a turn of its own, so that it may do whatever a callback may. Several that come close
 * together may become one. It must not block.
 *
 * The first of SIGTERM, SIGINT, SIGQUIT, SIGHUP and SIGPWR is the one GW_SIGNAL_STOP; further ones,
 * of whatever kind, change nothing, since terminals, shells and supervisors send several for one
 * request. Only a SIGTERM, SIGINT or SIGQUIT that comes again, at least 300 ms after the first of
 * its kind, ends the program at once, with exit status 1: the user's way out when stopping takes
 * too long. SIGINT, SIGQUIT and SIGHUP stay ignored when the program was started so, by a shell in
 * the background or by nohup(1). Signals that the parent had blocked are unblocked for the calling
 * thread, and so for the workers that it starts. SIGPIPE is ignored.
 *
 * On Windows Ctrl-C, Ctrl-Break and a console that closes are GW_SIGNAL_STOP; the second of them
 * ends the program.
 *
 * One port at a time may have the signals.
 *
 * Returns   0, or GW_E_FULL when a port has them already.
 * Owns      borrows `port`, `on_signal` and `context` until gw_signals_release().
 * Thread    setup, the one that starts the workers.
 */
int gw_signals_take(struct gw_port *port, void (*on_signal)(enum gw_signal signal, void *context),
                    void *context);

/*
 * Gives the signals back: each stop signal does again what it did before. When one has come, the
 * program is stopping: then further ones stay without effect, but for the one that ends it at once.
 * SIGPIPE and SIGUSR1 stay without effect too.
 *
 * Thread    setup.
 */
void gw_signals_release(void);

#ifdef __cplusplus
}
#endif

#endif
