/* tests/net/rig.h: an object with a socket, to call a backend's functions one by one. */
#ifndef GW_TESTS_NET_RIG_H
#define GW_TESTS_NET_RIG_H

#include "net/backend/backend.h"
#include "tests/net/stage.h"
#include <stdatomic.h>
#include <stdint.h>

/* What an operation brought. */
struct outcome {
    atomic_uint count;
    atomic_int result;
};

/* An object with a socket, and nothing of a stream. */
struct rig {
    struct gw_turn turn;
    struct gw_socket socket;
    void (*in_done)(struct rig *rig, int result); /* of a recv, if nobody puts another one here */
    struct outcome in;
    struct outcome out;
    os_socket accepted;
    uint8_t heard[GW_STREAM_RECV_BYTES_MAX];
    struct gw_addr addr;
    struct gw_span spans[GW_SEND_SPAN_COUNT_MAX];
    int span_count;
};

/* The ops of the stage's port. */
const struct gw_backend_ops *rig_ops(void);

/* A stage, and a raw socket beside it that listens. */
extern struct raw_socket rig_listener;
extern struct gw_addr rig_listener_addr;
void rig_stage_open(void);
void rig_stage_close(void);

/* A rig of any socket; of one that may connect to `addr`; of one that is connected to `peer_out`.
 */
void rig_init(struct rig *rig, os_socket handle);
void rig_dial(struct rig *rig, const struct gw_addr *addr);
void rig_connect_to(struct rig *rig, struct raw_socket *peer_out);

/* Detaches it, and waits until its last turn is over. */
void rig_end(struct rig *rig);

/* What can be done in a turn of the rig, and doing it. */
void rig_accept(void *context);
void rig_connect(void *context);
void rig_recv(void *context);
void rig_send(void *context);
void rig_shutdown(void *context);
void rig_cancel(void *context);
void rig_cancel_twice(void *context);
void rig_recv_and_cancel(void *context);
void rig_do(struct rig *rig, void (*what)(void *context));

/* What is to be sent, when it is in one piece. */
void rig_set_span(struct rig *rig, const void *data, uint32_t bytes);

/* An in_done for accepts. */
void rig_accept_done(struct rig *rig, int result);

/* Waits until so many operations have come home. Returns the last result. */
int rig_wait_in(struct rig *rig, uint32_t count);
int rig_wait_out(struct rig *rig, uint32_t count);

/* Asserts that so many have come home and no more, each once. */
void rig_assert_all_came_home(struct rig *rig, uint32_t in_count, uint32_t out_count);

#endif
