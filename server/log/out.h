/* server/log/out.h: the file that the log's lines are written to. */
#ifndef GW_SERVER_LOG_OUT_H
#define GW_SERVER_LOG_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

/*
 * Lines are written whole, one after the other, or not at all: one that the file took only a part
 * of is continued before the next one.
 */
struct server_log_out;

/*
 * Returns   the output, or NULL when there is no memory for it.
 * Owns      gives the output; end it with server_log_out_destroy(). Borrows `file`, which must be
 *           untouched, until then.
 */
struct server_log_out *server_log_out_create(FILE *file);

/* NULL is allowed. */
void server_log_out_destroy(struct server_log_out *out);

/*
 * Writes one line of at most SERVER_LOG_OUT_BYTES_MAX bytes. Waits for a file that blocks; for one
 * that another program has made non-blocking at most `wait_ms`, all in all.
 *
 * Returns   whether the file has it, or has a part of it and gets the rest with the next line.
 * Thread    any.
 */
bool server_log_out_write(struct server_log_out *out, const char *line, size_t bytes,
                          uint32_t wait_ms);

enum { SERVER_LOG_OUT_BYTES_MAX = 4096 };

/*
 * What the system said of the last line that could not be written whole: an errno, 0: there is
 * none. `is_cut_out` says whether a part of a line is still missing. Thread: any.
 */
int server_log_out_error(struct server_log_out *out, bool *is_cut_out);

/* Seconds and nanoseconds since 1970; all zero when the system does not know. Thread: any. */
struct timespec server_log_utc_now(void);

#endif
