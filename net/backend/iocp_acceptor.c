/* net/backend/iocp_acceptor.c: A listener's accepts on a completion port, started in advance. */
#include "net/backend/iocp.h"

#include "net/container_of.h"
#include "net/error.h"
#include "net/lane.h"
#include <assert.h>
#include <stddef.h>
#include <stdlib.h>

enum {
    SLOT_COUNT = 16, /* connections that can be accepted between two turns of the listener */
    ADDR_BYTES = sizeof(struct sockaddr_storage) + 16, /* AcceptEx(): 16 more than the largest */
};

enum slot_state {
    SLOT_EMPTY,
    SLOT_WAITING,  /* its operation is pending */
    SLOT_ACCEPTED, /* a peer has connected, and no accept has taken the socket yet */
};

struct slot {
    union {
        struct gw__overlapped overlapped;
        struct gw_task task; /* takes the result to the listener's turn */
    } own;
    struct gw__acceptor *acceptor;
    struct slot *next; /* in the list of accepted ones */
    os_socket socket;
    int result;
    uint8_t state;
    _Alignas(8) uint8_t addrs[2 * ADDR_BYTES]; /* not read, but AcceptEx() requires it */
};

struct gw__acceptor {
    struct gw_turn *turn;
    os_socket listening;
    int family;
    struct gw_op *op; /* the accept that waits, or NULL */
    struct slot *accepted_first;
    struct slot *accepted_last;
    uint32_t waiting_count;
    int error;       /* the last failure that no accept has reported yet, or 0 */
    bool cancelling; /* until the next accept */
    bool released;
    struct slot slots[SLOT_COUNT];
};

static int family_of(os_socket socket)
{
    struct sockaddr_storage system;
    int bytes = sizeof(system);
    bool known = getsockname(socket, (struct sockaddr *)&system, &bytes) == 0;
    return known ? system.ss_family : AF_INET;
}

struct gw__acceptor *gw__acceptor_create(struct gw_socket *socket)
{
    struct gw__acceptor *acceptor = calloc(1, sizeof(*acceptor));
    if (acceptor == NULL) {
        return NULL;
    }
    atomic_fetch_add(gw__iocp_acceptor_count(socket->turn->lane), 1);
    acceptor->turn = gw_turn_ref(socket->turn);
    acceptor->listening = socket->handle;
    acceptor->family = family_of(socket->handle);
    for (int i = 0; i < SLOT_COUNT; i++) {
        acceptor->slots[i].acceptor = acceptor;
    }
    return acceptor;
}

/* ---- completing accepts ---- */

static void complete(struct gw__acceptor *acceptor, int result)
{
    struct gw_op *op = acceptor->op;
    acceptor->op = NULL;
    gw__op_done(op, result);
}

static struct slot *take_accepted(struct gw__acceptor *acceptor)
{
    struct slot *slot = acceptor->accepted_first;
    acceptor->accepted_first = slot->next;
    slot->state = SLOT_EMPTY;
    return slot;
}

/* Completes the accept that waits with an accepted socket, or with the last failure when no
 * operation is pending that could still succeed. */
static void match(struct gw__acceptor *acceptor)
{
    if (acceptor->op == NULL) {
        return;
    }
    if (acceptor->accepted_first != NULL) {
        gw__op_socket(acceptor->op)->accepted = take_accepted(acceptor)->socket;
        complete(acceptor, GW_OK);
    } else if (acceptor->error != GW_OK && acceptor->waiting_count == 0) {
        complete(acceptor, acceptor->cancelling ? GW_E_CLOSED : acceptor->error);
    }
}

/* ---- operations that have completed ---- */

static void append_accepted(struct gw__acceptor *acceptor, struct slot *slot)
{
    slot->state = SLOT_ACCEPTED;
    slot->next = NULL;
    if (acceptor->accepted_first == NULL) {
        acceptor->accepted_first = slot;
    } else {
        acceptor->accepted_last->next = slot;
    }
    acceptor->accepted_last = slot;
}

/* Until then getpeername(), setsockopt() and shutdown() fail on the socket: AcceptEx(). */
static int finish_accept(const struct gw__acceptor *acceptor, os_socket socket)
{
    SOCKET listening = acceptor->listening;
    if (setsockopt(socket, SOL_SOCKET, SO_UPDATE_ACCEPT_CONTEXT, (const char *)&listening,
                   sizeof(listening)) != 0) {
        return os_error(WSAGetLastError());
    }
    os_socket_accepted(socket);
    return GW_OK;
}

static void free_if_unused(struct gw__acceptor *acceptor)
{
    if (acceptor->released && acceptor->waiting_count == 0) {
        atomic_fetch_sub(gw__iocp_acceptor_count(acceptor->turn->lane), 1);
        gw_turn_unref(acceptor->turn);
        free(acceptor);
    }
}

static void run_accepted(struct gw_task *task)
{
    struct slot *slot = GW_CONTAINER_OF(task, struct slot, own.task);
    struct gw__acceptor *acceptor = slot->acceptor;
    int result = slot->result;
    acceptor->waiting_count--;
    if (result >= 0 && !acceptor->released) {
        result = finish_accept(acceptor, slot->socket);
    }
    if (result < 0 || acceptor->released) {
        slot->state = SLOT_EMPTY;
        acceptor->error = result;
        os_socket_close(slot->socket);
    } else {
        append_accepted(acceptor, slot);
    }
    match(acceptor);
    free_if_unused(acceptor);
}

static void accept_completed(struct gw__overlapped *overlapped, int result)
{
    struct slot *slot = GW_CONTAINER_OF(overlapped, struct slot, own.overlapped);
    slot->result = result;
    slot->own.task.run = run_accepted;
    if (gw__worker() == NULL) { /* the lane is being closed: turns do not run any more */
        run_accepted(&slot->own.task);
    } else {
        gw_turn_post(slot->acceptor->turn, &slot->own.task);
    }
}

/* ---- starting operations ---- */

static int open_slot_socket(const struct gw__acceptor *acceptor, os_socket *socket_out)
{
    struct gw_addr like = {.port = 0}; /* any address of the listener's family */
    if (acceptor->family == AF_INET) {
        os_ip_make_any_v4(like.ip);
    }
    return os_socket_open(&like, NULL, socket_out);
}

/* Starts one AcceptEx(), without waiting for first data: a peer that sends nothing would not be
 * accepted. */
static int fill_slot(struct gw__acceptor *acceptor, struct slot *slot)
{
    DWORD bytes = 0;
    int error = open_slot_socket(acceptor, &slot->socket);
    if (error != GW_OK) {
        return error;
    }
    slot->state = SLOT_WAITING;
    acceptor->waiting_count++;
    gw__overlapped_begin(&slot->own.overlapped, accept_completed);
    BOOL accepted =
        gw__winsock.accept(acceptor->listening, slot->socket, slot->addrs, 0, ADDR_BYTES,
                           ADDR_BYTES, &bytes, &slot->own.overlapped.system);
    gw__overlapped_began(&slot->own.overlapped, accepted, bytes);
    return GW_OK;
}

static void fill_pool(struct gw__acceptor *acceptor)
{
    acceptor->error = GW_OK; /* the shortage may be over */
    for (int i = 0; i < SLOT_COUNT && acceptor->error == GW_OK; i++) {
        if (acceptor->slots[i].state == SLOT_EMPTY) {
            acceptor->error = fill_slot(acceptor, &acceptor->slots[i]);
        }
    }
}

void gw__acceptor_accept(struct gw__acceptor *acceptor, struct gw_op *op)
{
    assert(acceptor->op == NULL);
    acceptor->op = op;
    acceptor->cancelling = false;
    fill_pool(acceptor);
    match(acceptor);
}

/* ---- the end ---- */

void gw__acceptor_cancel(struct gw__acceptor *acceptor)
{
    acceptor->cancelling = true;
    (void)CancelIoEx((HANDLE)acceptor->listening, NULL);
}

void gw__acceptor_release(struct gw__acceptor *acceptor)
{
    assert(acceptor->op == NULL);
    acceptor->released = true;
    while (acceptor->accepted_first != NULL) {
        os_socket_close(take_accepted(acceptor)->socket);
    }
    (void)CancelIoEx((HANDLE)acceptor->listening, NULL);
    free_if_unused(acceptor);
}
