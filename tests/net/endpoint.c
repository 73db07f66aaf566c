/* tests/net/endpoint.c: An object with a socket, to call a backend's functions one by one. */
#include "tests/net/endpoint.h"

#include "net/container_of.h"
#include "net/port_internal.h"
#include <string.h>

const struct gw_backend_ops *endpoint_ops(void)
{
    return gw__port_ops(fixture.port);
}

static void record_result(struct outcome *outcome, int result)
{
    atomic_store(&outcome->result, result);
    atomic_fetch_add(&outcome->count, 1);
}

static void recv_done(struct endpoint *endpoint, int result)
{
    if (result > 0) {
        memcpy(endpoint->received, endpoint->socket.in.own.data, (size_t)result);
    }
    record_result(&endpoint->in, result);
}

void endpoint_accept_done(struct endpoint *endpoint, int result)
{
    endpoint->accepted = result == 0 ? endpoint->socket.accepted : OS_SOCKET_NONE;
    record_result(&endpoint->in, result);
}

static void done(struct gw_op *op, int result)
{
    struct endpoint *endpoint = GW_CONTAINER_OF(gw__op_socket(op), struct endpoint, socket);
    if (op->way == GW_WAY_IN) {
        endpoint->in_done(endpoint, result);
    } else {
        record_result(&endpoint->out, result);
    }
}

/* ---- calls in a turn ---- */

static void endpoint_attach(void *context)
{
    struct endpoint *endpoint = context;
    if (endpoint_ops()->attach(&endpoint->socket) != 0) {
        fixture_break_rule("a socket can be attached");
    }
}

void endpoint_accept(void *context)
{
    struct endpoint *endpoint = context;
    endpoint_ops()->accept(&endpoint->socket);
}

void endpoint_connect(void *context)
{
    struct endpoint *endpoint = context;
    endpoint_ops()->connect(&endpoint->socket, &endpoint->addr);
}

void endpoint_recv(void *context)
{
    struct endpoint *endpoint = context;
    endpoint_ops()->recv(&endpoint->socket);
}

void endpoint_send(void *context)
{
    struct endpoint *endpoint = context;
    endpoint_ops()->send(&endpoint->socket, endpoint->spans, endpoint->span_count);
}

void endpoint_shutdown(void *context)
{
    struct endpoint *endpoint = context;
    endpoint_ops()->shutdown(&endpoint->socket);
}

void endpoint_cancel(void *context)
{
    struct endpoint *endpoint = context;
    endpoint_ops()->cancel(&endpoint->socket);
}

void endpoint_cancel_twice(void *context)
{
    endpoint_cancel(context);
    endpoint_cancel(context);
}

void endpoint_recv_and_cancel(void *context)
{
    endpoint_recv(context);
    endpoint_cancel(context);
}

static void endpoint_detach(void *context)
{
    struct endpoint *endpoint = context;
    endpoint_ops()->detach(&endpoint->socket, false);
}

void endpoint_do(struct endpoint *endpoint, void (*call)(void *context))
{
    run_in_turn(&endpoint->turn, call, endpoint);
}

/* ---- opening and closing ---- */

struct raw_socket endpoint_listener;
struct gw_addr endpoint_listener_addr;

void endpoint_port_open(void)
{
    fixture_open(&(struct port_fixture_plan){.callbacks = NULL});
    fixture_run_now();
    assert_int_equal(gw_addr_parse("127.0.0.1:0", &endpoint_listener_addr), 0);
    assert_true(raw_socket_listen(&endpoint_listener, &endpoint_listener_addr, 100));
}

void endpoint_port_close(void)
{
    raw_socket_close(&endpoint_listener);
    fixture_close();
}

void endpoint_init(struct endpoint *endpoint, os_socket handle)
{
    memset(endpoint, 0, sizeof(*endpoint));
    gw_turn_init(&endpoint->turn, fixture.port, NULL);
    gw__socket_init(&endpoint->socket, handle, &endpoint->turn, done);
    endpoint->in_done = recv_done;
    endpoint_do(endpoint, endpoint_attach);
}

void endpoint_dial(struct endpoint *endpoint, const struct gw_addr *addr)
{
    os_socket handle;
    assert_int_equal(endpoint_ops()->socket_open(addr, NULL, &handle), 0);
    endpoint_init(endpoint, handle);
    endpoint->addr = *addr;
}

void endpoint_connect_to(struct endpoint *endpoint, struct raw_socket *peer_out)
{
    struct gw_addr from;
    endpoint_dial(endpoint, &endpoint_listener_addr);
    endpoint_do(endpoint, endpoint_connect);
    WAIT_FOR(atomic_load(&endpoint->out.count) == 1);
    assert_int_equal(atomic_load(&endpoint->out.result), 0);
    assert_true(raw_socket_accept(&endpoint_listener, peer_out, &from));
    atomic_store(&endpoint->out.count, 0);
}

/* The turn may still run when its posted task is done, but not after fixture_run_now(). */
void endpoint_end(struct endpoint *endpoint)
{
    endpoint_do(endpoint, endpoint_detach);
    fixture_run_now();
}

void endpoint_set_span(struct endpoint *endpoint, const void *data, uint32_t bytes)
{
    endpoint->spans[0] = (struct gw_span){data, bytes};
    endpoint->span_count = 1;
}

int endpoint_wait_in(struct endpoint *endpoint, uint32_t count)
{
    WAIT_FOR(atomic_load(&endpoint->in.count) >= count);
    return atomic_load(&endpoint->in.result);
}

int endpoint_wait_out(struct endpoint *endpoint, uint32_t count)
{
    WAIT_FOR(atomic_load(&endpoint->out.count) >= count);
    return atomic_load(&endpoint->out.result);
}

void endpoint_assert_completed(struct endpoint *endpoint, uint32_t in_count, uint32_t out_count)
{
    fixture_run_now();
    assert_int_equal(atomic_load(&endpoint->in.count), in_count);
    assert_int_equal(atomic_load(&endpoint->out.count), out_count);
}
