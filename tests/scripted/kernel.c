/* tests/scripted/kernel.c: Simulated kernel with its own clock and random numbers. */
#include "tests/scripted/kernel.h"

#include "net/error.h"
#include "net/lane.h"
#include "tests/scripted/broken.h"
#include "tests/scripted/kernel_inside.h"
#include "tests/scripted/memory.h"
#include "tests/scripted/mutant.h"

#include <string.h>

enum { FIRST_HANDLE = 100, LISTEN_PORT = 7000 };

struct kernel kernel;

void kernel_lock(void)
{
    os_mutex_lock(&kernel.mutex);
}

void kernel_unlock(void)
{
    os_mutex_unlock(&kernel.mutex);
}

/* ---- init and fini ---- */

static void make_handles(void)
{
    uint32_t count = kernel.config.handle_count_max;
    kernel.ends = memory_take_unseen(count * sizeof(struct kernel_end *));
    kernel.free_handles = memory_take_unseen(count * sizeof(int));
    for (uint32_t i = 0; i < count; i++) {
        kernel.free_handles[i] = (int)(FIRST_HANDLE + count - 1 - i);
    }
    kernel.free_count = count;
}

void kernel_init(const struct kernel_config *config)
{
    memset(&kernel, 0, sizeof kernel);
    kernel.config = *config;
    kernel.config.worker_count = config->worker_count != 0 ? config->worker_count : 1;
    kernel.config.handle_count_max =
        config->handle_count_max != 0 ? config->handle_count_max : (uint32_t)KERNEL_HANDLES;
    kernel.random = (struct random){config->seed};
    kernel.now_ns = UINT64_C(123456789012345);
    kernel.until_ns = UINT64_MAX;
    kernel.stop_at_ns = UINT64_MAX;
    memset(kernel.deadlines, 0xFF, sizeof kernel.deadlines);
    os_mutex_init(&kernel.mutex);
    bell_init(&kernel.changed);
    make_handles();
    kernel_fail_init();
}

static void destroy_tickets(struct kernel_ticket *ticket)
{
    while (ticket != NULL) {
        struct kernel_ticket *next = ticket->next;
        kernel_ticket_destroy(ticket);
        ticket = next;
    }
}

uint32_t kernel_fini(void)
{
    uint32_t left = kernel.handle_count;
    for (uint32_t i = 0; i < kernel.config.handle_count_max; i++) {
        if (kernel.ends[i] != NULL) {
            kernel_end_close(kernel.ends[i]);
        }
    }
    destroy_tickets(kernel.tickets);
    destroy_tickets(kernel.handed);
    while (kernel.events != NULL) {
        struct kernel_event *event = kernel.events;
        kernel.events = event->next;
        memory_free_unseen(event);
    }
    while (kernel.threads != NULL) {
        struct kernel_thread *thread = kernel.threads;
        kernel.threads = thread->next;
        memory_free_unseen(thread);
    }
    memory_free_unseen(kernel.ends);
    memory_free_unseen(kernel.free_handles);
    bell_fini(&kernel.changed);
    os_mutex_fini(&kernel.mutex);
    return left;
}

struct kernel_config *kernel_behaviour(void)
{
    return &kernel.config;
}

uint32_t kernel_random(uint32_t limit)
{
    return random_below(&kernel.random, limit);
}

bool kernel_happens(uint8_t percent)
{
    return percent != 0 && kernel_random(100) < percent;
}

/* ---- time ---- */

uint64_t kernel_now_ns(void)
{
    kernel_lock();
    uint64_t now_ns = kernel.now_ns;
    kernel_unlock();
    return now_ns;
}

void kernel_run_until(uint64_t until_ns)
{
    kernel.until_ns = until_ns;
    kernel.is_idle = false;
    kernel.quiet_round_count = 0;
    kernel.round_count = 0;
}

bool kernel_is_idle(void)
{
    return kernel.is_idle;
}

void kernel_at(uint64_t time_ns, void (*run)(void *context), void *context)
{
    struct kernel_event *event = memory_take_unseen(sizeof *event);
    *event = (struct kernel_event){.time_ns = time_ns, .run = run, .context = context};
    kernel_lock();
    struct kernel_event **link = &kernel.events;
    while (*link != NULL && (*link)->time_ns <= time_ns) {
        link = &(*link)->next;
    }
    event->next = *link;
    *link = event;
    kernel_unlock();
}

void kernel_forget(const void *context)
{
    kernel_lock();
    for (struct kernel_event **link = &kernel.events; *link != NULL;) {
        struct kernel_event *event = *link;
        if (event->context == context) {
            *link = event->next;
            memory_free_unseen(event);
        } else {
            link = &event->next;
        }
    }
    kernel_unlock();
}

void kernel_stop_at(uint64_t time_ns, uint64_t ns)
{
    kernel.stop_at_ns = time_ns;
    kernel.stop_ns = ns;
}

uint32_t kernel_handle_count(void)
{
    return kernel.handle_count;
}

uint32_t kernel_ticket_count(void)
{
    uint32_t count = 0;
    for (const struct kernel_ticket *ticket = kernel.tickets; ticket != NULL;
         ticket = ticket->next) {
        count++;
    }
    return count;
}

/* ---- the backend interface ---- */

static bool backend_available(const char **why_out)
{
    *why_out = NULL;
    return true;
}

static int backend_open(struct gw_lane *lane, const char **why_out)
{
    lane->own = NULL;
    return kernel_call_error(KERNEL_OPEN);
}

static void backend_close(struct gw_lane *lane)
{
}

static int backend_wait(struct gw_lane *lane, uint64_t deadline_ns)
{
    return kernel_wait(lane, deadline_ns);
}

static void backend_wake(struct gw_lane *lane)
{
    kernel_lock();
    kernel.woken[lane->index] = true;
    bell_ring(&kernel.changed);
    kernel_unlock();
}

static int backend_attach(struct gw_socket *socket)
{
    static const uint8_t nothing[sizeof socket->own];
    kernel_lock();
    struct kernel_end *end = kernel_end_of(socket->handle);
    int error = kernel_call_error(KERNEL_ATTACH);
    kernel_unlock();
    if (memcmp(&socket->own, nothing, sizeof nothing) != 0) {
        broken(6, "a socket is attached whose own bytes are not zero");
    }
    if (error == GW_OK) {
        end->socket = socket;
        end->done = socket->done;
        socket->done = kernel_done;
    }
    return error;
}

static struct kernel_ticket **place_of(struct kernel_end *end, enum kernel_call call)
{
    bool inward = call == KERNEL_ACCEPT || call == KERNEL_RECV;
    return inward ? &end->ticket_in : &end->ticket_out;
}

static struct kernel_ticket *submit(enum kernel_call call, struct gw_op *op)
{
    struct kernel_ticket *ticket = kernel_ticket_create(call, op);
    struct kernel_ticket **place = place_of(ticket->end, call);
    if (*place != NULL) {
        broken(3, "a second %s on handle %d", kernel_call_name(call),
               (int)gw__op_socket(op)->handle);
    }
    *place = ticket;
    bell_ring(&kernel.changed);
    return ticket;
}

static void take_out(struct kernel_ticket *ticket)
{
    struct kernel_ticket **link = &kernel.tickets;
    while (*link != ticket) {
        link = &(*link)->next;
    }
    *link = ticket->next;
}

/* Completes an operation inside its submit: what the mutant DONE_IN_SUBMIT does. */
static void finish_in_submit(struct kernel_ticket *ticket)
{
    take_out(ticket);
    kernel_unlock();
    kernel_report(ticket);
    kernel_lock();
}

static void backend_accept(struct gw_socket *socket)
{
    kernel_lock();
    submit(KERNEL_ACCEPT, &socket->in);
    kernel_unlock();
}

static void backend_connect(struct gw_socket *socket, const struct gw_addr *addr)
{
    kernel_lock();
    submit(KERNEL_CONNECT, &socket->out)->addr = *addr;
    kernel_unlock();
}

static void backend_recv(struct gw_socket *socket)
{
    kernel_lock();
    submit(KERNEL_RECV, &socket->in);
    kernel_unlock();
}

static void backend_send(struct gw_socket *socket, const struct gw_span *spans, int span_count)
{
    kernel_lock();
    struct kernel_ticket *ticket = submit(KERNEL_SEND, &socket->out);
    memcpy(ticket->spans, spans, (size_t)span_count * sizeof *spans);
    ticket->span_count = span_count;
    bool at_once = kernel_happens(kernel.config.immediate_percent);
    if (mutant_strikes(MUTANT_DONE_IN_SUBMIT, 4) && kernel_ticket_decide(ticket)) {
        finish_in_submit(ticket);
    } else if (at_once) {
        (void)kernel_ticket_decide(ticket);
    }
    kernel_unlock();
}

static int backend_send_now(struct gw_socket *socket, const struct gw_span *spans, int span_count)
{
    int result = 0;
    kernel_lock();
    if (kernel_end_of(socket->handle)->ticket_out != NULL) {
        broken(3, "bytes are sent at once on handle %d beside what is in flight",
               (int)socket->handle);
    }
    if (kernel_happens(kernel.config.immediate_percent)) {
        struct kernel_ticket *ticket = kernel_ticket_create(KERNEL_SEND, &socket->out);
        memcpy(ticket->spans, spans, (size_t)span_count * sizeof *spans);
        ticket->span_count = span_count;
        result = kernel_ticket_decide(ticket) ? ticket->result : 0;
        take_out(ticket);
        kernel_ticket_destroy(ticket);
        bell_ring(&kernel.changed);
    }
    kernel_unlock();
    return result;
}

static void backend_shutdown(struct gw_socket *socket)
{
    kernel_lock();
    struct kernel_end *end = kernel_end_of(socket->handle);
    kernel_end_finish(end);
    if (mutant_is(MUTANT_SHUTDOWN_CLOSES)) {
        kernel_end_reset(end);
        end->is_finished = true;
    }
    kernel_unlock();
}

static void backend_cancel(struct gw_socket *socket)
{
    kernel_lock();
    struct kernel_end *end = kernel_end_of(socket->handle);
    struct kernel_ticket *tickets[] = {end->ticket_in, end->ticket_out};
    for (int i = 0; i < 2; i++) {
        if (tickets[i] != NULL) {
            kernel_ticket_cancel(tickets[i]);
        }
    }
    bell_ring(&kernel.changed);
    kernel_unlock();
}

static void backend_socket_close(os_socket handle)
{
    kernel_lock();
    struct kernel_end *end = kernel_end_of(handle);
    if (end->ticket_in != NULL || end->ticket_out != NULL) {
        broken(6, "handle %d is closed with operations in flight", (int)handle);
    }
    if (!mutant_strikes(MUTANT_HANDLE_KEPT, 3)) {
        kernel_end_close(end);
    }
    kernel_unlock();
}

static bool backend_has_unsent(struct gw_socket *socket)
{
    kernel_lock();
    bool has_unsent = kernel_end_of(socket->handle)->is_stuck;
    kernel_unlock();
    return has_unsent;
}

static int backend_peer_end(struct gw_socket *socket)
{
    kernel_lock();
    const struct kernel_end *end = kernel_end_of(socket->handle);
    int result = end->in_error != 0 ? end->in_error
                 : end->is_reset    ? GW_E_RESET
                 : end->is_finished ? GW_E_CLOSED
                                    : GW_OK;
    kernel_unlock();
    return mutant_is(MUTANT_PEER_NEVER_ENDS) ? GW_OK : result;
}

static void backend_detach(struct gw_socket *socket, bool reset)
{
    if (reset) {
        kernel_lock();
        kernel_end_reset(kernel_end_of(socket->handle));
        kernel_unlock();
    }
    backend_socket_close(socket->handle);
    socket->handle = OS_SOCKET_NONE;
}

static uint64_t backend_now_ns(void)
{
    uint64_t now_ns = kernel_now_ns();
    return mutant_strikes(MUTANT_CLOCK_BACK, 50) ? now_ns - 5000000000u : now_ns;
}

static uint64_t backend_random(void)
{
    kernel_lock();
    uint64_t number = random_next(&kernel.random);
    kernel_unlock();
    return number;
}

static int backend_socket_open(const struct gw_addr *to, const struct gw_addr *source,
                               os_socket *socket_out)
{
    kernel_lock();
    int error = kernel_call_error(KERNEL_SOCKET_OPEN);
    error = error == GW_OK && kernel.free_count == 0 ? GW_E_FULL : error;
    if (error == GW_OK) {
        struct kernel_end *end = kernel_end_create();
        (void)kernel_end_name(end);
        end->there = *to;
        end->here = source != NULL ? *source : (struct gw_addr){.port = 0};
        *socket_out = end->handle;
    }
    kernel_unlock();
    return error;
}

static int listen_at(struct gw_addr *addr, uint32_t backlog_count_max, os_socket *socket_out)
{
    int error = kernel_call_error(KERNEL_SOCKET_LISTEN);
    if (error != GW_OK) {
        return error;
    }
    addr->port = addr->port == 0 ? (uint16_t)(LISTEN_PORT + kernel.next_port++) : addr->port;
    if (kernel_listener_at(addr) != NULL) {
        return GW_E_IN_USE;
    }
    if (kernel.free_count == 0) {
        return GW_E_FULL;
    }
    struct kernel_end *end = kernel_end_create();
    (void)kernel_end_name(end);
    end->is_listening = true;
    end->here = *addr;
    end->waiting_count_max = backlog_count_max;
    *socket_out = end->handle;
    return GW_OK;
}

static int backend_socket_listen(struct gw_addr *addr, uint32_t backlog_count_max, uint32_t wait_ms,
                                 os_socket *socket_out)
{
    (void)wait_ms; /* the simulated clock does not advance during a call */
    kernel_lock();
    int error = listen_at(addr, backlog_count_max, socket_out);
    kernel_unlock();
    return error;
}

static struct gw_addr backend_socket_peer(os_socket handle)
{
    kernel_lock();
    struct gw_addr there = kernel_end_of(handle)->there;
    kernel_unlock();
    return there;
}

void kernel_name(const char *name, const struct gw_addr *addrs, uint32_t addr_count)
{
    kernel.names[kernel.name_count].name = name;
    kernel.names[kernel.name_count].addrs = addrs;
    kernel.names[kernel.name_count++].addr_count = addr_count;
}

static int backend_addr_lookup(const char *name, struct gw_addr *addrs_out, uint32_t count_max,
                               uint32_t *count_out)
{
    kernel_lock();
    int error = kernel_call_error(KERNEL_ADDR_LOOKUP);
    kernel_unlock();
    *count_out = 0;
    for (uint32_t i = 0; i < kernel.name_count && error == GW_OK; i++) {
        if (strcmp(kernel.names[i].name, name) == 0) {
            uint32_t count = kernel.names[i].addr_count;
            *count_out = count < count_max ? count : count_max;
            memcpy(addrs_out, kernel.names[i].addrs, *count_out * sizeof *addrs_out);
        }
    }
    return error == GW_OK && *count_out == 0 ? GW_E_NAME : error;
}

#define KERNEL_OPS(is_shared)                                                                      \
    {                                                                                              \
        .backend = GW_BACKEND_AUTO, .lane_shared = (is_shared), .available = backend_available,    \
        .open = backend_open, .close = backend_close, .wait = backend_wait, .wake = backend_wake,  \
        .attach = backend_attach, .accept = backend_accept, .connect = backend_connect,            \
        .recv = backend_recv, .send = backend_send, .send_now = backend_send_now,                  \
        .shutdown = backend_shutdown, .cancel = backend_cancel, .has_unsent = backend_has_unsent,  \
        .peer_end = backend_peer_end, .detach = backend_detach, .now_ns = backend_now_ns,          \
        .random = backend_random, .socket_open = backend_socket_open,                              \
        .socket_listen = backend_socket_listen, .socket_peer = backend_socket_peer,                \
        .socket_close = backend_socket_close, .addr_lookup = backend_addr_lookup,                  \
        .offload_threads = &kernel_offload_threads,                                                \
    }

static const struct gw_backend_ops ops = KERNEL_OPS(false);
static const struct gw_backend_ops shared_ops = KERNEL_OPS(true);

const struct gw_backend_ops *kernel_ops(void)
{
    return kernel.config.lane_shared ? &shared_ops : &ops;
}
