/* tests/net/rig.c: an object with a socket, to call a backend's functions one by one. */
#include "tests/net/rig.h"

#include "net/internal.h"
#include <string.h>

const struct gw_backend_ops *rig_ops(void)
{
    return gw__port_ops(stage.port);
}

static void bring(struct outcome *outcome, int result)
{
    atomic_store(&outcome->result, result);
    atomic_fetch_add(&outcome->count, 1);
}

static void recv_done(struct rig *rig, int result)
{
    if (result > 0) {
        memcpy(rig->heard, rig->socket.in.own.data, (size_t)result);
    }
    bring(&rig->in, result);
}

void rig_accept_done(struct rig *rig, int result)
{
    rig->accepted = result == 0 ? rig->socket.accepted : OS_SOCKET_NONE;
    bring(&rig->in, result);
}

static void done(struct gw_op *op, int result)
{
    struct rig *rig = (struct rig *)((char *)gw__op_socket(op) - offsetof(struct rig, socket));
    if (op->way == GW_WAY_IN) {
        rig->in_done(rig, result);
    } else {
        bring(&rig->out, result);
    }
}

/* ---- what is done in a turn ---- */

static void rig_attach(void *context)
{
    struct rig *rig = context;
    if (rig_ops()->attach(&rig->socket) != 0) {
        checking_kernel_break("a socket can be attached");
    }
}

void rig_accept(void *context)
{
    struct rig *rig = context;
    rig_ops()->accept(&rig->socket);
}

void rig_connect(void *context)
{
    struct rig *rig = context;
    rig_ops()->connect(&rig->socket, &rig->addr);
}

void rig_recv(void *context)
{
    struct rig *rig = context;
    rig_ops()->recv(&rig->socket);
}

void rig_send(void *context)
{
    struct rig *rig = context;
    rig_ops()->send(&rig->socket, rig->spans, rig->span_count);
}

void rig_shutdown(void *context)
{
    struct rig *rig = context;
    rig_ops()->shutdown(&rig->socket);
}

void rig_cancel(void *context)
{
    struct rig *rig = context;
    rig_ops()->cancel(&rig->socket);
}

void rig_cancel_twice(void *context)
{
    rig_cancel(context);
    rig_cancel(context);
}

void rig_recv_and_cancel(void *context)
{
    rig_recv(context);
    rig_cancel(context);
}

static void rig_detach(void *context)
{
    struct rig *rig = context;
    rig_ops()->detach(&rig->socket, false);
}

void rig_do(struct rig *rig, void (*errand)(void *context))
{
    run_in_turn(&rig->turn, errand, rig);
}

/* ---- rigs ---- */

struct raw_socket rig_listener;
struct gw_addr rig_listener_addr;

void rig_stage_open(void)
{
    stage_open(&(struct stage_plan){.play = NULL});
    stage_settle();
    assert_int_equal(gw_addr_parse("127.0.0.1:0", &rig_listener_addr), 0);
    assert_true(raw_socket_listen(&rig_listener, &rig_listener_addr, 100));
}

void rig_stage_close(void)
{
    raw_socket_close(&rig_listener);
    stage_close();
}

void rig_init(struct rig *rig, os_socket handle)
{
    memset(rig, 0, sizeof(*rig));
    gw_turn_init(&rig->turn, stage.port, NULL);
    gw__socket_init(&rig->socket, handle, &rig->turn, done);
    rig->in_done = recv_done;
    rig_do(rig, rig_attach);
}

void rig_dial(struct rig *rig, const struct gw_addr *addr)
{
    os_socket handle;
    assert_int_equal(rig_ops()->socket_open(addr, NULL, &handle), 0);
    rig_init(rig, handle);
    rig->addr = *addr;
}

/* A rig that is connected to `peer_out`. */
void rig_connect_to(struct rig *rig, struct raw_socket *peer_out)
{
    struct gw_addr from;
    rig_dial(rig, &rig_listener_addr);
    rig_do(rig, rig_connect);
    WAIT_FOR(atomic_load(&rig->out.count) == 1);
    assert_int_equal(atomic_load(&rig->out.result), 0);
    assert_true(raw_socket_accept(&rig_listener, peer_out, &from));
    atomic_store(&rig->out.count, 0);
}

/* Its turn may be running still when its errand is done, but not when all lanes have settled. */
void rig_end(struct rig *rig)
{
    rig_do(rig, rig_detach);
    stage_settle();
}

void rig_set_span(struct rig *rig, const void *data, uint32_t bytes)
{
    rig->spans[0] = (struct gw_span){data, bytes};
    rig->span_count = 1;
}

int rig_wait_in(struct rig *rig, uint32_t count)
{
    WAIT_FOR(atomic_load(&rig->in.count) >= count);
    return atomic_load(&rig->in.result);
}

int rig_wait_out(struct rig *rig, uint32_t count)
{
    WAIT_FOR(atomic_load(&rig->out.count) >= count);
    return atomic_load(&rig->out.result);
}

/* Whatever was asked for has come home, each once. */
void rig_assert_all_came_home(struct rig *rig, uint32_t in_count, uint32_t out_count)
{
    stage_settle();
    assert_int_equal(atomic_load(&rig->in.count), in_count);
    assert_int_equal(atomic_load(&rig->out.count), out_count);
}
