/* tests/net/backend_fixture.c: an object with a socket, to call a backend's functions one by one.
 */
#include "tests/net/backend_fixture.h"

#include "net/container_of.h"
#include "net/port_internal.h"
#include <string.h>

const struct gw_backend_ops *backend_fixture_ops(void)
{
    return gw__port_ops(fixture.port);
}

static void bring(struct outcome *outcome, int result)
{
    atomic_store(&outcome->result, result);
    atomic_fetch_add(&outcome->count, 1);
}

static void recv_done(struct backend_fixture *backend_fixture, int result)
{
    if (result > 0) {
        memcpy(backend_fixture->received, backend_fixture->socket.in.own.data, (size_t)result);
    }
    bring(&backend_fixture->in, result);
}

void backend_fixture_accept_done(struct backend_fixture *backend_fixture, int result)
{
    backend_fixture->accepted = result == 0 ? backend_fixture->socket.accepted : OS_SOCKET_NONE;
    bring(&backend_fixture->in, result);
}

static void done(struct gw_op *op, int result)
{
    struct backend_fixture *backend_fixture =
        GW_CONTAINER_OF(gw__op_socket(op), struct backend_fixture, socket);
    if (op->way == GW_WAY_IN) {
        backend_fixture->in_done(backend_fixture, result);
    } else {
        bring(&backend_fixture->out, result);
    }
}

/* ---- what is done in a turn ---- */

static void backend_fixture_attach(void *context)
{
    struct backend_fixture *backend_fixture = context;
    if (backend_fixture_ops()->attach(&backend_fixture->socket) != 0) {
        checking_kernel_break("a socket can be attached");
    }
}

void backend_fixture_accept(void *context)
{
    struct backend_fixture *backend_fixture = context;
    backend_fixture_ops()->accept(&backend_fixture->socket);
}

void backend_fixture_connect(void *context)
{
    struct backend_fixture *backend_fixture = context;
    backend_fixture_ops()->connect(&backend_fixture->socket, &backend_fixture->addr);
}

void backend_fixture_recv(void *context)
{
    struct backend_fixture *backend_fixture = context;
    backend_fixture_ops()->recv(&backend_fixture->socket);
}

void backend_fixture_send(void *context)
{
    struct backend_fixture *backend_fixture = context;
    backend_fixture_ops()->send(&backend_fixture->socket, backend_fixture->spans,
                                backend_fixture->span_count);
}

void backend_fixture_shutdown(void *context)
{
    struct backend_fixture *backend_fixture = context;
    backend_fixture_ops()->shutdown(&backend_fixture->socket);
}

void backend_fixture_cancel(void *context)
{
    struct backend_fixture *backend_fixture = context;
    backend_fixture_ops()->cancel(&backend_fixture->socket);
}

void backend_fixture_cancel_twice(void *context)
{
    backend_fixture_cancel(context);
    backend_fixture_cancel(context);
}

void backend_fixture_recv_and_cancel(void *context)
{
    backend_fixture_recv(context);
    backend_fixture_cancel(context);
}

static void backend_fixture_detach(void *context)
{
    struct backend_fixture *backend_fixture = context;
    backend_fixture_ops()->detach(&backend_fixture->socket, false);
}

void backend_fixture_do(struct backend_fixture *backend_fixture, void (*posted_task)(void *context))
{
    run_in_turn(&backend_fixture->turn, posted_task, backend_fixture);
}

/* ---- rigs ---- */

struct raw_socket backend_fixture_listener;
struct gw_addr backend_fixture_listener_addr;

void backend_fixture_port_open(void)
{
    fixture_open(&(struct port_fixture_plan){.play = NULL});
    fixture_run_now();
    assert_int_equal(gw_addr_parse("127.0.0.1:0", &backend_fixture_listener_addr), 0);
    assert_true(raw_socket_listen(&backend_fixture_listener, &backend_fixture_listener_addr, 100));
}

void backend_fixture_port_close(void)
{
    raw_socket_close(&backend_fixture_listener);
    fixture_close();
}

void backend_fixture_init(struct backend_fixture *backend_fixture, os_socket handle)
{
    memset(backend_fixture, 0, sizeof(*backend_fixture));
    gw_turn_init(&backend_fixture->turn, fixture.port, NULL);
    gw__socket_init(&backend_fixture->socket, handle, &backend_fixture->turn, done);
    backend_fixture->in_done = recv_done;
    backend_fixture_do(backend_fixture, backend_fixture_attach);
}

void backend_fixture_dial(struct backend_fixture *backend_fixture, const struct gw_addr *addr)
{
    os_socket handle;
    assert_int_equal(backend_fixture_ops()->socket_open(addr, NULL, &handle), 0);
    backend_fixture_init(backend_fixture, handle);
    backend_fixture->addr = *addr;
}

/* A rig that is connected to `peer_out`. */
void backend_fixture_connect_to(struct backend_fixture *backend_fixture,
                                struct raw_socket *peer_out)
{
    struct gw_addr from;
    backend_fixture_dial(backend_fixture, &backend_fixture_listener_addr);
    backend_fixture_do(backend_fixture, backend_fixture_connect);
    WAIT_FOR(atomic_load(&backend_fixture->out.count) == 1);
    assert_int_equal(atomic_load(&backend_fixture->out.result), 0);
    assert_true(raw_socket_accept(&backend_fixture_listener, peer_out, &from));
    atomic_store(&backend_fixture->out.count, 0);
}

/* Its turn may be running still when its errand is done, but not when all lanes have settled. */
void backend_fixture_end(struct backend_fixture *backend_fixture)
{
    backend_fixture_do(backend_fixture, backend_fixture_detach);
    fixture_run_now();
}

void backend_fixture_set_span(struct backend_fixture *backend_fixture, const void *data,
                              uint32_t bytes)
{
    backend_fixture->spans[0] = (struct gw_span){data, bytes};
    backend_fixture->span_count = 1;
}

int backend_fixture_wait_in(struct backend_fixture *backend_fixture, uint32_t count)
{
    WAIT_FOR(atomic_load(&backend_fixture->in.count) >= count);
    return atomic_load(&backend_fixture->in.result);
}

int backend_fixture_wait_out(struct backend_fixture *backend_fixture, uint32_t count)
{
    WAIT_FOR(atomic_load(&backend_fixture->out.count) >= count);
    return atomic_load(&backend_fixture->out.result);
}

/* Whatever was asked for has come home, each once. */
void backend_fixture_assert_all_came_home(struct backend_fixture *backend_fixture,
                                          uint32_t in_count, uint32_t out_count)
{
    fixture_run_now();
    assert_int_equal(atomic_load(&backend_fixture->in.count), in_count);
    assert_int_equal(atomic_load(&backend_fixture->out.count), out_count);
}
