/* net/backend/list.c: The backends of each system, the preferred one first; their names, and refusals. */
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

const char *gw_backend_name(enum gw_backend backend)
{
    switch (backend) {
    case GW_BACKEND_AUTO:
        return "auto";
    case GW_BACKEND_IOCP:
        return "iocp";
    case GW_BACKEND_URING:
        return "uring";
    case GW_BACKEND_EPOLL:
        return "epoll";
    }
    return "?";
}

const char *gw_backend_refusal(enum gw_backend backend)
{
    const char *why = "not a backend of this system";
    for (size_t i = 0; gw__backends[i] != NULL; i++) {
        bool is_wanted = backend == GW_BACKEND_AUTO || backend == gw__backends[i]->backend;
        if (is_wanted && gw__backends[i]->available(&why)) {
            return NULL;
        }
    }
    return why;
}
