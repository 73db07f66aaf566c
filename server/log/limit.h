/* server/log/limit.h: Limit of log lines per second. */
#ifndef GW_SERVER_LOG_LIMIT_H
#define GW_SERVER_LOG_LIMIT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Keeps clients from filling the disk through the log. All zero is the initial state. */
struct server_log_limit {
    _Atomic uint64_t window;        /* the current second, and the number of its lines */
    _Atomic uint64_t dropped;       /* dropped lines that are not reported yet */
    _Atomic uint64_t dropped_total; /* dropped lines since the start */
};

enum { SERVER_LOG_LINES_MAX = 1000000 };

/*
 * Takes one of the `lines_max` lines (at most SERVER_LOG_LINES_MAX) of the second `second`. A
 * second up to 10 before the current one counts as the current one: threads read the clock at
 * different times.
 *
 * Returns   whether the line may be written; if not, it is counted as dropped. *is_first_out is set
 *           to whether it is the first line of its second.
 * Thread    any.
 */
bool server_log_limit_take(struct server_log_limit *limit, uint64_t second, uint32_t lines_max,
                           bool *is_first_out);

/* Counts a dropped line: it was permitted, and could not be written. Thread: any. */
void server_log_limit_drop(struct server_log_limit *limit);

/* Adds the number that server_log_limit_take_dropped() returned: its report was not written.
 * Thread: any. */
void server_log_limit_return_dropped(struct server_log_limit *limit, uint64_t count);

/* Returns the number of dropped lines since the last call, for their report. Thread: any. */
uint64_t server_log_limit_take_dropped(struct server_log_limit *limit);

#endif
