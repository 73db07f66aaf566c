/* tests/scripted/kernel_inside.h: Private interface between the files of the simulated kernel. */
#ifndef GW_TESTS_SCRIPTED_KERNEL_INSIDE_H
#define GW_TESTS_SCRIPTED_KERNEL_INSIDE_H

#include "tests/scripted/bytes.h"
#include "tests/scripted/kernel.h"
#include "tests/support/bell.h"
#include "tests/support/random.h"

enum { KERNEL_NAME_COUNT_MAX = 8 };
enum { KERNEL_LANE_COUNT_MAX = 64, KERNEL_WINDOW_BYTES = 1024 * 1024, KERNEL_HANDLES = 4096 };

/* An operation in flight. */
struct kernel_ticket {
    struct kernel_ticket *next;
    struct kernel_end *end;
    struct gw_op *op;
    enum kernel_call call;
    bool decided; /* `result` is final */
    bool cancelled;
    int result;
    int forced;            /* injected error, or 0 */
    uint64_t due_ns;       /* is not reported before this time */
    uint32_t delay_rounds; /* is not reported in this number of rounds */
    uint8_t *data;         /* recv: the received bytes */
    os_socket accepted;
    struct gw_addr addr; /* connect: the destination */
    int span_count;
    struct gw_span spans[GW_SEND_SPAN_COUNT_MAX];
};

/* An end of a connection, or a listening socket. */
struct kernel_end {
    int handle; /* -1: it belongs to the script or to a backlog */
    bool is_listening;
    bool is_connected;
    bool is_shut;     /* has sent FIN */
    bool is_finished; /* the other end has sent FIN, behind the bytes in `in` */
    bool is_reset;
    bool is_stuck; /* the last send did not fit into the window */
    int in_error;  /* the result of every further receive */
    int out_error;
    struct gw_addr here;
    struct gw_addr there;
    struct kernel_end *other; /* NULL: closed, or not connected yet */
    struct bytes in;          /* arrived and not read */
    size_t window_bytes;
    struct gw_socket *socket;
    void (*done)(struct gw_op *op, int result); /* the caller's; replaced by ours */
    struct kernel_ticket *ticket_in;
    struct kernel_ticket *ticket_out;
    struct kernel_end *waiting_first; /* of a listener: its backlog */
    struct kernel_end *waiting_last;
    struct kernel_end *waiting_next;
    struct kernel_end *peer_next; /* of a peer that has connected: kernel.peers */
    uint32_t waiting_count;
    uint32_t waiting_count_max;
};

struct kernel_event {
    struct kernel_event *next;
    uint64_t time_ns;
    void (*run)(void *context);
    void *context;
};

/* A thread of an offload pool. */
struct kernel_thread {
    struct kernel_thread *next;
    struct gw_offload *pool;
    struct gw_job *job; /* that it works on, or NULL */
    bool is_awake;      /* an event of it is queued */
};

struct kernel {
    struct kernel_config config;
    struct random random;
    os_mutex mutex;
    struct bell changed;
    uint64_t now_ns;
    uint64_t until_ns;
    uint64_t stop_at_ns; /* the process stops at this time; UINT64_MAX: never */
    uint64_t stop_ns;    /* the duration of the stop */
    bool is_idle;
    uint32_t quiet_round_count;
    uint32_t round_count; /* rounds since the clock advanced */
    uint32_t waiting_count;
    uint64_t deadlines[KERNEL_LANE_COUNT_MAX]; /* of waiting workers, by worker index */
    bool woken[KERNEL_LANE_COUNT_MAX];
    struct kernel_ticket *tickets; /* in flight */
    struct kernel_ticket *handed;  /* reported; their done has not returned */
    struct kernel_event *events;
    struct kernel_thread *threads; /* of offload pools */
    struct {
        const char *name;
        const struct gw_addr *addrs;
        uint32_t addr_count;
    } names[KERNEL_NAME_COUNT_MAX];
    uint32_t name_count;
    struct kernel_end *peers; /* that have connected and were not closed */
    struct kernel_end **ends; /* by handle */
    int *free_handles;
    uint32_t free_count;
    uint32_t handle_count;
    uint16_t next_port;
};

extern struct kernel kernel;

/* Removes the events with this context. */
void kernel_forget(const void *context);

void kernel_lock(void);
void kernel_unlock(void);

/* ---- kernel_ends.c ---- */

struct kernel_end *kernel_end_create(void);

/* Assigns a handle. Returns false when none is left. */
bool kernel_end_name(struct kernel_end *end);
struct kernel_end *kernel_end_of(os_socket handle);
struct kernel_end *kernel_listener_at(const struct gw_addr *addr);

/* Connects two ends. */
void kernel_end_pair(struct kernel_end *end, struct kernel_end *other);

/* Appends an end to the backlog of a listener. Returns false when the backlog is full. */
bool kernel_backlog_push(struct kernel_end *listener, struct kernel_end *end);
struct kernel_end *kernel_backlog_pop(struct kernel_end *listener);

/* The free window of the other end, in bytes. */
size_t kernel_end_room(const struct kernel_end *end);
void kernel_end_finish(struct kernel_end *end);
void kernel_end_reset(
    struct kernel_end *end); /* sends RST; unread bytes of the other end are lost */
void kernel_end_close(
    struct kernel_end *end); /* closes and frees it; sends RST when bytes are unread */

/* ---- kernel_tickets.c ---- */

struct kernel_ticket *kernel_ticket_create(enum kernel_call call, struct gw_op *op);

/* Tries to complete it. Returns whether its result is final. */
bool kernel_ticket_decide(struct kernel_ticket *ticket);
void kernel_ticket_cancel(struct kernel_ticket *ticket);

/* Moves the first `count` bytes of a send to the other end. */
void kernel_ticket_put(struct kernel_ticket *ticket, size_t count);
void kernel_ticket_destroy(struct kernel_ticket *ticket);

/* ---- kernel_offload.c ---- */

extern const struct gw_offload_threads kernel_offload_threads;

/* ---- kernel_wait.c ---- */

int kernel_wait(struct gw_lane *lane, uint64_t deadline_ns);

/* Reports it at once, outside wait(); for mutants. */
void kernel_report(struct kernel_ticket *ticket);

/* Replaces the done of a socket while it is attached. */
void kernel_done(struct gw_op *op, int result);

/* ---- kernel_fail.c ---- */

void kernel_fail_init(void);

/* Numbers the call. Returns the error to fail with, or 0. */
int kernel_call_error(enum kernel_call call);

bool kernel_happens(uint8_t percent);

#endif
