/* net/backend.c: which of this system's backends a port runs on, and why. */
#include "net/backend/backend.h"

#include "net/internal.h"
#include <stddef.h>

static const char not_here[] = "not a backend of this system";

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
    return gw__backend_choose(backend).refusal;
}

/* The first that is wanted and runs. Why a better one does not is the reason for a worse one. */
struct gw_backend_choice gw__backend_choose(enum gw_backend backend)
{
    struct gw_backend_choice choice = {.refusal = not_here};
    choice.reason = backend == GW_BACKEND_AUTO ? "the best of this system" : "asked for";
    for (size_t i = 0; gw__backends[i] != NULL; i++) {
        const struct gw_backend_ops *ops = gw__backends[i];
        if (backend != GW_BACKEND_AUTO && backend != ops->backend) {
            continue;
        }
        if (ops->available(&choice.refusal)) {
            choice.ops = ops;
            choice.refusal = NULL;
            return choice;
        }
        choice.reason = choice.refusal;
    }
    return choice;
}
