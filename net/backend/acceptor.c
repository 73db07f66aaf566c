/* net/backend/acceptor.c: a listener's accepts, started in advance. */
#include "net/backend/iocp.h"

#include "net/container_of.h"
#include "net/error.h"
#include "net/lane.h"
#include <assert.h>
#include <stddef.h>
#include <stdlib.h>

enum {
    PLACE_COUNT = 16, /* how many may come between two turns of the listener */
    ADDR_BYTES = sizeof(struct sockaddr_storage) + 16, /* AcceptEx(): 16 more than the largest */
};

enum place_state {
    PLACE_EMPTY,
    PLACE_WAITING, /* its flight is under way */
    PLACE_TAKEN,   /* a peer has come, and nobody has asked yet */
};

struct place {
    union {
        struct gw__overlapped flight;
        struct gw_task task; /* carries what came lane to the listener's turn */
    } way;
    struct gw__acceptor *acceptor;
    struct place *next; /* among those that were taken */
    os_socket socket;
    int result;
    uint8_t state;
    _Alignas(8) uint8_t addrs[2 * ADDR_BYTES]; /* nobody reads it, but it must be there */
};

struct gw__acceptor {
    struct gw_turn *turn;
    os_socket listening;
    int family;
    struct gw_op *op; /* who asks, or NULL */
    struct place *taken_first;
    struct place *taken_last;
    uint32_t waiting_count;
    int error;       /* the last failure nobody has received of, or 0 */
    bool cancelling; /* nothing new is wanted until the next ask */
    bool left;
    struct place places[PLACE_COUNT];
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
    for (int i = 0; i < PLACE_COUNT; i++) {
        acceptor->places[i].acceptor = acceptor;
    }
    return acceptor;
}

/* ---- answering ---- */

static void answer(struct gw__acceptor *acceptor, int result)
{
    struct gw_op *op = acceptor->op;
    acceptor->op = NULL;
    gw__op_done(op, result);
}

static struct place *take_first(struct gw__acceptor *acceptor)
{
    struct place *place = acceptor->taken_first;
    acceptor->taken_first = place->next;
    place->state = PLACE_EMPTY;
    return place;
}

/* Brings together who asks and who has come. A failure is told when nobody else is on the way. */
static void match(struct gw__acceptor *acceptor)
{
    if (acceptor->op == NULL) {
        return;
    }
    if (acceptor->taken_first != NULL) {
        gw__op_socket(acceptor->op)->accepted = take_first(acceptor)->socket;
        answer(acceptor, GW_OK);
    } else if (acceptor->error != GW_OK && acceptor->waiting_count == 0) {
        answer(acceptor, acceptor->cancelling ? GW_E_CLOSED : acceptor->error);
    }
}

/* ---- a flight comes home ---- */

static void put_taken(struct gw__acceptor *acceptor, struct place *place)
{
    place->state = PLACE_TAKEN;
    place->next = NULL;
    if (acceptor->taken_first == NULL) {
        acceptor->taken_first = place;
    } else {
        acceptor->taken_last->next = place;
    }
    acceptor->taken_last = place;
}

/* Until then the socket does not know that it is connected, nor to whom: AcceptEx(). */
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

static void end_if_last(struct gw__acceptor *acceptor)
{
    if (acceptor->left && acceptor->waiting_count == 0) {
        atomic_fetch_sub(gw__iocp_acceptor_count(acceptor->turn->lane), 1);
        gw_turn_unref(acceptor->turn);
        free(acceptor);
    }
}

static void take_home(struct gw_task *task)
{
    struct place *place = GW_CONTAINER_OF(task, struct place, way.task);
    struct gw__acceptor *acceptor = place->acceptor;
    int result = place->result;
    acceptor->waiting_count--;
    if (result >= 0 && !acceptor->left) {
        result = finish_accept(acceptor, place->socket);
    }
    if (result < 0 || acceptor->left) {
        place->state = PLACE_EMPTY;
        acceptor->error = result;
        os_socket_close(place->socket);
    } else {
        put_taken(acceptor, place);
    }
    match(acceptor);
    end_if_last(acceptor);
}

static void come_home(struct gw__overlapped *flight, int result)
{
    struct place *place = GW_CONTAINER_OF(flight, struct place, way.flight);
    place->result = result;
    place->way.task.run = take_home;
    if (gw__worker() == NULL) { /* the lane is closed: there are no turns any more */
        take_home(&place->way.task);
    } else {
        gw_turn_post(place->acceptor->turn, &place->way.task);
    }
}

/* ---- asking ---- */

static int open_place_socket(const struct gw__acceptor *acceptor, os_socket *socket_out)
{
    struct gw_addr like = {.port = 0}; /* any address of the listener's family */
    if (acceptor->family == AF_INET) {
        os_ip_make_any_v4(like.ip);
    }
    return os_socket_open(&like, NULL, socket_out);
}

/* Starts one accept. No first data is asked for: a peer that says nothing would stay outside. */
static int fill_place(struct gw__acceptor *acceptor, struct place *place)
{
    DWORD bytes = 0;
    int error = open_place_socket(acceptor, &place->socket);
    if (error != GW_OK) {
        return error;
    }
    place->state = PLACE_WAITING;
    acceptor->waiting_count++;
    gw__overlapped_begin(&place->way.flight, come_home);
    BOOL accepted =
        gw__winsock.accept(acceptor->listening, place->socket, place->addrs, 0, ADDR_BYTES,
                           ADDR_BYTES, &bytes, &place->way.flight.overlapped);
    gw__overlapped_began(&place->way.flight, accepted, bytes);
    return GW_OK;
}

static void fill_pool(struct gw__acceptor *acceptor)
{
    acceptor->error = GW_OK; /* what was short before may be there again */
    for (int i = 0; i < PLACE_COUNT && acceptor->error == GW_OK; i++) {
        if (acceptor->places[i].state == PLACE_EMPTY) {
            acceptor->error = fill_place(acceptor, &acceptor->places[i]);
        }
    }
}

void gw__acceptor_ask(struct gw__acceptor *acceptor, struct gw_op *op)
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

void gw__acceptor_leave(struct gw__acceptor *acceptor)
{
    assert(acceptor->op == NULL);
    acceptor->left = true;
    while (acceptor->taken_first != NULL) {
        os_socket_close(take_first(acceptor)->socket);
    }
    (void)CancelIoEx((HANDLE)acceptor->listening, NULL);
    end_if_last(acceptor);
}
