/* net/backend.c: Names of backends, and the reason why one cannot run on this machine. */
#include "net/backend/backend.h"

#include <stddef.h>

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
