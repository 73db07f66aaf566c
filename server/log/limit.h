/* server/log/limit.h: how many lines a second the log may have. */
#ifndef GW_SERVER_LOG_LIMIT_H
#define GW_SERVER_LOG_LIMIT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Whatever players do, the log stays readable and the disk stays free. All zero is a fresh one. */
struct server_log_limit {
    _Atomic uint64_t window;        /* the second it counts, and the lines it has had */
    _Atomic uint64_t dropped;       /* lines refused that nobody was told of yet */
    _Atomic uint64_t dropped_total; /* lines refused since the beginning */
};

enum { SERVER_LOG_LINES_MAX = 1000000 };

/*
 * Asks for one line in the second `second`, which may have `lines_max` of them, at most
 * SERVER_LOG_LINES_MAX. A second that lies a little behind counts as the newest one.
 *
 * Returns   whether it may be written; *is_first_out says whether it is the first of its second.
 * Thread    any.
 */
bool server_log_limit_take(struct server_log_limit *limit, uint64_t second, uint32_t lines_max,
                           bool *is_first_out);

/* Counts a line that was not refused, and could not be written. Thread: any. */
void server_log_limit_drop(struct server_log_limit *limit);

/* Takes back what server_log_limit_take_dropped() gave: the line that says so was not written. */
void server_log_limit_untell(struct server_log_limit *limit, uint64_t count);

/* How many were refused since the last time this was asked: for the line that says so. */
uint64_t server_log_limit_take_dropped(struct server_log_limit *limit);

#endif
