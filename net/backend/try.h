/* net/backend/try.h: Socket calls that a submit tries at once. Private to net. */
#ifndef GW_NET_BACKEND_TRY_H
#define GW_NET_BACKEND_TRY_H

#include "net/backend/backend.h"
#include <stdbool.h>

/*
 * epoll and io_uring share these: a submit first tries the system call. Each function returns false
 * when the operation must wait until the socket is ready; otherwise `result_out` is the result of
 * the operation. Thread of all: worker.
 */
bool gw__try_connect(os_socket socket, const struct gw_addr *addr, int *result_out);
bool gw__try_send(os_socket socket, const struct gw_span *spans, int span_count, int *result_out);

/* The result of a connect that had to wait, once the socket is writable: 0 or a gw_error. */
int gw__try_connected(os_socket socket);

#endif
