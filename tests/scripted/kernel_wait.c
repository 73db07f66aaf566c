/* tests/scripted/kernel_wait.c: Wait of the simulated kernel: reports completions, advances the
 * clock. */
#include "tests/scripted/kernel_inside.h"

#include "net/error.h"
#include "net/lane.h"
#include "net/port_internal.h"
#include "tests/scripted/broken.h"
#include "tests/scripted/memory.h"
#include "tests/scripted/mutant.h"

#include <string.h>

/* ---- reporting ---- */

/* The mutants that free received bytes too early, or read sent bytes too late. */
static void misuse_memory(struct kernel_ticket *ticket, bool is_over)
{
    if (mutant_is(MUTANT_RECV_GONE_EARLY) && !is_over && ticket->data != NULL) {
        memset(ticket->data, 0xDD, (size_t)ticket->result);
    }
    if (mutant_is(MUTANT_SPANS_READ_LATE) && is_over && ticket->call == KERNEL_SEND &&
        ticket->result > 0 && ticket->end->other != NULL) {
        kernel_ticket_put(ticket, (size_t)ticket->result);
    }
}

static struct kernel_ticket *take_reported(const struct gw_op *op)
{
    struct kernel_ticket **link = &kernel.handed;
    while (*link != NULL && (*link)->op != op) {
        link = &(*link)->next;
    }
    struct kernel_ticket *ticket = *link;
    if (ticket != NULL) {
        *link = ticket->next;
    }
    return ticket;
}

/* Calls the caller's done. The received bytes are valid until it returns. */
void kernel_done(struct gw_op *op, int result)
{
    kernel_lock();
    struct kernel_ticket *ticket = take_reported(op);
    kernel_unlock();
    if (ticket == NULL) {
        broken(1, "an operation is done that was not handed over");
    }
    void (*done)(struct gw_op * op, int result) = ticket->end->done;
    bool twice = mutant_strikes(MUTANT_DONE_TWICE, 7);
    op->own.data = ticket->data; /* the task was here; `own` is a union */
    misuse_memory(ticket, false);
    done(op, result);
    if (twice) {
        done(op, result);
    }
    misuse_memory(ticket, true);
    if (ticket->data != NULL && result > 0) {
        memset(ticket->data, 0xDD, (size_t)result);
    }
    kernel_ticket_destroy(ticket);
}

static void detach_ticket(struct kernel_ticket *ticket)
{
    struct kernel_end *end = ticket->end;
    if (end->ticket_in == ticket) {
        end->ticket_in = NULL;
    } else {
        end->ticket_out = NULL;
    }
}

void kernel_report(struct kernel_ticket *ticket)
{
    struct gw_op *op = ticket->op;
    kernel_lock();
    detach_ticket(ticket);
    ticket->next = kernel.handed;
    kernel.handed = ticket;
    kernel_unlock();
    if (ticket->call == KERNEL_ACCEPT) {
        gw__op_socket(op)->accepted = ticket->accepted;
    }
    if (mutant_is(MUTANT_DONE_WITHOUT_TURN)) {
        kernel_done(op, ticket->result);
    } else if (!mutant_strikes(MUTANT_DONE_NEVER, 6)) {
        gw__op_done(op, ticket->result);
    }
}

/* ---- selection ---- */

static void decide_all(void)
{
    for (bool again = true; again;) {
        again = false;
        for (struct kernel_ticket *ticket = kernel.tickets; ticket != NULL; ticket = ticket->next) {
            again = (!ticket->decided && kernel_ticket_decide(ticket)) || again;
        }
    }
}

static bool is_for(const struct kernel_ticket *ticket, const struct gw_lane *lane)
{
    return ticket->decided && ticket->due_ns <= kernel.now_ns &&
           ticket->end->socket->turn->lane == lane;
}

/* Whether to report it in this round. */
static bool is_ripe(struct kernel_ticket *ticket, const struct gw_lane *lane)
{
    if (!is_for(ticket, lane)) {
        return false;
    }
    if (ticket->delay_rounds > 0) {
        ticket->delay_rounds--;
        return false;
    }
    return true;
}

static bool any_delayed(const struct gw_lane *lane)
{
    for (struct kernel_ticket *ticket = kernel.tickets; ticket != NULL; ticket = ticket->next) {
        if (is_for(ticket, lane)) {
            return true;
        }
    }
    return false;
}

static void insert(struct kernel_ticket **first, uint32_t count, struct kernel_ticket *ticket)
{
    uint32_t place = kernel.config.shuffles ? kernel_random(count + 1) : count;
    for (; place > 0; place--) {
        first = &(*first)->next;
    }
    ticket->next = *first;
    *first = ticket;
}

/* Moves the operations to report now into a separate list. */
static struct kernel_ticket *pick(const struct gw_lane *lane)
{
    struct kernel_ticket *picked = NULL;
    uint32_t count = 0;
    struct kernel_ticket **link = &kernel.tickets;
    uint32_t count_max =
        kernel.config.wait_count_max != 0 ? kernel.config.wait_count_max : UINT32_MAX;
    while (*link != NULL) {
        struct kernel_ticket *ticket = *link;
        if (count < count_max && is_ripe(ticket, lane)) {
            *link = ticket->next;
            insert(&picked, count++, ticket);
        } else {
            link = &ticket->next;
        }
    }
    return picked;
}

/* ---- time ---- */

static void lower_to(uint64_t *next_ns, uint64_t time_ns)
{
    *next_ns = time_ns < *next_ns ? time_ns : *next_ns;
}

static uint64_t next_ns(void)
{
    uint64_t next = UINT64_MAX;
    for (struct kernel_ticket *ticket = kernel.tickets; ticket != NULL; ticket = ticket->next) {
        if (ticket->decided) {
            lower_to(&next, ticket->due_ns);
        }
    }
    if (kernel.events != NULL) {
        lower_to(&next, kernel.events->time_ns);
    }
    for (uint32_t i = 0; i < kernel.config.worker_count; i++) {
        lower_to(&next, kernel.deadlines[i]);
    }
    lower_to(&next, kernel.stop_at_ns);
    return next;
}

/* Whether another worker is about to wake, or has an operation of its own to report. */
static bool another_worker_has_work(uint64_t next)
{
    bool woken = false;
    for (uint32_t i = 0; i < kernel.config.worker_count; i++) {
        woken = woken || kernel.woken[i];
    }
    return kernel.config.worker_count > 1 && (woken || next <= kernel.now_ns);
}

/* Called when nothing can happen now. Returns false when the kernel shall pause. */
static bool let_time_pass(void)
{
    if (kernel.waiting_count < kernel.config.worker_count) {
        bell_wait(&kernel.changed, &kernel.mutex);
        return true;
    }
    uint64_t next = next_ns();
    if (another_worker_has_work(next)) {
        bell_ring(&kernel.changed);
        bell_wait(&kernel.changed, &kernel.mutex);
        return true;
    }
    if (next > kernel.until_ns || next == UINT64_MAX) {
        kernel.is_idle = next == UINT64_MAX;
        if (kernel.until_ns != UINT64_MAX && kernel.until_ns > kernel.now_ns) {
            kernel.now_ns = kernel.until_ns;
        }
        return false;
    }
    kernel.now_ns = next > kernel.now_ns ? next : kernel.now_ns;
    if (mutant_is(MUTANT_DEADLINE_IGNORED)) {
        kernel.now_ns += 50000000;
    }
    kernel.quiet_round_count = 0;
    kernel.round_count = 0;
    bell_ring(&kernel.changed);
    return true;
}

/* Events act as another thread would, so the thread is no worker while they run. */
static void run_events(void)
{
    while (kernel.events != NULL && kernel.events->time_ns <= kernel.now_ns) {
        struct kernel_event *event = kernel.events;
        struct gw_worker *worker = gw__worker();
        kernel.events = event->next;
        kernel_unlock();
        gw__worker_leave();
        event->run(event->context);
        gw__worker_enter(worker);
        memory_free_unseen(event);
        kernel_lock();
    }
}

/* The mutex is locked. */
static void let_pass(uint64_t ns)
{
    uint64_t until_ns = kernel.now_ns + ns;
    while (kernel.events != NULL && kernel.events->time_ns <= until_ns) {
        if (kernel.events->time_ns > kernel.now_ns) {
            kernel.now_ns = kernel.events->time_ns;
        }
        run_events();
    }
    kernel.now_ns = until_ns;
    kernel.quiet_round_count = 0;
    kernel.round_count = 0;
}

void kernel_let_pass(uint64_t ns)
{
    kernel_lock();
    let_pass(ns);
    kernel_unlock();
}

/* Stops the process when it is time to. Returns whether it did. */
static bool stop_if_due(void)
{
    bool stops = kernel.now_ns >= kernel.stop_at_ns;
    if (stops) {
        kernel.stop_at_ns = UINT64_MAX;
        let_pass(kernel.stop_ns);
    }
    return stops;
}

static void note_round(const struct gw_lane *lane)
{
    if (++kernel.round_count > KERNEL_ROUND_COUNT_MAX) {
        kernel_unlock();
        broken(9, "lane %u has had %d rounds, and no time has passed", (unsigned)lane->index,
               KERNEL_ROUND_COUNT_MAX);
    }
}

static void note_quiet_round(const struct gw_lane *lane, uint64_t deadline_ns)
{
    if (++kernel.quiet_round_count > KERNEL_SPIN_COUNT_MAX) {
        kernel_unlock();
        broken(8, "lane %u spins: %d waits brought nothing, deadline %lld ns from now",
               (unsigned)lane->index, KERNEL_SPIN_COUNT_MAX,
               (long long)(deadline_ns - kernel.now_ns));
    }
}

static bool take_wake(const struct gw_lane *lane)
{
    bool woken = kernel.woken[lane->index];
    kernel.woken[lane->index] = false;
    return woken && !mutant_is(MUTANT_WAKE_LOST);
}

static bool must_return(struct gw_lane *lane, uint64_t deadline_ns)
{
    return take_wake(lane) || kernel.now_ns >= deadline_ns ||
           kernel_happens(kernel.config.spurious_percent) || mutant_is(MUTANT_DEADLINE_EARLY);
}

/* Waits for operations to report. Returns as wait(), or KERNEL_PAUSED. The queue of ready turns is
 * checked once, before the sleep; from then on a wake is needed. */
static int await(struct gw_lane *lane, uint64_t deadline_ns, struct kernel_ticket **picked_out)
{
    if (gw__lane_is_busy(lane)) {
        deadline_ns = 0;
    }
    for (;;) {
        run_events();
        decide_all();
        *picked_out = pick(lane);
        if (*picked_out != NULL) {
            kernel.quiet_round_count = 0;
            return GW_WAIT_SOMETHING;
        }
        if (stop_if_due()) {
            return GW_WAIT_NOTHING;
        }
        if (must_return(lane, deadline_ns)) {
            note_quiet_round(lane, deadline_ns);
            return any_delayed(lane) ? GW_WAIT_SOMETHING : GW_WAIT_NOTHING;
        }
        if (!any_delayed(lane) && !let_time_pass()) {
            return KERNEL_PAUSED;
        }
    }
}

int kernel_wait(struct gw_lane *lane, uint64_t deadline_ns)
{
    struct kernel_ticket *picked;
    uint32_t worker = gw__worker()->index;
    kernel_lock();
    note_round(lane);
    kernel.waiting_count++;
    kernel.deadlines[worker] = deadline_ns;
    int result = await(lane, deadline_ns, &picked);
    kernel.deadlines[worker] = UINT64_MAX;
    kernel.waiting_count--;
    kernel_unlock();
    if (!mutant_is(MUTANT_AWAKE_MISSING)) {
        gw__lane_awake(lane);
    }
    while (picked != NULL) {
        struct kernel_ticket *ticket = picked;
        picked = ticket->next;
        kernel_report(ticket);
    }
    if (result == GW_WAIT_SOMETHING && mutant_is(MUTANT_WAIT_DENIES)) {
        result = GW_WAIT_NOTHING;
    }
    return result;
}
