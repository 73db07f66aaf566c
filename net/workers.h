/* net/workers.h: The worker threads of a port. */
#ifndef GW_NET_WORKERS_H
#define GW_NET_WORKERS_H

#ifdef __cplusplus
extern "C" {
#endif

struct gw_workers;
struct gw_port;

/*
 * Starts as many threads as the port has workers; each calls gw_port_run(). For programs that do
 * not create the threads themselves.
 *
 * Returns   0, GW_E_MEMORY or GW_E_SYSTEM; *workers_out is set only on 0.
 * Owns      gives the workers; free them with gw_workers_join(). Borrows `port` until then.
 * Thread    setup
 */
int gw_workers_start(struct gw_port *port, struct gw_workers **workers_out);

/*
 * Waits until all threads have returned from gw_port_run(), which they do after gw_port_stop().
 *
 * Returns   0, or the error of the first worker that failed.
 * Owns      takes `workers`.
 * Thread    the thread that started them; not a worker
 */
int gw_workers_join(struct gw_workers *workers);

#ifdef __cplusplus
}
#endif

#endif
