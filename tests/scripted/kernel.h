/* tests/scripted/kernel.h: Simulated kernel with its own clock and random numbers. */
#ifndef GW_TESTS_SCRIPTED_KERNEL_H
#define GW_TESTS_SCRIPTED_KERNEL_H

#include "net/addr.h"
#include "net/backend/backend.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A fourth backend, without sockets and threads: a connection is two ends in memory, and an
 * operation in flight is a ticket in a list.
 *
 *      submit ---> ticket ---> decided: its result is final ---> reported by wait()
 *                     |              (bytes have moved)            in any order
 *                     +-- cancel: CLOSED, or the true result
 *
 * The other end of a connection belongs to another stream of the same port, or to the test: see
 * peer.h. The clock stands still while anything can happen; then it jumps to the next event: the
 * deadline of wait(), a scripted event, or a delayed completion.
 *
 * There is one kernel at a time. A closed handle is assigned again at once, the one closed last
 * first.
 */

/* The behaviour. All zero: every operation completes at once, in full and in order. */
struct kernel_config {
    uint64_t seed;
    bool lane_shared;             /* one lane for all workers, like a completion port */
    uint32_t worker_count;        /* threads that wait at the same time; 0: 1 */
    uint32_t recv_bytes_max;      /* limit of one receive; 0: none */
    uint32_t send_bytes_max;      /* limit of one send; 0: the free window */
    uint32_t window_bytes;        /* unread bytes that an end buffers; 0: 1 MiB */
    uint32_t handle_count_max;    /* descriptors; 0: 4,096 */
    uint32_t late_ns_max;         /* longest delay of a completion */
    uint32_t wait_count_max;      /* completions that one wait reports; 0: all */
    uint8_t split_percent;        /* receives and sends that are cut at a random position */
    uint8_t nothing_percent;      /* sends that complete with 0: the socket is writable */
    uint8_t immediate_percent;    /* sends that complete inside the submit or in send_now */
    uint8_t delay_percent;        /* completed operations that are not reported in this round */
    uint8_t cancel_loses_percent; /* cancels that lose against a completion, where possible */
    uint8_t spurious_percent;     /* waits that return without a reason */
    bool shuffles;                /* reports completions in random order */
    uint64_t job_ns_min;          /* shortest and longest time that the work of a job takes */
    uint64_t job_ns_max;
};

/* Starts the kernel. Its clock starts at a time that is not a round number. */
void kernel_init(const struct kernel_config *config);

/* Frees everything. Returns the number of handles that were left open. */
uint32_t kernel_fini(void);

/* The operations for gw__port_create_on(). */
const struct gw_backend_ops *kernel_ops(void);

/* The behaviour; a test may change it at any time. */
struct kernel_config *kernel_behaviour(void);

uint32_t kernel_random(uint32_t limit);

/* ---- time ---- */

uint64_t kernel_now_ns(void);

/*
 * Makes wait() return KERNEL_PAUSED when nothing is left to do up to `until_ns`, and sets the clock
 * to that time. The test can then act and continue. UINT64_MAX: pauses only when nothing is left at
 * all.
 */
enum { KERNEL_PAUSED = 2 }; /* differs from all other results of wait() */
void kernel_run_until(uint64_t until_ns);

/* Whether the last pause occurred because nothing was left at all. */
bool kernel_is_idle(void);

/* Calls `run` at this time, as another thread would. Calls with one time run in order. */
void kernel_at(uint64_t time_ns, void (*run)(void *context), void *context);

/*
 * Stops the process for `ns` from `time_ns` on, like SIGSTOP or a migrated virtual machine. The
 * wait() that has found nothing by then returns that much later, and still reports nothing.
 * Scripted events continue.
 */
void kernel_stop_at(uint64_t time_ns, uint64_t ns);

/*
 * Advances the clock inside a turn, like a handler that takes this long. Scripted events continue.
 */
void kernel_let_pass(uint64_t ns);

/* Limits per point of time: consecutive waits that report nothing, and waits. More of them fail the
 * test as a busy loop. */
enum { KERNEL_SPIN_COUNT_MAX = 20000, KERNEL_ROUND_COUNT_MAX = 200000 };

/* ---- host names ---- */

/* Gives a host name addresses, which must outlive the kernel. Other names are unknown. */
void kernel_name(const char *name, const struct gw_addr *addrs, uint32_t addr_count);

/* ---- failures ---- */

enum kernel_call {
    KERNEL_OPEN,
    KERNEL_ATTACH,
    KERNEL_ACCEPT,
    KERNEL_CONNECT,
    KERNEL_RECV,
    KERNEL_SEND,
    KERNEL_SOCKET_OPEN,
    KERNEL_SOCKET_LISTEN,
    KERNEL_THREADS_START,
    KERNEL_ADDR_LOOKUP,
    KERNEL_CALL_COUNT
};

const char *kernel_call_name(enum kernel_call call);

/* The errors that a call may return; 0 ends the list. */
const int *kernel_errors_of(enum kernel_call call);

/* Numbers the calls from 1 from now on and fails the one with this number; 0: none. */
void kernel_fail_at(uint64_t number, int error);

/* The number of calls since then; the call that failed. */
uint64_t kernel_call_count(void);
bool kernel_has_failed(enum kernel_call *call_out);

/* The next `count` calls of this type fail. */
void kernel_fail_next(enum kernel_call call, uint32_t count, int error);

/* One in `random` calls of any type fails with a random error that it may return; 0: none. */
void kernel_fail_randomly(uint32_t random);

/* ---- state ---- */

uint32_t kernel_handle_count(void);
uint32_t kernel_ticket_count(void); /* operations in flight */

#endif
