/* server/log/limit.c: Limit of log lines per second. */
#include "server/log/limit.h"

/* The second and its lines share one word, so that one atomic exchange begins a new second. */
enum { LINES_BITS = 24, SECONDS_BEHIND_MAX = 10 };
#define LINES_MASK (((uint64_t)1 << LINES_BITS) - 1)

/* A thread that read the clock before the others must not set the window back. */
static bool is_new_second(uint64_t window, uint64_t second)
{
    uint64_t current = window >> LINES_BITS;
    return second > current || second + SECONDS_BEHIND_MAX < current;
}

void server_log_limit_drop(struct server_log_limit *limit)
{
    atomic_fetch_add_explicit(&limit->dropped, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&limit->dropped_total, 1, memory_order_relaxed);
}

bool server_log_limit_take(struct server_log_limit *limit, uint64_t second, uint32_t lines_max,
                           bool *is_first_out)
{
    uint64_t window = atomic_load_explicit(&limit->window, memory_order_relaxed);
    for (;;) {
        uint64_t next = is_new_second(window, second) ? second << LINES_BITS : window;
        *is_first_out = (next & LINES_MASK) == 0;
        if ((next & LINES_MASK) >= lines_max) {
            server_log_limit_drop(limit);
            return false;
        }
        if (atomic_compare_exchange_weak(&limit->window, &window, next + 1)) {
            return true;
        }
    }
}

uint64_t server_log_limit_take_dropped(struct server_log_limit *limit)
{
    if (atomic_load_explicit(&limit->dropped, memory_order_relaxed) == 0) {
        return 0;
    }
    return atomic_exchange_explicit(&limit->dropped, 0, memory_order_relaxed);
}

void server_log_limit_return_dropped(struct server_log_limit *limit, uint64_t count)
{
    atomic_fetch_add_explicit(&limit->dropped, count, memory_order_relaxed);
}
