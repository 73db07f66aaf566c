/* net/backend/list.c: The backends of each system, the preferred one first. */
#include "net/backend/backend.h"

#include <stddef.h>

#ifdef _WIN32

extern const struct gw_backend_ops gw__backend_iocp;

const struct gw_backend_ops *const gw__backends[] = {
    &gw__backend_iocp,
    NULL,
};

#else

extern const struct gw_backend_ops gw__backend_uring;
extern const struct gw_backend_ops gw__backend_epoll;

const struct gw_backend_ops *const gw__backends[] = {
    &gw__backend_uring,
    &gw__backend_epoll,
    NULL,
};

#endif
