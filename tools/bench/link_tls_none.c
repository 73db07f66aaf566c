/* tools/bench/link_tls_none.c: The load generator of a build without OpenSSL. */
#include "tools/bench/link_tls.h"

#include <errno.h>

struct link_tls *link_tls_open(int socket)
{
    (void)socket;
    return NULL;
}

void link_tls_close(struct link_tls *tls)
{
    (void)tls;
}

ssize_t link_tls_send(struct link_tls *tls, const uint8_t *data, size_t bytes)
{
    (void)tls;
    (void)data;
    (void)bytes;
    errno = ENOTSUP;
    return -1;
}

ssize_t link_tls_recv(struct link_tls *tls, uint8_t *data, size_t bytes)
{
    (void)tls;
    (void)data;
    (void)bytes;
    errno = ENOTSUP;
    return -1;
}
