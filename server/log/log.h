/* server/log/log.h: what happened, one line for each event. */
#ifndef GW_SERVER_LOG_LOG_H
#define GW_SERVER_LOG_LOG_H

#include "net/log.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/*
 * A line is made on the stack of who has something to tell, field by field, and written at once:
 *
 *      2026-01-31T12:00:00.000Z info    said session=4294967297 name="Ann" text="hello"
 *
 * What players write stands in quotes. In it a quote, a backslash, controls, turned directions and
 * what cannot be seen are written as \" \\ \n \x1B \u{202E}, and each byte that is no UTF-8 as
 * \xNN: a line in the log is a line that we wrote, and ends where we ended it.
 *
 * A line longer than SERVER_LOG_LINE_BYTES is cut and ends in "...". A second has at most
 * lines_per_second_max lines, the last tenth of them kept for warnings and errors. The others are
 * counted, as is each line that could not be written, and one line tells how many they are.
 */
struct server_log;

struct server_log_config {
    enum gw_log_level level;       /* lines of this level and graver ones are written */
    uint32_t lines_per_second_max; /* at most SERVER_LOG_LINES_MAX */
};

/*
 * Opens a log that writes to `out`, one write for each line. `out` must be untouched. A file that
 * blocks holds up the thread that writes a line, and so its turn.
 *
 * Returns   the log, or NULL when there is no memory for it.
 * Owns      gives the log; end it with server_log_destroy(). Borrows `out` until then.
 */
struct server_log *server_log_create(FILE *out, const struct server_log_config *config);

/*
 * From now on a line waits up to a second for room in a file that another program has made
 * non-blocking, where otherwise it is dropped: for the last lines, when no turn waits for them.
 *
 * Thread    any.
 */
void server_log_wait(struct server_log *log);

/*
 * Writes how many lines were dropped last.
 *
 * Returns   0, or, when a line could not be written, how many are missing altogether; then *why_out
 *           is what the system said, until the next call of strerror().
 * Thread    setup.
 */
uint64_t server_log_finish(struct server_log *log, const char **why_out);

/* Writes how many lines were dropped last, and ends the log. NULL is allowed. */
void server_log_destroy(struct server_log *log);

/* For the layers below: their events become lines. Thread: any. */
struct gw_log server_log_hook(struct server_log *log);

/* How many lines were dropped so far: beyond the limit, or not written. Thread: any. */
uint64_t server_log_dropped(struct server_log *log);

/* A line as it is said, whole, without time and level, whatever the limits are. Thread: any. */
void server_log_plain(struct server_log *log, const char *text);

enum { SERVER_LOG_LINE_BYTES = 2048 };

/* A line in the making. All members are the log's own; tests may read text and used_bytes. */
struct server_log_line {
    struct server_log *log; /* NULL: nobody wants it, and the fields cost nothing */
    bool is_full;
    size_t used_bytes;
    char text[SERVER_LOG_LINE_BYTES];
};

/*
 * Begins a line. `event` is a name that stays the same. Between this and server_log_end() any
 * number of fields follow; all of these cost nothing when the line is not wanted.
 *
 * Thread    any; each line belongs to the thread that makes it.
 */
void server_log_begin(struct server_log_line *line, struct server_log *log, enum gw_log_level level,
                      const char *event);

/* Begins a line of what the operator asked for, which is held back by no limit. */
void server_log_begin_report(struct server_log_line *line, struct server_log *log,
                             const char *event);

void server_log_number(struct server_log_line *line, const char *name, int64_t number);
void server_log_id(struct server_log_line *line, const char *name, uint64_t id);
void server_log_word(struct server_log_line *line, const char *name, const char *word);
void server_log_text(struct server_log_line *line, const char *name, const char *text);

/* Pieces without a name, for who prints something larger: our own text, and a player's. */
void server_log_put(struct server_log_line *line, const char *text);
void server_log_put_quoted(struct server_log_line *line, const char *text, size_t bytes_max);

void server_log_end(struct server_log_line *line);

#endif
