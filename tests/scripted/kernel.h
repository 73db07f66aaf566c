/* tests/scripted/kernel.h: a kernel made of a list, with its own clock and its own chance. */
#ifndef GW_TESTS_SCRIPTED_KERNEL_H
#define GW_TESTS_SCRIPTED_KERNEL_H

#include "net/addr.h"
#include "net/backend/backend.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The fourth backend. It knows no socket and no thread: a connection is two ends that lie in
 * memory, and an operation in flight is a ticket in a list.
 *
 *      submit ---> ticket ---> decided: its result stands ---> handed over by wait()
 *                     |              (bytes have moved)            in any order
 *                     +-- cancel: CLOSED, or the true result
 *
 * The other end of a connection belongs to another stream of the same port, or to the script: see
 * peer.h. Time stands still until nothing can happen any more; then it jumps to whatever comes
 * first: the deadline of wait(), an event of the script, an operation that is late.
 *
 * There is one kernel at a time. Handles are given out again as soon as they are closed, the one
 * closed last first.
 */

/* How it behaves. All zero is a kind kernel: all that can be done is done at once, in order. */
struct kernel_config {
    uint64_t seed;
    bool lane_shared;             /* one lane for all workers, as a completion port */
    uint32_t worker_count;        /* threads that will wait at the same time; 0: 1 */
    uint32_t recv_bytes_max;      /* the most that one receive brings; 0: all there is */
    uint32_t send_bytes_max;      /* the most that one send takes; 0: all there is room for */
    uint32_t window_bytes;        /* unread bytes that an end holds; 0: 1 MiB */
    uint32_t handle_count_max;    /* descriptors; 0: 4,096 */
    uint32_t late_ns_max;         /* how late a completion may be */
    uint32_t wait_count_max;      /* the most completions that one wait brings; 0: all there are */
    uint8_t split_percent;        /* receives and sends that are cut at a random place */
    uint8_t nothing_percent;      /* sends that end with 0: there is room now */
    uint8_t hot_percent;          /* sends that are done inside the submit, or at once */
    uint8_t held_percent;         /* finished operations that wait another round */
    uint8_t cancel_loses_percent; /* cancels that come too late, where that is possible */
    uint8_t spurious_percent;     /* waits that return for no reason */
    bool shuffles;                /* hands over in any order */
};

/* Begins a new world; the clock starts at a time that is no round number. */
void kernel_init(const struct kernel_config *config);

/* Ends it. Returns how many handles were left open. */
uint32_t kernel_fini(void);

/* Its operations, as gw__port_create_on() wants them. */
const struct gw_backend_ops *kernel_ops(void);

/* The behaviour, to be changed while the world turns. */
struct kernel_config *kernel_behaviour(void);

uint32_t kernel_random(uint32_t limit);

/* ---- time ---- */

uint64_t kernel_now_ns(void);

/*
 * Lets wait() return KERNEL_PAUSED once nothing more can happen up to `until_ns`; the time is that
 * then. So a test can do something and go on. UINT64_MAX: only when nothing is left to come at all.
 */
enum { KERNEL_PAUSED = 2 }; /* none of the results that wait() has otherwise */
void kernel_run_until(uint64_t until_ns);

/* Whether the last pause came because there was nothing left to wait for. */
bool kernel_is_idle(void);

/* Calls `run` when the time has come, as another thread would. Several at one time: in order. */
void kernel_at(uint64_t time_ns, void (*run)(void *context), void *context);

/*
 * Stops the program for `ns` from `time_ns` on, as SIGSTOP or a moved virtual machine does: the
 * wait() that has found nothing by then returns so much later, and still brings nothing. The script
 * goes on meanwhile.
 */
void kernel_stop_at(uint64_t time_ns, uint64_t ns);

/* Lets so much time pass at once, inside a turn that takes so long. The script goes on meanwhile.
 */
void kernel_let_pass(uint64_t ns);

/* Waits at one point of time that came back empty in a row, and all; too many of them are a spin.
 */
enum { KERNEL_SPIN_COUNT_MAX = 20000, KERNEL_ROUND_COUNT_MAX = 200000 };

/* ---- failing ---- */

enum kernel_call {
    KERNEL_OPEN,
    KERNEL_ATTACH,
    KERNEL_ACCEPT,
    KERNEL_CONNECT,
    KERNEL_RECV,
    KERNEL_SEND,
    KERNEL_SOCKET_OPEN,
    KERNEL_SOCKET_LISTEN,
    KERNEL_CALL_COUNT
};

const char *kernel_call_name(enum kernel_call call);

/* The errors that a call may give, ended by 0. */
const int *kernel_errors_of(enum kernel_call call);

/* From now on the calls are numbered from 1, and the one with this number fails; 0: none. */
void kernel_fail_at(uint64_t number, int error);

/* How many there have been since then, and which of them the failing one was. */
uint64_t kernel_call_count(void);
bool kernel_has_failed(enum kernel_call *call_out);

/* The next `count` calls of this kind fail. */
void kernel_fail_next(enum kernel_call call, uint32_t count, int error);

/* One in `chance` calls of any kind fails with an error it may give; 0: none. */
void kernel_fail_by_random(uint32_t random);

/* ---- looking ---- */

uint32_t kernel_handle_count(void);
uint32_t kernel_ticket_count(void); /* operations in flight */

#endif
