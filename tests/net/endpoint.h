/* tests/net/endpoint.h: An object with a socket, to call a backend's functions one by one. */
#ifndef GW_TESTS_NET_ENDPOINT_H
#define GW_TESTS_NET_ENDPOINT_H

#include "net/backend/backend.h"
#include "tests/net/port_fixture.h"
#include <stdatomic.h>
#include <stdint.h>

/* The number of completed operations, and the last result. */
struct outcome {
    atomic_uint count;
    atomic_int result;
};

/* An object with a socket, without a stream. */
struct endpoint {
    struct gw_turn turn;
    struct gw_socket socket;
    void (*in_done)(struct endpoint *endpoint,
                    int result); /* of a recv, unless the test changes it */
    struct outcome in;
    struct outcome out;
    os_socket accepted;
    uint8_t received[GW_STREAM_RECV_BYTES_MAX];
    struct gw_addr addr;
    struct gw_span spans[GW_SEND_SPAN_COUNT_MAX];
    int span_count;
};

/* The ops of the fixture's port. */
const struct gw_backend_ops *endpoint_ops(void);

/* A port fixture, and a raw socket that listens. */
extern struct raw_socket endpoint_listener;
extern struct gw_addr endpoint_listener_addr;
void endpoint_port_open(void);
void endpoint_port_close(void);

/* With any socket; with one that can connect to `addr`; with one that is connected to `peer_out`.
 */
void endpoint_init(struct endpoint *endpoint, os_socket handle);
void endpoint_dial(struct endpoint *endpoint, const struct gw_addr *addr);
void endpoint_connect_to(struct endpoint *endpoint, struct raw_socket *peer_out);

/* Detaches it, and waits until its last turn has ended. */
void endpoint_end(struct endpoint *endpoint);

/* Calls for endpoint_do(), which runs one in a turn of the endpoint. */
void endpoint_accept(void *context);
void endpoint_connect(void *context);
void endpoint_recv(void *context);
void endpoint_send(void *context);
void endpoint_shutdown(void *context);
void endpoint_cancel(void *context);
void endpoint_cancel_twice(void *context);
void endpoint_recv_and_cancel(void *context);
void endpoint_do(struct endpoint *endpoint, void (*call)(void *context));

/* Sets the bytes to send. */
void endpoint_set_span(struct endpoint *endpoint, const void *data, uint32_t bytes);

/* An in_done for accepts. */
void endpoint_accept_done(struct endpoint *endpoint, int result);

/* Waits until this many operations have completed. Returns the last result. */
int endpoint_wait_in(struct endpoint *endpoint, uint32_t count);
int endpoint_wait_out(struct endpoint *endpoint, uint32_t count);

/* Asserts that exactly this many operations have completed. */
void endpoint_assert_completed(struct endpoint *endpoint, uint32_t in_count, uint32_t out_count);

#endif
