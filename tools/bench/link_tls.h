/* tools/bench/link_tls.h: TLS of the load generator. */
#ifndef GW_TOOLS_BENCH_LINK_TLS_H
#define GW_TOOLS_BENCH_LINK_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct link_tls;

/* Completes a handshake on a blocking socket. NULL: it failed, or this build has no TLS. */
struct link_tls *link_tls_open(int socket);
void link_tls_close(struct link_tls *tls);

/* As send(2) and recv(2), with errno EAGAIN where these have it. recv takes all that has arrived,
 * if there is room for it. */
ssize_t link_tls_send(struct link_tls *tls, const uint8_t *data, size_t bytes);
ssize_t link_tls_recv(struct link_tls *tls, uint8_t *data, size_t bytes);

#endif
