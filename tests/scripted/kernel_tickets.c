/* tests/scripted/kernel_tickets.c: Simulated operations and their results. */
#include "tests/scripted/kernel_inside.h"

#include "net/error.h"
#include "net/stream.h"
#include "tests/scripted/memory.h"
#include "tests/scripted/mutant.h"

#include <string.h>

enum { EPHEMERAL_PORT = 40000 };

struct kernel_ticket *kernel_ticket_create(enum kernel_call call, struct gw_op *op)
{
    struct kernel_ticket *ticket = memory_take_unseen(sizeof *ticket);
    ticket->end = kernel_end_of(gw__op_socket(op)->handle);
    ticket->op = op;
    ticket->call = call;
    ticket->forced = kernel_call_error(call);
    struct kernel_ticket **last = &kernel.tickets;
    while (*last != NULL) {
        last = &(*last)->next;
    }
    *last = ticket;
    return ticket;
}

void kernel_ticket_destroy(struct kernel_ticket *ticket)
{
    memory_free_unseen(ticket->data);
    memory_free_unseen(ticket);
}

static bool decide_on(struct kernel_ticket *ticket, int result)
{
    const struct kernel_config *config = &kernel.config;
    ticket->decided = true;
    ticket->result = result;
    ticket->due_ns = kernel.now_ns;
    if (config->late_ns_max > 0 && !ticket->cancelled) {
        ticket->due_ns += kernel_random(config->late_ns_max);
    }
    while (ticket->delay_rounds < 8 && kernel_happens(config->delay_percent)) {
        ticket->delay_rounds++;
    }
    return true;
}

/* Limits `count` to `count_max`, and at random to less; at least 1 remains. */
static size_t cut(size_t count, uint32_t count_max)
{
    if (count_max != 0 && count > count_max) {
        count = count_max;
    }
    if (count > 1 && kernel_happens(kernel.config.split_percent)) {
        count = 1 + kernel_random((uint32_t)count - 1);
    }
    return count;
}

/* ---- inbound ---- */

static bool decide_accept(struct kernel_ticket *ticket)
{
    struct kernel_end *listener = ticket->end;
    if (ticket->forced != 0) {
        return decide_on(ticket, ticket->forced);
    }
    if (listener->waiting_first == NULL) {
        return false;
    }
    if (kernel.free_count == 0) {
        return decide_on(ticket, GW_E_FULL);
    }
    struct kernel_end *end = kernel_backlog_pop(listener);
    if (end->is_reset) {
        kernel_end_close(end);
        return decide_on(ticket, GW_E_RESET);
    }
    (void)kernel_end_name(end);
    ticket->accepted = end->handle;
    return decide_on(ticket, GW_OK);
}

static void swap_bytes(struct kernel_ticket *ticket, size_t count)
{
    if (count > 1 && mutant_strikes(MUTANT_BYTES_SWAPPED, 3)) {
        uint8_t first = ticket->data[0];
        ticket->data[0] = ticket->data[count - 1];
        ticket->data[count - 1] = first;
    }
}

static bool take_bytes(struct kernel_ticket *ticket)
{
    struct kernel_end *end = ticket->end;
    size_t count = cut(bytes_count(&end->in), kernel.config.recv_bytes_max);
    size_t count_max =
        mutant_is(MUTANT_RECV_TOO_LONG) ? SIZE_MAX : (size_t)GW_STREAM_RECV_BYTES_MAX;
    count = count < count_max ? count : count_max;
    ticket->data = memory_take_unseen(count);
    bool again = mutant_strikes(MUTANT_BYTES_TWICE, 5);
    memcpy(ticket->data, bytes_data(&end->in), count);
    bytes_take(&end->in, NULL, again ? 0 : count);
    swap_bytes(ticket, count);
    return decide_on(ticket, (int)count);
}

static bool decide_recv(struct kernel_ticket *ticket)
{
    struct kernel_end *end = ticket->end;
    if (ticket->forced != 0) {
        end->in_error = ticket->forced;
        end->out_error = ticket->forced;
    }
    if (end->in_error != 0) {
        return decide_on(ticket, end->in_error);
    }
    if (bytes_count(&end->in) > 0) {
        return take_bytes(ticket);
    }
    if (end->is_reset) {
        return decide_on(ticket, mutant_is(MUTANT_RESULT_UNKNOWN) ? -104 : GW_E_RESET);
    }
    return end->is_finished && !mutant_is(MUTANT_FIN_LOST) && decide_on(ticket, 0);
}

/* ---- outbound ---- */

static void come_from(struct kernel_end *end)
{
    if (end->here.port == 0) {
        end->here.port = (uint16_t)(EPHEMERAL_PORT + kernel.next_port++ % 20000);
    }
}

static bool decide_connect(struct kernel_ticket *ticket)
{
    struct kernel_end *end = ticket->end;
    if (ticket->forced != 0) {
        return decide_on(ticket, ticket->forced);
    }
    if (ticket->addr.port == 0) {
        return false; /* no host answers at port 0 */
    }
    struct kernel_end *listener = kernel_listener_at(&ticket->addr);
    if (listener == NULL) {
        return decide_on(ticket, GW_E_REFUSED);
    }
    if (listener->waiting_count == listener->waiting_count_max) {
        return false;
    }
    struct kernel_end *other = kernel_end_create();
    end->there = ticket->addr;
    come_from(end);
    kernel_end_pair(end, other);
    (void)kernel_backlog_push(listener, other);
    return decide_on(ticket, GW_OK);
}

static size_t span_bytes(const struct kernel_ticket *ticket)
{
    size_t count = 0;
    for (int i = 0; i < ticket->span_count; i++) {
        count += ticket->spans[i].bytes;
    }
    return count;
}

void kernel_ticket_put(struct kernel_ticket *ticket, size_t count)
{
    bool backwards =
        ticket->span_count > 1 && mutant_is(MUTANT_SEND_TWO_AT_ONCE) && count == span_bytes(ticket);
    for (int i = 0; i < ticket->span_count && count > 0; i++) {
        const struct gw_span *span = &ticket->spans[backwards ? ticket->span_count - 1 - i : i];
        size_t part = span->bytes < count ? span->bytes : count;
        bytes_put(&ticket->end->other->in, span->data, part);
        count -= part;
    }
}

static bool put_bytes(struct kernel_ticket *ticket, size_t room)
{
    size_t all = span_bytes(ticket);
    size_t count = cut(all < room ? all : room, kernel.config.send_bytes_max);
    if (!mutant_is(MUTANT_SPANS_READ_LATE)) {
        kernel_ticket_put(ticket, count);
    }
    return decide_on(ticket, (int)(mutant_is(MUTANT_SEND_BOASTS) ? all : count));
}

static bool decide_send(struct kernel_ticket *ticket)
{
    struct kernel_end *end = ticket->end;
    if (ticket->forced != 0) {
        end->out_error = ticket->forced;
    }
    if (end->out_error != 0) {
        return decide_on(ticket, end->out_error);
    }
    if (end->other == NULL) {
        return decide_on(ticket, GW_E_RESET);
    }
    size_t room = kernel_end_room(end);
    end->is_stuck = span_bytes(ticket) > room;
    if (room == 0) {
        return false;
    }
    if (kernel_happens(kernel.config.nothing_percent)) {
        return decide_on(ticket, 0);
    }
    return put_bytes(ticket, room);
}

bool kernel_ticket_decide(struct kernel_ticket *ticket)
{
    switch (ticket->call) {
    case KERNEL_ACCEPT:
        return decide_accept(ticket);
    case KERNEL_CONNECT:
        return decide_connect(ticket);
    case KERNEL_RECV:
        return decide_recv(ticket);
    default:
        return decide_send(ticket);
    }
}

/* ---- cancelling ---- */

static void lose_accepted_handle(struct kernel_ticket *ticket)
{
    bool has_handle = ticket->call == KERNEL_ACCEPT && ticket->result == GW_OK;
    if (mutant_is(MUTANT_CANCEL_LIES) && has_handle) {
        ticket->result = GW_E_CLOSED; /* leaks the accepted handle */
    }
}

/*
 * An operation with a final result keeps it. Any other one may still complete, or ends with CLOSED.
 */
void kernel_ticket_cancel(struct kernel_ticket *ticket)
{
    bool too_late = ticket->decided || (kernel_happens(kernel.config.cancel_loses_percent) &&
                                        kernel_ticket_decide(ticket));
    if (mutant_is(MUTANT_CANCEL_FORGETS) && !too_late) {
        ticket->cancelled = true;
        ticket->due_ns = UINT64_MAX;
        ticket->decided = true;
        return;
    }
    ticket->cancelled = true;
    if (!too_late) {
        decide_on(ticket, GW_E_CLOSED);
    }
    lose_accepted_handle(ticket);
    ticket->due_ns = kernel.now_ns;
}
