/* net/backend/try.h: calls that are tried at once, on a socket that may be ready. Private to
 * net. */
#ifndef GW_NET_BACKEND_TRY_H
#define GW_NET_BACKEND_TRY_H

#include "net/backend/backend.h"
#include <stdbool.h>

/*
 * What epoll and io_uring do alike, inside a submit: the kernel is asked at once. Each returns
 * false when that must wait until the socket is ready for more; otherwise `result_out` is what the
 * operation's done is told. Thread of all: worker.
 */
bool gw__try_connect(os_socket socket, const struct gw_addr *addr, int *result_out);
bool gw__try_send(os_socket socket, const struct gw_span *spans, int span_count,
                      int *result_out);

/* What became of a connect that had to wait: 0 or a gw_error. */
int gw__try_connected(os_socket socket);

#endif
