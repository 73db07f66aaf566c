/* server/log/out.h: Output of the log: the file, and the time of day. */
#ifndef GW_SERVER_LOG_OUT_H
#define GW_SERVER_LOG_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

/*
 * Writes lines to a file, each completely or not at all: the rest of a line that the file took in
 * part is written before the next line.
 */
struct server_log_out;

/*
 * Returns   the output, or NULL when out of memory.
 * Owns      gives the output; destroy it with server_log_out_destroy(). Borrows `file` until then;
 *           nothing may have been written to it before.
 */
struct server_log_out *server_log_out_create(FILE *file);

/* NULL has no effect. */
void server_log_out_destroy(struct server_log_out *out);

/*
 * Writes one line of at most SERVER_LOG_OUT_BYTES_MAX bytes. Waits for a blocking file, and at most
 * `wait_ms` for one that another program has made non-blocking.
 *
 * Returns   whether the file took the line, or a part of it; then the rest is written with the next
 *           line.
 * Thread    any.
 */
bool server_log_out_write(struct server_log_out *out, const char *line, size_t bytes,
                          uint32_t wait_ms);

enum { SERVER_LOG_OUT_BYTES_MAX = 4096 };

/*
 * Returns the errno of the last write that failed, or 0. *is_cut_out is set to whether the rest of
 * a line is not written yet. Thread: any.
 */
int server_log_out_error(struct server_log_out *out, bool *is_cut_out);

/* Returns the time since 1970 (UTC), or 0 if the system has none. Thread: any. */
struct timespec server_log_utc_now(void);

#endif
