/* net/port.h: the completion port, where threads wait for the kernel. */
#ifndef GW_NET_PORT_H
#define GW_NET_PORT_H

#include "net/log.h"
#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A port is a queue of finished I/O, served by a fixed workers of worker threads. The same words
 * hold for a Windows completion port, for io_uring and for epoll: an operation is handed to the
 * kernel, the kernel finishes it, and one worker takes the completion and gives the object it
 * belongs to a turn.
 *
 * The rule of turns. All callbacks of an object run in its turns. Turns of one object never
 * overlap, and each sees all that the one before it wrote. Turns of two objects may run side by
 * side. So a callback needs no lock for what belongs to its own object, and always needs one for
 * what it shares. No function calls back before it returns: a turn never starts inside a call.
 *
 * A callback must not block: no file, no database, no name lookup, no sleep, no lock that is held
 * for long, no long computation. Until it returns, its worker serves no other object: nothing is
 * received or sent for them, and their deadlines pass. What blocks belongs to a thread of the
 * program's own, which posts a task with the result. A callback in C++ must not throw either: the
 * library's functions that call it are C, and would not finish what they began.
 *
 * Each function of this folder names who may call it:
 *
 *   any     any thread, at any time, also inside a turn;
 *   turn    only inside a turn of the object it is given;
 *   setup   one thread, while no worker is inside gw_port_run().
 */
struct gw_port;

enum gw_backend {
    GW_BACKEND_AUTO,  /* the first of the following that this machine can run */
    GW_BACKEND_IOCP,  /* Windows */
    GW_BACKEND_URING, /* Linux, where the kernel has io_uring and lets us use it */
    GW_BACKEND_EPOLL, /* any Linux */
};

enum { GW_PORT_WORKER_COUNT_MAX = 64 };

/* The value that switches a timeout or a limit of a config struct off. 0 selects the default. */
#define GW_OFF UINT32_MAX

struct gw_port_config {
    enum gw_backend backend;
    uint32_t worker_count; /* threads that will serve the port; 0: one for each processor that it
                              may use */
    uint32_t stream_count_max; /* streams open at one time; a further one is turned away */
    struct gw_log log;         /* where its events go; all zero: nowhere */
};

/* A piece of work for a worker. Embed it in what the work is about. `run` must not block. */
struct gw_task {
    void (*run)(struct gw_task *task);
    struct gw_task *next; /* the port's own, from post to run */
};

/*
 * Opens a port. Nothing happens on it until workers run it. Its log is told which backend it runs
 * on, and why: the event "backend", with the fields "name" and "reason". Of the descriptors 0, 1
 * and 2, those that are closed are opened on the null device first, so that no socket gets their
 * number.
 *
 * Returns   0, GW_E_UNSUPPORTED (this machine cannot run that backend, or not with so many
 *           workers), GW_E_FULL (more than GW_PORT_WORKER_COUNT_MAX workers, or no descriptor is
 *           left), GW_E_MEMORY or GW_E_SYSTEM; *port_out is set only on 0.
 * Owns      gives the port; end it with gw_port_destroy(). Copies `config`.
 * Thread    setup.
 */
int gw_port_create(const struct gw_port_config *config, struct gw_port **port_out);

/*
 * Ends a port. Its streams and listeners must have had their last turn. Tasks that were posted and
 * have not run, run now, on the calling thread. When there are streams left, their number is logged
 * ("port_in_use") and the port stays, because their memory points to it.
 *
 * Owns      takes `port`, which may be NULL.
 * Thread    setup.
 */
void gw_port_destroy(struct gw_port *port);

/*
 * Serves the port on the calling thread until gw_port_stop(). Exactly gw_port_worker_count()
 * threads must call it, each once.
 *
 * Returns   0 after a stop; GW_E_SYSTEM when the kernel's queue itself has failed, and then all
 *           workers are asked to stop; GW_E_FULL, at once, on a thread more than that and
 *           inside a turn.
 * Thread    any, but not inside a turn.
 */
int gw_port_run(struct gw_port *port);

/*
 * Asks every worker to return from gw_port_run() after the round of turns it is in. A second call
 * changes nothing. Completions not yet taken stay in the kernel until the port is destroyed.
 *
 * Thread    any; also a signal handler.
 */
void gw_port_stop(struct gw_port *port);

/*
 * Runs `task->run(task)` once, on a worker, soon. Tasks posted by one thread run in that order
 * when worker_count is 1; otherwise in no particular order. It cannot fail.
 *
 * Owns      borrows `task` until its run is called, which may free it or post it again.
 * Thread    any.
 */
void gw_port_post(struct gw_port *port, struct gw_task *task);

/*
 * Which backend the port runs on; never GW_BACKEND_AUTO.
 *
 * Thread    any.
 */
enum gw_backend gw_port_backend(const struct gw_port *port);

/* How many threads serve the port; never 0. Thread: any. */
uint32_t gw_port_worker_count(const struct gw_port *port);

/*
 * Which of them is calling: 0 to gw_port_worker_count() - 1, or gw_port_worker_count() for a thread
 * that is not a worker of this port. For counters and scratch memory that need no lock.
 *
 * Thread    any.
 */
uint32_t gw_port_worker(const struct gw_port *port);

/* The log it was given. Thread: any. */
const struct gw_log *gw_port_log(const struct gw_port *port);

/*
 * A backend's name for people: "iocp", "uring", "epoll", "auto".
 *
 * Thread    any.
 */
const char *gw_backend_name(enum gw_backend backend);

/*
 * Why this machine cannot run a backend with one worker, and what would help: "io_uring refused by
 * this kernel: EPERM (sysctl kernel.io_uring_disabled is not 0; ...". Containers, sysctls and
 * limits often refuse io_uring; a port on GW_BACKEND_AUTO takes the next one then.
 *
 * Returns   a static string, or NULL when it can.
 * Thread    any.
 */
const char *gw_backend_refusal(enum gw_backend backend);

/*
 * The port's clock and its source of chance. Nothing else in the house asks the machine for
 * either, so that a scripted kernel can own both.
 *
 * Thread    any.
 */
uint64_t gw_port_now_ns(const struct gw_port *port);
uint64_t gw_port_random(const struct gw_port *port);

/* What the port has done so far, and what it holds now. */
struct gw_port_counters {
    uint64_t accepted;      /* streams that came in */
    uint64_t turned_away;   /* of those: closed at once, because stream_count_max was reached */
    uint64_t accept_pauses; /* times accepting paused, see gw_listener_open() */
    uint64_t dialed;        /* streams that went out */
    uint64_t stream_count;  /* open now */
    uint64_t bytes_in;
    uint64_t bytes_out;
    uint64_t recv_count;       /* receives that brought bytes */
    uint64_t send_count;       /* sends that took bytes */
    uint64_t send_queue_bytes; /* waiting now, in all streams together */
    uint64_t
        send_coalesced_count; /* of long queues: how often older bytes made way for newer ones */
    uint64_t
        pool_bytes; /* pooled memory the whole program uses now: rings, chunks, queue entries */
    uint64_t wake_count; /* times one thread woke another */
};

/* Adds up the counters; while workers run, a picture that is a moment old. Thread: any. */
void gw_port_counters(const struct gw_port *port, struct gw_port_counters *counters_out);

#ifdef __cplusplus
}
#endif

#endif
