/* tests/net/backend_fixture.h: an object with a socket, to call a backend's functions one by one.
 */
#ifndef GW_TESTS_NET_BACKEND_FIXTURE_H
#define GW_TESTS_NET_BACKEND_FIXTURE_H

#include "net/backend/backend.h"
#include "tests/net/port_fixture.h"
#include <stdatomic.h>
#include <stdint.h>

/* What an operation brought. */
struct outcome {
    atomic_uint count;
    atomic_int result;
};

/* An object with a socket, and nothing of a stream. */
struct backend_fixture {
    struct gw_turn turn;
    struct gw_socket socket;
    void (*in_done)(struct backend_fixture *backend_fixture,
                    int result); /* of a recv, if nobody puts another one here */
    struct outcome in;
    struct outcome out;
    os_socket accepted;
    uint8_t received[GW_STREAM_RECV_BYTES_MAX];
    struct gw_addr addr;
    struct gw_span spans[GW_SEND_SPAN_COUNT_MAX];
    int span_count;
};

/* The ops of the stage's port. */
const struct gw_backend_ops *backend_fixture_ops(void);

/* A stage, and a raw socket beside it that listens. */
extern struct raw_socket backend_fixture_listener;
extern struct gw_addr backend_fixture_listener_addr;
void backend_fixture_port_open(void);
void backend_fixture_port_close(void);

/* A rig of any socket; of one that may connect to `addr`; of one that is connected to `peer_out`.
 */
void backend_fixture_init(struct backend_fixture *backend_fixture, os_socket handle);
void backend_fixture_dial(struct backend_fixture *backend_fixture, const struct gw_addr *addr);
void backend_fixture_connect_to(struct backend_fixture *backend_fixture,
                                struct raw_socket *peer_out);

/* Detaches it, and waits until its last turn is over. */
void backend_fixture_end(struct backend_fixture *backend_fixture);

/* What can be done in a turn of the rig, and doing it. */
void backend_fixture_accept(void *context);
void backend_fixture_connect(void *context);
void backend_fixture_recv(void *context);
void backend_fixture_send(void *context);
void backend_fixture_shutdown(void *context);
void backend_fixture_cancel(void *context);
void backend_fixture_cancel_twice(void *context);
void backend_fixture_recv_and_cancel(void *context);
void backend_fixture_do(struct backend_fixture *backend_fixture, void (*what)(void *context));

/* What is to be sent, when it is in one piece. */
void backend_fixture_set_span(struct backend_fixture *backend_fixture, const void *data,
                              uint32_t bytes);

/* An in_done for accepts. */
void backend_fixture_accept_done(struct backend_fixture *backend_fixture, int result);

/* Waits until so many operations have come home. Returns the last result. */
int backend_fixture_wait_in(struct backend_fixture *backend_fixture, uint32_t count);
int backend_fixture_wait_out(struct backend_fixture *backend_fixture, uint32_t count);

/* Asserts that so many have come home and no more, each once. */
void backend_fixture_assert_all_came_home(struct backend_fixture *backend_fixture,
                                          uint32_t in_count, uint32_t out_count);

#endif
