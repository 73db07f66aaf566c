/* tests/scripted/kernel_inside.h: what the files of the scripted kernel tell one another. */
#ifndef GW_TESTS_SCRIPTED_KERNEL_INSIDE_H
#define GW_TESTS_SCRIPTED_KERNEL_INSIDE_H

#include "tests/scripted/bytes.h"
#include "tests/scripted/kernel.h"
#include "tests/support/bell.h"
#include "tests/support/random.h"

enum { KERNEL_LANE_COUNT_MAX = 64, KERNEL_WINDOW_BYTES = 1024 * 1024, KERNEL_HANDLES = 4096 };

/* One operation in flight. */
struct kernel_ticket {
    struct kernel_ticket *next;
    struct kernel_end *end;
    struct gw_op *op;
    enum kernel_call call;
    bool decided; /* its result stands */
    bool cancelled;
    int result;
    int forced;      /* the error it was told to end with, or 0 */
    uint64_t due_ns; /* not to be handed over before */
    uint32_t held;   /* nor in so many rounds */
    uint8_t *data;   /* recv: where the bytes lie */
    os_socket accepted;
    struct gw_addr addr; /* connect: where to */
    int span_count;
    struct gw_span spans[GW_SEND_SPAN_COUNT_MAX];
};

/* One end of a connection, or a listening one. */
struct kernel_end {
    int handle; /* -1: the script's, or in a backlog */
    bool is_listening;
    bool is_connected;
    bool is_shut;     /* has said FIN */
    bool is_finished; /* the other has; it comes behind what is in `in` */
    bool is_reset;
    bool is_stuck; /* the last send found no room for all its bytes */
    int in_error;  /* what every further call in this direction gives */
    int out_error;
    struct gw_addr here;
    struct gw_addr there;
    struct kernel_end *other; /* NULL: gone, or not there yet */
    struct bytes in;          /* come, and not read yet */
    size_t window_bytes;
    struct gw_socket *socket;
    void (*done)(struct gw_op *op, int result); /* the caller's; ours stands in for it */
    struct kernel_ticket *ticket_in;
    struct kernel_ticket *ticket_out;
    struct kernel_end *waiting_first; /* listening: who has not been accepted */
    struct kernel_end *waiting_last;
    struct kernel_end *waiting_next;
    uint32_t waiting_count;
    uint32_t waiting_count_max;
};

struct kernel_event {
    struct kernel_event *next;
    uint64_t time_ns;
    void (*run)(void *context);
    void *context;
};

struct kernel {
    struct kernel_config config;
    struct random random;
    os_mutex mutex;
    struct bell changed;
    uint64_t now_ns;
    uint64_t until_ns;
    uint64_t stop_at_ns; /* the program does not run from then on; UINT64_MAX: it does */
    uint64_t stop_ns;    /* for so long */
    bool is_idle;
    uint32_t quiet_round_count;
    uint32_t round_count; /* since time has moved */
    uint32_t waiting_count;
    uint64_t deadlines[KERNEL_LANE_COUNT_MAX]; /* of those who wait, by their worker's index */
    bool woken[KERNEL_LANE_COUNT_MAX];
    struct kernel_ticket *tickets; /* in flight */
    struct kernel_ticket *handed;  /* handed over; their done has not returned */
    struct kernel_event *events;
    struct kernel_end **ends; /* by handle */
    int *free_handles;
    uint32_t free_count;
    uint32_t handle_count;
    uint16_t next_port;
};

extern struct kernel kernel;

void kernel_lock(void);
void kernel_unlock(void);

/* ---- kernel_ends.c ---- */

struct kernel_end *kernel_end_create(void);

/* Gives it a handle. Returns false when there is none left. */
bool kernel_end_name(struct kernel_end *end);
struct kernel_end *kernel_end_of(os_socket handle);
struct kernel_end *kernel_listener_at(const struct gw_addr *addr);

/* Ties two ends together. */
void kernel_end_pair(struct kernel_end *end, struct kernel_end *other);

/* Puts an end that belongs to nobody yet before a listener. Returns false when there is no room. */
bool kernel_end_knock(struct kernel_end *listener, struct kernel_end *end);
struct kernel_end *kernel_end_admit(struct kernel_end *listener);

/* How many bytes the other end would take now. */
size_t kernel_end_room(const struct kernel_end *end);
void kernel_end_finish(struct kernel_end *end);
void kernel_end_reset(
    struct kernel_end *end); /* the other gets RST; what it had not read is lost */
void kernel_end_close(struct kernel_end *end); /* and frees it; RST if it had not read all */

/* ---- kernel_tickets.c ---- */

struct kernel_ticket *kernel_ticket_create(enum kernel_call call, struct gw_op *op);

/* Tries to decide it. Returns whether its result stands now. */
bool kernel_ticket_decide(struct kernel_ticket *ticket);
void kernel_ticket_cancel(struct kernel_ticket *ticket);

/* Moves the first `count` bytes of a send to the other end. */
void kernel_ticket_put(struct kernel_ticket *ticket, size_t count);
void kernel_ticket_destroy(struct kernel_ticket *ticket);

/* ---- kernel_wait.c ---- */

int kernel_wait(struct gw_lane *lane, uint64_t deadline_ns);

/* Calls its done at once, in the middle of things; for mutants. */
void kernel_hand_over(struct kernel_ticket *ticket);

/* Stands in for a socket's done, from the time it is attached. */
void kernel_done(struct gw_op *op, int result);

/* ---- kernel_fail.c ---- */

void kernel_fail_init(void);

/* Numbers the call. Returns the error it is to give, or 0. */
int kernel_call_error(enum kernel_call call);

bool kernel_happens(uint8_t percent);

#endif
