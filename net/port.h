/* net/port.h: Completion ports: worker threads that wait for I/O, and turns of objects. */
#ifndef GW_NET_PORT_H
#define GW_NET_PORT_H

#include "net/log.h"
#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A port is a queue of completed I/O that a fixed number of worker threads serve. The model is the
 * same on a Windows completion port, on io_uring and on epoll: the program submits an operation,
 * the kernel completes it, and one worker takes the completion and runs a turn of the object that
 * the operation belongs to.
 *
 * Turns. All callbacks of an object run in its turns. Two turns of one object never overlap, and
 * each sees everything that the turn before it wrote. Turns of different objects run in parallel.
 * So a callback needs no lock for the data of its own object, and needs one for data that objects
 * share. No function calls back before it returns: a turn never starts inside a call.
 *
 * A callback must not block: no file, no database, no name lookup, no sleep, no lock that is held
 * for long, no long computation. Until it returns its worker serves no other object: nothing is
 * received or sent for them, and their deadlines pass. Blocking work is a job of net/offload.h. A
 * callback in C++ must not throw: the functions that call it are C and would not complete.
 *
 * The comment of each function in this folder names the threads that may call it:
 *
 *   any     any thread at any time, also inside a turn
 *   turn    only inside a turn of the object that is passed
 *   setup   one thread, while no worker is inside gw_port_run()
 */
struct gw_port;

enum gw_backend {
    GW_BACKEND_AUTO,  /* the first of these that this machine can run */
    GW_BACKEND_IOCP,  /* Windows */
    GW_BACKEND_URING, /* Linux, if the kernel has io_uring and permits it */
    GW_BACKEND_EPOLL, /* any Linux */
};

enum { GW_PORT_WORKER_COUNT_MAX = 64 };

/* The value that switches a timeout or a limit of a config struct off. 0 selects the default. */
#define GW_OFF UINT32_MAX

struct gw_port_config {
    enum gw_backend backend;
    uint32_t worker_count; /* threads that will serve the port; 0: one for each processor that the
                              process may use */
    uint32_t stream_count_max; /* streams open at the same time; further ones are refused; no
                              default: 0 refuses all */
    struct gw_log log;         /* receives the port's events; all zero: none */
};

/* Work for a worker. Embed it in the object that the work is about. `run` must not block. */
struct gw_task {
    void (*run)(struct gw_task *task);
    struct gw_task *next; /* used by the port from post to run */
};

/*
 * Creates a port. Nothing runs on it before workers call gw_port_run(). It logs the event "backend"
 * with the backend's name and the reason for the choice. If any of the descriptors 0, 1 and 2 is
 * closed, it is opened on the null device first, so that no socket gets its number.
 *
 * Returns   0, GW_E_UNSUPPORTED (this machine cannot run the backend, or not with so many workers),
 *           GW_E_FULL (more than GW_PORT_WORKER_COUNT_MAX workers, or no descriptor is left),
 *           GW_E_MEMORY or GW_E_SYSTEM; *port_out is set only on 0.
 * Owns      gives the port; destroy it with gw_port_destroy(). Copies `config`.
 * Thread    setup
 */
int gw_port_create(const struct gw_port_config *config, struct gw_port **port_out);

/*
 * Destroys a port after its streams and listeners have closed. Tasks that were posted and have not
 * run, run now on the calling thread. When streams are still open, logs "port_in_use" with their
 * number and does not free the port, because their memory refers to it.
 *
 * Owns      takes `port`, which may be NULL.
 * Thread    setup
 */
void gw_port_destroy(struct gw_port *port);

/*
 * Serves the port on the calling thread until gw_port_stop(). Exactly gw_port_worker_count()
 * threads must call it, each once.
 *
 * Returns   0 after a stop; GW_E_SYSTEM when the kernel's queue has failed: then the other workers
 *           stop, too; GW_E_FULL at once when more threads call it, or from inside a turn.
 * Thread    any, but not inside a turn
 */
int gw_port_run(struct gw_port *port);

/*
 * Makes every worker return from gw_port_run() after its current round of turns. A second call has
 * no effect. Completions that were not taken stay in the kernel until the port is destroyed.
 *
 * Thread    any; also a signal handler
 */
void gw_port_stop(struct gw_port *port);

/*
 * Runs `task->run(task)` once on a worker. Tasks that one thread posts run in order when
 * worker_count is 1, otherwise in any order. It cannot fail.
 *
 * Owns      borrows `task` until its run is called, which may free it or post it again.
 * Thread    any
 */
void gw_port_post(struct gw_port *port, struct gw_task *task);

/* The backend that the port runs on; never GW_BACKEND_AUTO. Thread: any. */
enum gw_backend gw_port_backend(const struct gw_port *port);

/* The number of threads that serve the port; never 0. Thread: any. */
uint32_t gw_port_worker_count(const struct gw_port *port);

/*
 * The index of the calling worker: 0 to gw_port_worker_count() - 1, or gw_port_worker_count() for a
 * thread that is not a worker of this port. For counters and scratch memory without locks.
 *
 * Thread    any
 */
uint32_t gw_port_worker(const struct gw_port *port);

/* The log of the port's config. Thread: any. */
const struct gw_log *gw_port_log(const struct gw_port *port);

/* The name of a backend: "iocp", "uring", "epoll", "auto". Thread: any. */
const char *gw_backend_name(enum gw_backend backend);

/*
 * Explains why this machine cannot run a backend with one worker, and what to change: "io_uring
 * refused by this kernel: EPERM (sysctl kernel.io_uring_disabled is not 0; ...". Containers,
 * sysctls and limits often refuse io_uring; a port with GW_BACKEND_AUTO then uses the next backend.
 *
 * Returns   a static string, or NULL when the backend can run.
 * Thread    any
 */
const char *gw_backend_refusal(enum gw_backend backend);

/*
 * The port's monotonic clock, and its random numbers. The library uses no other source of either,
 * so that tests can replace both.
 *
 * Thread    any
 */
uint64_t gw_port_now_ns(const struct gw_port *port);
uint64_t gw_port_random(const struct gw_port *port);

/* Totals since the port was created, and current levels. */
struct gw_port_counters {
    uint64_t accepted;             /* accepted connections */
    uint64_t turned_away;          /* accepted and closed at once: stream_count_max, or no memory */
    uint64_t accept_pauses;        /* times that accepting paused, see gw_listener_open() */
    uint64_t dialed;               /* outgoing connections */
    uint64_t stream_count;         /* level: open streams */
    uint64_t bytes_in;             /* received from the kernel, before byte filters */
    uint64_t bytes_out;            /* taken by the kernel, after byte filters */
    uint64_t recv_count;           /* receives that returned bytes */
    uint64_t send_count;           /* sends that took bytes */
    uint64_t send_queue_bytes;     /* level: in the send queues of all streams */
    uint64_t send_coalesced_count; /* older messages dropped for newer ones with the same key */
    uint64_t pool_bytes;           /* level: rings, chunks and queue entries of the whole process */
    uint64_t wake_count;           /* times that one thread woke another */
};

/* Adds up the counters of all workers, which may change meanwhile. Thread: any. */
void gw_port_counters(const struct gw_port *port, struct gw_port_counters *counters_out);

#ifdef __cplusplus
}
#endif

#endif
