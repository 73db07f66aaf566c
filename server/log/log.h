/* server/log/log.h: The log of the server, one line for each event. */
#ifndef GW_SERVER_LOG_LOG_H
#define GW_SERVER_LOG_LOG_H

#include "net/log.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/*
 * A line is built on the stack of the caller, field by field, and written at its end:
 *
 *      2026-01-31T12:00:00.000Z info    said session=4294967297 name="Ann" text="hello"
 *
 * Text of clients is quoted. In it, quotes, backslashes, controls, directional marks and invisible
 * code points are escaped as \" \\ \n \x1B \u{202E}, and each byte that is not UTF-8 as \xNN: no
 * client can write a line of the log, or change how a terminal shows one.
 *
 * A line longer than SERVER_LOG_LINE_BYTES is cut and ends in "...". In each second at most
 * lines_per_second_max lines are written; the last tenth of them is reserved for warnings and
 * errors. Lines beyond the limit, and lines that could not be written, are counted; a line with the
 * event log_dropped has their number.
 */
struct server_log;

struct server_log_config {
    enum gw_log_level level;       /* lines of this level and of more severe ones are written */
    uint32_t lines_per_second_max; /* at most SERVER_LOG_LINES_MAX */
};

/*
 * Creates a log that writes to `out`, one write for each line. Nothing may have been written to
 * `out` before. A file that blocks blocks the thread that writes a line, and so its turn.
 *
 * Returns   the log, or NULL when out of memory.
 * Owns      gives the log; destroy it with server_log_destroy(). Borrows `out` until then.
 */
struct server_log *server_log_create(FILE *out, const struct server_log_config *config);

/*
 * From now on a line waits up to a second for space in a file that another program has made
 * non-blocking; before, it is dropped. For the last lines, when no worker thread runs.
 *
 * Thread    any.
 */
void server_log_wait(struct server_log *log);

/*
 * Writes the number of lines that were dropped since the last log_dropped.
 *
 * Returns   0, or, when a line could not be written, the number of all missing lines; then *why_out
 *           is the system's error text, valid until the next call of strerror().
 * Thread    setup.
 */
uint64_t server_log_finish(struct server_log *log, const char **why_out);

/* Writes the number of lines that were dropped, and frees the log. NULL has no effect. */
void server_log_destroy(struct server_log *log);

/* Returns a hook for the layers below: their events become lines. Thread: any. */
struct gw_log server_log_hook(struct server_log *log);

/* Returns the number of lines dropped so far: beyond the limit, or not written. Thread: any. */
uint64_t server_log_dropped(struct server_log *log);

/* Writes `text` without time and level, regardless of the limits. Thread: any. */
void server_log_plain(struct server_log *log, const char *text);

enum { SERVER_LOG_LINE_BYTES = 2048 };

/* A line that is being built. Its members belong to the log; tests may read text and used_bytes. */
struct server_log_line {
    struct server_log *log; /* NULL: the line is not written, and fields cost nothing */
    bool is_full;
    size_t used_bytes;
    char text[SERVER_LOG_LINE_BYTES];
};

/*
 * Begins a line. `event` is a constant name. Any number of fields follow, then server_log_end().
 * They cost nothing when the line is not written because of its level or the limit.
 *
 * Thread    any; a line belongs to the thread that began it.
 */
void server_log_begin(struct server_log_line *line, struct server_log *log, enum gw_log_level level,
                      const char *event);

/* Begins a line that the operator asked for; limits do not apply to it. */
void server_log_begin_report(struct server_log_line *line, struct server_log *log,
                             const char *event);

void server_log_number(struct server_log_line *line, const char *name, int64_t number);
void server_log_id(struct server_log_line *line, const char *name, uint64_t id);
void server_log_word(struct server_log_line *line, const char *name, const char *word);
void server_log_text(struct server_log_line *line, const char *name, const char *text);

/* Append text without a field name: as it is, or quoted and escaped. */
void server_log_put(struct server_log_line *line, const char *text);
void server_log_put_quoted(struct server_log_line *line, const char *text, size_t bytes_max);

void server_log_end(struct server_log_line *line);

#endif
