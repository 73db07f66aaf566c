/* net/workers.h: the worker threads of a port, for those who need no threads of their own. */
#ifndef GW_NET_WORKERS_H
#define GW_NET_WORKERS_H

#ifdef __cplusplus
extern "C" {
#endif

struct gw_workers;
struct gw_port;

/*
 * Starts as many threads as the port has workers, each inside gw_port_run().
 *
 * Returns   0, GW_E_MEMORY or GW_E_SYSTEM; *crew_out is set only on 0.
 * Owns      gives the workers; end it with gw_workers_join(). Borrows `port` until then.
 * Thread    setup.
 */
int gw_workers_start(struct gw_port *port, struct gw_workers **crew_out);

/*
 * Waits until all have come home, which they do after gw_port_stop().
 *
 * Returns   0, or the first error one of them brought back.
 * Owns      takes `workers`.
 * Thread    the one that started it; not a worker.
 */
int gw_workers_join(struct gw_workers *workers);

#ifdef __cplusplus
}
#endif

#endif
